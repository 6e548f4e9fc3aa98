"""One scheduled check: look at every channel, judge, tell organisers, let places catch up.

Sending what is due is the caller's: it needs the dispatcher lock, which another process may hold.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fallback_cast.dispatch.catch_up import catch_up
from fallback_cast.dispatch.clock import Clock
from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.notices import Organiser, tell_organisers
from fallback_cast.health.book import HealthBook
from fallback_cast.health.look import own_resolver_fails
from fallback_cast.ledger import outages as ledger
from fallback_cast.model.announcement import Club, Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check, Verdict
from fallback_cast.model.outages import Need
from fallback_cast.model.policy import Policy
from fallback_cast.model.texts import Phrase

LOOKS = 3  # a doubt is cleared up within one check: three failures in a row are an outage
LOOK_AGAIN_S = 5.0
CERTIFICATE_DAYS = 14
_DAYS = re.compile(r"certificate\D*(-?\d+) days")
_WORST_FIRST = (
    Verdict.DOWN,
    Verdict.OFFLINE,
    Verdict.RECOVERING,
    Verdict.SUSPECT,
    Verdict.UNKNOWN,
    Verdict.UP,
)


@dataclass(frozen=True, slots=True)
class Looked:
    """One layer of one provider's probe."""

    provider: str
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFinding:
    """What is judged of one channel: by the best of its providers, which `doubtful` may qualify."""

    name: str
    kind: str
    verdict: Verdict
    layer: Layer | None = None
    since: datetime | None = None
    reason: str = ""
    failure_domains: tuple[str, ...] = ()
    checks: tuple[Looked, ...] = ()
    doubtful: bool = False  # not all is well: a second relay is out, a certificate ends
    asked_by_hand: bool = False  # a person's channel is not looked at by a timer
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """One check's result."""

    at: datetime
    channels: tuple[ChannelFinding, ...]
    offline: str = ""  # why we think that it is our own network; empty: it is not
    own_resolver_fails: bool = False  # names are found by the second resolver alone
    told: bool = False  # organisers are told of a change
    caught_up: int = 0  # late messages to places


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a check works with."""

    desk: Desk
    book: HealthBook
    channels: Mapping[str, Channel]
    organisers: Sequence[Organiser]
    club: Club
    policies: Mapping[Importance, Policy]
    clock: Clock

    async def run(self, only: Sequence[str], within_s: float) -> Findings:
        """Probe, store, judge, tell. Raises LedgerError if the ledger cannot be written."""
        names = [n for n in (only or self.channels) if not self.channels[n].traits.interactive]
        checks = await self._look(names, within_s)
        await self.book.save()
        now = self.clock.now()
        needs = [need for key, found in checks.items() for need in _needs(*key, found)]
        known = {(c.name, p.name) for c in self.channels.values() for p in c.providers}
        await self.desk.run(ledger.tidy, known, now)
        await self.desk.run(ledger.keep_needs, needs, set(checks), now)
        told = await tell_organisers(self.desk, self.organisers, self.channels, self.club, self.policies, now)
        working = [name for name in self.channels if self._works(name)]
        caught_up = await catch_up(self.desk, self.channels, working, now)
        offline = self.book.offline
        return Findings(
            at=now,
            channels=tuple(self._finding(name, checks, needs) for name in (only or self.channels)),
            offline=offline.reason if offline is not None else "",
            own_resolver_fails=own_resolver_fails(checks.values()),
            told=told is not None,
            caught_up=caught_up,
        )

    async def _look(self, names: Sequence[str], within_s: float) -> dict[tuple[str, str], Sequence[Check]]:
        """Everything at once; then whoever is in doubt again, until it is clear or the time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        found = await self._examine(names, within_s)
        for _ in range(LOOKS - 1):
            doubtful = [name for name in names if self._in_doubt(name)]
            if not doubtful or self.book.offline is not None or loop.time() + LOOK_AGAIN_S >= deadline:
                break
            await asyncio.sleep(LOOK_AGAIN_S)
            found |= await self._examine(doubtful, deadline - loop.time())
        return found

    async def _examine(self, names: Sequence[str], within_s: float) -> dict[tuple[str, str], Sequence[Check]]:
        """Probe these channels in parallel; whoever has not answered within the time is left."""
        looks = {name: asyncio.ensure_future(self.book.examine([name])) for name in names}
        if looks:
            await asyncio.wait(looks.values(), timeout=within_s)
        silent = [name for name, look in looks.items() if not look.done()]
        for name in silent:
            looks[name].cancel()
        ended = await asyncio.gather(*looks.values(), return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):  # the ledger cannot be written
                raise error
        late = Check(Layer.SERVICE, False, within_s, "no answer to the probe in time")
        found: dict[tuple[str, str], Sequence[Check]] = {
            (name, p.name): (late,) for name in silent for p in self.channels[name].providers
        }
        for name, look in looks.items():
            if name not in silent:
                found |= look.result()
        return found

    def _in_doubt(self, name: str) -> bool:
        return any(self._verdict(name, p.name) is Verdict.SUSPECT for p in self.channels[name].providers)

    def _verdict(self, channel: str, provider: str) -> Verdict:
        return self.book.judgement(channel, provider).verdict

    def _works(self, name: str) -> bool:
        """It has shown that it works, and a message may go there now."""
        good = (Verdict.UP, Verdict.RECOVERING)
        return any(
            self._verdict(name, p.name) in good and self.book.usable(name, p.name)
            for p in self.channels[name].providers
        )

    def _finding(
        self, name: str, checks: Mapping[tuple[str, str], Sequence[Check]], needs: Sequence[Need]
    ) -> ChannelFinding:
        channel = self.channels[name]
        domains = tuple(sorted({d for p in channel.providers for d in p.failure_domains}))
        if channel.traits.interactive:
            return ChannelFinding(
                name=name,
                kind=channel.kind,
                verdict=Verdict.UNKNOWN,
                reason=Phrase("a person posts it by hand"),
                failure_domains=domains,
                asked_by_hand=True,
            )
        judged = [self.book.judgement(name, p.name) for p in channel.providers]
        best = max(judged, key=lambda j: _WORST_FIRST.index(j.verdict))
        worst = min(judged, key=lambda j: _WORST_FIRST.index(j.verdict))
        looked = tuple(Looked(p.name, c) for p in channel.providers for c in checks.get((name, p.name), ()))
        mine = tuple(need for need in needs if need.channel == name)
        verdict, reason = best.verdict, "" if worst.verdict is Verdict.UP else worst.reason
        if self.book.offline is not None and not channel.traits.local:
            verdict, reason = Verdict.OFFLINE, Phrase("our own network is down")
        return ChannelFinding(
            name=name,
            kind=channel.kind,
            verdict=verdict,
            layer=worst.layer,
            since=best.since,
            reason=reason or (_in_words(mine[0]) if mine else ""),
            failure_domains=domains,
            checks=looked,
            doubtful=worst.verdict is not best.verdict or bool(mine) or bool(self._silent(looked)),
            needs=mine,
        )

    @staticmethod
    def _silent(looked: Iterable[Looked]) -> list[Looked]:
        """What failed in this very look, though no verdict follows from it yet."""
        return [one for one in looked if one.check.decisive and not one.check.ok]


def _in_words(need: Need) -> Phrase:
    return Phrase("its certificate ends in {days} days", days=need.detail)


def _needs(channel: str, provider: str, checks: Iterable[Check]) -> Iterable[Need]:
    """A certificate that ends within 14 days; refused accounts are outages of their own."""
    for check in checks:
        days = certificate_days(check)
        if check.ok and days is not None and days <= CERTIFICATE_DAYS:
            yield Need(channel, provider, "certificate", str(max(days, 0)))
            return


def certificate_days(check: Check) -> int | None:
    """How long a server's certificate is valid still, if this check saw one."""
    if isinstance(check.detail, Phrase) and isinstance(check.detail.fields.get("days"), int):
        return check.detail.fields["days"]  # type: ignore[return-value]
    seen = _DAYS.search(check.detail)
    return int(seen[1]) if seen else None
