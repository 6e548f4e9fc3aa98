"""kill -9 the real command while it sends over real channels, then `fallback-cast resume` (P1, P2, P3).

FALLBACK_CAST_KILLS=50 kills so often over each channel.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_demo import run
from tests.counterparts.http_faults import HttpFaults, reply
from tests.crash.club import MAIN, SEND, Club, club, wait_until

KILLS = int(os.environ.get("FALLBACK_CAST_KILLS", "8"))
MEMBERS = {"email": 150, "telegram": 30}  # a bot sends twenty messages a second
IN_TIME = {0: "everybody", 3: "some were unreached"}


def kill_at(made: Club, process: subprocess.Popen[bytes], dice: random.Random) -> set[int]:
    """kill -9 at a moment that the dice choose; returns who was being told."""
    wanted = made.arrived() + dice.randrange(1, made.members - 5)
    wait_until(lambda: made.arrived() >= wanted, process)
    time.sleep(dice.random() * 0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return made.in_flight()


@pytest.mark.parametrize("seed", range(KILLS))
@pytest.mark.parametrize("first", ["email", "telegram"])
def test_killed_in_mid_broadcast_nobody_is_lost(tmp_path: Path, first: str, seed: int) -> None:
    dice = random.Random(f"{first}/{seed}")
    second = "telegram" if first == "email" else "email"
    with club(tmp_path / "here" / "club", MEMBERS[first], first, second) as made:
        flying = kill_at(made, made.start(*SEND), dice)
        if seed % 3 == 2:  # and once more, while it catches up
            flying |= kill_at(made, made.start("resume"), dice)
        done = made.command("resume")
        assert done.returncode in IN_TIME, done.stderr
        check(made, flying)
        if seed == 0:
            assert made.command("resume").returncode == 0  # nothing is open any more
            check(made, flying)


def check(made: Club, flying: set[int]) -> None:
    told, found = made.told(), made.status()
    people = {int(d["recipient"][1:]): d for d in found["deliveries"]}
    assert set(people) == set(range(made.members))
    unreached = {number for number, d in people.items() if d["state"] == "unreached"}
    assert {d["state"] for d in people.values()} <= {"reached", "unreached"}
    assert found["recipients"]["reached"] == made.members - len(unreached)
    # Nobody is lost: who is not told is known by name, with reasons, and was in flight.
    assert set(range(made.members)) - set(told) <= unreached <= flying
    assert all(people[number]["reasons"] for number in unreached)
    # Few are told twice, only of those in flight, and it is said of each.
    twice = {number for number, times in told.items() if times > 1}
    assert twice <= flying
    assert max(told.values()) <= 3
    assert sum(told.values()) - len(told) <= 2 * len(flying)
    for number in twice:
        assert shown_as_duplicate(people[number]), people[number]
    # What is unknown is not called accepted, and every message has its attempt.
    for number, times in told.items():
        assert times <= len(people[number]["attempts"])


def shown_as_duplicate(person: dict[str, Any]) -> bool:
    attempts = person["attempts"]
    return person["state"] == "unreached" or any(attempt["possible_duplicate"] for attempt in attempts)


WEBHOOK = """[club]
name = "Club"
language = "en"
[[channel]]
name = "hook"
kind = "webhook"
url = "{url}"
secret = "file:secret"
"""
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


@pytest.mark.parametrize("rest_s", [0.0, 0.005, 0.05, 0.2])
def test_once_send_has_named_its_id_a_kill_loses_nothing(
    tmp_path: Path, http_faults: HttpFaults, rest_s: float
) -> None:
    """P1. The receiver may see the message twice; it knows it by its id."""
    http_faults.always(reply(200))
    (tmp_path / "channels.toml").write_text(WEBHOOK.format(url=http_faults.url))
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    with (tmp_path / "talk").open("wb") as talk:
        process = subprocess.Popen(
            [*MAIN, *SEND], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=talk
        )
    wait_until(lambda: b"(code " in (tmp_path / "talk").read_bytes(), process)
    time.sleep(rest_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = run("resume", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    posts = [request for request in http_faults.requests if request.method == "POST"]
    assert len({request.headers["webhook-id"] for request in posts}) == 1
    assert len(posts) <= 2
