"""Properties of `decide` in worlds that behave as badly as they can."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Traits
from fallback_cast.model.delivery import Attempt, Delivery, Outcome, Route, State
from fallback_cast.model.policy import DEFAULT_POLICIES, Policy
from fallback_cast.routing.decide import Close, Send, Wait, decide
from fallback_cast.routing.outlook import ChannelStanding, Outlook, ProviderStanding
from tests.routing.cases import T0, address, at, attempt, delivery

NAMES = ("site", "telegram", "matrix", "email", "sms")
DOMAINS = ("meta", "hosting", "operator", "own")
ERRORS = (
    "unavailable",
    "throttled",
    "access-denied",
    "address-refused",
    "message-refused",
    "unknown",
    "begun",
)

seconds = st.floats(0, 4000, allow_nan=False).map(lambda value: round(value, 3))
moments = st.none() | seconds.map(at)


@st.composite
def providers(draw: st.DrawFn, name: str) -> ProviderStanding:
    return ProviderStanding(
        name=name,
        domains=draw(st.frozensets(st.sampled_from(DOMAINS), min_size=1, max_size=2)),
        usable=draw(st.integers(0, 3)) > 0,
        reason="down (refused)",
        retry_at=draw(moments),
        configured_at=draw(moments),
        deduplicates=draw(st.integers(0, 5)) == 0,
    )


@st.composite
def channels(draw: st.DrawFn, name: str) -> ChannelStanding:
    names = draw(st.sampled_from([(name,), (name,), (f"{name}-1", f"{name}-2")]))
    traits = Traits(
        deduplicates=draw(st.integers(0, 3)) == 0,
        deduplicates_for=draw(st.none() | st.floats(1, 600)),
        reports_back=draw(st.booleans()),
        confirms=draw(st.integers(0, 5)) > 0,
        rings=draw(st.booleans()),
    )
    ended = draw(st.sampled_from(["", "", "", "this text was refused three times"]))
    return ChannelStanding(name, traits, tuple(draw(providers(n)) for n in names), ended)


@st.composite
def outlooks(draw: st.DrawFn) -> Outlook:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=4))
    return Outlook(
        {name: draw(channels(name)) for name in names},
        offline=draw(st.booleans()),
        quiet_until=draw(moments),
    )


policies = st.builds(
    replace,
    st.sampled_from([DEFAULT_POLICIES[i] for i in Importance]),
    reach=st.just("first"),
    confirm_within=st.none() | st.floats(1, 900).map(lambda s: timedelta(seconds=s)),
    quiet_hours=st.booleans(),
)


@st.composite
def attempts_in(draw: st.DrawFn, world: Outlook) -> Attempt:
    channel = draw(st.sampled_from(list(world.channels.values())))
    outcome = draw(st.sampled_from((*ERRORS, "accepted", "delivered")))
    begun = draw(seconds)
    return attempt(
        channel.name,
        outcome,
        begun,
        begun + draw(st.floats(0, 60)),
        number=draw(st.integers(1, 9)),
        provider=draw(st.sampled_from(channel.providers)).name,
        not_before=at(begun + draw(st.floats(0, 600))) if outcome == "throttled" else None,
    )


@dataclass(frozen=True)
class Case:
    delivery: Delivery
    attempts: tuple[Attempt, ...]
    world: Outlook
    policy: Policy
    now: datetime

    def decide(self) -> tuple[Send | Wait | Close, ...]:
        return decide(self.delivery, self.attempts, self.world, self.policy, self.now)


@st.composite
def cases(draw: st.DrawFn, reach: str = "first") -> Case:
    world = draw(outlooks())
    routes = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    found = [a for a in draw(st.lists(attempts_in(world), max_size=5)) if a.channel in routes]
    attempts = {(a.key, a.number): a for a in found}
    suppressed = draw(st.frozensets(st.sampled_from([Route(n, address(n)) for n in NAMES]), max_size=1))
    return Case(
        delivery(
            *routes,
            expires_at=at(draw(st.sampled_from([2000, 86400]))),
            cancelled=draw(st.integers(0, 9)) == 0,
            suppressed=suppressed,
        ),
        tuple(attempts.values()),
        world,
        replace(draw(policies), reach=reach),
        at(draw(st.floats(0, 5000))),
    )


def last_tries(case: Case, channel: str, provider: str) -> list[Attempt]:
    return [a for a in case.attempts if (a.channel, a.provider) == (channel, provider)]


def could_still_go(case: Case, route: Route, by: ProviderStanding) -> bool:
    """Nobody has tried it, it is usable, and nothing forbids it: an honest alternative."""
    channel = case.world.channels[route.channel]
    return by.usable and not channel.ended and route not in case.delivery.suppressed


def alternatives(case: Case) -> list[tuple[Route, ProviderStanding]]:
    tried = {a.channel for a in case.attempts}
    return [
        (route, provider)
        for route in case.delivery.routes
        if route.channel in case.world.channels and route.channel not in tried
        for provider in case.world.channels[route.channel].providers
        if could_still_go(case, route, provider)
    ]


@given(cases())
def test_the_same_question_has_the_same_answer_in_any_order(case: Case) -> None:
    shuffled = list(case.attempts)
    random.Random(1).shuffle(shuffled)
    assert case.decide() == case.decide()
    assert case.decide() == replace(case, attempts=tuple(shuffled)).decide()
    assert case.decide() == replace(case, attempts=case.attempts[::-1]).decide()


@given(cases())
def test_never_sends_while_reached(case: Case) -> None:
    told = any(a.outcome is Outcome.DELIVERED for a in case.attempts) or (
        case.policy.confirm_within is None and any(a.outcome.success for a in case.attempts)
    )
    if told:
        [action] = case.decide()
        assert isinstance(action, Close)
        assert action.state is State.REACHED


@given(cases())
def test_sends_only_where_it_may(case: Case) -> None:
    for action in case.decide():
        if not isinstance(action, Send):
            continue
        channel = case.world.channels[action.route.channel]
        provider = next(p for p in channel.providers if p.name == action.provider)
        assert action.route in case.delivery.routes
        assert could_still_go(case, action.route, provider)
        assert case.now < case.delivery.expires_at
        assert not case.delivery.cancelled
        quiet = case.world.quiet_until
        assert not (case.policy.quiet_hours and channel.traits.rings and quiet and quiet > case.now)
        on_route = [a for a in case.attempts if a.channel == channel.name]
        assert not any(a.outcome is Outcome.BEGUN for a in on_route)
        assert not any(a.error == "address-refused" for a in on_route)
        mine = last_tries(case, channel.name, provider.name)
        assert not any(a.error == "message-refused" for a in mine)
        recognised = channel.traits.deduplicates or provider.deduplicates
        assert recognised or not any(a.outcome is Outcome.UNKNOWN for a in mine)


@given(cases())
def test_after_an_outage_never_the_same_domain_while_another_is_up(case: Case) -> None:
    failed = {
        (a.channel, a.provider)
        for a in case.attempts
        if a.outcome is Outcome.UNKNOWN or a.error == "unavailable"
    }
    lost = {
        domain
        for channel in case.world.channels.values()
        for provider in channel.providers
        if (channel.name, provider.name) in failed
        for domain in provider.domains
    }
    for action in case.decide():
        if not isinstance(action, Send) or (action.route.channel, action.provider) in failed:
            continue
        provider = next(
            p for p in case.world.channels[action.route.channel].providers if p.name == action.provider
        )
        if provider.domains & lost:
            assert not [p for _, p in alternatives(case) if not p.domains & lost]


@given(cases())
def test_nobody_waits_for_what_is_down_while_another_is_up(case: Case) -> None:
    if case.attempts or case.delivery.cancelled or case.now >= case.delivery.expires_at:
        return
    silent = [(r, p) for r, p in alternatives(case) if not case.world.channels[r.channel].traits.rings]
    [action] = case.decide()
    if silent and not isinstance(action, Send):
        # Only a better channel that rings may hold it, until morning.
        assert isinstance(action, Wait)
        assert action.until <= max(case.world.quiet_until or T0, case.now)
    if not case.world.quiet_until and alternatives(case):
        assert isinstance(action, Send)
        assert action.route == alternatives(case)[0][0]


@given(cases("all") | cases("first"))
def test_every_answer_goes_on_or_ends(case: Case) -> None:
    actions = case.decide()
    assert actions
    assert all(isinstance(a, Send) for a in actions) or len(actions) == 1
    for action in actions:
        if isinstance(action, Wait):
            assert action.until > case.now
        if isinstance(action, Close) and action.state in (State.UNREACHED, State.EXPIRED):
            assert action.reasons


# -- a whole life ----------------------------------------------------------------------------------


@dataclass
class Life:
    """Plays one delivery to its end against a world that changes at every step."""

    dice: random.Random
    case: Delivery
    policy: Policy
    names: Sequence[str]
    now: datetime = T0
    attempts: list[Attempt] = field(default_factory=list)
    steps: int = 0

    def world(self) -> Outlook:
        dice = self.dice
        return Outlook(
            {
                name: ChannelStanding(
                    name,
                    Traits(deduplicates=name == "matrix", rings=name == "sms", reports_back=name == "sms"),
                    tuple(
                        ProviderStanding(
                            relay,
                            frozenset({name}),
                            usable=dice.random() < 0.6,
                            retry_at=None if dice.random() < 0.3 else self.now + timedelta(seconds=30),
                        )
                        for relay in ([f"{name}-1", f"{name}-2"] if name == "email" else [name])
                    ),
                )
                for name in self.names
                if dice.random() < 0.95
            },
            offline=dice.random() < 0.1,
            quiet_until=self.now + timedelta(hours=3) if dice.random() < 0.2 else None,
        )

    def play(self) -> Close:
        while True:
            self.steps += 1
            assert self.steps < 5000, "it does not end"
            for action in decide(self.case, self.attempts, self.world(), self.policy, self.now):
                if isinstance(action, Close):
                    return action
                if isinstance(action, Wait):
                    assert action.until > self.now
                    self._meanwhile(action.until)
                else:
                    self._attempt(action)

    def _attempt(self, action: Send) -> None:
        sent = [a for a in self.attempts if a.address == action.route.address]
        word = self.dice.choice(ERRORS if len(self.attempts) < 200 else ("address-refused",))
        begun = (self.now - T0).total_seconds()
        self.attempts.append(
            attempt(
                action.route.channel,
                word,
                begun,
                begun + self.dice.random() * 20,
                address=action.route.address,
                number=len(sent) + 1,
                provider=action.provider,
                not_before=self.now + timedelta(seconds=self.dice.random() * 90)
                if word == "throttled"
                else None,
            )
        )
        self.now += timedelta(seconds=self.dice.random() * 20)

    def _meanwhile(self, until: datetime) -> None:
        self.now = until
        for place, one in enumerate(self.attempts):
            if one.outcome is Outcome.BEGUN and self.dice.random() < 0.3:  # a late outcome
                self.attempts[place] = replace(one, outcome=Outcome.UNKNOWN, ended_at=self.now)


@settings(max_examples=150)
@given(st.integers(0, 2**32), policies, st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
def test_it_always_ends(seed: int, policy: Policy, names: list[str]) -> None:
    life = Life(random.Random(seed), delivery(*names), policy, names)
    closed = life.play()
    assert closed.state in (State.UNREACHED, State.EXPIRED)
    assert closed.reasons
    assert life.now <= life.case.expires_at + policy.patience + policy.grace + timedelta(seconds=40)
    refused = {(a.provider, a.address) for a in life.attempts if a.error == "address-refused"}
    for provider, to in refused:
        tries = [a for a in life.attempts if (a.provider, a.address) == (provider, to)]
        assert tries[-1].error == "address-refused"
    by_provider: dict[str, list[Attempt]] = {}
    for one in life.attempts:
        by_provider.setdefault(one.provider, []).append(one)
    for tries in by_provider.values():
        unknown = [a for a in tries if a.outcome is Outcome.UNKNOWN]
        assert not unknown or tries[-1] is unknown[0] or tries[0].channel == "matrix"
