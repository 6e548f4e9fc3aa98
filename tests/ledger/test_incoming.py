"""What goes out as CSV comes back as it was; lists come in without a doubt who is who."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallback_cast.cli.members_columns import spoken_of
from fallback_cast.cli.members_export import lines
from fallback_cast.cli.members_file import bare, guarded, open_members
from fallback_cast.ledger.incoming import Columns, Counts, incoming
from fallback_cast.ledger.members import Member, each_member, replace_members
from fallback_cast.ledger.open import Ledger, open_ledger
from fallback_cast.model.channel import Channel
from tests.virtual_time import BEGIN


class Plain(Channel):
    """A channel whose addresses are any text."""

    kind = "plain"
    providers = ()

    def __init__(self, name: str) -> None:
        self.name = name

    def place(self) -> str | None:
        return "the place"

    def normalise(self, address: str) -> str:
        return address

    def render(self, announcement: object, page_url: str | None = None) -> object:  # type: ignore[override]
        raise NotImplementedError


CHANNELS: dict[str, Channel] = {name: Plain(name) for name in ("first", "second")}
TEXT = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
WORD = st.text(st.characters(categories=["L", "N"], max_codepoint=0x17F), min_size=1, max_size=8)
DAY = st.dates().map(lambda day: day.isoformat())


@st.composite
def people(draw: st.DrawFn) -> Member:
    paused = draw(st.booleans())
    return Member(
        name=" ".join(draw(st.lists(TEXT, min_size=1, max_size=3))),
        addresses=draw(
            st.dictionaries(st.sampled_from(list(CHANNELS)), TEXT.filter(lambda a: a.lower() != "place"))
        ),
        language=draw(st.sampled_from([None, "fr", "en"])),
        groups=tuple(draw(st.lists(WORD, max_size=3, unique=True))),
        paused=paused,
        paused_until=draw(st.none() | DAY) if paused else None,
        number=draw(st.none() | TEXT),
        ranks=tuple(draw(st.lists(st.sampled_from(list(CHANNELS)), max_size=2, unique=True))),
        timezone=draw(st.sampled_from([None, "Europe/Paris", "Indian/Reunion"])),
        consents=draw(st.dictionaries(st.sampled_from(list(CHANNELS)), st.booleans())),
    )


@given(st.lists(people(), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_csv_comes_back_as_it_went_out(members: Sequence[Member]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "members.csv"
        path.write_bytes("".join(lines(members, list(CHANNELS))).encode())
        with open_members(path, CHANNELS) as file:
            back = [member for _, member in file]
            assert file.sheet.problems == []
            assert spoken_of(file.columns) == Columns(
                addresses=frozenset(CHANNELS), consents=frozenset(CHANNELS)
            )
    assert back == list(members)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("cut", [",", ";", "\t"])
def test_whatever_the_spreadsheet_wrote(tmp_path: Path, cut: str, encoding: str) -> None:
    path = tmp_path / "members.csv"
    rows = ("Nom", "Prénom", "first"), ("Martin", "Éléonore", "x")
    path.write_bytes("\r\n".join(cut.join(row) for row in rows).encode(encoding))
    with open_members(path, CHANNELS) as file:
        assert list(file) == [(2, Member("Éléonore Martin", {"first": "x"}))]


@given(TEXT)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@"))
    assert bare(guarded(text)) == text


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return open_ledger(tmp_path / "ledger.db")


ALL = Columns(addresses=frozenset({"email", "sms"}), consents=frozenset({"email", "sms"}))


def facts(member: Member) -> str:
    return repr(replace(member, addresses=dict(sorted(member.addresses.items()))))


def bring_in(ledger: Ledger, *members: Member, columns: Columns = ALL) -> Counts:
    with incoming(ledger, columns) as coming:
        coming.add(list(enumerate(members, 2)))
        counts = coming.recognise()
        coming.apply(BEGIN, remove=True)
    ledger_has = [replace(member, id=None) for member in each_member(ledger)]
    assert sorted(map(facts, ledger_has)) == sorted(map(facts, members))
    return counts


PERSON = st.builds(
    Member,
    st.sampled_from("ABC"),
    st.dictionaries(st.sampled_from(["email", "sms"]), st.sampled_from(["x", "y", "z"])),
    groups=st.lists(st.sampled_from(["g", "h"]), max_size=1).map(tuple),
    number=st.none(),
)
ROSTER = st.lists(PERSON, max_size=7, unique_by=facts)


@given(ROSTER, ROSTER)
@settings(max_examples=100, deadline=None)
def test_every_list_can_follow_every_other(before: list[Member], after: list[Member]) -> None:
    """Whoever shares a name or an address with whom: it ends, all are there, and twice is once."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(Path(folder) / "ledger.db")
        replace_members(ledger, before, BEGIN)
        counts = bring_in(ledger, *after)
        assert counts.added + counts.changed + counts.unchanged == len(after)
        assert counts.removed + counts.changed + counts.unchanged == len(before)
        assert bring_in(ledger, *after) == Counts(0, 0, 0, len(after))
        ledger.close()


def test_a_couple_keeps_who_is_who_when_both_change(ledger: Ledger) -> None:
    ann, bob = Member("Ann", {"email": "home"}), Member("Bob", {"email": "home"})
    bring_in(ledger, ann, bob)
    ids = {member.name: member.id for member in each_member(ledger)}
    bring_in(ledger, replace(bob, groups=("b",)), replace(ann, groups=("a",)))
    assert {member.name: member.id for member in each_member(ledger)} == ids
    ledger.close()


def test_another_process_may_write_while_a_file_is_read(ledger: Ledger) -> None:
    assert ledger.path is not None
    other = open_ledger(ledger.path)
    with incoming(ledger, ALL) as coming:
        coming.add([(2, Member("Ann", {"email": "a"}))])
        replace_members(other, [Member("Bob", {"email": "b"})], BEGIN)
        coming.add([(3, Member("Bob", {"email": "b"}))])
        assert coming.recognise() == Counts(1, 0, 0, 1)
        coming.apply(BEGIN)
    assert sorted(member.name for member in each_member(other)) == ["Ann", "Bob"]
    other.close()
    ledger.close()
