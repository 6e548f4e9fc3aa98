"""Random worlds: what a world is made of, and how hypothesis draws one.

Everything is plain frozen data, so that a failing world can be pasted into a test as it was printed.
Times are seconds after the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from hypothesis import strategies as st

from fallback_cast.model.announcement import Importance
from fallback_cast.model.policy import Policy

MANY = 50  # wider than any club of these worlds


class Fault(StrEnum):
    """What a provider does between two moments; probes see only what a probe could see."""

    REFUSES = "refuses"  # connection refused
    BREAKS = "breaks"  # answers every request with a fault of its own
    HANGS = "hangs"  # no answer to anything
    LOSES = "loses"  # takes the message, perhaps, and the answer is lost; probes are good
    SLOW = "slow"  # takes the message, and says so long after the patience
    THROTTLES = "throttles"
    NO_ADDRESS = "no address"  # refuses some of the addresses
    NO_TEXT = "no text"  # refuses every text
    DENIES = "denies"  # refuses our account
    BUG = "bug"  # our own channel breaks in the middle of a send


@dataclass(frozen=True)
class Spell:
    fault: Fault
    begins: float
    ends: float


@dataclass(frozen=True)
class ProviderFacts:
    domain: str
    spells: tuple[Spell, ...] = ()
    deduplicates: bool = False
    interval: float = 0.0  # pace; 0: none
    width: int = MANY
    latency: float = 0.05

    @property
    def free(self) -> bool:
        """Nobody waits in our own queue for it."""
        return self.interval == 0.0 and self.width >= MANY

    def fault_at(self, moment: float) -> Fault | None:
        return next((s.fault for s in self.spells if s.begins <= moment < s.ends), None)


@dataclass(frozen=True)
class ChannelFacts:
    providers: tuple[ProviderFacts, ...]
    local: bool = False
    publishes: bool = False
    paid: bool = False
    edits: bool = False

    @property
    def well(self) -> bool:
        """Nothing ever happens to it."""
        return not any(provider.spells for provider in self.providers)

    @property
    def free(self) -> bool:
        return all(provider.free for provider in self.providers)


@dataclass(frozen=True)
class Person:
    name: str
    routes: tuple[tuple[str, str], ...]  # channel and address, in rank order


@dataclass(frozen=True)
class News:
    importance: Importance
    starts: float = 0.0


@dataclass(frozen=True)
class Change:
    """The organiser corrects or cancels, from another process."""

    news: int
    at: float
    cancels: bool = False


class Stroke(StrEnum):
    """When a life ends: kill -9 is at home between any two steps."""

    MOMENT = "moment"  # so many seconds after its beginning
    BEFORE_CALL = "before call"  # with the n-th call of the ledger not made
    AFTER_CALL = "after call"  # with the n-th call durable and nobody knowing it
    ON_THE_WIRE = "on the wire"  # with the n-th message gone out and no answer yet


@dataclass(frozen=True)
class Kill:
    stroke: Stroke
    at: float  # seconds, or the n of n-th
    rest: float = 0.0  # until the next dispatcher


@dataclass(frozen=True)
class Facts:
    """One world, whole."""

    channels: Mapping[str, ChannelFacts]
    people: tuple[Person, ...]
    news: tuple[News, ...]
    kills: tuple[Kill, ...] = ()
    commit: float = 0.0  # how long a commit takes
    luck: int = 0  # decides what arrives of what is never answered
    changes: tuple[Change, ...] = ()

    @property
    def place_only(self) -> bool:
        return not self.people


# Shorter than the real ones, so that a world is over in minutes; the proportions are the same.
POLICIES: dict[Importance, Policy] = {
    importance: Policy(
        patience=timedelta(seconds=patience),
        probe_budget=timedelta(seconds=probe),
        grace=timedelta(seconds=grace),
        expires_after=timedelta(seconds=expires),
        site_first=timedelta(seconds=5),
        paid=paid,
    )
    for importance, patience, probe, grace, expires, paid in (
        (Importance.URGENT, 10, 1, 4, 60, "yes"),
        (Importance.NORMAL, 14, 2, 5, 75, "yes"),
        (Importance.INFO, 20, 3, 6, 90, "last"),
    )
}


def tenths(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(int(low * 10), int(high * 10)).map(lambda n: n / 10)


# What breaks before a broadcast is passed over; what breaks in the middle of it is the hard part.
SOON = (0.0, 0.05, 0.1, 0.3, 0.6, 1.0, 2.0, 4.0, 8.0)


@st.composite
def _spells(draw: st.DrawFn) -> tuple[Spell, ...]:
    spells, moment = [], 0.0
    for _ in range(draw(st.sampled_from((0, 1, 1, 2, 3)))):
        begins = moment + draw(st.sampled_from(SOON) | tenths(0, 30))
        moment = begins + draw(st.sampled_from((0.2, 1.0, 3.0, 10.0, 30.0, 1000.0)) | tenths(0.1, 60))
        spells.append(Spell(draw(st.sampled_from(Fault)), begins, moment))
    return tuple(spells)


@st.composite
def _providers(draw: st.DrawFn) -> ProviderFacts:
    return ProviderFacts(
        domain=draw(st.sampled_from(("meta", "hosting", "operator", "own"))),
        spells=draw(_spells()),
        deduplicates=draw(st.integers(0, 3)) == 3,
        interval=draw(st.sampled_from((0.0, 0.0, 0.05, 0.5))),
        width=draw(st.sampled_from((MANY, 1, 3, MANY))),
        latency=draw(st.sampled_from((0.05, 0.4, 1.0, 2.0))),
    )


@st.composite
def _channels(draw: st.DrawFn, *, first: bool) -> ChannelFacts:
    publishes = first and draw(st.integers(0, 3)) == 3
    many = 1 if publishes else draw(st.sampled_from((1, 1, 1, 2, 3)))
    return ChannelFacts(
        tuple(draw(_providers()) for _ in range(many)),
        local=draw(st.integers(0, 5)) == 5,
        publishes=publishes,
        paid=draw(st.integers(0, 5)) == 5,
    )


@st.composite
def _people(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[Person, ...]:
    many = draw(st.sampled_from((3, 1, 0, 6, 10, 15, 20, 30)))
    shared = draw(st.sampled_from((2, 6, 100)))  # how many addresses there are on a channel
    people = []
    for number in range(many):
        having = [name for name in names if draw(st.integers(0, 5)) < 5]
        routes = tuple((name, _address(name, draw(st.integers(1, shared)))) for name in having)
        people.append(Person(f"p{number}", routes))
    return tuple(people)


def _address(channel: str, number: int) -> str:
    """Every other channel is of mailboxes, whose refusals are of one mail domain."""
    return f"{channel}-{number}@example.org" if channel in ("c1", "c3") else f"{channel}-{number}"


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    names = ("c0", "c1", "c2", "c3")[: draw(st.sampled_from((2, 1, 3, 4)))]
    channels = {name: draw(_channels(first=name == "c0")) for name in names}
    private = tuple(name for name in names if not channels[name].publishes)
    news = draw(
        st.lists(
            st.builds(News, st.sampled_from(Importance), st.sampled_from((0.0, 0.0, 0.0, 0.3, 3.0))),
            min_size=1,
            max_size=2,
        )
    )
    kill = st.builds(
        Kill,
        st.sampled_from(Stroke),
        st.sampled_from((1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 45.0)) | tenths(0.1, 5),
        st.sampled_from((0.0, 0.0, 0.5, 20.0)),
    )
    return Facts(
        channels=channels,
        people=draw(_people(private)),
        news=tuple(news),
        kills=tuple(draw(st.lists(kill, max_size=3))),
        commit=draw(st.sampled_from((0.0, 0.0, 0.003, 0.03))),
        luck=draw(st.integers(0, 7)),
    )


@st.composite
def changing_worlds(draw: st.DrawFn) -> Facts:
    """Worlds whose organiser changes his mind, also in the middle of a send and between two lives."""
    facts = draw(worlds())
    at = st.sampled_from((0.0, 0.05, 0.1, 0.3, 1.0, 3.0, 8.0, 20.0, 40.0)) | tenths(0, 30)
    change = st.builds(Change, st.integers(0, len(facts.news) - 1), at, st.sampled_from((False, False, True)))
    edits = {name: draw(st.booleans()) for name in facts.channels}
    channels = {name: replace(channel, edits=edits[name]) for name, channel in facts.channels.items()}
    changes = sorted(draw(st.lists(change, min_size=1, max_size=3)), key=lambda c: c.at)
    return replace(facts, channels=channels, changes=tuple(changes))
