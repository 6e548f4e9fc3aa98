"""The commands as a person uses them: exit codes, one clear message for each mistake, JSON."""

from __future__ import annotations

import base64
import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.test_demo import run
from tests.counterparts.http_faults import HttpFaults, refused_port, reply

SECRET = "whsec_" + base64.b64encode(b"0" * 32).decode()


def settings(folder: Path, *urls: str, extra: str = "") -> Path:
    """Settings with a site and one signed webhook for each URL."""
    (folder / "public").mkdir(exist_ok=True)
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    hooks = "".join(
        f'[[channel]]\nname = "hook{n}"\nkind = "webhook"\nurl = "{url}"\nsecret = "file:secret"\n'
        for n, url in enumerate(urls, 1)
    )
    path = folder / "channels.toml"
    path.write_text(
        '[club]\nname = "Club"\nlanguage = "en"\n[[channel]]\nname = "site"\nkind = "site"\n'
        f'directory = "public"\n{hooks}{extra}'
    )
    return path


SEND = ("send", "-t", "Contest cancelled", "-b", "The pitch is **flooded**.", "-i", "urgent")


def test_a_refused_channel_falls_back_and_the_exit_code_says_all_is_well(
    tmp_path: Path, http_faults: HttpFaults
) -> None:
    http_faults.always(reply(200))
    with refused_port() as port:
        settings(tmp_path, f"http://127.0.0.1:{port}/", http_faults.url)
        done = run(*SEND, "--json", "--recipients", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["recipients"] == {
        "total": 2,
        "reached": 2,
        "unreached": 0,
        "pending": 0,
        "held": 0,
        "excluded": 0,
        "expired": 0,
        "cancelled": 0,
    }
    assert found["fallbacks"] == 1
    assert [c["skipped"] for c in found["channels"]] == [0, 1, 0]
    everyone = next(d for d in found["deliveries"] if d["recipient"] == "everyone")
    assert [a["channel"] for a in everyone["attempts"]] == ["hook2"]
    assert len([r for r in http_faults.requests if r.method == "POST"]) == 1
    [page] = (tmp_path / "public").glob(f"{found['id']}.html")
    assert "<strong>flooded</strong>" in page.read_text()


def test_the_same_again_is_refused_and_a_key_announces_once(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url)
    first = run(*SEND, "--key", "k1", "--json", cwd=tmp_path)
    again = run(*SEND, cwd=tmp_path)
    assert (first.returncode, again.returncode) == (0, 2)
    assert "--again" in again.stderr
    same = run(*SEND, "--key", "k1", "--json", cwd=tmp_path)
    assert json.loads(same.stdout)["id"] == json.loads(first.stdout)["id"]
    other = run("send", "-t", "Other", "-b", "text", "--key", "k1", cwd=tmp_path)
    assert other.returncode == 2
    assert len([r for r in http_faults.requests if r.method == "POST"]) == 1


def test_a_plan_sends_nothing_and_stores_nothing(tmp_path: Path, http_faults: HttpFaults) -> None:
    settings(tmp_path, http_faults.url)
    done = run(*SEND, "--plan", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["recipients"]["total"] == 2
    assert http_faults.requests == []
    assert "announcement yet" in run("list", cwd=tmp_path).stderr


def test_nobody_reached_stays_open_and_says_when_it_goes_on(tmp_path: Path) -> None:
    with refused_port() as port:
        settings(tmp_path, f"http://127.0.0.1:{port}/")
        done = run(*SEND, "--timeout", "2s", "--json", cwd=tmp_path)
    assert done.returncode == 5
    assert json.loads(done.stdout)["recipients"]["pending"] == 1
    assert "resume" in done.stderr


def test_what_was_detached_is_resumed(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url)
    assert run(*SEND, "--detach", cwd=tmp_path).returncode == 5
    assert http_faults.requests == []
    done = run("resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len([r for r in http_faults.requests if r.method == "POST"]) == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("send", "-t", "x", "-b", " "), "empty"),
        (("send", "-t", " ", "-b", "x"), "title"),
        (("send", "-t", "x", "-b", "y", "-i", "loud"), "importance"),
        (("send", "-t", "x", "-b", "y", "--channel", "pigeon"), "pigeon"),
        (("send", "-t", "x", "-b", "y", "--at", "soonish"), "moment"),
        (("send", "-t", "x", "-b", "y", "--link", "javascript:alert(1)"), "link"),
        (("send", "-t", "x", "--file", "bad.txt"), "UTF-8"),
        (("send", "-t", "x", "--file", "huge.txt"), "MB"),
        (("send", "-t", "x", "--file", "none.txt"), "cannot be read"),
        (("status", "zzzz"), "zzzz"),
        (("check", "pigeon"), "pigeon"),
        (("send", "-t", "x", "-b", "y", "--test"), "organiser"),
    ],
)
def test_each_mistake_is_one_clear_message(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    settings(tmp_path)
    (tmp_path / "bad.txt").write_bytes(b"caf\xe9")
    (tmp_path / "huge.txt").write_bytes(b"x" * 10_000_000)
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "public").glob("2*.html"))


def test_a_newer_ledger_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    settings(tmp_path)
    run("list", cwd=tmp_path)
    with sqlite3.connect(tmp_path / "fallback-cast.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    done = run(*SEND, cwd=tmp_path)
    assert done.returncode == 2
    assert "newer" in done.stderr


def test_a_locked_ledger_is_named(tmp_path: Path) -> None:
    settings(tmp_path)
    run("list", cwd=tmp_path)
    connection = sqlite3.connect(tmp_path / "fallback-cast.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    done = run(*SEND, cwd=tmp_path)
    connection.execute("ROLLBACK")
    connection.close()
    assert done.returncode == 2
    assert "locked" in done.stderr


def test_the_ledger_is_for_its_owner_alone(tmp_path: Path) -> None:
    settings(tmp_path)
    run("list", cwd=tmp_path)
    assert (tmp_path / "fallback-cast.db").stat().st_mode & 0o777 == 0o600


def test_check_messages_nobody(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    with refused_port() as port:
        settings(tmp_path, http_faults.url, f"http://127.0.0.1:{port}/")
        done = run("check", "--json", cwd=tmp_path)
    assert done.returncode == 2
    verdicts = {c["name"]: c["verdict"] for c in json.loads(done.stdout)["channels"]}
    assert verdicts == {"site": "up", "hook1": "up", "hook2": "down"}
    assert all(request.method != "POST" for request in http_faults.requests)


def test_members_are_imported_and_told(tmp_path: Path) -> None:
    extra = (
        '[[channel]]\nname = "email"\nkind = "email"\nsender = "Club <club@example.org>"\n'
        '[[channel.relay]]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'
    )
    settings(tmp_path, extra=extra)
    (tmp_path / "members.csv").write_text("name;email\nAnn;ann@example.org\nBob;bob@example.org\n")
    dry = run("members", "import", "members.csv", "--dry-run", cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr
    assert run("members", "import", "members.csv", cwd=tmp_path).returncode == 0
    plan = json.loads(run(*SEND, "--plan", "--json", cwd=tmp_path).stdout)
    assert plan["recipients"]["total"] == 3  # the site, Ann, Bob
    (tmp_path / "bad.csv").write_text("name;email\nAnn;nobody at home\n")
    bad = run("members", "import", "bad.csv", cwd=tmp_path)
    assert bad.returncode == 2
    assert "nobody at home" not in bad.stderr
    assert "2" in bad.stderr
