"""The health memory of one run: probes, breakers, and who may be tried right now.

Verdicts are stored with their evidence at every change, so the next run begins with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from fallback_cast.health.breaker import judge
from fallback_cast.ledger.memory import Breaker
from fallback_cast.model.channel import Channel, Provider
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.health import Check, Evidence, Signal, Verdict, failed_check
from fallback_cast.routing.outlook import ChannelStanding, ProviderStanding

FRESH = timedelta(seconds=30)  # a verdict younger than this needs no probe before a broadcast
PROBE_AT_MOST_S = 15.0
PROBE_AGAIN = timedelta(seconds=10)  # a provider that has not shown yet that it works


class Clock(Protocol):
    def now(self) -> datetime: ...


Save = Callable[[Sequence[Breaker], Sequence[Evidence]], Awaitable[None]]


@dataclass(slots=True)
class _Watch:
    """One provider under watch."""

    channel: str
    provider: Provider
    breaker: Breaker
    unproven: bool = False  # has not shown within the probe budget that it works: passed over for now
    trial_taken: bool = False  # recovering: the one real message is on its way
    probe: asyncio.Task[tuple[Check, ...]] | None = None
    probed_at: datetime | None = None
    probe_began_s: float = 0.0  # by the event loop's clock


class HealthBook:
    """What is known of every provider. One event loop uses it; saving happens behind it."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        stored: Iterable[Breaker],
        clock: Clock,
        fingerprints: Mapping[str, str],
        save: Save,
        on_change: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._save = save
        self.on_change = on_change
        self.version = 0  # grows with every change of anybody's standing
        self._unsaved: list[Evidence] = []
        self._saving: asyncio.Task[None] | None = None
        known = {(breaker.channel, breaker.provider): breaker for breaker in stored}
        self._dirty: set[tuple[str, str]] = set()
        self._watches: dict[str, list[_Watch]] = {}
        for name, channel in channels.items():
            self._watches[name] = [
                _Watch(
                    name, p, self._first(known.get((name, p.name)), name, p.name, fingerprints.get(name, ""))
                )
                for p in channel.providers
            ]
        # Since when an account is as it is must outlive a crash: `save` early.
        for watch in (watch for watches in self._watches.values() for watch in watches):
            if watch.breaker != known.get((watch.channel, watch.provider.name)):
                self._dirty.add((watch.channel, watch.provider.name))
        self._channels = channels

    def _first(self, stored: Breaker | None, channel: str, provider: str, fingerprint: str) -> Breaker:
        now = self._clock.now()
        if stored is None:
            return Breaker(
                channel=channel,
                provider=provider,
                since=now,
                seen_at=now - FRESH,
                fingerprint=fingerprint,
                configured_at=now,
            )
        if stored.fingerprint == fingerprint:
            return stored
        changed = replace(stored, fingerprint=fingerprint, configured_at=now)
        if stored.configuration:  # other settings: what was refused may be right now
            changed = replace(
                changed, verdict=Verdict.UNKNOWN, configuration=False, failures=0.0, retry_at=None, reason=""
            )
        return changed

    # -- standing ------------------------------------------------------------------------------

    def standing(self, channel: str, ended: str = "") -> ChannelStanding:
        providers = tuple(self._provider_standing(watch) for watch in self._watches[channel])
        return ChannelStanding(channel, self._channels[channel].traits, providers, ended)

    def _provider_standing(self, watch: _Watch) -> ProviderStanding:
        breaker, usable, reason, retry_at = watch.breaker, True, "", None
        traits = self._channels[watch.channel].traits
        if traits.publishes and traits.local and not breaker.configuration:
            pass  # our own folder takes the page, whatever the internet line says about its address (P6, P7)
        elif breaker.verdict is Verdict.DOWN:
            usable, reason, retry_at = False, f"down ({breaker.reason})", breaker.retry_at
            if breaker.configuration:
                reason = f"our account or settings are refused ({breaker.reason})"
        elif watch.unproven:
            usable, reason = False, f"not shown in time that it works ({breaker.reason or 'no answer yet'})"
            retry_at = self._clock.now() + PROBE_AGAIN
        elif breaker.verdict is Verdict.RECOVERING and watch.trial_taken:
            usable, reason = False, "recovering: one message goes first"
            retry_at = self._clock.now() + PROBE_AGAIN
        return ProviderStanding(
            name=watch.provider.name,
            domains=watch.provider.failure_domains,
            usable=usable,
            reason=reason,
            retry_at=retry_at,
            configured_at=breaker.configured_at,
            deduplicates=watch.provider.deduplicates,
        )

    def verdict(self, channel: str) -> Verdict:
        """The best of a channel's providers."""
        order = (Verdict.UP, Verdict.UNKNOWN, Verdict.SUSPECT, Verdict.RECOVERING, Verdict.DOWN)
        found = [watch.breaker.verdict for watch in self._watches[channel]]
        return min(found, key=order.index)

    def breakers(self) -> list[Breaker]:
        return [watch.breaker for watches in self._watches.values() for watch in watches]

    def usable(self, channel: str, provider: str) -> bool:
        return self._provider_standing(self._watch(channel, provider)).usable

    def plainly_up(self, channel: str, provider: str) -> bool:
        """Up without any doubt: as many messages as its pace allows may go."""
        watch = self._watch(channel, provider)
        return watch.breaker.verdict is Verdict.UP and not watch.unproven

    # -- evidence ------------------------------------------------------------------------------

    def begin(self, channel: str, provider: str) -> bool:
        """A real message is about to go: while recovering, it is the only one, the trial (True)."""
        watch = self._watch(channel, provider)
        if watch.breaker.verdict is not Verdict.RECOVERING or watch.trial_taken:
            return False
        watch.trial_taken = True
        self._changed(channel)
        return True

    def trial_ended(self, channel: str, provider: str) -> None:
        """The trial is over. If it proved nothing (throttled, this text refused), another one may go."""
        watch = self._watch(channel, provider)
        if watch.trial_taken:
            watch.trial_taken = False
            self._changed(channel)

    def accepted(self, channel: str, provider: str) -> None:
        watch = self._watch(channel, provider)
        # The usual case, thousands of times: all is well and stays so.
        if watch.breaker.verdict is Verdict.UP and watch.breaker.failures == 0.0:
            if self._is_old(watch):
                watch.breaker = replace(watch.breaker, seen_at=self._clock.now())
                self._dirty.add((channel, provider))
            return
        self._observe(watch, Signal.GOOD, "send", None, "")

    def failed(self, channel: str, provider: str, error: SendError) -> None:
        signal = signal_of(error)
        if signal is None:
            return
        detail = "" if signal is Signal.GOOD else error.reason
        self._observe(self._watch(channel, provider), signal, "send", error.layer, detail)

    def _is_old(self, watch: _Watch) -> bool:
        return self._clock.now() - watch.breaker.seen_at > timedelta(seconds=5)

    def _observe(self, watch: _Watch, signal: Signal, source: str, layer: Layer | None, detail: str) -> None:
        now = self._clock.now()
        seen = Evidence(watch.channel, watch.provider.name, now, signal, source, layer, detail)
        before = watch.breaker
        watch.breaker = judge(before, seen, now)
        if signal is Signal.GOOD:
            watch.unproven = False
        if watch.breaker.verdict is not Verdict.RECOVERING or before.verdict is not Verdict.RECOVERING:
            watch.trial_taken = False
        self._unsaved.append(seen)
        self._dirty.add((watch.channel, watch.provider.name))
        self._changed(watch.channel)
        self._save_soon()

    def _changed(self, channel: str) -> None:
        self.version += 1
        self.on_change(channel)

    # -- probes --------------------------------------------------------------------------------

    def prove(self, channels: Iterable[str]) -> None:
        """Begin a probe wherever the last good word is older than 30 s; `proven` waits for them."""
        now = self._clock.now()
        for name in channels:
            for watch in self._watches[name]:
                if self._needs_proof(watch, now):
                    self._start_probe(watch)

    @staticmethod
    def _needs_proof(watch: _Watch, now: datetime) -> bool:
        if watch.breaker.verdict is Verdict.DOWN:
            return (watch.breaker.retry_at or now) <= now
        if watch.breaker.verdict is Verdict.UP and not watch.unproven:
            return now - watch.breaker.seen_at >= FRESH
        return True

    async def proven(self, channel: str, budget_s: float) -> None:
        """Return as soon as the best provider has shown that it works, or when its time is up.

        Whoever has not answered within the budget is passed over for now; its probe goes on, and a
        late good answer brings it back. A known outage is waited for by nobody (P4).
        """
        loop = asyncio.get_running_loop()
        for watch in self._watches[channel]:
            if watch.breaker.verdict is Verdict.DOWN:
                continue
            left = watch.probe_began_s + budget_s - loop.time()
            if watch.probe is not None and left > 0 and not watch.unproven:
                await asyncio.wait({watch.probe}, timeout=left)
            if watch.probe is not None and not watch.unproven:
                watch.unproven = True
                self._changed(channel)
            if self._provider_standing(watch).usable:
                return

    async def examine(
        self, channels: Iterable[str] | None = None
    ) -> Mapping[tuple[str, str], Sequence[Check]]:
        """Probe each provider now, in parallel; the evidence is judged and stored."""
        names = self._watches if channels is None else channels
        watches = [watch for name in names for watch in self._watches[name]]
        for watch in watches:
            self._start_probe(watch)
        probes = [watch.probe for watch in watches if watch.probe is not None]
        found = await asyncio.gather(*probes)
        await self.save()
        keys = [(watch.channel, watch.provider.name) for watch in watches]
        return dict(zip(keys, found, strict=True))

    async def online(self) -> bool | None:
        return None

    @property
    def offline(self) -> None:
        return None

    def judgement(self, channel: str, provider: str) -> Breaker:
        return self._watch(channel, provider).breaker

    def look_around(self) -> None:
        """Now and then: probe again whoever is due to show whether it is back."""
        now = self._clock.now()
        for watches in self._watches.values():
            for watch in watches:
                down = watch.breaker.verdict is Verdict.DOWN and (watch.breaker.retry_at or now) <= now
                rested = watch.probed_at is None or now - watch.probed_at >= PROBE_AGAIN
                if down or (watch.unproven and rested):
                    self._start_probe(watch)

    async def doubt(self, channel: str, provider: str, begun_at: datetime, within_s: float) -> None:
        """A send begun then hangs: does the platform still work? Silent probes mean it does not."""
        watch = self._watch(channel, provider)
        now, last = self._clock.now(), watch.probed_at
        if last is None or last < begun_at or now - last >= PROBE_AGAIN:
            self._start_probe(watch)
        if watch.probe is not None:
            await asyncio.wait({watch.probe}, timeout=within_s)
        if watch.probe is not None and not watch.unproven:
            watch.unproven = True
            self._changed(channel)

    def _start_probe(self, watch: _Watch) -> None:
        if watch.probe is None:
            watch.probed_at = self._clock.now()
            watch.probe_began_s = asyncio.get_running_loop().time()
            watch.probe = asyncio.get_running_loop().create_task(self._run_probe(watch))

    async def _run_probe(self, watch: _Watch) -> tuple[Check, ...]:
        try:
            async with asyncio.timeout(PROBE_AT_MOST_S):
                checks = tuple(await watch.provider.probe())
        except Exception as error:  # a bug in a channel must not stop the others
            if not isinstance(error, TimeoutError):
                checks = (Check(Layer.SERVICE, False, 0.0, f"the probe broke ({type(error).__name__})"),)
            else:
                checks = (Check(Layer.SERVICE, False, PROBE_AT_MOST_S, "no answer to the probe in time"),)
        finally:
            watch.probe = None
        failed = failed_check(checks)
        if failed is None:
            self._observe(watch, Signal.GOOD, "probe", None, "")
        else:
            watch.unproven = True
            signal = Signal.DENIED if failed.layer is Layer.ACCOUNT else Signal.BAD
            self._observe(watch, signal, "probe", failed.layer, failed.detail)
        return checks

    # -- memory --------------------------------------------------------------------------------

    def _save_soon(self) -> None:
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().create_task(self.save())

    async def save(self) -> None:
        """Store what changed since the last time."""
        while self._dirty:
            dirty, self._dirty = self._dirty, set()
            seen, self._unsaved = self._unsaved, []
            await self._save([self._watch(c, p).breaker for c, p in sorted(dirty)], seen[-200:])

    async def close(self) -> None:
        """Stop probing and store the last word."""
        probes = [w.probe for ws in self._watches.values() for w in ws if w.probe is not None]
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        if self._saving is not None:
            await self._saving
        await self.save()

    def _watch(self, channel: str, provider: str) -> _Watch:
        return next(w for w in self._watches[channel] if w.provider.name == provider)


def signal_of(error: SendError) -> Signal | None:
    """What a failed send says about the platform; None if nothing (one place, one text)."""
    match error:
        case Unavailable():
            return Signal.BAD
        case OutcomeUnknown():
            return Signal.HALF
        case Throttled():
            return Signal.LIMITED
        case AddressRefused():
            return Signal.GOOD  # it proves that the platform lives
        case AccessDenied() if error.scope == "account":
            return Signal.DENIED
        case AccessDenied() | MessageRefused():
            return None
    return None
