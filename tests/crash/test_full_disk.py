"""A disk that fills up in mid-broadcast: sending stops, says why, and goes on where it was (P1, P2, P3)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.counterparts import require
from tests.crash.club import SEND, Club, club, wait_until
from tests.crash.test_real_channels import check

MEMBERS = 200
KILO = b"\0" * 1024


@contextmanager
def small_disk(point: Path, size: str) -> Iterator[Path]:
    """A file system of its own."""
    require.root("a file system of its own must be mounted")
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(point)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        require.missing(f"the right to mount a file system ({mounted.stderr.strip()})")
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(KILO)
    space = os.statvfs(disk)
    assert space.f_bavail * space.f_frsize < 4096
    return ballast


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Club]:
    with (
        small_disk(tmp_path / "disk", "8m") as disk,
        club(disk / "club", MEMBERS, "email", "telegram") as made,
    ):
        yield made


def test_a_disk_that_fills_up_in_mid_broadcast(crowded: Club) -> None:
    process = crowded.start(*SEND)
    wait_until(lambda: crowded.arrived() >= 20, process)
    ballast = fill(crowded.folder.parent)
    assert process.wait(30) == 2, crowded.talk  # a person must do something
    told = crowded.arrived()
    assert told < MEMBERS
    assert "the disk is full" in crowded.talk
    assert "resume" in crowded.talk  # and how it goes on
    assert "Traceback" not in crowded.talk

    ballast.unlink()
    flying = crowded.in_flight()
    done = crowded.command("resume")
    assert done.returncode in (0, 3), done.stderr
    check(crowded, flying)


def test_a_full_disk_takes_no_announcement_and_says_so(crowded: Club) -> None:
    ballast = fill(crowded.folder.parent)
    refused = crowded.command(*SEND, "--json")
    assert refused.returncode == 2
    assert "the disk is full" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (refused.stdout.strip(), crowded.arrived()) == ("", 0)

    ballast.unlink()
    assert "nothing is open" in crowded.command("resume").stderr  # no half of it was kept
    assert crowded.command(*SEND).returncode == 0
    assert set(crowded.told().values()) == {1}
