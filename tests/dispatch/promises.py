"""The promises of design §2, checked on a world that is over: by what really happened and by the ledger.

Nothing here knows how the dispatcher works. What arrived is known from the providers' log; what was
said of it, from the ledger.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import text

from fallback_cast.ledger.schema import from_micros
from fallback_cast.model.announcement import Importance
from fallback_cast.model.health import Verdict
from fallback_cast.model.message import idempotency_key
from fallback_cast.model.policy import Policy
from tests.dispatch.play import Play, Touch
from tests.dispatch.worlds import POLICIES
from tests.virtual_time import BEGIN

SUCCESS = ("accepted", "delivered")
EPSILON = 1e-5  # the ledger counts microseconds
TICK_S = 1.3  # how late anything may be noticed: looks of a second, ticks of a quarter


@dataclass(frozen=True)
class Try:
    """A row of `attempt`, in seconds."""

    key: str
    number: int
    delivery: int
    channel: str
    provider: str
    outcome: str
    error: str
    possible_duplicate: bool
    begun: float
    ended: float


@dataclass(frozen=True)
class Duty:
    """A row of `delivery`, in seconds."""

    id: int
    announcement: str
    kind: str
    state: str
    via: str
    routes: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    closed: float

    @property
    def keys(self) -> dict[str, str]:
        """The channel of each key."""
        return {idempotency_key(self.announcement, 1, c, a): c for c, a in self.routes}


def _seconds(micros: int | None) -> float:
    return float("inf") if micros is None else (from_micros(micros) - BEGIN).total_seconds()


class Aftermath:
    """What is left of a world."""

    def __init__(self, play: Play) -> None:
        self.play, self.facts = play, play.facts
        with play.stage.ledger.reading() as connection:
            rows = connection.execute(text("SELECT * FROM attempt ORDER BY begun_at, id")).all()
            self.tries = [
                Try(
                    r.key,
                    r.number,
                    r.delivery_id,
                    r.channel,
                    r.provider,
                    r.outcome,
                    r.error or "",
                    bool(r.possible_duplicate),
                    _seconds(r.begun_at),
                    _seconds(r.ended_at),
                )
                for r in rows
            ]
            self.duties = [
                Duty(
                    r.id,
                    r.announcement_id,
                    r.kind,
                    r.state,
                    r.via or "",
                    tuple((c, a) for c, a in json.loads(r.routes)),
                    tuple(json.loads(r.reasons or "[]")),
                    _seconds(r.closed_at),
                )
                for r in connection.execute(text("SELECT * FROM delivery ORDER BY id"))
            ]
            self.states = {
                r.id: r.state for r in connection.execute(text("SELECT id, state FROM announcement"))
            }
        self.touches: dict[str, list[Touch]] = defaultdict(list)
        for touch in play.log:
            self.touches[touch.key].append(touch)

    @cached_property
    def tries_of(self) -> dict[str, list[Try]]:
        found: dict[str, list[Try]] = defaultdict(list)
        for one in self.tries:
            found[one.key].append(one)
        return found

    def past(self, duty: Duty) -> list[Try]:
        """All tries on this recipient's addresses, in order."""
        return sorted((t for key in duty.keys for t in self.tries_of[key]), key=lambda t: (t.begun, t.number))

    def own(self, duty: Duty) -> list[Try]:
        """Those that were made for this recipient, not for another who shares the address."""
        return [t for t in self.past(duty) if t.delivery == duty.id]

    def arrivals(self, key: str) -> list[Touch]:
        return [touch for touch in self.touches[key] if touch.arrived_at is not None]

    def try_of(self, touch: Touch) -> Try:
        """The try under which a message touched the wire."""
        return [t for t in self.tries_of[touch.key] if t.begun <= touch.at][-1]

    def policy(self, duty: Duty) -> Policy:
        return POLICIES[Importance(self.facts.news[int(duty.announcement[1:])].importance)]

    def opened(self, duty: Duty) -> float:
        return self.facts.news[int(duty.announcement[1:])].starts


def nobody_is_lost(after: Aftermath) -> None:
    """P2."""
    for state in after.states.values():
        assert state == "settled"
    recipients = len(after.facts.people) or 1
    sites = sum(channel.publishes for channel in after.facts.channels.values())
    assert len(after.duties) == (recipients + sites) * len(after.facts.news)
    for duty in after.duties:
        assert duty.state in ("reached", "unreached", "excluded", "expired"), duty
        assert (duty.state == "reached") or duty.reasons, f"nobody says why: {duty}"
        assert (duty.state == "excluded") == (not duty.routes), duty
        accepted = [t for key in duty.keys for t in after.touches[key] if t.answer == "accepted"]
        if duty.state == "reached":
            assert duty.via in {t.channel for t in accepted}, f"reached by nobody: {duty}"
        else:
            _not_reached_for_a_reason(after, duty, accepted)


def _not_reached_for_a_reason(after: Aftermath, duty: Duty, accepted: Sequence[Touch]) -> None:
    """No answer was overheard, and no channel that was always well was left out."""
    in_time = [
        t
        for t in accepted
        if t.ended_at is not None
        and t.ended_at < duty.closed
        and not any(
            t.ended_at - EPSILON <= kill <= t.ended_at + 0.5 for kill in after.play.kills
        )  # not yet durable
    ]
    assert not in_time, f"an answer was overheard: {duty} {in_time}"
    unknown = {t.channel for t in after.past(duty) if t.outcome == "unknown"}
    for channel, _ in duty.routes:
        if after.facts.channels[channel].well and channel not in unknown:
            # A life may have begun when everything had expired already.
            late = after.opened(duty) + after.policy(duty).expires_after.total_seconds() - 5.0
            assert any(kill + rest >= late for kill, rest in _rests(after)), f"{channel} left out: {duty}"


def _rests(after: Aftermath) -> Iterator[tuple[float, float]]:
    return zip(after.play.kills, (kill.rest for kill in after.facts.kills), strict=False)


def unreached_means_every_route_is_spent(after: Aftermath) -> None:
    """P2: nobody gives up on what may come back before the announcement expires."""
    refused: Counter[tuple[str, str]] = Counter(
        (t.channel, duty.announcement)
        for duty in after.duties
        for t in after.own(duty)
        if t.error == "message-refused"
    )
    for duty in after.duties:
        if duty.state != "unreached":
            continue
        for channel, address in duty.routes:
            providers = len(after.facts.channels[channel].providers)
            tries = [t for t in after.past(duty) if t.channel == channel]
            final = {
                t.provider
                for t in tries
                if t.error in ("message-refused", "access-denied", "outcome-unknown")
            }
            spent = (
                len(final) == providers
                or refused[channel, duty.announcement] >= 3
                or any(
                    touch.answer == "address-refused" and touch.address == address for touch in after.play.log
                )
            )
            assert spent, f"{channel} was not spent: {duty} {tries}"


def few_are_told_twice(after: Aftermath) -> None:
    """P3: only after an attempt of unknown outcome, and then it is said."""
    for key, tries in after.tries_of.items():
        unsure = sum(t.outcome == "unknown" for t in tries)
        arrivals = after.arrivals(key)
        assert len(arrivals) <= 1 + unsure, f"told twice: {arrivals} {tries}"
    for duty in after.duties:
        own = after.own(duty)
        keys = {t.key for t in own}
        told = sorted(
            (t for key in keys for t in after.arrivals(key) if after.try_of(t).delivery == duty.id),
            key=lambda t: after.try_of(t).begun,
        )
        for touch in told[1:]:
            one = after.try_of(touch)
            assert _something_unsure_before(one, own), f"told twice for nothing: {duty} {own}"
        last_accepted = [t for t in own if t.outcome in SUCCESS and t.key in {x.key for x in told[1:]}]
        for one in last_accepted:
            if after.try_of(told[0]) != one:
                assert one.possible_duplicate, f"a duplicate that nobody mentions: {one} {own}"


def _something_unsure_before(one: Try, past: Sequence[Try]) -> bool:
    """An earlier try whose outcome was unknown, or not known yet, when this one began."""
    return any(
        t is not one and t.begun <= one.begun and (t.outcome == "unknown" or t.ended > one.begun)
        for t in past
    )


def marks_are_true(after: Aftermath) -> None:
    """P3, P8: an accepted attempt is marked if and only if something unsure came before it."""
    for duty in after.duties:
        own = after.own(duty)
        for one in (t for t in own if t.outcome in SUCCESS):
            if _something_unsure_before(one, own):
                assert one.possible_duplicate, f"not marked: {one} {own}"
            if one.possible_duplicate:
                assert _something_unsure_before(one, after.past(duty)), f"marked for nothing: {one} {own}"


def one_address_gets_one_message(after: Aftermath) -> None:
    """P11: never two at a time, and none after one that was accepted or after a refusal of the address."""
    for key, tries in after.tries_of.items():
        assert len({t.number for t in tries}) == len(tries)
        for one, later in itertools.pairwise(tries):
            assert one.ended <= later.begun, f"two at a time: {one} {later}"
            assert one.outcome not in SUCCESS, f"after success: {one} {later}"
            assert one.error != "address-refused", f"after a refusal: {one} {later}"
        touches = after.touches[key]
        for first, then in itertools.pairwise(touches):
            if first.life == then.life:
                assert first.ended_at is not None, (first, then)
                assert first.ended_at <= then.at, (first, then)


def every_touch_was_written_down_before(after: Aftermath) -> None:
    """Design §9: an attempt is durable, as begun, before the wire is touched."""
    for touch in after.play.log:
        assert any(t.begun <= touch.at <= t.ended for t in after.tries_of[touch.key]), touch


def nothing_is_sent_to_what_is_down(after: Aftermath) -> None:
    """P4: no message meets a provider that is judged down; one that recovers meets one at a time."""
    by_provider: dict[str, list[Touch]] = defaultdict(list)
    for touch in after.play.log:
        channel = after.facts.channels[touch.channel]
        if not (channel.publishes and channel.local):  # our own folder takes the page whatever is said of it
            by_provider[touch.provider].append(touch)
    for touches in by_provider.values():
        for touch in touches:
            # What is begun in the ledger when the verdict falls is on its way.
            begun_before = after.try_of(touch).begun < touch.at
            assert touch.verdict is not Verdict.DOWN or begun_before, f"sent to a known outage: {touch}"
        trials = [t for t in touches if t.verdict is Verdict.RECOVERING]
        for first, then in itertools.pairwise(trials):
            if first.life == then.life:
                assert first.ended_at is not None, (first, then)
                assert first.ended_at <= then.at, f"two trials: {first} {then}"


def the_grace_is_kept(after: Aftermath) -> None:
    """Design §5: after an unknown outcome, or a patience that ended in mid-attempt, the next channel follows
    only after the grace: a receipt or a late answer may still come."""
    for duty in after.duties:
        own, policy = after.own(duty), after.policy(duty)
        patience, grace = policy.patience.total_seconds(), policy.grace.total_seconds()
        for one, then in ((a, b) for a in own for b in own if a.key != b.key and a.begun < b.begun):
            if one.outcome == "unknown" and one.ended <= then.begun:
                assert then.begun >= one.ended + grace - EPSILON, f"no grace: {one} {then}"
            if one.ended > then.begun:
                first = min(t.begun for t in after.past(duty) if t.key == one.key)
                soonest = max(first + patience, one.begun) + grace
                assert then.begun >= soonest - EPSILON, f"no patience: {one} {then}"


def nobody_waits_long(after: Aftermath) -> None:
    """P5: with a channel that is always well further down, each before it costs at most patience and grace,
    and all of them together one probe budget."""
    for duty in after.duties:
        names = [channel for channel, _ in duty.routes]
        well = next((n for n in names if after.facts.channels[n].well and after.facts.channels[n].free), None)
        if well is None or duty.state != "reached" or not _undisturbed(after, duty):
            continue
        before = names[: names.index(well)]
        policy = after.policy(duty)
        stay = (policy.patience + policy.grace).total_seconds() + TICK_S + 10 * after.facts.commit
        _stays(after, duty, before, stay)
        if all(after.facts.channels[name].free for name in before):
            gate = (
                policy.site_first.total_seconds()
                if any(c.publishes for c in after.facts.channels.values())
                else 0
            )
            start = after.opened(duty) + gate + policy.probe_budget.total_seconds()
            provider = after.facts.channels[well].providers[0]
            limit = start + stay * len(before) + provider.latency + TICK_S + 10 * after.facts.commit
            assert duty.closed <= limit, f"{duty.closed} > {limit}: {duty} {after.past(duty)}"


def _stays(after: Aftermath, duty: Duty, before: Sequence[str], stay: float) -> None:
    own = after.own(duty)
    for name in before:
        here = [t.begun for t in own if t.channel == name]
        if here and duty.via != name:
            onward = [t.begun for t in own if t.channel != name and t.begun > here[0]]
            left = min([*onward, duty.closed])
            assert left - here[0] <= stay, f"stayed {left - here[0]} s with {name}: {duty} {own}"


def _undisturbed(after: Aftermath, duty: Duty) -> bool:
    """No life ended while it was open, and it did not wait for somebody else's attempt on its address."""
    killed = any(kill <= duty.closed for kill in after.play.kills)
    return not killed and len(after.own(duty)) == len(after.past(duty))


PROMISES = (
    nobody_is_lost,
    unreached_means_every_route_is_spent,
    few_are_told_twice,
    marks_are_true,
    one_address_gets_one_message,
    every_touch_was_written_down_before,
    nothing_is_sent_to_what_is_down,
    the_grace_is_kept,
    nobody_waits_long,
)
