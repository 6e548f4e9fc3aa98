"""The row of cells that a channel's days become."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from fallback_cast.health.timeline import Cell, cells, runs
from fallback_cast.model.outages import Outage, Seen, span
from fallback_cast.model.texts import say
from tests.virtual_time import BEGIN

HOUR = timedelta(hours=1)
END = BEGIN + 12 * HOUR


def outage(begin: float, end: float | None, provider: str = "a") -> Outage:
    return Outage(
        id=1,
        channel="email",
        provider=provider,
        began_at=BEGIN + begin * HOUR,
        ended_at=None if end is None else BEGIN + end * HOUR,
        layer=None,
        reason="",
    )


def seen(*hours: float, good: bool = True) -> list[Seen]:
    return [Seen("email", BEGIN + hour * HOUR, good) for hour in hours]


def row(*outages: Outage, words: list[Seen] = (), providers: tuple[str, ...] = ("a",)) -> str:  # type: ignore[assignment]
    letters = {Cell.UNSEEN: ".", Cell.UP: "u", Cell.DOUBTFUL: "?", Cell.DOWN: "D"}
    return "".join(letters[c] for c in cells(providers, outages, words, BEGIN, END, 12))


def test_nobody_looked() -> None:
    assert row() == "............"


def test_a_good_word_holds_for_an_hour() -> None:
    assert row(words=seen(2.5)) == "..uu........"


def test_an_outage_is_seen_however_short() -> None:
    assert row(outage(3.4, 3.41), words=seen(*range(12))) == "uuuDuuuuuuuu"
    assert row(outage(3, 5), words=seen(*range(12))) == "uuuDDuuuuuuu"
    assert row(outage(10, None), words=seen(*range(12))) == "uuuuuuuuuuDD"
    assert row(outage(-5, 1)) == "D..........."


def test_one_of_two_relays_is_a_doubt_both_at_once_are_down() -> None:
    both = ("a", "b")
    assert row(outage(3, 5), providers=both) == "...??......."
    assert row(outage(3, 6), outage(4, 5, "b"), providers=both) == "...?D?......"
    assert row(outage(3, 4), outage(5, 6, "b"), providers=both) == "...?.?......"


def test_a_failure_that_became_no_outage_is_a_doubt() -> None:
    words = sorted([*seen(*range(12)), *seen(4.5, good=False)], key=lambda word: word.at)
    assert row(words=words) == "uuuu?uuuuuuu"


def test_runs_join_equal_neighbours_and_leave_no_gap() -> None:
    found = cells(("a",), [outage(3, 5)], seen(*range(12)), BEGIN, END, 12)
    joined = list(runs(found, BEGIN, END))
    assert [run.cell for run in joined] == [Cell.UP, Cell.DOWN, Cell.UP]
    assert (joined[0].begin, joined[-1].end) == (BEGIN, END)
    assert all(a.end == b.begin for a, b in itertools.pairwise(joined))


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(0, "1 min"), (3, "3 min"), (60, "1 h"), (372, "6 h 12 min"), (60 * 24 * 2 + 61, "2 j 1 h")],
)
def test_a_span_is_told_to_the_minute(minutes: float, told: str) -> None:
    assert say("fr", span(timedelta(minutes=minutes))) == told
