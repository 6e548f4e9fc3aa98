"""Short ways to write a case for `decide`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Traits
from fallback_cast.model.delivery import Attempt, Delivery, Outcome, RecipientKind, Route
from fallback_cast.model.message import idempotency_key
from fallback_cast.model.policy import DEFAULT_POLICIES, Policy
from fallback_cast.routing.decide import Action, decide
from fallback_cast.routing.outlook import ChannelStanding, Outlook, ProviderStanding

T0 = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
URGENT = DEFAULT_POLICIES[Importance.URGENT]
NORMAL = DEFAULT_POLICIES[Importance.NORMAL]


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def address(channel: str) -> str:
    return f"ann@{channel}"


def delivery(*channels: str, **facts: Any) -> Delivery:
    return Delivery(
        **{
            "id": 1,
            "announcement_id": "a1",
            "recipient": "Ann",
            "kind": RecipientKind.MEMBER,
            "routes": tuple(Route(c, address(c)) for c in channels),
            "revision": 1,
            "opened_at": T0,
            "expires_at": at(86400),
        }
        | facts
    )


def provider(name: str, **facts: Any) -> ProviderStanding:
    return ProviderStanding(**{"name": name, "domains": frozenset({name})} | facts)


def channel(name: str, *providers: ProviderStanding, ended: str = "", **traits: Any) -> ChannelStanding:
    return ChannelStanding(name, Traits(**traits), providers or (provider(name),), ended)


def outlook(*channels: ChannelStanding, **facts: Any) -> Outlook:
    return Outlook({c.name: c for c in channels}, **facts)


def attempt(channel: str, outcome: str, begun: float, ended: float | None = None, **facts: Any) -> Attempt:
    """`outcome` is an Outcome, or the word of an error."""
    words = {o.value for o in Outcome}
    failed = outcome not in words
    known = Outcome.FAILED if failed else Outcome(outcome)
    if known is Outcome.UNKNOWN:
        facts = {"error": "outcome-unknown", **facts}
    to = facts.pop("address", address(channel))
    return Attempt(
        **{
            "key": idempotency_key("a1", 1, channel, to),
            "number": 1,
            "channel": channel,
            "provider": channel,
            "address": to,
            "outcome": known,
            "begun_at": at(begun),
            "ended_at": None if known is Outcome.BEGUN else at(begun if ended is None else ended),
            "error": outcome if failed else None,
            "reason": "" if known.success or known is Outcome.BEGUN else "told so",
        }
        | facts
    )


def ask(
    case: Delivery, attempts: Sequence[Attempt], world: Outlook, now: float, policy: Policy = URGENT
) -> Action:
    """The one action of a policy that ends with the first success."""
    [action] = decide(case, attempts, world, policy, at(now))
    return action


def with_policy(**facts: Any) -> Policy:
    return replace(URGENT, **facts)


def standing_of(world: Outlook, channel: str, provider: str) -> tuple[ChannelStanding, ProviderStanding]:
    found = world.channels[channel]
    return found, next(p for p in found.providers if p.name == provider)


ChannelMap = Mapping[str, ChannelStanding]
