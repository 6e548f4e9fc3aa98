"""A platform vanishes in the middle of a broadcast to 2,000 members, comes back, and is used again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.counterparts.netns import Network
from tests.faults.village import HOSTS, MESSENGER, Village, village

pytestmark = pytest.mark.counterpart
MEMBERS, FEW = 2000, 30


@contextmanager
def by_its_name(club: Village) -> Iterator[None]:
    """Resolvers say SERVFAIL, as from 15:51 on; who knows the address still gets there."""
    club.messenger.keep_alive = False
    club.names.failing[MESSENGER] = "servfail"
    try:
        yield
    finally:
        del club.names.failing[MESSENGER]


@contextmanager
def by_its_route(club: Village) -> Iterator[None]:
    """Nothing comes back from its address, as from 15:40 on."""
    with club.network.filtered(f"ip daddr {HOSTS[MESSENGER]} drop"):
        yield


@pytest.mark.parametrize(
    ("vanishes", "layer", "reason"),
    [
        (by_its_name, "name", "the name server does not answer for this name"),
        (by_its_route, "route", "no connection in time"),
    ],
)
def test_a_platform_vanishes_and_returns(
    private_network: Network,
    tmp_path: Path,
    vanishes: Callable[[Village], AbstractContextManager[None]],
    layer: str,
    reason: str,
) -> None:
    with village(private_network, tmp_path / "club", members=MEMBERS) as club:
        club.enrol(MEMBERS, few=FEW)
        sending = club.announce("Flood")
        club.until_told("Flood", 40)
        with vanishes(club):
            _everybody_is_told_once(club, club.finish(sending), "Flood", MEMBERS)
            _the_outage_is_told(club, layer, reason)
            _known_it_costs_nothing(club)
        club.time_passes()
        _it_is_used_again_in_steps(club)
        time.sleep(2)  # what an old connection may still hold would arrive now
        for title in ("Flood", "Meanwhile", "First again", "All again"):
            assert max(club.told(title).values()) == 1, title


def _everybody_is_told_once(club: Village, done: object, title: str, count: int) -> None:
    print(done)
    told = club.told(title)
    print(len(club.by_messenger(title)), len(club.by_mail(title)))
    assert set(told) == set(range(count))
    assert set(told.values()) == {1}


def _the_outage_is_told(club: Village, layer: str, reason: str) -> None:
    d = club.run("check", "telegram", "--json")
    print(d.code, d.channel("telegram"))
    print(club.run("status").stdout)


def _known_it_costs_nothing(club: Village) -> None:
    asked = len(club.messenger_server.requests), len(club.names.queries)
    t = time.monotonic()
    done = club.finish(club.announce("Meanwhile", "--group", "few"))
    print(time.monotonic() - t, done)
    print([q for q in club.names.queries[asked[1]:]])


def _it_is_used_again_in_steps(club: Village) -> None:
    club.messenger.delay_s = 0.1
    d = club.finish(club.announce("First again", "--group", "few"))
    print(d)
    d = club.finish(club.announce("All again", "--group", "few"))
    print(d)
    print(club.by_messenger("All again"))
    assert 0
