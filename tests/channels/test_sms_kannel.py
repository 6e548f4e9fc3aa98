"""The real Kannel with an SMPP centre behind it: what we send is what a phone shows."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fallback_cast.channels.sms import SmsChannel
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import AccessDenied, AddressRefused, Layer, OutcomeUnknown, Unavailable
from fallback_cast.model.health import Check, failed_check
from tests.channels.fake import announcement
from tests.channels.fake_sms import channel
from tests.counterparts.kannel import Kannel

pytestmark = pytest.mark.counterpart

KEY = "0123456789abcdef0123456789abcdef"
PAGE = "https://sainte-anne.example/annonces/K7F3"


@pytest.fixture
def gateway(sms_gateway: Kannel) -> Kannel:
    return sms_gateway


def sms(gateway: Kannel, *, password: str | None = None, status: bool = True, **settings: Any) -> SmsChannel:
    own = {
        "kind": "kannel",
        "url": gateway.sendsms_url,
        "username": gateway.username,
        "password": password or gateway.password,
        "sender": gateway.sender,
        "timeout": "3s",
    }
    if status:
        own["status_url"] = f"http://{gateway.host}:{gateway.admin_port}/status.txt"
        own["status_password"] = gateway.status_password
    return channel(own, **settings)


async def _probe(made: SmsChannel) -> list[Check]:
    async with made:
        return list(await made.providers[0].probe())


@pytest.mark.parametrize(
    ("number", "title", "body", "mode", "coding", "parts"),
    [
        ("+33639980011", "Match annulé", "À 5 € [à payer] ~ ñ Ç {ù} | ^ \\", "auto", 8, 1),
        ("+33639980012", "Match annulé", "é è à ù 5 € [ok] ~ ñ Ç {ù} | ^", "never", 0, 1),
        ("+33639980013", "Reçu ☂ 😀", "ça gèle", "never", 8, 1),
        ("+33639980014", "Match annulé", "Le reçu à l’hôtel « dégâts » été € " * 30, "auto", 0, 3),
        ("+33639980015", "Match annulé", "Le reçu à l’hôtel « dégâts » été € " * 30, "never", 8, 3),
        ("+33639980010", "Match 😀", "été 😀 " * 60, "auto", 8, 3),
    ],
)
async def test_a_phone_shows_what_we_sent(
    gateway: Kannel, number: str, title: str, body: str, mode: str, coding: int, parts: int
) -> None:
    async with sms(gateway, transliterate=mode) as made:
        message = made.render(announcement(title=title, body=body), PAGE if parts > 1 else None)
        await made.providers[0].send(message, number, KEY)
    [shown] = gateway.wait_for_sms(number)
    assert _unfilled(shown.text) == _unfilled(message.text)
    assert (shown.data_coding, shown.parts, shown.sender) == (coding, message.parts, gateway.sender)
    assert message.parts == parts


def _unfilled(text: str) -> str:
    """Without the spaces that keep an emoji in one part."""
    return re.sub(" +😀", "😀", text)


async def test_emoji_survive_where_parts_are_read_one_by_one(gateway: Kannel) -> None:
    number = "+33639980016"
    async with sms(gateway) as made:
        message = made.render(announcement(title="😀" * 40, body="", importance=Importance.NORMAL))
        await made.providers[0].send(message, number, KEY)
    [shown] = gateway.wait_for_sms(number)
    assert _unfilled(shown.text) == _unfilled(message.text)
    pieces = [json.loads(line)["text"] for line in gateway.log.read_text().splitlines()]
    assert len(pieces) == message.parts == 2
    assert all(piece.encode() for piece in pieces)  # half a character cannot be encoded


async def test_probe_of_a_gateway_that_works(gateway: Kannel) -> None:
    checks = await _probe(sms(gateway))
    assert failed_check(checks) is None
    assert checks[-1].detail == "1 of 1 lines to operators up"
    assert failed_check(await _probe(sms(gateway, status=False))) is None
    assert gateway.submitted() == []


async def test_wrong_password(gateway: Kannel) -> None:
    made = sms(gateway, password="not-this-one")
    failed = failed_check(await _probe(made))
    assert failed is not None
    assert failed.layer is Layer.ACCOUNT
    async with made:
        with pytest.raises(AccessDenied):
            await made.providers[0].send(made.render(announcement()), "+33639980001", KEY)


async def test_a_number_that_the_gateway_refuses(gateway: Kannel) -> None:
    async with sms(gateway) as made:
        with pytest.raises(AddressRefused):
            await made.providers[0].send(made.render(announcement()), "abc", KEY)


async def test_operator_down_is_queued_and_seen_by_the_probe(gateway: Kannel) -> None:
    number = "+33639980021"
    made = sms(gateway)
    with gateway.smsc_down():
        failed = failed_check(await _probe(made))
        async with made:
            accepted = await made.providers[0].send(made.render(announcement()), number, KEY)
        assert gateway.submitted() == []
    assert failed is not None
    assert "no line to an operator is up" in failed.detail
    assert "queued" in accepted.note
    assert len(gateway.wait_for_sms(number)) == 1


async def test_gateway_down_is_unavailable(gateway: Kannel) -> None:
    made = sms(gateway)
    with gateway.gateway_down():
        failed = failed_check(await _probe(made))
        async with made:
            with pytest.raises(Unavailable):
                await made.providers[0].send(made.render(announcement()), "+33639980022", KEY)
    assert failed is not None
    assert failed.layer is Layer.ROUTE


async def test_gateway_that_hangs_is_unknown_until_it_wakes(gateway: Kannel) -> None:
    """Whether the first one still goes out is a race within Kannel: that is what unknown means."""
    number = "+33639980024"
    async with sms(gateway) as made:
        message = made.render(announcement())
        with gateway.gateway_frozen(), pytest.raises(OutcomeUnknown):
            await made.providers[0].send(message, "+33639980023", KEY)
        await made.providers[0].send(message, number, KEY)
    assert len(gateway.wait_for_sms(number)) == 1
