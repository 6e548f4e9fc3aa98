"""Moments as people type them, in the club's zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fallback_cast.cli.times import parse_moment
from fallback_cast.model.errors import UserError

NOW = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)  # 21:00 in Paris


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("2h", "2026-11-27 22:00"),
        ("90m", "2026-11-27 21:30"),
        ("14:30", "2026-11-28 13:30"),
        ("14h30", "2026-11-28 13:30"),
        ("9h05", "2026-11-28 08:05"),
        ("22:00", "2026-11-27 21:00"),
        ("2026-11-28 14:30", "2026-11-28 13:30"),
        ("2026-07-14 14:30", "2026-07-14 12:30"),
        ("2026-11-28T14:30:00Z", "2026-11-28 14:30"),
        ("28/11/2026 14:30", "2026-11-28 13:30"),
        ("5/12/2026 9h05", "2026-12-05 08:05"),
        ("28/11/2026 à 14h30", "2026-11-28 13:30"),
    ],
)
def test_a_moment_is_understood(typed: str, utc: str) -> None:
    found = parse_moment(typed, "Europe/Paris", NOW, "--at")
    assert found == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["soonish", "", "25:00", "31/02/2026 10:00", "32/13/2026", "11/28/2026 10:00"]
)
def test_what_is_no_moment_is_refused_as_it_was_typed(typed: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_moment(typed, "Europe/Paris", NOW, "--at")
    assert caught.value.where == "--at"
    assert repr(typed) in caught.value.what
