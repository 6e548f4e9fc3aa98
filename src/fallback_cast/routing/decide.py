"""What to do next with one delivery: the one place where fallback is decided (design §5).

Pure: the same delivery, attempts, outlook, policy and moment give the same actions.

The routes are looked at in rank order, each with its providers in rank order ("options"). An option
is *spent* if it can never be used again, *blocked* until a moment if something must pass first, or
ready. A delivery stays with a channel it has begun for the patience; then the next one is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fallback_cast.model.delivery import Attempt, Delivery, Outcome, Route, State, Why
from fallback_cast.model.policy import Policy
from fallback_cast.model.revision import EDIT_REFUSED
from fallback_cast.routing.backoff import ledger_wait
from fallback_cast.routing.outlook import ChannelStanding, Outlook, ProviderStanding
from fallback_cast.routing.reasons import why_not_reached

LOOK_AGAIN = timedelta(seconds=10)  # when nobody can say when a provider may be back


@dataclass(frozen=True, slots=True)
class Send:
    route: Route
    provider: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back at `until`; `lane` is the channel that will probably be next."""

    until: datetime
    why: Why
    lane: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    state: State
    via: str | None = None
    reasons: tuple[str, ...] = ()


Action = Send | Wait | Close


def decide(
    delivery: Delivery, attempts: Sequence[Attempt], outlook: Outlook, policy: Policy, now: datetime
) -> tuple[Action, ...]:
    """The next actions for a delivery: sends to begin now, or one wait, or one close.

    `attempts` are all attempts on the delivery's addresses, in any order, also those begun for
    another recipient who shares the address (P11).
    """
    case = _Case(delivery, attempts, outlook, policy, now)
    if policy.reach == "all" and delivery.amends is None:
        return case.decide_all()
    return (case.decide_first(),)


@dataclass(slots=True)
class _Option:
    """One provider on one route, and what stands in its way."""

    route: Route
    channel: ChannelStanding
    provider: ProviderStanding
    ready_at: datetime  # not before; `now` or earlier: ready
    why: Why
    reason: str
    retry: bool = False  # the same provider with the same key, which the provider recognises
    failure: str | None = None  # what its last attempt ended with
    demoted: bool = False  # shares a failure domain with what failed


class _Case:
    def __init__(
        self, delivery: Delivery, attempts: Sequence[Attempt], outlook: Outlook, policy: Policy, now: datetime
    ) -> None:
        self.delivery, self.outlook, self.policy, self.now = delivery, outlook, policy, now
        # Of what failed while we were offline nothing is burnt (P6); what cannot be edited is sent anew.
        attempts = [a for a in attempts if not a.offline and a.error != EDIT_REFUSED]
        # Most deliveries are decided once before and once after their only attempt.
        self.attempts = (
            sorted(attempts, key=lambda a: (a.begun_at, a.number, a.key)) if len(attempts) > 1 else attempts
        )
        self.spent: list[str] = []

    # -- one success ends the chain ------------------------------------------------------------

    def decide_first(self) -> Action:
        settled = self._settled()
        if settled is not None:
            return settled
        options = self._by_domain(self._options(self.delivery.routes))
        return self._choose(options, self.attempts) or Close(State.UNREACHED, None, self._reasons())

    def _settled(self) -> Action | None:
        waiting: Wait | None = None
        for attempt in self.attempts:
            if not attempt.outcome.success:
                continue
            until = self._confirmation_due(attempt)
            if until is None:
                return Close(State.REACHED, attempt.channel)
            if until > self.now and not self.delivery.cancelled:
                waiting = Wait(min(until, self.delivery.expires_at), Why.RECEIPT, attempt.channel)
        if self.delivery.cancelled:
            return self._last_word() or Close(State.CANCELLED)
        if self.now >= self.delivery.expires_at:
            return self._last_word() or self._expired()
        return waiting

    def _last_word(self) -> Wait | None:
        """What is in the air at the end (expired, cancelled) may still go well: hear it, not for ever."""
        flying = [a for a in self.attempts if a.outcome is Outcome.BEGUN]
        gate = self._gate(flying)
        return Wait(gate, Why.SENDING, flying[0].channel) if gate > self.now else None

    def _expired(self) -> Close:
        self._options(self.delivery.routes)  # names what is spent
        return Close(State.EXPIRED, None, self._reasons() or ("it expired before it could be sent",))

    def _confirmation_due(self, attempt: Attempt) -> datetime | None:
        """None: this success counts. Else the moment from which it no longer holds up the chain."""
        within = self.policy.confirm_within
        if within is None or attempt.outcome is Outcome.DELIVERED:
            return None
        channel = self.outlook.channels.get(attempt.channel)
        if channel is None:
            return None
        if not channel.traits.confirms:
            return self.now  # its yes proves little: never enough for a policy that confirms
        if channel.traits.reports_back:
            return (attempt.ended_at or attempt.begun_at) + within
        return None

    def _choose(self, options: list[_Option], attempts: Sequence[Attempt]) -> Send | Wait | None:
        """The first option that may go now, else the wait for what comes next; None: nothing is left."""
        away: list[Wait] = []
        later: list[Wait] = []
        another_is_up = False
        gate = self._gate(attempts)
        for option in options:
            if not option.provider.usable:
                away.append(self._until_back(option))
                continue
            if option.demoted and another_is_up:
                continue
            due = max(option.ready_at, self._gate_elsewhere(option, attempts) if option.retry else gate)
            if due <= self.now:
                return Send(option.route, option.provider.name)
            sibling = self._sibling(option, options, gate)
            if sibling is not None:
                return Send(sibling.route, sibling.provider.name)
            another_is_up |= not option.demoted
            gated = due > option.ready_at
            later.append(Wait(due, Why.GRACE if gated else option.why, option.route.channel, option.reason))
            if gated or option.why is Why.QUIET_HOURS or due <= self._patience_end(option.route):
                return self._capped(min(later, key=lambda wait: wait.until))
        waits = later + away
        return self._capped(min(waits, key=lambda wait: wait.until)) if waits else self._in_the_air(attempts)

    def _in_the_air(self, attempts: Sequence[Attempt]) -> Wait | None:
        """Everything is spent; only what has not ended yet can still tell."""
        flying = next((a for a in attempts if a.outcome is Outcome.BEGUN), None)
        if flying is None:
            return None
        until = max(self._gate(attempts), self.now + LOOK_AGAIN)
        return self._capped(Wait(until, Why.SENDING, flying.channel))

    def _sibling(self, option: _Option, options: list[_Option], gate: datetime) -> _Option | None:
        """What surely did not go out by one relay may go by the next one at once: no fallback yet."""
        if option.failure != "unavailable" or gate > self.now:
            return None
        for other in options:
            same_channel = other.route == option.route and other.provider is not option.provider
            if same_channel and other.provider.usable and other.ready_at <= self.now and not other.demoted:
                return other
        return None

    def _gate(self, attempts: Sequence[Attempt]) -> datetime:
        """Nobody else is tried before this: something may have gone out, or still be going."""
        gate = self.now
        for attempt in attempts:
            if attempt.outcome is Outcome.UNKNOWN:
                gate = max(gate, (attempt.ended_at or attempt.begun_at) + self.policy.grace)
            elif attempt.outcome is Outcome.BEGUN:
                patience_end = self._patience_end(Route(attempt.channel, attempt.address))
                patience_end = min(patience_end, attempt.begun_at + self.policy.patience)
                # What goes out late, when the patience is over, is given the grace all the same.
                gate = max(gate, max(patience_end, attempt.begun_at) + self.policy.grace)
        return gate

    def _gate_elsewhere(self, option: _Option, attempts: Sequence[Attempt]) -> datetime:
        """A key that the provider knows again cannot tell anybody twice, whatever its own fate was."""
        return self._gate([a for a in attempts if not _on(a, option.route)])

    def _patience_end(self, route: Route) -> datetime:
        """Patience with a route runs from its first attempt since the delivery was opened."""
        begun = [a.begun_at for a in self.attempts if _on(a, route) and a.begun_at >= self.delivery.opened_at]
        return min(begun) + self.policy.patience if begun else self.now

    def _until_back(self, option: _Option) -> Wait:
        until = option.provider.retry_at
        if until is None or until <= self.now:  # it is looked at right now; a good answer wakes us
            until = self.now + LOOK_AGAIN
        why = Why.HELD if self.outlook.offline else Why.RETRY
        return Wait(until, why, option.route.channel, option.provider.reason)

    def _capped(self, wait: Wait) -> Wait:
        if wait.until <= self.delivery.expires_at:
            return wait
        return Wait(self.delivery.expires_at, wait.why, wait.lane, wait.reason)

    def _by_domain(self, options: list[_Option]) -> list[_Option]:
        """What failed takes its whole domain with it, as long as another domain is up."""
        failed = {
            (a.channel, a.provider)
            for a in self.attempts
            if a.outcome is Outcome.UNKNOWN or a.error == "unavailable"
        }
        if not failed:
            return options
        domains = self._domains(failed)
        for option in options:
            if (option.route.channel, option.provider.name) in failed:
                # The channel it is with may go on within its patience.
                option.demoted = self.now >= self._patience_end(option.route)
            else:
                option.demoted = bool(option.provider.domains & domains)
        return sorted(options, key=lambda option: option.demoted)

    def _domains(self, failed: set[tuple[str, str]]) -> frozenset[str]:
        return frozenset(
            domain
            for channel in self.outlook.channels.values()
            for provider in channel.providers
            if (channel.name, provider.name) in failed
            for domain in provider.domains
        )

    # -- every channel -------------------------------------------------------------------------

    def decide_all(self) -> tuple[Action, ...]:
        """Each route for itself; the delivery ends when all of them have."""
        if self.delivery.cancelled:
            return (self._settled_all(State.CANCELLED),)
        if self.now >= self.delivery.expires_at:
            return (self._last_word() or self._settled_all(State.EXPIRED),)
        sends: list[Send] = []
        waits: list[Wait] = []
        for route in self.delivery.routes:
            tried = [a for a in self.attempts if _on(a, route)]
            if any(a.outcome.success for a in tried):
                continue
            action = self._choose(self._options((route,)), tried)
            if isinstance(action, Send):
                sends.append(action)
            elif action is not None:
                waits.append(action)
        if sends:
            return tuple(sends)
        if waits:
            return (min(waits, key=lambda wait: wait.until),)
        return (self._settled_all(State.UNREACHED),)

    def _settled_all(self, otherwise: State) -> Close:
        via = next((a.channel for a in self.attempts if a.outcome.success), None)
        if via:
            return Close(State.REACHED, via)
        return self._expired() if otherwise is State.EXPIRED else Close(otherwise, None, self._reasons())

    # -- options -------------------------------------------------------------------------------

    def _options(self, routes: Sequence[Route]) -> list[_Option]:
        found: list[_Option] = []
        for route in routes:
            channel = self.outlook.channels.get(route.channel)
            tried = [a for a in self.attempts if _on(a, route)]
            spent = self._route_spent(route, channel, tried)
            if spent or channel is None:
                self.spent.append(f"{route.channel}: {spent}")
                continue
            if any(a.outcome is Outcome.BEGUN for a in tried):
                continue  # one send at a time to one address (P11)
            for provider in channel.providers:
                option = self._option(route, channel, provider, tried)
                if option is not None:
                    found.append(option)
        return found

    def _route_spent(self, route: Route, channel: ChannelStanding | None, tried: Sequence[Attempt]) -> str:
        if channel is None:
            return "channel removed from the settings"
        if route in self.delivery.suppressed:
            return "address suppressed"
        if channel.ended:
            return channel.ended
        for attempt in tried:
            if attempt.error == "address-refused":
                return f"address refused ({attempt.reason})"
            if attempt.outcome.success:
                return "accepted, not confirmed"
        return ""

    def _option(
        self, route: Route, channel: ChannelStanding, provider: ProviderStanding, tried: Sequence[Attempt]
    ) -> _Option | None:
        mine = [a for a in tried if a.provider == provider.name]
        ready_at, why, reason, retry = self.now, Why.QUEUED, "", False
        failure: str | None = None
        if mine:
            last = mine[-1]
            spent = self._provider_spent(channel, provider, mine)
            if spent:
                self.spent.append(f"{route.channel}: {spent}")
                return None
            ready_at, why, reason = self._again_at(mine, route), Why.RETRY, last.reason
            retry, failure = last.outcome is Outcome.UNKNOWN, last.error
        quiet = self.outlook.quiet_until
        if quiet and self.policy.quiet_hours and channel.traits.rings and quiet > ready_at:
            ready_at, why = quiet, Why.QUIET_HOURS
        return _Option(route, channel, provider, ready_at, why, reason, retry, failure)

    def _provider_spent(
        self, channel: ChannelStanding, provider: ProviderStanding, mine: Sequence[Attempt]
    ) -> str:
        for attempt in mine:
            match attempt.error:
                case "message-refused":
                    return f"message refused ({attempt.reason})"
                case "access-denied" if attempt.begun_at >= self._account_since(provider):
                    return f"access denied ({attempt.reason})"
            if attempt.outcome is Outcome.UNKNOWN and not self._recognised(channel, provider, attempt):
                return f"outcome unknown ({attempt.reason})"
        return ""

    def _account_since(self, provider: ProviderStanding) -> datetime:
        """Refusals before the settings changed, or before the organiser said `retry`, are void."""
        opened_at = self.delivery.opened_at
        return max(provider.configured_at, opened_at) if provider.configured_at else opened_at

    def _recognised(self, channel: ChannelStanding, provider: ProviderStanding, attempt: Attempt) -> bool:
        """The provider would know the key again: sending once more cannot tell anybody twice."""
        if channel.traits.edits and Route(attempt.channel, attempt.address) in self.delivery.references:
            return True  # an edit may always be repeated
        if not (channel.traits.deduplicates or provider.deduplicates):
            return False
        if provider.configured_at and attempt.begun_at < provider.configured_at:
            return False  # another account: a new scope of idempotency
        window = channel.traits.deduplicates_for
        return window is None or self.now - attempt.begun_at < timedelta(seconds=window)

    def _again_at(self, mine: Sequence[Attempt], route: Route) -> datetime:
        last = mine[-1]
        ended = last.ended_at or last.begun_at
        if last.not_before is not None:
            return last.not_before
        seed = f"{self.delivery.id}/{route.channel}"
        return ended + ledger_wait(self.policy.patience, len(mine), seed)

    def _reasons(self) -> tuple[str, ...]:
        return why_not_reached(self.delivery, self.attempts, self.outlook, self.spent)


def _on(attempt: Attempt, route: Route) -> bool:
    return attempt.channel == route.channel and attempt.address == route.address
