"""Leaving by the link in a mail, and a gateway's report by call: real mails, real HTTP, the ledger behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fallback_cast.channels.sms.reports import USE
from fallback_cast.ledger.key import ledger_key
from fallback_cast.ledger.open import open_ledger
from fallback_cast.model.receipt import Signer
from tests.cli.test_demo import run
from tests.counterparts.smtp_sink import SmtpSink, smtp_sink
from tests.web.club import SECRETS, Club, Serving, make_club

EMAIL = """[[channel]]
name = "email"
kind = "email"
sender = "Club <club@example.org>"
unsubscribe = "stop@example.org"
[[channel.relay]]
host = "127.0.0.1"
port = {port}
security = "none"
"""


@contextmanager
def village(folder: Path) -> Iterator[tuple[Club, SmtpSink]]:
    with smtp_sink(folder / "sink", keep=True) as sink:
        club = make_club(folder, EMAIL.format(port=sink.port))
        path = club.folder / "channels.toml"
        path.write_text(
            path.read_text().replace('name = "Club"', 'name = "Club"\npublic_url = "https://club.example"')
        )
        (club.folder / "members.csv").write_text("name,email\nAnn,ann@example.org\nBob,bob@example.org\n")
        fallback_cast(club, "members", "import", "members.csv")
        yield club, sink


def fallback_cast(club: Club, *words: str, code: int = 0) -> None:
    done = run(*words, cwd=club.folder, env=SECRETS)
    assert done.returncode == code, done.stdout + done.stderr


def link_of(sink: SmtpSink, address: str) -> str:
    """The path of the one-click link in the mail to this address."""
    [mail] = [mail for mail in sink.mails() if f"To: {address}".encode() in mail]
    head = mail.decode().replace("\r\n", "\n")
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head
    found = re.search(r"<https://club\.example(/u/\w+)>", head)
    assert found
    return found[1]


def test_one_click_ends_the_mails_of_this_address_alone(tmp_path: Path) -> None:
    with village(tmp_path) as (club, sink):
        fallback_cast(club, "send", "-t", "Flood", "-b", "No contest.")
        assert sink.count() == 2
        with club.serving() as serving:
            url = serving.url + link_of(sink, "ann@example.org")
            page = httpx.get(url)
            assert (page.status_code, "<form" in page.text) == (200, True)
            assert "default-src 'none'" in page.headers["content-security-policy"]
            fallback_cast(club, "send", "-t", "Still", "-b", "Looking changes nothing.")
            assert sink.count() == 4
            for _ in range(2):  # mail programs repeat themselves
                done = httpx.post(url, content="List-Unsubscribe=One-Click")
                assert (done.status_code, "<form" in done.text) == (200, False)
        fallback_cast(club, "send", "-t", "Sunday", "-b", "It goes on.", code=3)  # Ann is named, not lost
        assert sink.count() == 5
        told = [sum(f"To: {name}@".encode() in mail for mail in sink.mails()) for name in ("ann", "bob")]
        assert told == [2, 3]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[Club, Serving]]:
    with village(tmp_path) as (club, _), club.serving() as serving:
        yield club, serving


@pytest.mark.parametrize("token", ["0" * 32, "x", "é", "0" * 3000, "%2e%2e%2f", "<script>"])
def test_links_that_are_not_ours_say_so_and_show_nothing_of_themselves(
    serving: tuple[Club, Serving], token: str
) -> None:
    for answer in (httpx.get(f"{serving[1].url}/u/{token}"), httpx.post(f"{serving[1].url}/u/{token}")):
        assert answer.status_code == 404
        assert "<script>" not in answer.text


def test_a_report_changes_its_attempt_and_others_are_dropped(serving: tuple[Club, Serving]) -> None:
    club, server = serving
    fallback_cast(club, "send", "-t", "Flood", "-b", "No contest.")
    ledger = open_ledger(club.folder / "fallback-cast.db")
    with ledger.writing() as connection:
        signer = Signer(ledger_key(connection))
        rows = connection.exec_driver_sql("SELECT key FROM attempt WHERE address = 'ann@example.org'")
        key = rows.scalar_one()

    def outcomes() -> list[str]:
        with ledger.reading() as connection:
            query = "SELECT outcome FROM attempt WHERE channel = 'email' ORDER BY address"
            return list(connection.exec_driver_sql(query).scalars())

    inlet = f"{server.url}/receipts/email"
    assert httpx.get(f"{server.url}/receipts/nobody").status_code == 404
    for query in ({}, {"token": signer.token(key), "type": "1"}, {"token": "0" * 32, "type": "1"}):
        assert httpx.get(inlet, params=query).status_code == 204
    assert outcomes() == ["accepted", "accepted"]
    for call in (httpx.get, httpx.post):
        assert call(inlet, params={"token": signer.token(key, USE), "type": "1"}).status_code == 204
    assert outcomes() == ["delivered", "accepted"]
    ledger.close()
