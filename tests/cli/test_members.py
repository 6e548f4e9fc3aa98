"""Members in and out by CSV, and all that the organiser does with one of them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_commands import run

HEAD = """
[club]
name = "Club"
language = "en"
timezone = "Europe/Paris"

[[channel]]
name = "email"
kind = "email"
sender = "Club <club@example.org>"
[[channel.relay]]
host = "127.0.0.1"
port = 9
security = "none"

[[channel]]
name = "sms"
kind = "sms"
[[channel.gateway]]
kind = "kannel"
url = "http://127.0.0.1:9/cgi-bin/sendsms"
username = "club"
password = "env:PASSWORD"
sender = "Club"
"""
ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
def club(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PASSWORD", "not-a-secret-0")
    path = tmp_path / "channels.toml"
    path.write_text(HEAD)
    path.chmod(0o600)
    return tmp_path


def members(club: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run("members", *words, cwd=club)


def bring_in(club: Path, text: str, *options: str, encoding: str = "utf-8") -> dict[str, object]:
    (club / "members.csv").write_bytes(text.encode(encoding))
    done = members(club, "import", "members.csv", "--json", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def exported(club: Path) -> list[str]:
    return members(club, "export").stdout.splitlines()


def figures(found: dict[str, object]) -> tuple[object, ...]:
    return tuple(found[name] for name in ("added", "changed", "removed", "unchanged"))


def test_french_titles_are_guessed(club: Path) -> None:
    bring_in(
        club,
        "N° licence;Nom;Prénom;Courriel;Portable;Groupes;Langue;Ordre;Né le\r\n"
        "12;Martin;Éléonore;Eleonore@Example.ORG;06 12 34 56 78;bureau;fr;sms;1990\r\n",
        encoding="cp1252",
    )
    assert exported(club)[1] == "12,Éléonore Martin,fr,bureau,sms,,,Eleonore@example.org,'+33612345678,,"


def test_the_same_file_twice_changes_nothing_even_with_shared_addresses(club: Path) -> None:
    text = f"name,email,groups\nAnn,{ANN},a\nBob,{ANN},b\nAnn,{ANN},c\n"
    assert figures(bring_in(club, text)) == (3, 0, 0, 0)
    assert figures(bring_in(club, text)) == (0, 0, 0, 3)


def test_a_person_is_known_by_number_then_by_address_then_by_name(club: Path) -> None:
    bring_in(club, f"id,name,email\n1,Ann,{ANN}\n2,Bob,{BOB}\n3,Zoe,zoe@example.org\n")
    renamed = f"id,name,email\n1,Anna,new@example.org\n,Robert,{BOB}\n,Zoe,other@example.org\n"
    found = bring_in(club, renamed)
    assert figures(found) == (0, 3, 0, 0)
    another = bring_in(club, "id,name,email\n4,Anna,new@example.org\n")
    assert figures(another) == (1, 0, 0, 0)  # another number is another person


def test_what_the_file_does_not_speak_of_stays(club: Path) -> None:
    bring_in(club, f"name,email,groups,consent sms,pause\nAnn,{ANN},board,no,2030-01-31\n")
    bring_in(club, "name,mobile\nAnn,0612345678\n")
    assert exported(club)[1] == f",Ann,,board,,,2030-01-31,{ANN},'+33612345678,,no"


def test_a_dry_run_shows_before_and_after_and_changes_nothing(club: Path) -> None:
    bring_in(club, f"name,email\nAnn,{ANN}\nBob,{BOB}\n")
    before = exported(club)
    (club / "new.csv").write_text("name,email\nAnn,anna@example.org\nZoe,zoe@example.org\n")
    done = members(club, "import", "new.csv", "--dry-run", "--remove-missing")
    assert "+ Zoe" in done.stdout
    assert f"~ Ann: email {ANN} → anna@example.org" in done.stdout
    assert "- Bob" in done.stdout
    assert exported(club) == before
    bring_in(club, "name,email\nAnn,anna@example.org\nZoe,zoe@example.org\n")
    assert len(exported(club)) == 4  # without --remove-missing nobody goes
    bring_in(club, "name,email\nAnn,anna@example.org\n", "--remove-missing")
    assert len(exported(club)) == 2


BAD = "name,email,mobile,consent\nAnn,nobody at home,,\nBob,,12,\nZoe,,,perhaps\nMax,max@example.org,,yes\n"


def test_every_mistake_is_said_by_line_and_nothing_is_stored(club: Path) -> None:
    (club / "bad.csv").write_text(BAD)
    done = members(club, "import", "bad.csv")
    assert done.returncode == 2
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "bad.csv, line 2, column email",
        "bad.csv, line 3, column mobile",
        "bad.csv, line 4, column consent",
    ]
    assert "nobody at home" not in done.stderr
    assert len(exported(club)) == 1


def test_bad_lines_can_be_left_out(club: Path) -> None:
    found = bring_in(club, BAD, "--skip-bad")
    assert (found["added"], found["skipped"]) == (1, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,emial\nAnn,x\n", ("emial", "did you mean email?")),
        ("email\nx\n", ("there is no column name",)),
        ("name,email,courriel\nAnn,,\n", ("courriel", "the same")),
        ("id,name\n1,Ann\n1,Bob\n", ("line 3", "line 2")),
        ("name\n", ("no members",)),
        ('name\n"Ann\n', ("quotation marks",)),
    ],
)
def test_files_that_are_refused(club: Path, text: str, words: tuple[str, ...]) -> None:
    (club / "bad.csv").write_text(text)
    done = members(club, "import", "bad.csv")
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr


def plan(club: Path) -> dict[str, object]:
    done = run("send", "-t", "x", "-b", "y", "--plan", "--json", cwd=club)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_no_consent_and_a_pause_are_kept_and_the_plan_says_so(club: Path) -> None:
    bring_in(club, f"name,email,mobile,consent sms\nAnn,{ANN},0612345678,no\nBob,{BOB},,\n")
    share = {c["name"]: (c["possible"], c["no_consent"]) for c in plan(club)["channels"]}  # type: ignore[attr-defined]
    assert share == {"email": (2, 0), "sms": (0, 1)}
    bring_in(club, "name,consent\nAnn,no\n")
    assert plan(club)["unreachable"] == [{"reason": "no consent", "count": 1, "names": ["Ann"]}]
    assert members(club, "pause", "Bob").returncode == 0
    paused = {"reason": "paused", "count": 1, "names": ["Bob"]}
    assert paused in plan(club)["unreachable"]  # type: ignore[operator]
    assert members(club, "pause", BOB, "--off").returncode == 0
    assert members(club, "pause", BOB, "--until", "2020-01-01").returncode == 2


def test_who_withdrew_consent_is_not_taken_up_again(club: Path) -> None:
    bring_in(club, f"name,email\nAnn,{ANN}\n")
    run("send", "-t", "x", "-b", "y", "--detach", cwd=club)
    with sqlite3.connect(club / "fallback-cast.db") as connection:
        connection.execute("UPDATE delivery SET state = 'unreached'")
        [[id]] = connection.execute("SELECT id FROM announcement")
    connection.close()
    bring_in(club, "name,consent\nAnn,no\n")
    done = run("retry", id, "--json", cwd=club)
    assert done.returncode in (0, 3, 4), done.stderr
    found = json.loads(run("status", id, "--json", cwd=club).stdout)["recipients"]
    assert (found["excluded"], found["unreached"]) == (1, 0)


def test_the_list_can_be_narrowed(club: Path) -> None:
    bring_in(club, f"name,email,mobile,groups,consent sms\nAnn,{ANN},0612345678,a,no\nBob,,0612345679,b,\n")

    def names(*options: str) -> list[str]:
        found = json.loads(members(club, "list", "--json", *options).stdout)
        return [member["name"] for member in found["members"]]

    assert names("--group", "a") == ["Ann"]
    assert names("--channel", "sms") == ["Bob"]
    assert names("--without", "sms") == ["Ann"]
    assert members(club, "list", "--channel", "smoke").returncode == 2


def suppress(club: Path, address: str, cause: str, ends_at: int | None) -> None:
    with sqlite3.connect(club / "fallback-cast.db") as connection:
        connection.execute(
            "INSERT INTO suppression (channel, address, cause, evidence, since, ends_at) "
            "VALUES ('email', ?, ?, 'said so', 1, ?)",
            (address, cause, ends_at),
        )
    connection.close()


def held_against(club: Path, who: str) -> list[str]:
    found = json.loads(members(club, "show", who, "--json").stdout)
    return [row["cause"] for row in found["suppressions"]]


def test_an_edited_address_ends_a_bounce_and_never_a_complaint(club: Path) -> None:
    bring_in(club, f"name,email\nAnn,{ANN}\nBob,{BOB}\n")
    suppress(club, ANN, "refused", 4_000_000_000_000_000)
    suppress(club, BOB, "complaint", None)
    assert held_against(club, "Ann") == ["refused"]
    bring_in(club, "name,email\nAnn,a@example.org\nBob,b@example.org\n")
    bring_in(club, f"name,email\nAnn,{ANN}\nBob,{BOB}\n")
    assert held_against(club, "Ann") == []
    assert held_against(club, "Bob") == ["complaint"]
    assert members(club, "unsuppress", BOB).returncode == 0
    assert held_against(club, "Bob") == []


def bytes_of(club: Path) -> bytes:
    return b"".join(path.read_bytes() for path in club.glob("fallback-cast.db*"))


def test_who_is_erased_leaves_no_byte_and_the_complaint_stays(club: Path) -> None:
    bring_in(club, f"name,email,mobile\nAnnabelle Doe,{ANN},0612345678\nBob,{BOB},0612345678\n")
    sent = run("send", "-t", "Title", "-b", "Body", "--detach", cwd=club)
    assert sent.returncode == 5, sent.stderr
    suppress(club, ANN, "complaint", None)
    assert ANN.encode() in bytes_of(club)
    assert members(club, "erase", "Annabelle Doe").returncode == 2  # nobody to ask
    done = members(club, "erase", "Annabelle Doe", "--yes", "--json")
    assert json.loads(done.stdout)["cancelled"] == 1
    for trace in (ANN, "Annabelle"):
        assert trace.encode() not in bytes_of(club)
    assert b"+33612345678" in bytes_of(club)  # Bob has it too
    (club / "members.csv").unlink()
    found = json.loads(run("list", "--json", cwd=club).stdout)["announcements"][0]["recipients"]
    assert (found["total"], found["cancelled"], found["pending"]) == (2, 1, 1)
    bring_in(club, f"name,email\nAnn again,{ANN}\n")
    assert held_against(club, "Ann again") == ["complaint"]


def test_all_that_is_held_is_shown(club: Path) -> None:
    bring_in(club, f"name,email,consent email\nAnn,{ANN},yes\n")
    run("send", "-t", "Title", "-b", "Body", "--detach", cwd=club)
    found = json.loads(members(club, "show", ANN, "--json").stdout)
    assert found["person"]["addresses"] == {"email": ANN}
    assert found["consents"][0]["given"] is True
    assert [row["title"] for row in found["deliveries"]] == ["Title"]
    assert ANN in members(club, "show", "Ann").stdout
    assert members(club, "show", "Nobody").returncode == 2
