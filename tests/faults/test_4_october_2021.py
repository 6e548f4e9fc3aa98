"""4 October 2021 for a club of 2,000: its messenger vanishes in the middle of a broadcast, comes back, is
used again in steps, and vanishes once more in another way. Everybody is told everything exactly once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.counterparts.netns import Network
from tests.faults.village import HOSTS, MESSENGER, Done, Village, village

pytestmark = pytest.mark.counterpart
MEMBERS, FEW = 2000, 30
TITLES = ("Flood", "Meanwhile", "Again", "Once more")


def test_a_platform_vanishes_and_returns(private_network: Network, tmp_path: Path) -> None:
    with village(private_network, tmp_path / "club", members=MEMBERS) as club:
        club.enrol(MEMBERS, few=FEW)

        # 15:51: resolvers say SERVFAIL. Who knows the address still gets there, for as long as he keeps it.
        club.messenger.keep_alive = False
        sending = club.announce("Flood")
        club.until_told("Flood", 40)
        club.names.failing[MESSENGER] = "servfail"
        flood = club.finish(sending)
        everybody_was_told_once(club, flood, "Flood", MEMBERS)
        assert flood.channel("telegram")["verdict"] == "down"
        outage_is_said(club, "name", "the name server does not answer for this name")
        a_known_outage_is_free(club)

        # 21:05: it is back. One probe, one real message, then all; and in the midst its routes are lost.
        del club.names.failing[MESSENGER]
        club.messenger.keep_alive = True
        club.time_passes()
        club.messenger.delay_s = 0.1
        sending = club.announce("Again")
        club.until_told("Again", 30)
        with private_network.filtered(f"ip daddr {HOSTS[MESSENGER]} drop"):
            again = club.finish(sending)
        everybody_was_told_once(club, again, "Again", MEMBERS)
        it_was_used_in_steps(club, "Again")
        assert again.channel("telegram")["verdict"] == "down"

        club.time_passes()
        assert lasting(club) == [False, True]
        last = club.finish(club.announce("Once more", "--group", "few"))
        everybody_was_told_once(club, last, "Once more", FEW)
        assert last.channel("telegram")["verdict"] == "up"
        assert len(club.by_messenger("Once more")) >= 1
        assert lasting(club) == [False, False]
        time.sleep(2)  # what an old connection still holds would arrive now
        for title in TITLES:
            assert max(club.told(title).values()) == 1, title


def everybody_was_told_once(club: Village, done: Done, title: str, count: int) -> None:
    """At the receivers, and the report says the same."""
    assert done.code == 0, done.stderr
    told = club.told(title)
    assert set(told) == set(range(count))
    assert set(told.values()) == {1}
    found, by_mail = done.json, len(club.by_mail(title))
    assert (found["state"], found["recipients"]["reached"]) == ("settled", count)
    status = club.run("status", found["id"], "--json")
    assert (status.code, status.json["recipients"]) == (0, found["recipients"])
    assert done.channel("telegram")["accepted"] == len(club.by_messenger(title))
    assert done.channel("email")["accepted"] == found["fallbacks"] == by_mail
    assert "held" not in done.stderr


def outage_is_said(club: Village, layer: str, reason: str) -> None:
    checked = club.run("check", "--json")
    telegram, email = checked.channel("telegram"), checked.channel("email")
    assert (telegram["verdict"], telegram["layer"], telegram["reason"]) == ("down", layer, reason)
    assert email["verdict"] == "up"
    assert checked.code == 2
    [outage] = club.run("outages", "--json").json["outages"]
    assert (outage["channel"], outage["layer"], outage["reason"]) == ("telegram", layer, reason)
    assert outage["ended_at"] is None
    # Our own line was never in doubt: the references answered, and every failure is the platform's.
    signals = club.rows("SELECT DISTINCT signal FROM evidence WHERE source = 'reference'")
    assert signals == [("good",)]


def lasting(club: Village) -> list[bool]:
    """Of each outage, the oldest first: does it go on?"""
    rows = club.rows("SELECT ended_at FROM outage WHERE channel = 'telegram' ORDER BY began_at")
    return [ended is None for (ended,) in rows]


def a_known_outage_is_free(club: Village) -> None:
    """P4: nobody waits for it, nobody asks for it."""
    asked = len(club.names.queries)
    done = club.finish(club.announce("Meanwhile", "--group", "few"))
    everybody_was_told_once(club, done, "Meanwhile", FEW)
    assert done.channel("telegram")["skipped"] == FEW
    assert done.json["elapsed_s"] < 10
    assert f"{MESSENGER}." not in {name for name, _ in club.names.queries[asked:]}


def it_was_used_in_steps(club: Village, title: str) -> None:
    """The first message was alone on the wire until it was accepted."""
    arrived = sorted(club.messenger.busy_with(title))
    assert len(arrived) >= 30
    assert arrived[1].came >= arrived[0].answered
