"""`outages`: history in words, as JSON, and as a picture that everybody can read."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fallback_cast.ledger.schema import to_micros
from tests.cli.test_commands import settings
from tests.cli.test_demo import run
from tests.counterparts import require

SVG = "{http://www.w3.org/2000/svg}"


def hours_ago(hours: float) -> int:
    return to_micros(datetime.now(UTC) - timedelta(hours=hours))


def insert(connection: sqlite3.Connection, table: str, **row: object) -> None:
    places = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))


@pytest.fixture
def club(tmp_path: Path) -> Path:
    """A club whose first hook was out for six hours two days ago; three members fell back to the second."""
    path = settings(tmp_path, "http://127.0.0.1:9/", "http://127.0.0.1:9/")
    path.write_text(path.read_text().replace('"Club"', '"Boules & <amis>"'))
    assert run("list", cwd=tmp_path).returncode == 0
    connection = sqlite3.connect(tmp_path / "fallback-cast.db")
    evidence = [("hook2", "hook2", hours_ago(h / 4), "m", "probe", "good") for h in range(4 * 60)]
    evidence += [("hook1", "hook1", hours_ago(h / 4), "m", "probe", "good") for h in range(8, 4 * 40)]
    evidence += [("hook1", "hook1", hours_ago(48) + n, "m", "probe", "bad") for n in range(3)]
    evidence += [
        ("hook1", "hook1", hours_ago(47), "m", "send", "confirmed"),
        ("hook1", "hook1", hours_ago(46), "m", "feed", "hint"),
    ]
    connection.executemany(
        "INSERT INTO evidence (channel, provider, at, machine, source, signal) VALUES (?, ?, ?, ?, ?, ?)",
        evidence,
    )
    connection.executemany(
        "INSERT INTO outage (channel, provider, began_at, ended_at, layer, reason) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                "hook1",
                "hook1",
                hours_ago(48),
                hours_ago(42),
                "name",
                "the name server does not answer for this name",
            ),
            ("hook2", "hook2", hours_ago(2), None, "tls", "550 <script>alert(1)</script> & more"),
            ("hook1", "hook1", hours_ago(24 * 30), hours_ago(24 * 29), "route", "connection refused"),
        ],
    )
    insert(
        connection,
        "announcement",
        id="a1",
        code="A1",
        title="T",
        body="B",
        importance="urgent",
        language="fr",
        private=0,
        test=0,
        revision=1,
        content_hash="h",
        state="settled",
        created_at=hours_ago(45),
        starts_at=hours_ago(45),
        expires_at=hours_ago(-45),
    )
    deliveries = [
        ("Ann", "reached", "hook2", 1, "hook1", hours_ago(45)),  # fell back, never tried there
        ("Bob", "reached", "hook2", 1, None, hours_ago(45)),  # fell back after an attempt
        ("Cy", "reached", "hook2", 1, "site", hours_ago(45)),  # fell back from another channel
        ("Di", "reached", "hook1", 0, None, hours_ago(41)),  # waited for its end
        ("Ed", "reached", "hook2", 1, "hook1", hours_ago(30)),  # long after it
    ]
    for name, state, via, fell_back, skipped, closed_at in deliveries:
        insert(
            connection,
            "delivery",
            announcement_id="a1",
            kind="member",
            recipient=name,
            routes="[]",
            revision=1,
            state=state,
            why="queued",
            lane=via,
            next_at=0,
            via=via,
            fell_back=fell_back,
            skipped=skipped,
            opened_at=hours_ago(45),
            closed_at=closed_at,
        )
    insert(
        connection,
        "attempt",
        key="k",
        number=1,
        announcement_id="a1",
        delivery_id=2,
        channel="hook1",
        provider="hook1",
        address="x",
        outcome="failed",
        owner="me",
        begun_at=hours_ago(45),
    )
    connection.commit()
    connection.close()
    return tmp_path


def test_json_tells_what_when_why_and_what_it_cost(club: Path) -> None:
    done = run("outages", "--json", cwd=club)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["outages"]
    assert (first["channel"], first["layer"]) == ("hook1", "name")
    assert first["duration_s"] == pytest.approx(6 * 3600, abs=60)
    assert (first["fell_back"], first["waited"]) == (2, 1)
    assert first["evidence"] == (
        "the name server does not answer for this name; 3 failed probes, 1 failed message"
    )
    assert (second["channel"], second["ended_at"]) == ("hook2", None)
    assert second["duration_s"] == pytest.approx(2 * 3600, abs=60)


def test_the_time_and_the_channel_can_be_chosen(club: Path) -> None:
    month = json.loads(run("outages", "--since", "40d", "--json", cwd=club).stdout)["outages"]
    assert len(month) == 3
    one = json.loads(run("outages", "hook2", "--json", cwd=club).stdout)["outages"]
    assert [o["channel"] for o in one] == ["hook2"]
    day = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    assert len(json.loads(run("outages", "--since", day, "--json", cwd=club).stdout)["outages"]) == 2


def test_the_terminal_shows_a_line_a_channel(club: Path) -> None:
    done = run("outages", "--lang", "fr", "--since", "60h", cwd=club)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines()[:3]}
    assert list(lines) == ["site", "hook1", "hook2"]
    assert "█" not in lines["site"]
    assert "▁" in lines["hook1"]
    assert 5 <= lines["hook1"].count("█") <= 9  # six of sixty hours
    assert lines["hook2"].endswith("█")
    assert "en panne depuis le" in done.stdout
    assert "2 messages sont passés par un autre canal, 1 message a attendu" in done.stdout
    assert (
        "le serveur de noms ne répond pas pour ce nom ; 3 sondes en échec, 1 message en échec [nom]"
        in done.stdout
    )


@pytest.mark.parametrize(
    ("language", "title"), [("fr", "Pannes : Boules & <amis>"), ("en", "Outages of Boules & <amis>")]
)
def test_the_picture_says_in_words_what_it_shows(club: Path, language: str, title: str) -> None:
    done = run("outages", "--svg", "outages.svg", "--lang", language, cwd=club)
    assert (done.returncode, done.stdout) == (0, "")
    root = ElementTree.fromstring((club / "outages.svg").read_text())
    assert root.get("role") == "img"
    names = root.get("aria-labelledby", "").split()
    described = {element.get("id"): element.text for element in root}
    assert described[names[0]] == title
    assert "hook1: 1" in (described[names[1]] or "")
    told = [element.text or "" for element in root.iter(f"{SVG}title")]
    assert any("alert(1)" in text for text in told)
    bars = [
        r for r in root.iter(f"{SVG}rect") if r.get("class") == "down" and r.find(f"{SVG}title") is not None
    ]
    assert len(bars) == 2
    for element in root.iter():
        assert element.tag.removeprefix(SVG) not in ("script", "foreignObject", "a", "image", "use")
        assert not any(name.startswith("on") or name.endswith("href") for name in element.attrib)
    # Readable without colours: each state has a pattern, or a shade of its own.
    style = next(root.iter(f"{SVG}style")).text or ""
    assert "url(#stripes)" in style
    assert "url(#dots)" in style


def test_the_picture_can_be_drawn(club: Path) -> None:
    convert = require.program("rsvg-convert")
    run("outages", "--svg", "outages.svg", cwd=club)
    done = subprocess.run([convert, "outages.svg"], cwd=club, capture_output=True, check=True)
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stderr == b""


def test_nothing_lies_outside_the_drawing(club: Path) -> None:
    run("outages", "--svg", "outages.svg", "--since", "40d", cwd=club)
    root = ElementTree.fromstring((club / "outages.svg").read_text())
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for rect in root.iter(f"{SVG}rect"):
        right = float(rect.get("x", "0")) + float(rect.get("width", "0"))
        assert right <= width
        assert float(rect.get("y", "0")) + float(rect.get("height", "0")) <= height
    assert all(float(text.get("y", "0")) < height for text in root.iter(f"{SVG}text"))


def test_no_outage_is_said_too(tmp_path: Path) -> None:
    settings(tmp_path)
    done = run("outages", cwd=tmp_path)
    assert done.returncode == 0
    assert "no outage is on record" in done.stdout
    assert json.loads(run("outages", "--json", cwd=tmp_path).stdout)["outages"] == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("pigeon",), "pigeon"),
        (("--since", "yesterdayish"), "--since"),
        (("--since", "2999-01-01"), "--since"),
        (("--svg", "none/picture.svg"), "none/picture.svg"),
    ],
)
def test_each_mistake_is_one_clear_message(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    settings(tmp_path)
    done = run("outages", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr
