"""Leaving with one click, by headers that a DKIM signature of ours covers."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import cache
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from fallback_cast.channels.email import EmailChannel
from fallback_cast.channels.email.mime import complete
from fallback_cast.model.links import Page, read_link
from fallback_cast.model.receipt import Signer
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_email import channel, plain_relay
from tests.channels.test_email_mime import undotted
from tests.counterparts.smtp_sink import smtp_sink
from tests.virtual_time import BEGIN

KEY = "0123456789abcdef0123456789abcdef"
SIGNER = Signer(b"s" * 32)
MAILBOX = "club+fin@sainte-anne.example"
DOMAIN = "sainte-anne.example"


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # small: quick in pure Python


def pem(form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> str:
    return (
        private_key().private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    )


def published(name: bytes, timeout: float = 5) -> bytes:
    assert name == f"fc._domainkey.{DOMAIN}.".encode()
    public = private_key().public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def email(public_url: str | None = "https://club.example", **settings: Any) -> EmailChannel:
    club = replace(CLUB, public_url=public_url)
    return channel(plain_relay(settings.pop("port", 25)), club=club, signer=SIGNER, **settings)


def headers(made: EmailChannel, address: str = "jeanne@example.org") -> dict[str, str]:
    letter = complete(made._head, made.render(announcement()), address, KEY)
    lines = undotted(letter.data).partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return dict(line.split(": ", 1) for line in lines if line.startswith("List-Unsub"))


def test_one_click_and_mail() -> None:
    found = headers(email(unsubscribe=MAILBOX))
    click, mail = found["List-Unsubscribe"].split(", ")
    assert click.startswith("<https://club.example/u/")
    receipt = read_link(Page.UNSUBSCRIBE, click.rpartition("/")[2].rstrip(">"), SIGNER, BEGIN)
    assert receipt is not None
    assert KEY.startswith(receipt.key_prefix)
    assert mail == f"<mailto:club+fin@sainte-anne.example?subject=unsubscribe%20{SIGNER.token(KEY)}>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("public_url", [None, "http://club.example"])
def test_one_click_needs_https(public_url: str | None) -> None:
    """RFC 8058 §3.1 knows no other."""
    assert list(headers(email(public_url, unsubscribe=MAILBOX))) == ["List-Unsubscribe"]
    assert headers(email(public_url)) == {}


def test_one_reader_of_a_list_cannot_take_it_from_all() -> None:
    place = "membres@sainte-anne.example"
    made = email(unsubscribe=MAILBOX, to=[place])
    assert "https:" not in headers(made, place)["List-Unsubscribe"]
    assert "List-Unsubscribe-Post" not in headers(made, place)


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
async def test_what_a_server_gets_is_signed(tmp_path: Any, form: serialization.PrivateFormat) -> None:
    own = {"domain": DOMAIN, "selector": "fc", "private_key": pem(form)}
    with smtp_sink(tmp_path, keep=True) as sink:
        async with email(port=sink.port, unsubscribe=MAILBOX, dkim=own) as made:
            body = ".\n\n..deux points\n\n.x " + "é" * 300
            await made.providers[0].send(made.render(announcement(body=body)), "jeanne@example.org", KEY)
        sink.wait_for_count(1)
        [kept] = sink.mails()
    mail = kept[kept.index(b"DKIM-Signature:") :].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert dkim.verify(mail, dnsfunc=published)
    signed = mail.partition(b"h=")[2].partition(b";")[0].split()
    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"message-id"} <= set(signed)
    assert signed.count(b"from") == 2
    for old, new in (
        (b"jeanne@", b"eve@"),
        (b"/u/", b"/x/"),
        (b"One-Click", b"Two-Click"),
        (b"deux", b"trois"),
    ):
        assert old in mail
        assert not dkim.verify(mail.replace(old, new), dnsfunc=published), old
    assert not dkim.verify(b"From: eve@example.org\r\n" + mail, dnsfunc=published)


def test_a_signature_that_would_not_count_is_refused() -> None:
    for wrong in ({"domain": "example.org"}, {"private_key": "no key"}, {"private_key": pem()[:200]}):
        own = {"domain": DOMAIN, "selector": "fc", "private_key": pem()} | wrong
        with pytest.raises(ValidationError) as caught:
            email(dkim=own)
        assert "BEGIN" not in str(caught.value)


def test_without_a_key_nothing_is_signed() -> None:
    made = email()
    assert b"DKIM" not in complete(made._head, made.render(announcement()), "a@example.org", KEY).data
