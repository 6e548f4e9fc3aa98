"""Delivery reports of SMS: Kannel calls us, an SMSGate phone is asked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.channels.sms import SmsChannel
from fallback_cast.channels.sms.reports import USE, read_report
from fallback_cast.model.errors import AccessDenied, Unavailable
from fallback_cast.model.receipt import PREFIX_LENGTH, Signer, Told
from tests.channels.fake import announcement
from tests.channels.fake_sms import NUMBER, WRONG_PASSWORD, KannelBox, Phone, channel, kannel, smsgate
from tests.counterparts.http_faults import http_faults, reply
from tests.counterparts.kannel import Kannel
from tests.virtual_time import BEGIN

KEY = "0123456789abcdef0123456789abcdef"
SIGNER = Signer(b"s" * 32)
TOKEN = SIGNER.token(KEY, USE)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("1", Told.DELIVERED),
        ("2", Told.FAILED),
        ("16", Told.FAILED),
        ("4", None),
        ("8", None),
        ("0", None),
        ("9", Told.DELIVERED),
        ("-1", None),
        ("²", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_what_a_call_of_kannel_tells(kind: str, told: Told | None) -> None:
    receipt = read_report({"token": TOKEN, "type": kind}, SIGNER, BEGIN)
    assert (receipt and receipt.told) == told
    if receipt is not None:
        assert receipt.key_prefix == KEY[:PREFIX_LENGTH]
        assert not receipt.gone, "a phone that was off is no wrong number"


@given(st.dictionaries(st.sampled_from(["token", "type", "x"]), st.text()))
def test_whatever_a_stranger_sends_is_dropped(query: Mapping[str, str]) -> None:
    assert read_report(query, SIGNER, BEGIN) is None


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_a_token_with_one_other_sign_is_forged(place: int, sign: str) -> None:
    forged = TOKEN[:place] + sign + TOKEN[place + 1 :]
    receipt = read_report({"token": forged, "type": "1"}, SIGNER, BEGIN)
    assert (receipt is None) == (forged != TOKEN)


async def _send(sms: SmsChannel, number: str = NUMBER) -> None:
    await sms.providers[0].send(sms.render(announcement()), number, KEY)


async def test_kannel_learns_where_to_report_only_if_the_settings_say_so() -> None:
    box = KannelBox()
    with http_faults() as faults:
        faults.always(box.answer)
        for own in ({}, {"receipts_url": "http://127.0.0.1:8080/receipts/sms"}):
            async with channel(kannel(f"{faults.url}/cgi-bin/sendsms", **own), signer=SIGNER) as sms:
                assert sms.traits.reports_back == bool(own)
                await _send(sms)
    silent, asking = (message.headers for message in box.messages)
    assert "x-kannel-dlr-url" not in silent
    assert "x-kannel-dlr-mask" not in silent
    assert asking["x-kannel-dlr-url"] == f"http://127.0.0.1:8080/receipts/sms?token={TOKEN}&type=%d"
    assert asking["x-kannel-dlr-mask"] == "19"


@pytest.mark.counterpart
@pytest.mark.parametrize(
    ("number", "told"), [("+33639980029", Told.FAILED), ("+33639980021", Told.DELIVERED)]
)
async def test_the_real_kannel_calls_with_our_token(sms_gateway: Kannel, number: str, told: Told) -> None:
    own = {
        "kind": "kannel",
        "url": sms_gateway.sendsms_url,
        "username": sms_gateway.username,
        "password": sms_gateway.password,
        "sender": sms_gateway.sender,
        "receipts_url": f"{sms_gateway.callbacks.url}/dlr",
        "timeout": "3s",
    }
    async with channel(own, signer=SIGNER) as sms:
        await _send(sms, number)
    [call] = sms_gateway.wait_for_receipts(token=TOKEN)
    receipt = read_report(call, SIGNER, BEGIN)
    assert receipt is not None
    assert (receipt.told, receipt.key_prefix) == (told, KEY[:PREFIX_LENGTH])


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("Pending", None),
        ("Processed", None),
        ("Sent", None),
        ("Delivered", Told.DELIVERED),
        ("Failed", Told.FAILED),
        ("Something new", None),
    ],
)
async def test_a_phone_says_what_became_of_a_message(state: str, told: Told | None) -> None:
    phone = Phone()
    with http_faults() as faults:
        faults.always(phone.answer)
        async with channel(smsgate(faults.url)) as sms:
            assert sms.traits.reports_back
            await _send(sms)
            phone.states[KEY] = state
            receipt = await sms.providers[0].receipt(KEY, KEY, BEGIN)
            assert await sms.providers[0].receipt("f" * 32, None, BEGIN) is None, "never heard of it"
    assert (receipt and receipt.told) == told


async def test_who_cannot_be_asked_says_nothing_of_the_message() -> None:
    phone = Phone()
    with http_faults() as faults:
        faults.always(phone.answer)
        async with channel(smsgate(faults.url, password=WRONG_PASSWORD)) as sms:
            with pytest.raises(AccessDenied):
                await sms.providers[0].receipt(KEY, None, BEGIN)
        faults.always(reply(200, "<html>Welcome to our network</html>"))
        async with channel(smsgate(faults.url)) as sms:
            with pytest.raises(Unavailable):
                await sms.providers[0].receipt(KEY, None, BEGIN)
