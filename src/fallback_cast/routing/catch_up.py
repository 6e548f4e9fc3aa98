"""Which places missed an announcement while their channel was out (design §6). Pure.

What is late is not poured out: after recovery a place gets one message of what it missed, if that is
of use still. Members are not told again: those who were to read it there went on by their own routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from fallback_cast.model.delivery import Attempt, Outcome, RecipientKind, Route, State
from fallback_cast.model.outages import CatchUp, PassedChain, Trouble

NOTICED_LATE = timedelta(minutes=15)  # an outage has begun before somebody notices it


def plan_catch_up(
    channel: str,
    place: str,
    chains: Iterable[PassedChain],
    troubles: Sequence[Trouble],
    now: datetime,
    *,
    deduplicates: bool = False,
) -> Iterator[CatchUp]:
    """At most one for each announcement that the channel's place missed while the channel was out."""
    planned: set[str] = set()
    for chain in chains:
        route = _place_of(chain, channel, place)
        if route is None or chain.announcement_id in planned or now >= chain.expires_at:
            continue
        in_trouble = any(_during(trouble, chain) for trouble in troubles)
        if in_trouble and _missed(chain, route, deduplicates):
            planned.add(chain.announcement_id)
            yield CatchUp(chain.announcement_id, chain.revision, route, chain.expires_at)


def _place_of(chain: PassedChain, channel: str, place: str) -> Route | None:
    """The chain's route to the place; a member's own address is none."""
    for route in chain.routes:
        if route.channel == channel:
            return route if chain.kind is RecipientKind.EVERYONE or route.address == place else None
    return None


def _missed(chain: PassedChain, route: Route, deduplicates: bool) -> bool:
    """The place's turn came, and nothing went out there: neither surely nor perhaps."""
    if chain.kind is RecipientKind.EVERYONE and chain.state is State.REACHED:
        ranks = [r.channel for r in chain.routes]
        if chain.via not in ranks or ranks.index(chain.via) <= chain.routes.index(route):
            return False
    elif chain.kind is not RecipientKind.MEMBER or chain.state is not State.UNREACHED:
        return False  # a member who was reached is not told again
    return all(_surely_not_sent(attempt, deduplicates) for attempt in chain.tried)


def _surely_not_sent(attempt: Attempt, deduplicates: bool) -> bool:
    if attempt.outcome is Outcome.UNKNOWN:
        return deduplicates
    return attempt.outcome is Outcome.FAILED and attempt.error not in ("message-refused", "address-refused")


def _during(trouble: Trouble, chain: PassedChain) -> bool:
    begun = trouble.begin - NOTICED_LATE <= chain.closed_at
    return begun and (trouble.end is None or trouble.end >= chain.opened_at)
