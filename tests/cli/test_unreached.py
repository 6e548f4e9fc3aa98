"""The list to telephone: as text, for a spreadsheet, and as a page to print."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from fallback_cast.ledger.members import Member
from tests.cli.test_commands import settings
from tests.cli.test_demo import run
from tests.cli.test_plan import MAIL, SMS, enrol

EVIL = '=HYPERLINK("http://evil.example/")<script>alert(1)</script>'
PEOPLE = (
    Member("Ann Dupré", {"email": "+ann@example.org", "sms": "+33199000001"}),
    Member(EVIL, {"email": "evil@example.org"}),
    Member("-Zoé", {}),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A club whose announcement expired before a channel worked."""
    folder = tmp_path_factory.mktemp("club")
    path = settings(folder, extra=MAIL + SMS.format(domain="operator"))
    path.write_text(path.read_text().replace('language = "en"', 'language = "fr"'))
    enrol(folder, *PEOPLE)
    body = "Le terrain est **inondé** & fermé."
    done = run("send", "-t", "Concours <annulé>", "-b", body, "-i", "urgent", "--expires", "2s", cwd=folder)
    assert done.returncode == 3, done.stderr
    return folder


def unreached(folder: Path, *more: str) -> str:
    newest = run("list", "--limit", "1", cwd=folder).stdout.split()[1]
    done = run("unreached", newest, *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "example.org" not in done.stderr
    return done.stdout


def test_text_has_what_it_takes_to_call(folder: Path) -> None:
    lines = unreached(folder).splitlines()
    assert lines[0].startswith("[ ] Ann Dupré : ")
    assert lines[1] == "    +33 1 99 00 00 01 · +ann@example.org"
    assert lines[-1] == "[ ] -Zoé : aucune adresse sur aucun canal (exclu)"


def test_no_cell_of_the_spreadsheet_is_a_formula(folder: Path) -> None:
    target = folder / "liste.csv"
    assert unreached(folder, "--format", "csv", "--output", str(target)) == ""
    assert target.stat().st_mode & 0o777 == 0o600
    raw = target.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfdestinataire;")
    assert raw.count(b"\r\n") == raw.count(b"\n") == 4
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [row[:3] for row in rows[1:]] == [
        ["Ann Dupré", "'+33 1 99 00 00 01", "'+ann@example.org"],
        [f"'{EVIL}", "", "evil@example.org"],
        ["'-Zoé", "", ""],
    ]
    english = unreached(folder, "--csv", "--lang", "en")
    assert english.startswith("\ufeffrecipient,telephone,email address,other addresses,state,reasons")


def test_the_page_is_whole_and_everything_in_it_is_escaped(folder: Path) -> None:
    page = unreached(folder, "--format", "html")
    assert page.startswith('<!doctype html>\n<html lang="fr">')
    assert page.rstrip().endswith("</html>")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "Concours &lt;annulé&gt;" in page
    assert "Le terrain est inondé &amp; fermé." in page
    assert '<a href="tel:+33199000001">+33 1 99 00 00 01</a>' in page
    assert page.count('class="box"') == 3
    assert "aucune adresse et aucun numéro de téléphone connus" in page
    assert "3 personnes ; situation au 20" in page
    assert not re.search(r"""(?:src|href)=["'](?!tel:|mailto:)|@import|url\(""", page), "nothing is fetched"


def test_json_has_the_addresses(folder: Path) -> None:
    ann = json.loads(unreached(folder, "--json"))["unreached"][0]
    assert ann["addresses"] == [
        {"channel": "sms", "kind": "sms", "address": "+33199000001"},
        {"channel": "email", "kind": "email", "address": "+ann@example.org"},
    ]


def test_mistakes_are_named(folder: Path) -> None:
    newest = run("list", "--limit", "1", cwd=folder).stdout.split()[1]
    done = run("unreached", newest, "--format", "pdf", cwd=folder)
    assert (done.returncode, "text, csv, html" in done.stderr) == (2, True)
    done = run("unreached", newest, "--output", str(folder / "none" / "list.txt"), cwd=folder)
    assert done.returncode == 2
    assert "--output" in done.stderr
    assert not list(folder.glob(".list*"))


def test_nobody_on_the_list(tmp_path: Path) -> None:
    settings(tmp_path)
    assert run("send", "-t", "x", "-b", "y", cwd=tmp_path).returncode == 0
    newest = run("list", "--limit", "1", cwd=tmp_path).stdout.split()[1]
    done = run("unreached", newest, "--format", "html", cwd=tmp_path)
    assert "Nobody is on this list." in done.stdout
    assert "everybody was reached" in done.stderr
