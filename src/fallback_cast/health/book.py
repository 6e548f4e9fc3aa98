"""The health memory of one run: probes, judgements, and who may be tried right now.

Everything seen becomes evidence, is judged at once, and is stored behind the back of whoever sends.
The next run begins with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from fallback_cast.health import signals
from fallback_cast.health.domains import Platform, down_domains
from fallback_cast.health.hints import Feed, Hints
from fallback_cast.health.inquiry import Inquiry
from fallback_cast.health.judge import in_order
from fallback_cast.health.judgement import Judgement
from fallback_cast.health.keeping import Keeping, Save
from fallback_cast.health.line import REFERENCE, Line, LineState
from fallback_cast.health.lookout import Lookout, Reference
from fallback_cast.health.signals import FAILURES, Reading
from fallback_cast.health.watch import NEVER, OFFLINE, PROBE_AGAIN, SILENT, Watch, begin_watch, remember
from fallback_cast.ledger.memory import Breaker
from fallback_cast.model.channel import Channel
from fallback_cast.model.errors import SendError
from fallback_cast.model.health import Check, Evidence, Signal, Verdict
from fallback_cast.routing.outlook import ChannelStanding

CALM = timedelta(seconds=5)  # while all is well, one good word in so long is kept
KEPT_IN_FLIGHT = 20  # failures of what was in flight when a provider went down
NO_FEEDS: Mapping[str, Feed] = {}
ONE_TICK = timedelta(microseconds=1)


class Clock(Protocol):
    def now(self) -> datetime: ...


class HealthBook:
    """What is known of every provider. One event loop uses it; saving happens behind it.

    `stored` and `evidence` are what earlier runs and other machines left in the ledger. Without
    `references` nobody can tell our own outage from a platform's. `feeds` are the channels' status feeds.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        stored: Iterable[Breaker],
        clock: Clock,
        fingerprints: Mapping[str, str],
        save: Save,
        on_change: Callable[[str], None] = lambda _: None,
        *,
        evidence: Iterable[Evidence] = (),
        references: Sequence[Reference] = (),
        feeds: Mapping[str, Feed] = NO_FEEDS,
        machine: str = "",
    ) -> None:
        self._channels, self._clock, self._machine = channels, clock, machine
        self.on_change = on_change
        self.version = 0  # grows with every change of anybody's standing
        self._lookout = Lookout(references, self._hear_reference)
        self._inquiry = Inquiry(self._lookout, self._record)
        self._hints = Hints(feeds, self._hint_all)
        self._lines: dict[str, Line] = {machine: Line()}
        self._local = frozenset(name for name, channel in channels.items() if channel.traits.local)
        self._last_at = NEVER
        self._said_cut_off = ""
        known = {(breaker.channel, breaker.provider): breaker for breaker in stored}
        self._watches = {
            (name, p.name): begin_watch(
                name, p, channel.traits, known.get((name, p.name)), fingerprints.get(name, ""), clock.now()
            )
            for name, channel in channels.items()
            for p in channel.providers
        }
        self._of = {
            name: [self._watches[name, p.name] for p in channel.providers]
            for name, channel in channels.items()
        }
        for seen in in_order(list(evidence)):
            self._take(seen)
        for key in self._watches.keys() & known.keys():
            remember(self._watches[key], known[key])
        self._held = False  # somebody is passed over with its failure domain
        self._review_domains()
        # Since when an account is as it is must outlive a crash: `save` early.
        unsaved = [key for key, watch in self._watches.items() if watch.breaker() != known.get(key)]
        self._keeping = Keeping(save, lambda key: self._watches[key].breaker(), unsaved)

    # -- standing ------------------------------------------------------------------------------

    def standing(self, channel: str, ended: str = "") -> ChannelStanding:
        now, cut_off = self._clock.now(), self._cut_off()
        providers = tuple(watch.standing(now, cut_off=cut_off) for watch in self._of[channel])
        return ChannelStanding(channel, self._channels[channel].traits, providers, ended)

    def usable(self, channel: str, provider: str) -> bool:
        return self._usable(self._watches[channel, provider])

    def _usable(self, watch: Watch) -> bool:
        return watch.may_be_tried(self._clock.now(), cut_off=self._cut_off())[0]

    def verdict(self, channel: str) -> Verdict:
        """The best of a channel's providers."""
        order = (Verdict.UP, Verdict.UNKNOWN, Verdict.SUSPECT, Verdict.RECOVERING, Verdict.DOWN)
        return min((watch.tally.verdict for watch in self._of[channel]), key=order.index)

    def judgement(self, channel: str, provider: str) -> Judgement:
        """What is held of this provider itself; whether we are offline is another matter (`offline`)."""
        return self._watches[channel, provider].judgement(self._clock.now())

    @property
    def offline(self) -> Judgement | None:
        """Our own line's judgement if we are offline, else None."""
        judged = self._line.judgement(self._clock.now())
        return judged if judged.verdict is Verdict.OFFLINE else None

    def breakers(self) -> list[Breaker]:
        return [watch.breaker() for watch in self._watches.values()]

    @property
    def _line(self) -> Line:
        return self._lines[self._machine]

    @property
    def holds(self) -> bool:
        """Nothing is sent by our own line now: we are offline, or no reference answers and it is too early
        to say so. What would be tried meanwhile would be tried in vain.
        """
        return bool(self._cut_off())

    @property
    def heard_at(self) -> datetime:
        """The last sign that our own line works."""
        good = (w.good_at for w in self._watches.values() if not w.traits.local)
        return max([self._line.heard_at or NEVER, *good])

    def _cut_off(self) -> str:
        now = self._clock.now()
        if not self._lookout or not self._line.silent(now):
            return ""
        return OFFLINE if self._line.state(now) is LineState.OFFLINE else SILENT

    def plainly_up(self, channel: str, provider: str) -> bool:
        """Up without any doubt: as many messages as its pace allows may go."""
        watch = self._watches[channel, provider]
        doubtful = watch.unproven or watch.domain or self._said_cut_off
        return watch.tally.verdict is Verdict.UP and not doubtful

    # -- evidence ------------------------------------------------------------------------------

    def begin(self, channel: str, provider: str) -> bool:
        """A real message is about to go: while recovering, it is the only one, the trial (True)."""
        watch = self._watches[channel, provider]
        if watch.tally.verdict is not Verdict.RECOVERING or watch.trial_taken:
            return False
        watch.trial_taken = True
        self._changed(channel)
        return True

    def trial_ended(self, channel: str, provider: str) -> None:
        """The trial is over. If it proved nothing (throttled, this text refused), another one may go."""
        watch = self._watches[channel, provider]
        if watch.trial_taken:
            watch.trial_taken = False
            self._changed(channel)

    def accepted(self, channel: str, provider: str) -> None:
        watch = self._watches[channel, provider]
        now = self._clock.now()
        watch.good_at = now
        if now >= watch.calm_until:  # else the usual case, thousands of times: all is well and stays so
            self._observe(watch, signals.GOOD, "send")

    def failed(self, channel: str, provider: str, error: SendError) -> None:
        reading = signals.of_send(error)
        if reading is not None:
            self._observe(self._watches[channel, provider], reading, "send")

    def hint(self, channel: str, provider: str, detail: str) -> None:
        """Its status feed reports an incident."""
        self._observe(self._watches[channel, provider], Reading(Signal.HINT, None, detail), "feed")

    def _hint_all(self, channel: str, detail: str) -> None:
        for watch in self._of[channel]:
            self.hint(channel, watch.provider.name, detail)

    def hear(self, evidence: Iterable[Evidence]) -> None:
        """What other machines have seen meanwhile, as the ledger holds it."""
        for seen in in_order(list(evidence)):
            self._take(seen)
        self._review_domains()
        for channel in self._of:
            self._changed(channel)

    def _observe(self, watch: Watch, reading: Reading, source: str) -> None:
        """Make it evidence: a good word at once, a failure when it is known whose it is."""
        if self._inquiry.must_ask(watch, reading):
            self._inquiry.ask(watch, reading, source)
        else:
            self._record(watch, reading, source)

    def _record(self, watch: Watch, reading: Reading, source: str) -> None:
        before, verdict = self._face(watch), watch.tally.verdict
        seen = self._evidence(watch.channel, watch.provider.name, reading, source)
        self._take(seen)
        if reading.signal is Signal.GOOD:
            watch.good_at, watch.unproven = seen.at, False
        if watch.tally.verdict is not verdict or verdict is not Verdict.RECOVERING:
            watch.trial_taken = False
        self._keep(watch, seen, verdict)
        went_or_came = Verdict.DOWN in (verdict, watch.tally.verdict) and self._face(watch) != before
        if went_or_came or (self._held and reading.signal not in FAILURES):
            self._review_domains()
        self._calm_down(watch, seen)
        if self._face(watch) != before:
            self._changed(watch.channel)
        self._notice_line()

    def _evidence(self, channel: str, provider: str, reading: Reading, source: str) -> Evidence:
        # Strictly after the last one: what is stored has the order in which it was judged.
        at = self._last_at = max(self._clock.now(), self._last_at + ONE_TICK)
        return Evidence(
            channel, provider, at, reading.signal, source, reading.layer, reading.detail, self._machine
        )

    def _take(self, seen: Evidence) -> None:
        """The same steps as `judge`, one row at a time."""
        line = self._lines.setdefault(seen.machine, Line())
        watch = self._watches.get(seen.about)
        if watch is not None and seen.source != REFERENCE and seen.at >= watch.configured_at:
            watch.tally.take(seen, blamed=seen.channel in self._local or line.blames(seen))
        line.take(seen, self._local)
        self._last_at = max(self._last_at, seen.at)

    def _keep(self, watch: Watch, seen: Evidence, verdict: Verdict) -> None:
        in_flight = verdict is Verdict.DOWN and seen.at < (watch.tally.retry_at or seen.at)
        watch.spared = watch.spared + 1 if in_flight else 0
        self._keeping.keep(seen if watch.spared <= KEPT_IN_FLIGHT else None, watch.key)

    def _calm_down(self, watch: Watch, seen: Evidence) -> None:
        calm = (
            seen.signal is Signal.GOOD
            and watch.tally.verdict is Verdict.UP
            and not watch.domain
            and (not self._lookout or self._line.state(seen.at).trusted)
        )
        watch.calm_until = seen.at + CALM if calm else NEVER

    @staticmethod
    def _face(watch: Watch) -> tuple[object, ...]:
        """What others may see of a provider."""
        tally = watch.tally
        return (
            tally.verdict,
            tally.configuration,
            tally.retry_at,
            watch.unproven,
            watch.trial_taken,
            watch.domain,
        )

    def _changed(self, channel: str) -> None:
        self.version += 1
        self.on_change(channel)

    # -- our own line --------------------------------------------------------------------------

    async def online(self) -> bool | None:
        """Whether our own line works; looks at the references unless that was done in the last 5 s.

        Returns as soon as one of them answers. None: there are no references, or nothing is decided.
        """
        if not self._lookout:
            return None
        await self._lookout.look()
        state = self._line.state(self._now())
        return {LineState.WORKS: True, LineState.OFFLINE: False}.get(state)

    def _hear_reference(self, name: str, check: Check) -> None:
        seen = self._evidence("", name, signals.of_reference(check), REFERENCE)
        self._take(seen)
        self._keeping.keep(seen)
        if not self._line.state(seen.at).trusted:
            for watch in self._watches.values():
                watch.calm_until = NEVER
        self._notice_line()

    def _now(self) -> datetime:
        return max(self._clock.now(), self._last_at)

    def _notice_line(self) -> None:
        """Tell everybody when our own line goes or comes back."""
        cut_off = self._cut_off()
        if cut_off != self._said_cut_off:
            self._said_cut_off = cut_off
            for channel in self._of:
                self._changed(channel)

    # -- failure domains -----------------------------------------------------------------------

    def _review_domains(self) -> None:
        now = self._clock.now()
        down = down_domains(
            Platform(*watch.key, watch.provider.failure_domains, watch.judgement(now), watch.lived_at())
            for watch in self._watches.values()
        )
        for watch in self._watches.values():
            shared = sorted(
                domain
                for domain in watch.provider.failure_domains & down.keys()
                if (down[domain].channel, down[domain].provider) != watch.key
            )
            self._hold(watch, shared[0] if shared else "", down)
        self._held = any(watch.domain for watch in self._watches.values())

    def _hold(self, watch: Watch, domain: str, down: Mapping[str, Platform]) -> None:
        """Pass a provider over with its domain; each returns by its own good word."""
        if domain == watch.domain:
            return
        before, watch.domain = watch.domain, domain
        watch.calm_until = NEVER
        if domain:
            judged = down[domain].judgement
            watch.domain_since = judged.began_at or judged.since
            self._probe_if_running(watch)
        elif before and (watch.lived_at() or NEVER) < watch.domain_since:
            watch.unproven = True
            self._probe_if_running(watch)
        self._changed(watch.channel)

    # -- probes --------------------------------------------------------------------------------

    def prove(self, channels: Iterable[str]) -> None:
        """Begin a probe wherever the last good word is older than 30 s; `proven` waits for them."""
        now = self._clock.now()
        if self._lookout and not self._lookout.knows():
            self._lookout.begin()
        channels = list(channels)
        self._hints.begin(channels)
        for name in channels:
            for watch in self._of[name]:
                if watch.needs_proof(now):
                    self._start_probe(watch)

    async def proven(self, channel: str, budget_s: float) -> None:
        """Return as soon as the best provider has shown that it works, or when its time is up.

        Whoever has not answered within the budget is passed over for now; its probe goes on, and a
        late good answer brings it back. A known outage is waited for by nobody (P4).
        """
        loop = asyncio.get_running_loop()
        for watch in self._of[channel]:
            if watch.tally.verdict is Verdict.DOWN or watch.domain:
                continue
            left = watch.probe_began_s + budget_s - loop.time()
            if watch.probe is not None and left > 0 and not watch.unproven:
                await asyncio.wait({watch.probe}, timeout=left)
            if watch.probe is not None:
                self._mark_unproven(watch)
            if self._usable(watch):
                return

    def look_around(self) -> None:
        """Now and then: look again at whoever may be back, our own line included."""
        now = self._clock.now()
        if (
            self._lookout
            and not self._line.state(now).trusted
            and self._line.looked_before(now - PROBE_AGAIN)
        ):
            self._lookout.begin()
        self._notice_line()
        doubtful = self._cut_off() == SILENT
        for watch in self._watches.values():
            if watch.wants_a_look(now) or (doubtful and watch.may_witness(now)):
                self._start_probe(watch)

    async def doubt(self, channel: str, provider: str, begun_at: datetime, within_s: float) -> None:
        """A send begun then hangs: does the platform still work? Silent probes mean it does not."""
        watch = self._watches[channel, provider]
        now, last = self._clock.now(), watch.probed_at
        if last is None or last < begun_at or now - last >= PROBE_AGAIN:
            self._start_probe(watch)
        if watch.probe is not None:
            await asyncio.wait({watch.probe}, timeout=within_s)
        if watch.probe is not None:
            self._mark_unproven(watch)

    async def examine(
        self, channels: Iterable[str] | None = None
    ) -> Mapping[tuple[str, str], Sequence[Check]]:
        """Probe each provider now, in parallel; judge and store what was seen; return the checks."""
        names = list(self._of if channels is None else channels)
        watches = [watch for name in names for watch in self._of[name]]
        probes = {watch.key: self._start_probe(watch) for watch in watches}
        await asyncio.gather(self.online(), self._hints.read(names), *probes.values())
        await self._inquiry.answered()
        await self.save()
        return {key: probe.result() for key, probe in probes.items()}

    def _mark_unproven(self, watch: Watch) -> None:
        if not watch.unproven:
            watch.unproven, watch.calm_until = True, NEVER
            self._changed(watch.channel)

    def _start_probe(self, watch: Watch) -> asyncio.Task[tuple[Check, ...]]:
        if watch.probe is None:
            loop = asyncio.get_running_loop()
            watch.probed_at, watch.probe_began_s = self._clock.now(), loop.time()
            watch.probe = loop.create_task(self._run_probe(watch))
        return watch.probe

    def _probe_if_running(self, watch: Watch) -> None:
        """Unless the book is only being opened: then `prove` or `look_around` comes soon."""
        try:
            self._start_probe(watch)
        except RuntimeError:
            return

    async def _run_probe(self, watch: Watch) -> tuple[Check, ...]:
        try:
            checks = await watch.ask()
        finally:
            watch.probe = None
        reading = signals.of_probe(checks)
        if reading.signal in FAILURES:
            self._mark_unproven(watch)
        elif watch.unproven and reading.signal is Signal.LIMITED:
            watch.unproven = False  # a limit is a sign of life
            self._changed(watch.channel)
        self._observe(watch, reading, "probe")
        return checks

    # -- memory --------------------------------------------------------------------------------

    async def save(self) -> None:
        """Store what changed since the last time."""
        await self._keeping.save()

    async def close(self) -> None:
        """Stop probing and store the last word."""
        probes = [watch.probe for watch in self._watches.values() if watch.probe is not None]
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        await self._hints.close()
        await self._inquiry.close()
        await self._lookout.close()
        await self._keeping.close()
