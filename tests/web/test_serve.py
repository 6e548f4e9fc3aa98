"""`serve` as other programs meet it: a real process, real HTTP, the ledger behind it."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.cli.test_demo import run
from tests.web.club import HOOK, NEW_SECRET, SECRET, SECRETS, TOKEN, Club, Serving, make_club, sign

TEXT = {"title": "Contest cancelled", "body": "The pitch is **flooded**."}
ALERTS = """[[webhook]]
name = "alerts"
kind = "alertmanager"
token = "env:TOKEN"
"""
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Club:
    more = 'previous_secret = "env:SECRET"\nmax_per_day = 1000\n'
    hook = HOOK.replace("env:SECRET", "env:NEW") + more
    return make_club(tmp_path_factory.mktemp("club"), hook, ALERTS)


@pytest.fixture(scope="module")
def serving(club: Club) -> Iterator[Serving]:
    with club.serving() as serving:
        yield serving


def test_a_signed_call_is_stored_sent_and_taken_once(club: Club, serving: Serving) -> None:
    first = serving.signed(TEXT, "once")
    assert first.status_code == 202
    taken = first.json()
    assert taken["repeated"] is False
    again = serving.signed(TEXT, "once")
    assert (again.status_code, again.json()["id"], again.json()["repeated"]) == (200, taken["id"], True)
    club.wait_for_pages(1)
    assert f"{taken['id']}.html" in club.pages()


def test_the_same_id_with_another_text_is_a_conflict(serving: Serving) -> None:
    assert serving.signed({"title": "One", "body": "text"}, "clash").status_code == 202
    answer = serving.signed({"title": "Two", "body": "text"}, "clash")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_payload_may_stand_in_an_event(serving: Serving) -> None:
    event = {
        "type": "announcement.created",
        "timestamp": "2026-11-25T10:00:00Z",
        "data": TEXT | {"title": "Event"},
    }
    assert serving.signed(event, "event").status_code == 202


@pytest.mark.parametrize("secret", [SECRET, NEW_SECRET])
def test_while_the_secret_changes_both_are_good(serving: Serving, secret: str) -> None:
    answer = serving.signed({"title": f"By {secret[-5:]}", "body": "text"}, f"r-{secret[-5:]}", secret=secret)
    assert answer.status_code == 202


@pytest.mark.parametrize("away", [-timedelta(minutes=6), timedelta(minutes=6)])
def test_a_stale_call_is_refused(serving: Serving, away: timedelta) -> None:
    answer = serving.signed(TEXT, "stale", at=datetime.now(UTC) + away)
    assert answer.status_code == 401


def test_a_call_signed_by_another_is_refused(serving: Serving) -> None:
    stranger = "whsec_" + "c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vy"
    assert serving.signed(TEXT, "stranger", secret=stranger).status_code == 401
    body = json.dumps(TEXT).encode()
    assert serving.call("site", body, {}).status_code == 401
    altered = body.replace(b"Contest", b"Meeting")
    assert serving.call("site", altered, sign(body, "altered")).status_code == 401


def test_a_webhook_that_is_not_in_the_settings_is_unknown(serving: Serving) -> None:
    assert serving.call("nobody", b"{}", {}).status_code == 404


@pytest.mark.parametrize(
    "wanted",
    [
        b"not json",
        b"[]",
        b"\xff\xfe",
        {"title": "No text"},
        TEXT | {"importence": "urgent"},
        TEXT | {"importance": "very"},
        TEXT | {"link": "javascript:alert(1)"},
        TEXT | {"event_at": "2026-11-28T14:30:00"},
        TEXT | {"expires_at": "2020-01-01T00:00:00Z"},
        TEXT | {"title": "x" * 201},
        TEXT | {"title": "\u202e\u0007"},
    ],
)
def test_a_bad_body_is_named_and_not_repeated(serving: Serving, wanted: object) -> None:
    if wanted == b"\xff\xfe":
        answer = serving.call("site", wanted, sign(b"\xff\xfe", "bad"))  # type: ignore[arg-type]
        assert answer.status_code in (400, 401)
        return
    answer = serving.signed(wanted, "bad")
    assert answer.status_code == 400
    assert "flooded" not in answer.text
    assert "alert(1)" not in answer.text


def test_what_is_too_large_is_refused_while_it_comes(serving: Serving) -> None:
    assert serving.call("site", b"x" * 1_300_000, {}).status_code == 413


def test_more_than_the_webhook_may_is_lowered(club: Club, serving: Serving) -> None:
    answer = serving.signed(TEXT | {"title": "Wake up", "importance": "urgent"}, "loud")
    assert club.status(answer.json()["id"])["importance"] == "normal"


# -- programs --------------------------------------------------------------------------------------


def announce(serving: Serving, wanted: object, **headers: str) -> httpx.Response:
    return httpx.post(f"{serving.url}/v1/announcements", json=wanted, headers=BEARER | headers, timeout=20)


def test_a_program_announces_and_asks_how_it_went(serving: Serving, club: Club) -> None:
    key = {"Idempotency-Key": "k1"}
    first = announce(serving, TEXT | {"title": "By program", "importance": "urgent"}, **key)
    assert first.status_code == 202
    id = first.json()["id"]
    again = announce(serving, TEXT | {"title": "By program", "importance": "urgent"}, **key)
    assert (again.status_code, again.json()["id"]) == (200, id)
    assert announce(serving, TEXT | {"title": "Another"}, **key).status_code == 409
    found = httpx.get(f"{serving.url}/v1/announcements/{id}", headers=BEARER).json()
    assert (found["id"], found["importance"]) == (id, "urgent")


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}]
)
def test_without_the_token_nothing_is_told(serving: Serving, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{serving.url}/v1/announcements", json=TEXT, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert httpx.get(f"{serving.url}/v1/announcements/x", headers=headers).status_code == 401


def test_an_unknown_announcement_is_not_found(serving: Serving) -> None:
    assert httpx.get(f"{serving.url}/v1/announcements/20200101-aaaaaa", headers=BEARER).status_code == 404


def test_signs_of_life(serving: Serving) -> None:
    for sign_of_life in ("healthz", "readyz"):
        assert httpx.get(f"{serving.url}/{sign_of_life}").json() == {"status": "ok"}
    assert httpx.get(f"{serving.url}/openapi.json").json()["openapi"].startswith("3.")


# -- Alertmanager ----------------------------------------------------------------------------------


def alerts(status: str = "firing", started: str = "2026-11-25T10:00:00Z") -> dict[str, object]:
    alert = {
        "status": status,
        "labels": {"alertname": "PitchFlooded"},
        "annotations": {"description": "Water on the pitch."},
        "startsAt": started,
        "fingerprint": "f1",
    }
    return {
        "version": "4",
        "groupKey": '{}:{alertname="PitchFlooded"}',
        "status": status,
        "alerts": [alert],
        "commonLabels": {"alertname": "PitchFlooded"},
        "commonAnnotations": {},
    }


def test_an_alert_that_is_repeated_is_announced_once(serving: Serving) -> None:
    def post(wanted: object) -> httpx.Response:
        return httpx.post(f"{serving.url}/hooks/alerts", json=wanted, headers=BEARER)

    first = post(alerts())
    assert first.status_code == 202
    assert [post(alerts()).status_code for _ in range(3)] == [200] * 3
    assert post(alerts("resolved")).status_code == 202
    assert post({**alerts(), "alerts": []}).json()["id"] == ""
    assert httpx.post(f"{serving.url}/hooks/alerts", json=alerts()).status_code == 401


# -- what must not be lost ---------------------------------------------------------------------------


def test_two_hundred_calls_at_once_and_a_caller_who_dawdles(serving: Serving, club: Club) -> None:
    host, port = serving.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"POST /hooks/site HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        with ThreadPoolExecutor(20) as pool:
            answers = list(
                pool.map(
                    lambda n: serving.signed({"title": f"Many {n % 100}", "body": "text"}, f"many-{n % 100}"),
                    range(200),
                )
            )
    assert Counter(answer.status_code for answer in answers) == {202: 100, 200: 100}
    ids = {answer.json()["id"] for answer in answers}
    assert len(ids) == 100
    expected = {f"{id}.html" for id in ids}
    club.wait_for_pages(len(expected))


def test_what_was_taken_survives_a_kill_and_goes_out_once(tmp_path: Path) -> None:
    club = make_club(tmp_path, HOOK)
    with club.serving() as serving:
        answer = serving.signed(TEXT)
        serving.kill()
    assert answer.status_code == 202
    with club.serving() as serving:
        club.wait_for_pages(1)
        assert serving.signed(TEXT).status_code == 200
        club.wait_until_settled(answer.json()["id"])
    assert club.pages() == [f"{answer.json()['id']}.html"]
    assert serving.process.returncode == 0  # SIGTERM is no fault


def test_a_webhook_announces_no_more_than_it_may_in_a_day(tmp_path: Path) -> None:
    club = make_club(tmp_path, HOOK + "max_per_day = 2\n")
    with club.serving() as serving:
        codes = [serving.signed({"title": f"T{n}", "body": "b"}, f"m{n}") for n in range(3)]
        assert [answer.status_code for answer in codes] == [202, 202, 429]
        assert 0 < int(codes[2].headers["retry-after"]) <= 86_401
        assert serving.signed({"title": "T0", "body": "b"}, "m0").status_code == 200  # taken before


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("", "nothing to serve"),
        (HOOK + "approval = true\n", "approve"),
    ],
)
def test_what_cannot_be_served_is_said_at_once(tmp_path: Path, more: str, sentence: str) -> None:
    club = make_club(tmp_path, more)
    path = club.folder / "channels.toml"
    if not more:
        path.write_text(path.read_text().replace('token = "env:TOKEN"', ""))
    done = run("serve", "--lang", "en", cwd=tmp_path, env=SECRETS)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_port_in_use_is_said_in_words(tmp_path: Path) -> None:
    club = make_club(tmp_path, HOOK)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = club.folder / "channels.toml"
        path.write_text(path.read_text().replace("port = 0", f"port = {taken.getsockname()[1]}"))
        done = run("serve", "--lang", "en", cwd=tmp_path, env=SECRETS)
    assert done.returncode == 2, done.stderr
    assert "another program has it" in done.stderr
