"""The benchmarks run: one small case of each, and no word about how long it took."""

from __future__ import annotations

from pathlib import Path

from benchmarks import bench_memory, bench_startup
from benchmarks.failover import crowd, states
from benchmarks.failover.first_message import once
from benchmarks.failover.names import Resolvers
from benchmarks.failover.senders import OURS


def test_the_second_channel_gets_the_first_message_once() -> None:
    timing = once(OURS, states.REFUSED, Resolvers((), ()), cap_s=30)
    assert timing.arrival_s is not None
    assert timing.exit_s is not None
    assert (timing.at_first, timing.at_second) == (0, 1)


def test_a_platform_that_dies_half_way_costs_nobody_the_message() -> None:
    told = crowd.once(crowd.Case("dies", 20, "refusing"))
    assert told.at_first >= 10
    assert (told.unreached, told.twice) == (0, 0)


def test_memory_is_read_around_a_broadcast() -> None:
    run = bench_memory.once(20, "nothing")
    assert run.extra["peak_kib"] >= run.extra["idle_kib"] > 0


def test_the_bare_twin_shows_our_help_to_the_letter(tmp_path: Path) -> None:
    ours, twin = bench_startup.help_commands(tmp_path)
    assert twin.run() == ours.run()
