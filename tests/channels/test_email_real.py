"""The `email` channel against Postfix and Dovecot, and under load against Postfix's own sink."""

from __future__ import annotations

import asyncio
import imaplib
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from fallback_cast.channels.email import EmailChannel
from fallback_cast.channels.email.mime import complete
from fallback_cast.model.errors import AccessDenied, SendError, Unavailable
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import Accepted, idempotency_key
from tests.channels.fake import announcement
from tests.channels.fake_email import channel, plain_relay
from tests.counterparts.postfix import MailSite
from tests.counterparts.smtp_sink import smtp_sink

pytestmark = pytest.mark.counterpart

SENDER = "Pétanque club <club@club.test>"


def over(site: MailSite, *, port: int = 0, **keys: Any) -> EmailChannel:
    relay = {
        "host": site.host,
        "port": port or site.port,
        "username": site.username,
        "password": site.password,
        "ca_file": str(site.ca_file),
        "connect_timeout": "5s",
        "command_timeout": "20s",  # Dovecot answers wrong passwords late on purpose
    }
    relay |= keys.pop("relay", {})
    return channel(relay, sender=SENDER, bounce_address=site.bounce_address, **keys)


async def send(email: EmailChannel, address: str, **changes: Any) -> Accepted:
    subject = announcement(**changes)
    key = idempotency_key(subject.id, subject.revision, email.name, address)
    return await email.providers[0].send(email.render(subject), address, key)


async def test_it_arrives_in_the_mailbox_as_it_was_written(mail_site: MailSite) -> None:
    body = "Le concours est **annulé**.\n\n```\n.\n.x\n```\n\n" + "é" * 2000
    async with over(mail_site, unsubscribe="club@club.test") as email:
        accepted = await send(email, "alice@ext.test", body=body)
    found = await asyncio.to_thread(mail_site.wait_for_message, "alice@ext.test")
    assert accepted.reference
    assert "queued as" in accepted.reference
    key = idempotency_key("20261128-k7f3qd", 1, "email", "alice@ext.test")
    assert found["Return-Path"] == f"<bounces+{key}@club.test>"
    assert found["Message-ID"] == f"<fc.{key}@club.test>"
    assert (found["To"], found["From"]) == ("alice@ext.test", SENDER)
    assert found["Subject"] == "[URGENT] Concours annulé"
    assert not found.defects
    text, html = (part.get_content() for part in found.iter_parts())  # type: ignore[attr-defined]
    assert "Le concours est annulé.\n\n.\n.x\n\n" + "é" * 2000 in text
    assert "é" * 2000 in html
    assert "with ESMTPSA" in found.get_all("Received")[-1], "encrypted and logged in"


async def test_a_correction_stands_in_the_same_thread(mail_site: MailSite) -> None:
    async with over(mail_site) as email:
        await send(email, "bob@ext.test")
        await send(email, "bob@ext.test", revision=2)
    found = await asyncio.to_thread(
        mail_site.wait_for_message, "bob@ext.test", lambda mail: "RECTIFICATIF" in mail["Subject"]
    )
    await asyncio.to_thread(
        mail_site.wait_for_message, "bob@ext.test", lambda mail: "URGENT" in mail["Subject"]
    )
    first, second = sorted(mail_site.messages("bob@ext.test"), key=lambda mail: len(mail["Subject"]))
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"]
    assert found["Subject"] == "[RECTIFICATIF] Concours annulé"


async def test_a_bounce_comes_back_under_the_name_of_the_attempt(mail_site: MailSite) -> None:
    """What Postfix accepted and the destination refused: headers only, to the attempt's own address."""
    async with over(mail_site) as email:
        accepted = await send(email, "unknown@ext.test")
    assert isinstance(accepted, Accepted)
    bounce = await asyncio.to_thread(mail_site.wait_for_message, mail_site.bounce_address)
    key = idempotency_key("20261128-k7f3qd", 1, "email", "unknown@ext.test")
    assert bounce["To"] == f"bounces+{key}@club.test"
    assert bounce.get_content_type() == "multipart/report"
    kinds = [part.get_content_type() for part in bounce.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert f"Original-Envelope-Id: {key}" in bounce.as_string()
    assert "terrain" not in bounce.as_string()


async def test_bounces_can_be_read_over_imap(mail_site: MailSite) -> None:
    """The mailbox of the settings' bounce address takes every name+token of it."""
    async with over(mail_site) as email:
        await send(email, "unknown@ext.test")
    await asyncio.to_thread(mail_site.wait_for_message, mail_site.bounce_address)

    def fetch() -> bytes:
        with imaplib.IMAP4("localhost", mail_site.imap_port) as imap:
            imap.login(mail_site.bounce_username, mail_site.password)
            imap.select("INBOX", readonly=True)
            return imap.fetch("1", "(RFC822)")[1][0][1]  # type: ignore[index,return-value]

    bounce = message_from_bytes(await asyncio.to_thread(fetch), policy=default)
    assert "delivery-status" in str(bounce["Content-Type"])


async def test_the_probe_is_well_and_sends_nothing(mail_site: MailSite) -> None:
    async with over(mail_site) as email:
        checks = await email.providers[0].probe()
    assert failed_check(checks) is None
    assert [check.layer.value for check in checks] == ["name", "route", "tls", "service", "account"]


async def fault_of(email: EmailChannel, address: str = "alice@ext.test") -> SendError:
    with pytest.raises(SendError) as caught:
        await send(email, address)
    return caught.value


async def test_a_wrong_password(mail_site: MailSite) -> None:
    async with over(mail_site, relay={"password": "wrong"}) as email:
        error = await fault_of(email)
    assert isinstance(error, AccessDenied)
    assert error.scope == "account"


async def test_without_login_it_relays_nothing(mail_site: MailSite) -> None:
    """Postfix refuses with 554 5.7.1 "Relay access denied": our settings, not the address."""
    relay = plain_relay(mail_site.port) | {"command_timeout": "5s"}
    async with channel(relay, sender=SENDER) as email:
        error = await fault_of(email)
    assert isinstance(error, AccessDenied)
    assert error.scope == "account"


async def test_a_relay_that_restarts_between_two_messages(mail_site: MailSite) -> None:
    async with over(mail_site) as email:
        await send(email, "alice@ext.test")
        await asyncio.to_thread(mail_site.relay.stop)
        try:
            assert isinstance(await fault_of(email), Unavailable)
        finally:
            await asyncio.to_thread(mail_site.relay.start)
        await send(email, "bob@ext.test")
    await asyncio.to_thread(mail_site.wait_for_message, "bob@ext.test")


async def test_a_place_of_several_addresses_in_one_transaction(mail_site: MailSite) -> None:
    async with over(mail_site, to=["alice@ext.test", "bob@ext.test"]) as email:
        await send(email, email.place() or "")
    for address in ("alice@ext.test", "bob@ext.test"):
        found = await asyncio.to_thread(mail_site.wait_for_message, address)
        assert found["To"] == "club@club.test"


async def test_two_thousand_messages_each_to_its_own_address(tmp_path: Path) -> None:
    wanted = 2000
    with smtp_sink(tmp_path, keep=True) as sink:
        async with channel(plain_relay(sink.port, command_timeout="20s", final_timeout="20s")) as email:
            (relay,) = email.providers
            message = email.render(announcement())
            numbers = iter(range(wanted))

            async def work() -> None:
                for number in numbers:
                    await relay.send(message, f"m{number}@example.org", f"{number:032x}")

            await asyncio.gather(*(work() for _ in range(relay.max_in_flight)))
        await asyncio.to_thread(sink.wait_for_count, wanted)
        mails = sink.mails()
        seen = {_addresses(mail) for mail in mails}
        sample = mails[0]
    assert seen == {
        (f"<m{number}@example.org>", f"m{number}@example.org", number) for number in range(wanted)
    }
    body = sample[sample.index(b"\r\n\r\n" if b"\r\n\r\n" in sample else b"\n\n") :].replace(b"\r\n", b"\n")
    common = complete(email._head, message, "m@example.org", "k").data.replace(b"\r\n", b"\n")
    sent = common[common.index(b"\n\n") :].removesuffix(b".\n").replace(b"\n..", b"\n.")
    assert body.rstrip(b"\n") == sent.rstrip(b"\n")


def _addresses(mail: bytes) -> tuple[str, str, int]:
    """Envelope, To line and the number in the Message-ID of one kept mail."""
    found = message_from_bytes(mail, policy=default)
    return str(found["X-Rcpt-Args"]), str(found["To"]), int(str(found["Message-ID"])[4:36], 16)
