"""One provider under watch: what is held of it, whether it may be tried now, and its probe."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fallback_cast.health.judgement import Judgement
from fallback_cast.health.tally import Tally
from fallback_cast.ledger.memory import Breaker
from fallback_cast.model.channel import Provider, Traits
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check, Verdict
from fallback_cast.routing.outlook import ProviderStanding

PROBE_AT_MOST_S = 15.0
PROBE_AGAIN = timedelta(seconds=10)  # a provider that has not shown yet that it works
FRESH = timedelta(seconds=30)  # a good word younger than this needs no probe before a broadcast
OFFLINE = "our own network is down"
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Watch:
    """What the book knows of one provider. `since` and `configured_at` are about its settings."""

    channel: str
    provider: Provider
    traits: Traits
    fingerprint: str
    configured_at: datetime
    tally: Tally
    unproven: bool = False  # has not shown within the probe budget that it works: passed over for now
    trial_taken: bool = False  # recovering: the one real message is on its way
    domain: str = ""  # the failure domain that takes it down with it …
    domain_since: datetime = NEVER  # … since then
    probe: asyncio.Task[tuple[Check, ...]] | None = None
    probed_at: datetime | None = None
    probe_began_s: float = 0.0  # by the event loop's clock
    good_at: datetime = NEVER  # the last good word, also those that are not worth a row
    calm_until: datetime = NEVER  # until then another good word says nothing new
    spared: int = 0  # failures since it went down that are not kept: in flight at that moment

    @property
    def key(self) -> tuple[str, str]:
        return self.channel, self.provider.name

    @property
    def publishes_here(self) -> bool:
        """Our own folder takes the page, whatever the internet line says about its address (P6, P7)."""
        return self.traits.publishes and self.traits.local

    def lived_at(self) -> datetime | None:
        last = max(self.good_at, self.tally.lived_at or NEVER)
        return None if last is NEVER else last

    # -- standing ------------------------------------------------------------------------------

    def standing(self, now: datetime, *, offline: bool) -> ProviderStanding:
        usable, reason, retry_at = self.may_be_tried(now, offline=offline)
        return ProviderStanding(
            name=self.provider.name,
            domains=self.provider.failure_domains,
            usable=usable,
            reason=reason,
            retry_at=retry_at,
            configured_at=self.configured_at,
            deduplicates=self.provider.deduplicates,
        )

    def may_be_tried(self, now: datetime, *, offline: bool) -> tuple[bool, str, datetime | None]:
        """Usable or not; if not: why, in words for people, and when to look again."""
        tally = self.tally
        tally.pass_time(now)
        down = tally.verdict is Verdict.DOWN
        if self.publishes_here and not tally.configuration:
            return True, "", None
        if down and tally.configuration:
            return False, f"our account or settings are refused ({tally.detail})", tally.retry_at
        if offline and not self.traits.local:
            return False, OFFLINE, now + PROBE_AGAIN
        if down:
            return False, f"down ({tally.detail})", tally.retry_at
        if self.domain:
            return False, f"down with its failure domain ({self.domain})", now + PROBE_AGAIN
        if self.unproven:
            last = tally.detail or "no answer yet"
            return False, f"not shown in time that it works ({last})", now + PROBE_AGAIN
        if tally.verdict is Verdict.RECOVERING and self.trial_taken:
            return False, "recovering: one message goes first", now + PROBE_AGAIN
        return True, "", None

    # -- probes --------------------------------------------------------------------------------

    def needs_proof(self, now: datetime) -> bool:
        """Before a broadcast: is its last good word too old?"""
        match self.tally.verdict:
            case Verdict.DOWN:
                return (self.tally.retry_at or now) <= now
            case Verdict.UP if not (self.unproven or self.domain):
                return now - max(self.good_at, self.tally.good_at or self.tally.since) >= FRESH
        return True

    def wants_a_look(self, now: datetime) -> bool:
        """Now and then: may a probe change what is held of it?"""
        tally = self.tally
        if tally.verdict is Verdict.DOWN:
            return (tally.retry_at or now) <= now
        open_question = (
            self.unproven
            or bool(self.domain)
            or tally.verdict is Verdict.SUSPECT
            or (tally.verdict is Verdict.RECOVERING and not (self.trial_taken or tally.waits_for_quiet))
        )
        return open_question and (self.probed_at is None or now - self.probed_at >= PROBE_AGAIN)

    async def ask(self) -> tuple[Check, ...]:
        """Probe it. Never raises for a fault, be it the platform's or the channel's."""
        try:
            async with asyncio.timeout(PROBE_AT_MOST_S):
                return tuple(await self.provider.probe())
        except TimeoutError:
            return (Check(Layer.SERVICE, False, PROBE_AT_MOST_S, "no answer to the probe in time"),)
        except Exception as error:  # a bug in a channel must not stop the others
            return (Check(Layer.SERVICE, False, 0.0, f"the probe broke ({type(error).__name__})"),)

    # -- memory --------------------------------------------------------------------------------

    def judgement(self, now: datetime) -> Judgement:
        return self.tally.judgement(now)

    def breaker(self) -> Breaker:
        """The judgement as the ledger keeps it."""
        tally = self.tally
        return Breaker(
            channel=self.channel,
            provider=self.provider.name,
            verdict=tally.verdict,
            failures=tally.failures,
            openings=tally.openings,
            since=tally.since,
            seen_at=max(self.good_at, tally.seen_at or tally.since),
            retry_at=tally.retry_at,
            layer=tally.layer,
            reason=tally.detail,
            configuration=tally.configuration,
            fingerprint=self.fingerprint,
            configured_at=self.configured_at,
        )


def begin_watch(
    channel: str, provider: Provider, traits: Traits, stored: Breaker | None, fingerprint: str, now: datetime
) -> Watch:
    """A watch without evidence. With other settings everything begins anew: what was seen of another
    host or account says nothing about this one.
    """
    same = stored is not None and stored.fingerprint == fingerprint
    configured_at = stored.configured_at if stored is not None and same else now
    return Watch(channel, provider, traits, fingerprint, configured_at, Tally(now))


def remember(watch: Watch, stored: Breaker) -> None:
    """Fill from the stored breaker what the evidence at hand does not reach back to."""
    if stored.fingerprint != watch.fingerprint:
        return
    tally = watch.tally
    if tally.seen_at is None:
        tally.resume(
            stored.verdict,
            since=stored.since,
            layer=stored.layer,
            detail=stored.reason,
            configuration=stored.configuration,
            retry_at=stored.retry_at,
            openings=stored.openings,
            failures=stored.failures,
        )
    elif tally.verdict is stored.verdict and stored.since < tally.since:
        tally.since = stored.since  # the outage is older than the rows that were read
        if tally.began_at is not None:
            tally.began_at = min(tally.began_at, stored.since)
    if stored.verdict is Verdict.UP:
        watch.good_at = max(watch.good_at, stored.seen_at)
