"""`send --plan` as a person reads it: routes, parts, cost, what comes too late, who hangs on one domain."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fallback_cast.ledger.members import Member, replace_members
from fallback_cast.ledger.open import open_ledger
from tests.cli.test_commands import settings
from tests.cli.test_demo import run
from tests.counterparts.http_faults import HttpFaults

MAIL = """
[[channel]]
name = "email"
kind = "email"
sender = "Club <club@example.org>"
[[channel.relay]]
host = "127.0.0.1"
port = 9
security = "none"
failure_domains = ["home"]
max_per_day = 2
"""
SMS = """
[[channel]]
name = "sms"
kind = "sms"
cost_per_part = 0.05
[[channel.gateway]]
kind = "kannel"
url = "http://127.0.0.1:9/sendsms"
username = "club"
password = "file:secret"
sender = "Club"
failure_domains = ["{domain}"]
"""
PEOPLE = (
    Member("Ann", {"email": "home@example.org", "sms": "+33199000001"}),
    Member("Bob", {"email": "home@example.org"}),
    Member("Cid", {"sms": "+33199000002"}),
    Member("=Dan", {}),
    Member("Eve", {"email": "eve@example.org"}, paused=True),
    Member("Fay", {"email": "fay@example.org"}),
    Member("Gil", {"email": "gil@example.org"}),
)
# Text that GSM-7 lacks letters for: long enough for two parts, of which a plainer spelling saves one.
FRENCH = (
    "La fête aura lieu quand même dimanche à la même heure : garçons et filles, ça va être une belle journée."
)


def club(folder: Path, domain: str = "operator", language: str = "en") -> None:
    path = settings(folder, extra=MAIL + SMS.format(domain=domain))
    path.write_text(path.read_text().replace('language = "en"', f'language = "{language}"\ncurrency = "CHF"'))
    enrol(folder, *PEOPLE)


def enrol(folder: Path, *people: Member) -> None:
    ledger = open_ledger(folder / "fallback-cast.db")
    replace_members(ledger, people, datetime.now(UTC))
    ledger.close()


def planned(folder: Path, *more: str) -> dict[str, Any]:
    done = run("send", "-t", "Fête", "-b", FRENCH, "-i", "urgent", "--plan", "--json", *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_the_figures_of_each_channel(tmp_path: Path) -> None:
    club(tmp_path)
    found = planned(tmp_path)
    assert found["recipients"] == {"total": 8, "reachable": 6, "unreachable": 2, "left_out": 0}
    email, sms = found["channels"][1:]
    counts = ("first", "possible", "messages", "messages_at_most")
    assert [email[key] for key in counts] == [4, 4, 3, 3]  # Ann and Bob share a mailbox
    assert [sms[key] for key in counts] == [1, 2, 1, 2]
    assert email["seconds"] > 43_000  # two at once, then half a day for the next
    assert (sms["encoding"], sms["parts"], sms["parts_as_written"], sms["parts_total"]) == ("GSM-7", 1, 2, 1)
    assert (sms["cost_each"], sms["cost"], sms["cost_at_most"]) == ("0.05", "0.05", "0.10")
    assert found["currency"] == "CHF"
    assert {one["reason"]: one["names"] for one in found["unreachable"]} == {
        "no address on any channel": ["=Dan"],
        "paused": ["Eve"],
    }


def test_who_hangs_on_one_domain_only(tmp_path: Path) -> None:
    club(tmp_path)
    [first, second] = planned(tmp_path)["one_domain"]
    assert (first["name"], first["kind"], first["names"]) == ("home", "provider", ["Bob", "Fay", "Gil"])
    assert (second["name"], second["channels"], second["names"]) == ("operator", ["sms"], ["Cid"])


def test_two_channels_of_one_domain_are_one(tmp_path: Path) -> None:
    club(tmp_path, domain="home")
    [only] = planned(tmp_path)["one_domain"]
    assert (only["name"], only["channels"]) == ("home", ["email", "sms"])
    assert only["names"] == ["Ann", "Bob", "Fay", "Gil", "Cid"]


def test_people_read_it_in_french(tmp_path: Path) -> None:
    club(tmp_path, language="fr")
    done = run("send", "-t", "Fête", "-b", FRENCH, "--plan", "--expires", "1h", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for sentence in (
        "plan : 8 destinataires ; rien n'est envoyé",
        "atteints si tout marche : 6",
        "GSM-7, parties par message : 1",
        "l'orthographe simplifiée en épargne 1",
        "1 messages × 1 = 1 parties",
        "au plus 0,10 CHF si tous les autres canaux tombent",
        "! email : l'annonce expire le ",
        "impossibles à joindre : 1 (aucune adresse sur aucun canal)\n  =Dan\n",
        "dépendent d'un seul domaine de panne, home (email) : 3\n  Bob\n  Fay\n  Gil\n",
    ):
        assert sentence in done.stdout, sentence
    assert "example.org" not in done.stdout.replace("sur example.org", ""), "a plan shows names, no addresses"


def test_long_lists_are_cut_and_counted(tmp_path: Path) -> None:
    club(tmp_path)
    enrol(tmp_path, *(Member(f"m{n}", {}) for n in range(130)))
    assert "\n  m19\n  and 110 more\n" in run("send", "-t", "x", "-b", "y", "--plan", cwd=tmp_path).stdout
    [missed] = planned(tmp_path)["unreachable"]
    assert (missed["count"], len(missed["names"])) == (130, 100)


def test_a_plan_calls_nobody_and_stores_nothing(tmp_path: Path, http_faults: HttpFaults) -> None:
    settings(tmp_path, http_faults.url)
    before = [path.name for path in (tmp_path / "public").iterdir()]
    planned(tmp_path)
    assert http_faults.requests == []
    assert [path.name for path in (tmp_path / "public").iterdir()] == before
    assert json.loads(run("list", "--json", cwd=tmp_path).stdout) == {"announcements": []}
