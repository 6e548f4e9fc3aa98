"""The shared kit: wording, names, threads; and titles and durations of the model."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fallback_cast.channels.kit import net, wording
from fallback_cast.channels.kit.threads import run_aside
from fallback_cast.model.announcement import MAX_TITLE, Club, Importance, clean_title
from fallback_cast.model.duration import format_duration, parse_duration
from tests.channels.fake import CLUB, announcement
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.require import ROOT

NO_HOST = f"{'x' * 64}.invalid"  # a label longer than DNS allows: fails without asking anybody


_calm = settings(deadline=None)  # the machine may be busy with other tests


# Wording.

EVENING = datetime(2026, 11, 28, 19, 30, tzinfo=UTC)


def test_the_time_is_the_clubs_own() -> None:
    assert wording.format_when(EVENING, CLUB, "fr") == "samedi 28 novembre 2026 à 20 h 30"
    english = wording.format_when(EVENING, CLUB, "en")
    assert english.startswith("Saturday, November 28, 2026 at 8:30")
    summer = datetime(2026, 7, 4, 22, 5, tzinfo=UTC)
    assert wording.format_when(summer, CLUB, "fr") == "dimanche 5 juillet 2026 à 00 h 05"
    overseas = Club(name="x", timezone="Indian/Reunion")
    assert wording.format_when(EVENING, overseas, "fr") == "samedi 28 novembre 2026 à 23 h 30"


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({"importance": Importance.NORMAL}, ""),
        ({"importance": Importance.INFO}, ""),
        ({"importance": Importance.URGENT}, "[URGENT] "),
        ({"test": True}, "[ESSAI] "),
        ({"revision": 2}, "[RECTIFICATIF] "),
        ({"revision": 2, "test": True}, "[RECTIFICATIF] "),
        ({"revision": 3, "cancelled": True}, "[ANNULÉ] "),
        ({"cancelled": True, "language": "en"}, "[CANCELLED] "),
    ],
)
def test_the_weightiest_mark_stands_alone(changes: dict[str, Any], mark: str) -> None:
    assert wording.headline(announcement(**changes)) == f"{mark}Concours annulé"


def test_facts_stand_in_one_order_and_only_if_known() -> None:
    bare = wording.facts(announcement(), CLUB, None)
    assert [(fact.kind, fact.value) for fact in bare] == [("code", "K7F3")]
    full = wording.facts(
        announcement(event_at=EVENING, place="Boulodrome", link="https://example.org/x"),
        CLUB,
        "https://example.org/p",
    )
    assert [fact.kind for fact in full] == ["when", "where", "link", "page", "code"]
    assert [fact.label for fact in full] == ["Quand", "Où", "En savoir plus", "Sur notre site", "Code"]
    assert full[0].value == "samedi 28 novembre 2026 à 20 h 30"


# Names and routes.


async def test_names_resolve_and_the_wrong_ones_say_so() -> None:
    found = await net.resolve("localhost", 80)
    assert {info[0] for info in found} <= {socket.AF_INET, socket.AF_INET6}
    for host in (NO_HOST, "a..b"):
        with pytest.raises(socket.gaierror) as caught:
            await net.resolve(host, 80)
        assert net.name_fault(caught.value) == "the name does not exist"


def test_a_silent_name_server_is_not_a_missing_name() -> None:
    assert "does not answer" in net.name_fault(socket.gaierror(socket.EAI_AGAIN, "x"))


async def test_look_ups_of_one_name_share_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answer = threading.Event()

    def slow(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        answer.wait(5)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    waiting = [asyncio.create_task(net.resolve("example.org", 443)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    answer.set()
    with suppress(asyncio.CancelledError):
        await waiting[0]
    results = await asyncio.gather(*waiting[1:])
    assert asked == ["example.org"]
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(), "refused"),
        (ConnectionResetError(), "reset"),
        (TimeoutError(), "in time"),
        (OSError(errno.EHOSTUNREACH, "No route to host 127.0.0.1"), "no route"),
    ],
)
def test_a_route_fault_names_no_address(error: OSError, words: str) -> None:
    assert words in net.route_fault(error)
    assert "127.0.0.1" not in net.route_fault(error)


async def test_connecting_ends_in_a_socket_or_an_error(http_faults: HttpFaults) -> None:
    (await net.connect("127.0.0.1", http_faults.port)).close()
    with http.refused_port() as port, pytest.raises(ConnectionRefusedError):
        await net.connect("127.0.0.1", port)


def test_a_dead_name_server_does_not_hold_the_exit() -> None:
    script = """
import asyncio, socket, time
from fallback_cast.channels.kit import net
socket.getaddrinfo = lambda *a, **k: time.sleep(60)

async def main():
    try:
        async with asyncio.timeout(0.1):
            await net.resolve("example.org", 443)
    except TimeoutError:
        print("left")

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, cwd=ROOT
    )
    assert done.stdout == "left\n", done.stderr


# Work beside the loop.


async def test_work_aside_returns_raises_and_blocks_nobody() -> None:
    assert await run_aside(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await run_aside(lambda: 1 // 0)
    release = threading.Event()
    work = asyncio.create_task(run_aside(lambda: release.wait(5)))
    await asyncio.sleep(0)
    assert not work.done()
    release.set()
    assert await work


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_work_aside_that_wants_to_leave_wakes_its_waiter(leaving: type[BaseException]) -> None:
    def leave() -> None:
        raise leaving

    with pytest.raises(RuntimeError, match="leave"):
        await run_aside(leave)


def test_work_aside_outlives_its_loop_in_silence() -> None:
    release = threading.Event()
    threads: list[threading.Thread] = []

    def wait() -> None:
        threads.append(threading.current_thread())
        release.wait(5)

    async def give_up() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await run_aside(wait)

    asyncio.run(give_up())
    release.set()
    threads[0].join(5)
    assert not threads[0].is_alive()


# Titles and durations.


@_calm
@given(st.text(max_size=400))
@example("\u202eannulé\u2066 \x00\x1b[31m")
@example("a\nb\r\nc\td\u2028e")
@example("e\u0301")
def test_a_clean_title_is_one_line_and_stays_clean(text: str) -> None:
    try:
        title = clean_title(text)
    except ValueError:
        return
    assert 0 < len(title) <= MAX_TITLE
    assert title == title.strip()
    assert len(title.splitlines()) == 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]", title)
    assert "  " not in title
    assert clean_title(title) == title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("  Concours\n annulé  ", "Concours annulé"),
        ("\u202eabc\u202c", "abc"),
        ("👩\u200d👧 fête", "👩\u200d👧 fête"),
        ("e\u0301te\u0301", "été"),
        ("a\u00adb", "ab"),
        ("x" * MAX_TITLE, "x" * MAX_TITLE),
    ],
)
def test_titles_by_example(text: str, title: str) -> None:
    assert clean_title(text) == title


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u202e\u2066", "\x00", "x" * (MAX_TITLE + 1)])
def test_no_title_and_a_book_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="title"):
        clean_title(text)


@_calm
@given(st.integers(0, 10**7))
@example(1_000_001)
def test_a_duration_reads_back_as_written(seconds: int) -> None:
    value = timedelta(seconds=seconds)
    assert parse_duration(format_duration(value)) == value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20s", 20), ("10m", 600), ("1h", 3600), ("3d", 259200), (" 1.5 h ", 5400), ("0s", 0)],
)
def test_durations_by_example(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "20", "s", "-5s", "1w", "1h30m", "1,5h", "١s x", "1e3s", "ten minutes"])
def test_other_words_are_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(86400, "1d"), (90000, "25h"), (90, "90s"), (120, "2m"), (0, "0s"), (1.5, "1.5s")]
)
def test_the_shortest_form_is_written(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text
