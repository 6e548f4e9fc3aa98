"""The small pure parts: pacing, quiet hours, the ledger's waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Pace
from fallback_cast.model.policy import DEFAULT_POLICIES
from fallback_cast.routing.backoff import ledger_wait
from fallback_cast.routing.pace import last_goes_at, may_go_at, reserve
from fallback_cast.routing.quiet import quiet_until
from tests.routing.cases import T0

gaps = st.lists(st.floats(0, 3).map(lambda s: timedelta(seconds=round(s, 3))), min_size=1, max_size=60)


def departures(pace: Pace, between: list[timedelta]) -> tuple[list[datetime], list[datetime]]:
    """When messages come and when they may go."""
    now, next_at, came, went = T0, None, [], []
    for gap in between:
        now += gap
        go_at, next_at = reserve(pace, next_at, now)
        came.append(now)
        went.append(go_at)
    return came, went


@given(
    st.integers(1, 40),
    st.sampled_from([0.05, 1.0, 3.3]),
    st.integers(1, 5),
    st.none() | st.integers(-20, 20).map(lambda s: T0 + timedelta(seconds=s)),
)
def test_the_last_of_many_goes_when_one_by_one_it_would(
    count: int, interval: float, burst: int, stored: datetime | None
) -> None:
    pace, next_at, went = Pace("k", interval, burst), stored, T0
    for _ in range(count):
        went, next_at = reserve(pace, next_at, T0)
    assert last_goes_at(pace, stored, T0, count) == went


@given(gaps, st.sampled_from([0.05, 0.5, 1.0, 3.3]), st.integers(1, 5))
def test_never_faster_than_the_rate_over_any_window(
    between: list[timedelta], interval: float, burst: int
) -> None:
    came, went = departures(Pace("k", interval, burst), between)
    assert all(go >= arrived for arrived, go in zip(came, went, strict=True))
    assert went == sorted(went)
    for first in range(len(went)):
        for last in range(first, len(went)):
            window = (went[last] - went[first]).total_seconds()
            assert last - first + 1 <= window / interval + burst + 1e-6


@given(st.integers(1, 20))
def test_a_burst_goes_at_once_and_the_next_one_waits(burst: int) -> None:
    _, went = departures(Pace("k", 2.0, burst), [timedelta(0)] * (burst + 2))
    assert went[:burst] == [T0] * burst
    assert went[burst:] == [T0 + timedelta(seconds=2), T0 + timedelta(seconds=4)]


@given(gaps, st.integers(1, 5))
def test_it_says_beforehand_when_the_next_may_go(between: list[timedelta], burst: int) -> None:
    pace, now, next_at = Pace("k", 1.0, burst), T0, None
    for gap in between:
        now += gap
        foretold = None if next_at is None else may_go_at(pace, next_at)
        go_at, next_at = reserve(pace, next_at, now)
        assert go_at == (now if foretold is None else max(now, foretold))


def test_no_slot_is_wasted_after_a_rest() -> None:
    _, went = departures(Pace("k", 1.0), [timedelta(0), timedelta(seconds=100), timedelta(0)])
    assert went[1:] == [T0 + timedelta(seconds=100), T0 + timedelta(seconds=101)]


PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("local", "until"),
    [
        (datetime(2026, 11, 28, 21, 59, 59), None),
        (datetime(2026, 11, 28, 22, 0), datetime(2026, 11, 29, 7, 0)),
        (datetime(2026, 11, 28, 23, 59), datetime(2026, 11, 29, 7, 0)),
        (datetime(2026, 11, 29, 0, 0), datetime(2026, 11, 29, 7, 0)),
        (datetime(2026, 11, 29, 6, 59, 59), datetime(2026, 11, 29, 7, 0)),
        (datetime(2026, 11, 29, 7, 0), None),
        (datetime(2026, 3, 29, 1, 59), datetime(2026, 3, 29, 7, 0)),  # an hour is left out at 2
        (datetime(2026, 10, 24, 22, 30), datetime(2026, 10, 25, 7, 0)),  # an hour comes twice at 3
    ],
)
def test_quiet_hours_end_at_seven_on_the_recipients_clock(local: datetime, until: datetime | None) -> None:
    found = quiet_until(local.replace(tzinfo=PARIS).astimezone(UTC), "Europe/Paris")
    assert found == (None if until is None else until.replace(tzinfo=PARIS).astimezone(UTC))
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.sampled_from(["Europe/Paris", "UTC"]))
def test_quiet_hours_are_at_most_ten_real_hours_away(moment: datetime, zone: str) -> None:
    now = moment.replace(tzinfo=UTC)
    until = quiet_until(now, zone)
    if until is not None:
        assert timedelta(0) < until - now <= timedelta(hours=10)
        assert quiet_until(until, zone) is None


@pytest.mark.parametrize("importance", list(Importance))
def test_the_waits_grow_are_spread_and_are_capped(importance: Importance) -> None:
    patience = DEFAULT_POLICIES[importance].patience
    waits = [ledger_wait(patience, n, "7/email") for n in range(1, 12)]
    assert waits == [ledger_wait(patience, n, "7/email") for n in range(1, 12)]
    assert len({ledger_wait(patience, 1, f"{n}/email") for n in range(100)}) == 100
    assert waits[0] * 3 < waits[4]
    assert all(timedelta(seconds=0.5) <= wait <= timedelta(hours=1.5) for wait in waits)
    assert waits[0] < patience


@given(st.integers(0, 100), st.text(max_size=9), st.floats(1, 7200))
def test_half_to_one_and_a_half_times_the_step(tries: int, seed: str, patience_s: float) -> None:
    wait = ledger_wait(timedelta(seconds=patience_s), tries, seed).total_seconds()
    base = min(max(patience_s / 8, 1.0), 30.0)
    step = (1, 4, 10, 30, 60, 120)[min(max(tries, 1), 6) - 1]
    assert 0.49 * min(base * step, 3600) <= wait <= 1.51 * min(base * step, 3600)
