"""A plan agrees with what sending then does, on random small clubs in a calm world."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallback_cast.dispatch.accept import Draft, Ready, accept, check_draft
from fallback_cast.dispatch.preview import Caution, Preview, preview
from fallback_cast.ledger import schema
from fallback_cast.ledger.members import Member, replace_members
from fallback_cast.ledger.memory import remember_move, save_paces
from fallback_cast.model.announcement import Announcement, Club, Importance
from fallback_cast.model.channel import Cap, Pace
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.message import Message
from fallback_cast.routing.forecast import KEPT
from fallback_cast.routing.plan import Audience
from tests.dispatch.stage import Stage, StageChannel, StageProvider, without_probe_budget
from tests.virtual_time import BEGIN, run_virtually

NAMES = ("site", "telegram", "email", "sms")
CLUB = Club("Club", "en", "UTC")


class Spot(StageChannel):
    """A channel of these clubs: perhaps with a place, a cap, a price, or no room for the text."""

    def __init__(
        self,
        name: str,
        *providers: StageProvider,
        place: str | None = None,
        cap: Cap | None = None,
        refuses: bool = False,
        some: bool = False,
        **traits: object,
    ) -> None:
        super().__init__(name, *providers, **traits)
        self._place, self.cap, self._refuses, self.audience_some = place, cap, refuses, some

    def place(self) -> str | None:
        return self._place

    def render(self, announcement: Announcement, page_url: str | None = None) -> Message:
        if self._refuses:
            raise MessageRefused("too long")
        return super().render(announcement, page_url)

    def cost(self, message: Message) -> Decimal | None:
        return Decimal("0.05") if self.traits.paid else None


@dataclass(frozen=True)
class Village:
    """What is drawn: members with addresses, suppressed ones, and the channels' ways."""

    members: tuple[Member, ...]
    suppressed: frozenset[tuple[str, str]]
    places: frozenset[str]
    some: bool
    refuses: frozenset[str]
    importance: Importance
    reach_all: bool
    audience: Audience
    moved: bool = False

    def channels(self, cap: Cap | None = None) -> dict[str, Spot]:
        def spot(name: str, **kwargs: object) -> Spot:
            place = f"{name}0" if name in self.places else None
            return Spot(name, place=place, refuses=name in self.refuses, **kwargs)  # type: ignore[arg-type]

        return {
            "site": spot("site", publishes=True),
            "telegram": spot("telegram", some=self.some),
            "sms": spot("sms", cap=cap, paid=True, rings=True),
            "email": spot("email"),
        }


def _members() -> st.SearchStrategy[tuple[Member, ...]]:
    addresses = st.fixed_dictionaries(
        {},
        optional={
            "telegram": st.sampled_from(["place", "telegram1", "telegram2"]),
            "sms": st.sampled_from(["sms1", "sms2", "sms3", "sms4"]),
            "email": st.sampled_from(["email0", "email1", "email2", "email3"]),
        },
    )
    person = st.builds(
        Member,
        name=st.just("x"),
        addresses=addresses,
        groups=st.sampled_from([(), ("board",)]),
        paused=st.sampled_from([False, False, False, True]),
    )
    people = st.lists(person, max_size=7)
    return people.map(lambda found: tuple(replace(m, name=f"m{n}") for n, m in enumerate(found)))


_some_names = st.frozensets(st.sampled_from(NAMES), max_size=2)
_villages = st.builds(
    Village,
    members=_members(),
    suppressed=st.frozensets(st.sampled_from([("sms", "sms1"), ("email", "email1")])),
    places=st.frozensets(st.sampled_from(("site", "telegram", "email"))),
    some=st.booleans(),
    refuses=st.one_of(st.just(frozenset[str]()), _some_names.map(lambda names: names - {"site"})),
    importance=st.sampled_from(list(Importance)),
    reach_all=st.sampled_from([False, False, True]),
    audience=st.builds(
        Audience,
        groups=st.sampled_from([frozenset[str](), frozenset({"board"})]),
        private=st.booleans(),
        channels=st.sampled_from([frozenset[str](), frozenset({"email", "sms"})]),
    ),
    moved=st.booleans(),
)


def plan_and_send(village: Village, path: Path, cap: Cap | None = None) -> tuple[Preview, Stage]:
    stage = Stage(path, village.channels(cap))
    policies = {
        importance: replace(
            without_probe_budget(policy), confirm_within=None, reach="all" if village.reach_all else "first"
        )
        for importance, policy in stage.policies.items()
    }
    stage.policies = policies
    replace_members(stage.ledger, village.members, BEGIN)
    with stage.ledger.writing() as connection:
        for channel, address in village.suppressed:
            row = {"channel": channel, "address": address, "cause": "bounce", "evidence": "", "since": BEGIN}
            connection.execute(schema.suppression.insert().values(**row))
    if village.moved:
        remember_move(stage.ledger, "telegram", "telegram2", "telegram1", BEGIN)
    draft = Draft(
        title="Title", body="Body", importance=village.importance, audience=village.audience, language="en"
    )
    ready = check_draft(draft, CLUB, stage.channels, policies, BEGIN)
    found = preview(stage.ledger, draft, ready, stage.channels, policies, "UTC")
    with stage.ledger.reading() as connection:
        assert connection.execute(schema.announcement.select()).first() is None, "a plan stores nothing"
    if found.forecast.total:
        accept(stage.ledger, draft, ready, stage.channels, policies)
        run_virtually(stage.dispatch())
    return found, stage


def told(stage: Stage) -> Counter[str]:
    return Counter({name: len(channel.provider.told) for name, channel in stage.channels.items()})


def ends(stage: Stage) -> list[tuple[str, str, str]]:
    with stage.ledger.reading() as connection:
        rows = connection.execute(schema.delivery.select()).all()
    return [(row.recipient, row.state, row.via) for row in rows]


def crossed(village: Village, stage: Stage) -> bool:
    """Somebody's later route is another's first one: who comes first decides which of both is taken."""
    firsts, laters = set(), set()
    with stage.ledger.reading() as connection:
        listed = [json.loads(row.routes) for row in connection.execute(schema.delivery.select())]
    for routes in listed:
        usable = [(c, a) for c, a in routes if c not in village.refuses and (c, a) not in village.suppressed]
        firsts.update(usable[:1])
        laters.update(usable[1:])
    return bool(firsts & laters)


@settings(max_examples=60, deadline=None)
@given(_villages)
def test_what_the_plan_counts_is_what_sending_does(village: Village) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, stage = plan_and_send(village, Path(folder) / "ledger.db")
        forecast, done = found.forecast, ends(stage)
        assert forecast.total == len(done)
        messages = Counter({name: share.messages for name, share in found.channels.items()})
        first = Counter({name: share.first for name, share in found.channels.items()})
        if village.reach_all or not crossed(village, stage):
            assert messages == told(stage)
        else:  # who is told by another's message first needs none of the own first channel
            assert messages >= told(stage)
        if not village.reach_all and not crossed(village, stage):
            assert first == Counter(via for _, state, via in done if state == "reached")
        missed = {name for names in forecast.unreachable.values() for name in names.first}
        not_reached = {name for name, state, _ in done if state != "reached"}
        assert missed <= not_reached
        assert forecast.reached == len(done) - len(not_reached)
        assert len(not_reached - missed) == forecast.left_out.total()
        stage.close()


@settings(max_examples=25, deadline=None)
@given(_villages, st.integers(0, 3))
def test_no_more_is_planned_than_a_cap_allows(village: Village, cents: int) -> None:
    cap = Cap(max_per_day=2, max_cost=Decimal(cents) * Decimal("0.05"))
    with tempfile.TemporaryDirectory() as folder:
        found, stage = plan_and_send(village, Path(folder) / "ledger.db", cap)
        assert told(stage)["sms"] <= found.channels["sms"].messages <= min(2, cents)
        if village.reach_all or not crossed(village, stage):
            assert told(stage)["sms"] == found.channels["sms"].messages
        assert found.channels["sms"].most <= min(2, cents)
        stage.close()


@dataclass(frozen=True)
class Case:
    """One announcement to one channel that rings."""

    count: int = 40
    at: datetime = BEGIN
    event_at: datetime | None = None
    expires_in: timedelta = timedelta(days=1)
    paces: tuple[Pace, ...] = ()
    used_until: datetime | None = None
    importance: Importance = Importance.NORMAL


def plan(case: Case, path: Path) -> Preview:
    stage = Stage(path, {"sms": Spot("sms", StageProvider("sms", paces=case.paces), paid=True, rings=True)})
    people = [Member(f"m{n}", {"sms": f"sms{n}"}) for n in range(case.count)]
    replace_members(stage.ledger, people, BEGIN)
    if case.used_until:
        save_paces(stage.ledger, {case.paces[0].key: case.used_until}, BEGIN)
    draft = Draft(
        title="T",
        body="B",
        importance=case.importance,
        event_at=case.event_at,
        starts_at=case.at,
        expires_at=case.at + case.expires_in,
    )
    ready: Ready = check_draft(draft, CLUB, stage.channels, stage.policies, BEGIN)
    found = preview(stage.ledger, draft, ready, stage.channels, stage.policies, "UTC")
    stage.close()
    return found


def test_the_narrowest_pace_says_how_long_it_takes(tmp_path: Path) -> None:
    paces = (Pace("day", 86400 / 30, 30), Pace("steady", 0.1, 10))
    share = plan(Case(paces=paces), tmp_path / "l.db").channels["sms"]
    assert share.seconds == pytest.approx(10 * 86400 / 30)
    share = plan(Case(count=30, paces=paces), tmp_path / "l2.db").channels["sms"]
    assert share.seconds == pytest.approx(2.0)


def test_what_went_out_before_counts_against_the_pace(tmp_path: Path) -> None:
    pace = Pace("day", 3600, 24)
    used = BEGIN + 24 * timedelta(hours=1)
    share = plan(Case(count=1, paces=(pace,), used_until=used), tmp_path / "l.db").channels["sms"]
    assert share.seconds == pytest.approx(3600)


NIGHT = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)
SLOW = (Pace("slow", 60),)


@pytest.mark.parametrize(
    ("case", "warned"),
    [
        (Case(), []),
        (Case(at=NIGHT), [(Caution.QUIET, MORNING)]),
        (Case(at=NIGHT, importance=Importance.URGENT), []),
        (
            Case(at=NIGHT, expires_in=timedelta(hours=2)),
            [(Caution.QUIET, MORNING), (Caution.QUIET_EXPIRES, NIGHT + timedelta(hours=2))],
        ),
        (
            Case(at=NIGHT, event_at=MORNING - timedelta(minutes=1)),
            [(Caution.QUIET, MORNING), (Caution.QUIET_EVENT, MORNING - timedelta(minutes=1))],
        ),
        (Case(paces=SLOW), []),
        (
            Case(paces=SLOW, expires_in=timedelta(minutes=38)),
            [(Caution.SLOW_EXPIRES, BEGIN + timedelta(minutes=38))],
        ),
        (
            Case(paces=SLOW, event_at=BEGIN + timedelta(minutes=38)),
            [(Caution.SLOW_EVENT, BEGIN + timedelta(minutes=38))],
        ),
        (Case(paces=SLOW, event_at=BEGIN - timedelta(days=1)), []),
    ],
)
def test_what_comes_too_late_is_said(tmp_path: Path, case: Case, warned: list[object]) -> None:
    found = plan(case, tmp_path / "l.db")
    assert [(one.what, one.moment) for one in found.warnings] == warned
    assert all((one.channel, one.count) == ("sms", 40) for one in found.warnings)


def test_names_are_kept_up_to_a_bound(tmp_path: Path) -> None:
    found = plan(Case(count=3 * KEPT), tmp_path / "l.db")
    [names] = found.forecast.by_routes.values()
    assert (names.count, len(names.first)) == (3 * KEPT, KEPT)
