"""`retry`: unreached recipients are taken up again, with today's channels and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fallback_cast.dispatch.accept import person, ranks
from fallback_cast.ledger.members import each_member
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.reopen import reopen_deliveries
from fallback_cast.ledger.view import header
from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.delivery import RecipientKind, Route
from fallback_cast.model.policy import Policy
from fallback_cast.routing.plan import Audience, plan


def reopen(
    ledger: Ledger,
    id: str,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
    now: datetime,
) -> int:
    """Open what ended unreached or expired once more; returns how many. New channels come in."""
    head = header(ledger, id)
    assert head is not None
    policy = policies[Importance(head.importance)]
    people = {m.id: person(m, now.date().isoformat()) for m in each_member(ledger)}

    def routes(kind: str, recipient: str, member_id: int | None, old: tuple[Route, ...]) -> tuple[Route, ...]:
        """Today's routes first; an old one that no plan names any more stays at the end."""
        audience = Audience(public=any(route.address == _place(channels, route.channel) for route in old))
        if kind == RecipientKind.MEMBER and member_id in people:
            fresh = next(iter(plan(ranks(channels), [people[member_id]], policy, audience)), None)
            found = fresh.routes if fresh and fresh.kind is RecipientKind.MEMBER else ()
            old = tuple(route for route in old if route.channel not in people[member_id].refused)
        elif kind == RecipientKind.EVERYONE and recipient == "everyone":
            everyone = [r for r in plan(ranks(channels), None, policy, audience) if r.kind == kind]
            found = everyone[0].routes if everyone else ()
        else:
            found = ()
        return tuple(dict.fromkeys((*found, *old)))

    return reopen_deliveries(ledger, id, routes, now, now + policy.expires_after)


def _place(channels: Mapping[str, Channel], name: str) -> str | None:
    return channels[name].place() if name in channels else None
