"""The running count of one provider's evidence: verdict, rest, steps back. Pure: time comes with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from fallback_cast.health.judgement import Judgement
from fallback_cast.health.rules import RULES, Rules
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence, Signal, Verdict

KEPT = 10  # rows that a judgement shows


class Tally:
    """The running count of one provider's evidence, taken in the order of time."""

    __slots__ = (
        "_good",
        "_good_probes",
        "_hint",
        "_last_bad_at",
        "_opened",
        "_probes_failed",
        "_proven",
        "_rules",
        "_run",
        "_sends_failed",
        "began_at",
        "configuration",
        "detail",
        "failures",
        "layer",
        "lived_at",
        "openings",
        "retry_at",
        "seen_at",
        "since",
        "verdict",
    )

    def __init__(self, since: datetime, rules: Rules = RULES) -> None:
        self._rules = rules
        self.verdict, self.since = Verdict.UNKNOWN, since
        self.failures, self.openings = 0.0, 0
        self.retry_at: datetime | None = None
        self.layer: Layer | None = None
        self.detail = ""
        self.configuration = False
        self.began_at: datetime | None = None
        self.lived_at: datetime | None = None
        self.seen_at: datetime | None = None
        self._run: list[Evidence] = []  # failures in a row
        self._opened: list[datetime] = []  # when it went down, lately
        self._good: Evidence | None = None
        self._hint: Evidence | None = None
        self._sends_failed: list[tuple[datetime, float]] = []  # in a row, lately, whatever probes say
        self._probes_failed = False  # in this outage: else a probe cannot tell that it is over
        self._good_probes = 0  # since it is recovering
        self._proven = False  # it made all the steps back, and only a quiet time is missing
        self._last_bad_at: datetime | None = None

    @property
    def good_at(self) -> datetime | None:
        return self._good.at if self._good else None

    # -- taking evidence -----------------------------------------------------------------------

    def take(self, seen: Evidence, *, blamed: bool = True) -> None:
        """One more observation. `blamed` is False while its witness was offline: failures are its own."""
        self.pass_time(seen.at)
        match seen.signal:
            case Signal.GOOD:
                self._take_good(seen)
            case Signal.LIMITED:
                self.lived_at = seen.at
            case Signal.HINT:
                self._hint = seen
            case Signal.DENIED if blamed:
                self._take_denied(seen)
            case Signal.BAD | Signal.HALF | Signal.CONFIRMED if blamed:
                self._take_bad(seen)
        self.seen_at = seen.at

    def pass_time(self, now: datetime) -> None:
        """What time alone changes. Asking often or seldom makes no difference."""
        if self._last_bad_at is None:
            return
        quiet_at = self._last_bad_at + self._rules.quiet
        stale_at = self._last_bad_at + self._rules.memory
        if self.verdict is Verdict.RECOVERING and self._proven and now >= quiet_at:
            self._become(Verdict.UP, quiet_at)
        elif self.verdict is Verdict.SUSPECT and now >= stale_at:
            self._become(Verdict.UNKNOWN, stale_at)
        if self.verdict is Verdict.UP and now >= quiet_at:
            self.openings = 0

    def _take_good(self, seen: Evidence) -> None:
        self.failures, self.lived_at, self._good = 0.0, seen.at, seen
        self.configuration = False
        if seen.source == "send":
            self._sends_failed = []
        match self.verdict:
            case Verdict.DOWN:
                self._become(Verdict.RECOVERING, seen.at)
                self._good_probes, self._proven = 0, False
                self.retry_at = None
                self._step(seen, first=True)
            case Verdict.RECOVERING:
                self._step(seen)
            case _:
                self._become(Verdict.UP, seen.at)

    def _step(self, seen: Evidence, *, first: bool = False) -> None:
        """One probe, one real message, then all. A second good probe stands for the message; but while
        it comes and goes, or if probes were good all the while that sends failed, only after a quiet time.
        """
        by_message = seen.source == "send"
        self._good_probes += not by_message
        if first or not (by_message or self._good_probes > 1):
            return
        self._proven = True
        if not self.is_flapping(seen.at) and (by_message or self._probes_failed):
            self._become(Verdict.UP, seen.at)

    @property
    def waits_for_quiet(self) -> bool:
        """All steps back are made; a further probe would tell nothing."""
        return self.verdict is Verdict.RECOVERING and self._proven

    def is_flapping(self, now: datetime) -> bool:
        return sum(now - at <= self._rules.flaps_within for at in self._opened) >= self._rules.flaps

    def _take_bad(self, seen: Evidence) -> None:
        self._note_failure(seen)
        self.failures += self._weight(seen)
        self._good_probes, self._proven = 0, False
        self._note_send(seen)
        match self.verdict:
            case Verdict.DOWN:
                self.configuration &= self.failures < self._rules.open_at
                self._rest_longer(seen.at)
            case Verdict.RECOVERING:
                if self.failures >= 1.0:
                    self._open(seen.at)
            case _:
                if self._weight_in_a_row(seen.at) >= self._rules.open_at:
                    self._open(seen.at)
                else:
                    self._become(Verdict.SUSPECT, seen.at)

    def _take_denied(self, seen: Evidence) -> None:
        self._note_failure(seen)
        self.lived_at = seen.at
        self.configuration, self.failures = True, 0.0
        self._probes_failed |= seen.source != "send"
        if self.verdict is Verdict.DOWN:
            self._rest_longer(seen.at)
        else:
            self._open(seen.at)

    def _note_failure(self, seen: Evidence) -> None:
        if self.began_at is None:
            self.began_at = seen.at
        self._run = [*self._run[-(KEPT - 1) :], seen]
        self._last_bad_at = seen.at
        self.layer, self.detail = seen.layer, seen.detail

    def would_open(self, signal: Signal, layer: Layer | None) -> bool:
        """Whether one more failure may take it down (if it is not down already)."""
        if self.verdict is Verdict.DOWN:
            return False
        weight = (
            self._weight_of(signal, layer) + max(self.failures, sum(w for _, w in self._sends_failed)) + 1
        )
        return signal is Signal.DENIED or self.verdict is Verdict.RECOVERING or weight >= self._rules.open_at

    def _note_send(self, seen: Evidence) -> None:
        """Real messages are the strongest evidence: a good probe between them does not outweigh them."""
        if seen.source != "send":
            self._probes_failed = True
            return
        lately = seen.at - self._rules.quiet
        self._sends_failed = [*((at, w) for at, w in self._sends_failed if at > lately)][-KEPT:]
        self._sends_failed.append((seen.at, self._weight(seen)))

    def _weight_in_a_row(self, now: datetime) -> float:
        hinted = self._hint is not None and self._is_news(self._hint, now)
        return max(self.failures, sum(weight for _, weight in self._sends_failed)) + hinted

    def _weight(self, seen: Evidence) -> float:
        return self._weight_of(seen.signal, seen.layer)

    def _weight_of(self, signal: Signal, layer: Layer | None) -> float:
        match signal:
            case Signal.HALF:
                return 0.5
            case Signal.CONFIRMED:
                return self._rules.fact if layer is Layer.TLS else self._rules.confirmed
        return 1.0

    def _is_news(self, hint: Evidence, now: datetime) -> bool:
        """A hint counts as one failure, unless it is old or the platform has just shown that it works."""
        fresh = now - hint.at < self._rules.memory
        return fresh and (self._good is None or hint.at - self._good.at > self._rules.hint_after)

    # -- verdicts ------------------------------------------------------------------------------

    def resume(
        self,
        verdict: Verdict,
        *,
        since: datetime,
        layer: Layer | None,
        detail: str,
        configuration: bool,
        retry_at: datetime | None,
        openings: int,
        failures: float,
    ) -> None:
        """Go on from a verdict whose evidence is not at hand any more."""
        self.verdict, self.since, self.layer, self.detail = verdict, since, layer, detail
        self.configuration, self.retry_at = configuration, retry_at
        self.openings, self.failures = openings, failures
        if verdict in (Verdict.SUSPECT, Verdict.DOWN, Verdict.RECOVERING):
            self.began_at = self._last_bad_at = since

    def _open(self, at: datetime) -> None:
        self._become(Verdict.DOWN, at)
        self.openings += 1
        self.retry_at = at + self._rest()
        self._opened = [*(t for t in self._opened if at - t <= self._rules.flaps_within), at]

    def _rest_longer(self, at: datetime) -> None:
        """Only a try after the rest tells anything new: what was in flight at the opening does not."""
        if self.retry_at is None or at >= self.retry_at:
            self.openings += 1
            self.retry_at = at + self._rest()

    def _rest(self) -> timedelta:
        return min(self._rules.rest * self.openings, self._rules.rest_at_most)

    def _become(self, verdict: Verdict, at: datetime) -> None:
        if verdict is not self.verdict:
            self.verdict, self.since = verdict, at
        if verdict in (Verdict.UP, Verdict.UNKNOWN):
            self.failures, self._run, self.began_at = 0.0, [], None
            self.layer, self.detail, self.retry_at = None, "", None
            self._probes_failed = False

    def judgement(self, now: datetime) -> Judgement:
        self.pass_time(now)
        verdict, since, rows = self.verdict, self.since, tuple(self._run)
        if verdict is Verdict.UP:
            rows = (self._good,) if self._good else ()
            if self._hint is not None and self._is_news(self._hint, now):
                verdict, since, rows = Verdict.SUSPECT, self._hint.at, (self._hint,)
        elif verdict is Verdict.RECOVERING and self._good is not None:
            rows = (*rows, self._good)
        return Judgement(
            verdict=verdict,
            since=since,
            layer=self.layer,
            detail=self.detail,
            evidence=rows,
            configuration=self.configuration,
            retry_at=self.retry_at,
            openings=self.openings,
            failures=self.failures,
            flapping=self.waits_for_quiet and self.is_flapping(self._last_bad_at or now),
            began_at=self.began_at,
            lived_at=self.lived_at,
            seen_at=self.seen_at,
        )
