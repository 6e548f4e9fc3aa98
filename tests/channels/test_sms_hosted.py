"""Gateways of companies: what stands on the wire, what probes see, and that every code is in the table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from fallback_cast.channels.sms import SmsChannel, SmsMessage, twilio, vonage
from fallback_cast.channels.sms.gsm import Encoding
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import (
    AccessDenied,
    Layer,
    OutcomeUnknown,
    Scope,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.french import FRENCH
from fallback_cast.model.message import Accepted
from fallback_cast.model.texts import say, say_reason
from tests.channels import hosted_gateways
from tests.channels.fake import announcement
from tests.channels.fake_sms import NUMBER, channel
from tests.channels.hosted_gateways import FAKES, HOSTED, WRONG
from tests.counterparts import http_faults as http
from tests.counterparts import ovhcloud_api, twilio_api, vonage_api
from tests.counterparts.brevo_api import BrevoApi
from tests.counterparts.http_faults import HttpFaults, reply
from tests.counterparts.ovhcloud_api import OvhCloudApi
from tests.counterparts.twilio_api import TwilioApi
from tests.counterparts.vonage_api import VonageApi

KEY = "0123456789abcdef0123456789abcdef"
LONG = "é" * 161


@contextmanager
def _at(api: Any, name: str, **changes: Any) -> Iterator[tuple[SmsChannel, HttpFaults]]:
    with http.http_faults() as faults:
        faults.always(api.answer)
        yield channel(HOSTED[name].gateway(faults.url, **changes)), faults


def _render(sms: SmsChannel, text: str = "", **changes: Any) -> SmsMessage:
    soon = datetime.now(UTC) + timedelta(hours=2)
    message = sms.render(announcement(**{"expires_at": soon, **changes}))
    return replace(message, text=text) if text else message


async def _send(sms: SmsChannel, text: str = "", number: str = NUMBER, **changes: Any) -> Accepted:
    return await sms.providers[0].send(_render(sms, text, **changes), number, KEY)


class TestOvhCloud:
    async def test_what_is_on_the_wire(self) -> None:
        api = OvhCloudApi()
        with _at(api, "ovhcloud", sender="Petanque") as (sms, faults):
            async with sms:
                accepted = await _send(sms, importance=Importance.URGENT)
                text = _render(sms, importance=Importance.URGENT).text
                await _send(sms)
        assert accepted == Accepted("1000", note="price in credits: 1")
        assert api.messages[0] == {
            "message": text,
            "receivers": [NUMBER],
            "noStopClause": True,
            "charset": "UTF-8",
            "coding": "7bit",
            "class": "phoneDisplay",
            "priority": "high",
            "validityPeriod": 120,
            "tag": KEY[:20],
            "sender": "Petanque",
        }
        assert [request.method for request in faults.requests] == ["GET", "POST", "POST"], "the time, once"
        seen = "".join(f"{request.target}{request.headers}{request.body!r}" for request in faults.requests)
        assert ovhcloud_api.APPLICATION_SECRET not in seen

    async def test_without_a_sender_their_short_number_sends(self) -> None:
        api = OvhCloudApi()
        with _at(api, "ovhcloud") as (sms, _):
            async with sms:
                await _send(sms, "Reçu 😀", title="Reçu 😀")
        assert api.messages[0]["senderForResponse"] is True
        assert api.messages[0]["coding"] == "8bit"

    @pytest.mark.parametrize("ahead", [3600.0, -86400.0])
    async def test_our_clock_may_be_wrong(self, ahead: float) -> None:
        api = OvhCloudApi(ahead_s=ahead)
        with _at(api, "ovhcloud") as (sms, _):
            async with sms:
                assert (await _send(sms)).reference == "1000"
                assert (await sms.providers[0].probe())[-1].ok

    async def test_a_step_of_our_clock_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        api = OvhCloudApi()
        with _at(api, "ovhcloud") as (sms, _):
            async with sms:
                await _send(sms)
                real = time.time
                monkeypatch.setattr("fallback_cast.channels.sms.ovhcloud.time.time", lambda: real() - 900)
                api.ahead_s = 900.0  # the emulator reads the same clock
                await _send(sms)
        assert len(api.messages) == 2

    async def test_after_a_wrong_time_the_next_try_asks_for_it_again(self) -> None:
        api = OvhCloudApi()
        with _at(api, "ovhcloud") as (sms, faults):
            async with sms:
                await _send(sms)
                api.ahead_s = 600.0  # as after a laptop's sleep, which no monotonic clock counts
                with pytest.raises(Unavailable):
                    await _send(sms)
                await _send(sms)
        assert len(api.messages) == 2
        assert [r.target for r in faults.requests].count("/1.0/auth/time") == 2

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (reply(200, "<html>"), Unavailable),
            (reply(200, "true"), Unavailable),
            (reply(502, "<html>"), Unavailable),
            (http.cut_in_body(200, b"1764054000"), Unavailable),
            (reply(429), Throttled),
            (reply(404), AccessDenied),
        ],
    )
    async def test_no_time_no_send(self, answer: http.Action, error: type[SendError]) -> None:
        api = OvhCloudApi()
        with _at(api, "ovhcloud") as (sms, faults):
            faults.always(answer, path="/1.0/auth/time")
            async with sms:
                with pytest.raises(error):
                    await _send(sms)
        assert [request.method for request in faults.requests] == ["GET"]

    async def test_a_refused_number_is_not_accepted(self) -> None:
        with _at(OvhCloudApi(barred=frozenset({NUMBER})), "ovhcloud") as (sms, _):
            async with sms:
                with pytest.raises(hosted_gateways.AddressRefused):
                    await _send(sms)

    @pytest.mark.parametrize(
        ("senders", "ok", "words"),
        [
            ({"Club 2": "enable"}, True, "account accepted, credit left: 100"),
            ({"Club 2": "waitingValidation"}, False, "OVHcloud has not validated the sender"),
            ({"Petanque": "enable"}, False, "OVHcloud does not know the sender"),
        ],
    )
    async def test_probe_asks_for_the_sender(self, senders: dict[str, str], ok: bool, words: str) -> None:
        with _at(OvhCloudApi(senders=senders), "ovhcloud", sender="Club 2") as (sms, _):
            async with sms:
                *_, last = await sms.providers[0].probe()
        assert (last.ok, last.detail) == (ok, words)
        assert words.startswith("account") or words in FRENCH

    async def test_a_sender_that_they_do_not_know(self) -> None:
        with _at(OvhCloudApi(), "ovhcloud", sender="Boules") as (sms, _):
            async with sms:
                with pytest.raises(AccessDenied, match="sender refused"):
                    await _send(sms)


class TestBrevo:
    async def test_what_is_on_the_wire(self) -> None:
        api = BrevoApi()
        with _at(api, "brevo") as (sms, faults):
            async with sms:
                accepted = await _send(sms)
                text = _render(sms).text
                await _send(sms, "Reçu 😀", title="Reçu 😀")
        assert accepted == Accepted("1511882900176221", note="price in credits: 0.7")
        assert api.messages[0] == {
            "sender": "Petanque",
            "recipient": NUMBER[1:],
            "content": text,
            "type": "transactional",
            "unicodeEnabled": False,
            "tag": KEY,
        }
        assert api.messages[1]["unicodeEnabled"] is True
        assert {request.target for request in faults.requests} == {"/v3/transactionalSMS/sms"}

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"x-sib-ratelimit-reset": "12"}, 12),
            ({"x-sib-ratelimit-reset": "99999"}, 3600),
            ({"x-sib-ratelimit-reset": "soon"}, 2),
            ({"Retry-After": "7", "x-sib-ratelimit-reset": "12"}, 7),
            ({}, 2),
        ],
    )
    async def test_throttling_says_how_long(self, headers: dict[str, str], seconds: float) -> None:
        with _at(BrevoApi(), "brevo") as (sms, faults):
            faults.next(reply(429, json={"code": "too_many_requests", "message": "x"}, headers=headers))
            async with sms:
                with pytest.raises(Throttled) as failed:
                    await _send(sms)
        assert failed.value.retry_after == seconds


class TestTwilio:
    async def test_what_is_on_the_wire(self) -> None:
        api = TwilioApi()
        with _at(api, "twilio") as (sms, faults):
            async with sms:
                accepted = await _send(sms, "é & € + =")
        assert accepted == Accepted(f"SM{1:032x}")
        [sent] = api.messages
        assert 7190 <= int(sent.pop("ValidityPeriod")) <= 7200
        assert sent == {"To": NUMBER, "From": "Petanque", "Body": "é & € + ="}
        assert NUMBER[1:] not in faults.requests[0].target

    async def test_a_messaging_service_chooses_the_sender(self) -> None:
        api = TwilioApi()
        service = {"messaging_service": twilio_api.SERVICE_SID, "sender": None}
        with _at(api, "twilio", **service) as (sms, _):
            async with sms:
                await _send(sms)
        assert api.messages[0]["MessagingServiceSid"] == twilio_api.SERVICE_SID
        assert "From" not in api.messages[0]

    async def test_no_longer_than_they_take(self) -> None:
        api = TwilioApi()
        with _at(api, "twilio") as (sms, _):
            async with sms:
                await _send(sms, expires_at=datetime.now(UTC) + timedelta(days=3))
        assert api.messages[0]["ValidityPeriod"] == "36000"

    async def test_who_wrote_stop_is_not_written_to(self) -> None:
        with _at(TwilioApi(stopped=frozenset({NUMBER})), "twilio") as (sms, _):
            async with sms:
                with pytest.raises(hosted_gateways.AddressRefused, match="unsubscribed"):
                    await _send(sms)

    @pytest.mark.parametrize("code", [21408, 21608, 21612])
    async def test_one_country_says_nothing_about_the_account(self, code: int) -> None:
        with _at(TwilioApi(), "twilio") as (sms, faults):
            faults.next(twilio_api.error(400, code))
            async with sms:
                with pytest.raises(AccessDenied) as failed:
                    await _send(sms)
        assert failed.value.scope is Scope.PLACE


class TestVonage:
    async def test_what_is_on_the_wire(self) -> None:
        api = VonageApi()
        with _at(api, "vonage") as (sms, faults):
            async with sms:
                accepted = await _send(sms, "é & € + =")
        assert accepted == Accepted("0C000000217B7F00", note="price: 0.0333")
        [sent] = api.messages
        assert 7_190_000 <= int(sent.pop("ttl")) <= 7_200_000
        assert sent == {
            "from": "Petanque",
            "to": NUMBER[1:],
            "text": "é & € + =",
            "type": "text",
            "client-ref": KEY,
        }
        assert vonage_api.API_SECRET not in faults.requests[0].target + faults.requests[0].body.decode()

    async def test_parts_are_paid_one_by_one(self) -> None:
        with _at(VonageApi(), "vonage") as (sms, _):
            async with sms:
                assert (await _send(sms, LONG)).note == "price: 0.0666"

    async def test_unicode_is_declared(self) -> None:
        api = VonageApi()
        with _at(api, "vonage") as (sms, _):
            async with sms:
                message = _render(sms, title="Reçu 😀")
                assert message.encoding is Encoding.UCS2
                await sms.providers[0].send(message, NUMBER, KEY)
        assert api.messages[0]["type"] == "unicode"

    async def test_a_half_sent_text_is_not_sent_again(self) -> None:
        with _at(VonageApi(), "vonage") as (sms, faults):
            faults.next(vonage_api.parts("0", "1", "1"))
            async with sms:
                with pytest.raises(OutcomeUnknown, match="2 of 3 parts refused"):
                    await _send(sms, LONG)

    async def test_a_price_that_is_none(self) -> None:
        part = {"status": "0", "message-id": "1", "message-price": "NaN"}
        with _at(VonageApi(), "vonage") as (sms, faults):
            faults.next(reply(200, json={"message-count": "1", "messages": [part]}))
            async with sms:
                assert await _send(sms) == Accepted("1")


@pytest.mark.parametrize("name", HOSTED)
@pytest.mark.parametrize("case", ["refused", "silent", "unresolvable", "bad_login", "nonsense"])
async def test_probe_fails_in_words_and_messages_nobody(name: str, case: str) -> None:
    layers = {"refused": Layer.ROUTE, "unresolvable": Layer.NAME, "bad_login": Layer.ACCOUNT}
    async with FAKES[name].serve(case) as scene, scene.channel:
        *_, last = await scene.channel.providers[0].probe()
        assert scene.messages() == 0
    assert (last.ok, last.layer) == (False, layers.get(case, Layer.SERVICE))
    assert not [secret for secret in (*HOSTED[name].secrets, WRONG) if secret in last.detail]


@pytest.mark.parametrize(
    ("name", "api", "ok", "words"),
    [
        ("ovhcloud", OvhCloudApi(), True, "account accepted, credit left: 100"),
        ("ovhcloud", OvhCloudApi(credits=0), False, "no credit left"),
        ("ovhcloud", OvhCloudApi(status="disable"), False, "the SMS account is closed"),
        ("brevo", BrevoApi(), True, "account accepted, credit left: 82.5"),
        ("brevo", BrevoApi(credits=0), False, "no credit left"),
        ("brevo", BrevoApi(credits=None), True, "account accepted"),
        ("twilio", TwilioApi(), True, "account accepted"),
        (
            "twilio",
            TwilioApi(type="Trial"),
            True,
            "account accepted; a trial account sends to verified numbers only",
        ),
        ("twilio", TwilioApi(status="suspended"), False, "the account is suspended"),
        ("vonage", VonageApi(), True, "account accepted, credit left: 15.5"),
        ("vonage", VonageApi(balance=0), False, "no credit left"),
        ("vonage", VonageApi(balance=-2, reloads=True), True, "account accepted, credit left: -2"),
    ],
)
async def test_probe_reads_the_account(name: str, api: Any, ok: bool, words: str) -> None:
    with _at(api, name) as (sms, faults):
        async with sms:
            *_, last = await sms.providers[0].probe()
    assert (last.ok, last.detail) == (ok, words)
    assert last.layer is (Layer.SERVICE if ok else Layer.ACCOUNT)
    assert say("fr", last.detail) != last.detail
    assert {request.method for request in faults.requests} == {"GET"}


@pytest.mark.parametrize("name", HOSTED)
@pytest.mark.parametrize(
    "answer", [reply(200, "<html>"), reply(200, json={"a": 1}), reply(200, json={"plan": 3})]
)
async def test_probe_is_not_fooled_by_another_server(name: str, answer: http.Action) -> None:
    with _at(HOSTED[name].api(), name) as (sms, faults):
        faults.always(answer)
        async with sms:
            *_, last = await sms.providers[0].probe()
    assert (last.ok, last.layer) == (False, Layer.SERVICE)


@pytest.mark.parametrize("name", HOSTED)
async def test_what_expires_is_not_carried_after_it(name: str) -> None:
    """The validity is never under a minute, nor over what the settings say."""
    for left, said in ((timedelta(seconds=-5), 60), (timedelta(days=9), 36000)):
        api = HOSTED[name].api()
        with _at(api, name) as (sms, _):
            async with sms:
                await _send(sms, expires_at=datetime.now(UTC) + left)
        assert _seconds(api.messages[0]) in (None, said, 86400)


def _seconds(sent: dict[str, Any]) -> float | None:
    if "validityPeriod" in sent:
        return float(sent["validityPeriod"] * 60)
    if "ttl" in sent:
        return float(int(sent["ttl"]) / 1000)
    return float(sent["ValidityPeriod"]) if "ValidityPeriod" in sent else None


def test_every_code_of_the_tables_has_its_case() -> None:
    assert {f"code_{code}" for code in twilio.CODES} <= set(hosted_gateways.TWILIO)
    assert {f"status_{code}" for code in vonage.CODES} <= set(hosted_gateways.VONAGE)


@pytest.mark.parametrize(
    "reason", sorted({code.reason for table in (twilio.CODES, vonage.CODES) for code in table.values()})
)
def test_every_code_is_told_in_french(reason: str) -> None:
    assert reason in FRENCH
    assert say_reason("fr", f"code 77: {reason}") == f"code 77 : {FRENCH[reason]}"


def _load(gateway: str, **channel_keys: Any) -> SmsChannel:
    return channel(HOSTED[gateway].gateway("http://192.0.2.1", sender=None), **channel_keys)


@pytest.mark.parametrize("name", ["brevo", "twilio", "vonage"])
def test_settings_without_a_sender_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"gateway 192\.0\.2\.1 wants a sender"):
        _load(name)
    assert _load(name, sender="Petanque").providers[0].name == "192.0.2.1"


def test_ovhcloud_needs_no_sender() -> None:
    assert _load("ovhcloud").providers


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("ovhcloud", "consumer_key", "two words"),
        ("ovhcloud", "application_secret", "a\r\nX-Evil: 1"),
        ("ovhcloud", "service", "../../me"),
        ("brevo", "api_key", "clé"),
        ("twilio", "account_sid", "SK" + "0" * 32),
        ("twilio", "messaging_service", "MG1"),
        ("twilio", "base_url", "https://user:hush@example.org"),
        ("vonage", "api_secret", "a\nb"),
        ("vonage", "url", "https://example.org"),
    ],
)
def test_settings_that_cannot_be_right_are_refused_without_showing_them(
    name: str, key: str, value: str
) -> None:
    with pytest.raises(ValidationError) as failed:
        channel(HOSTED[name].gateway("http://192.0.2.1", **{key: value}))
    assert key in str(failed.value)
    assert value not in str(failed.value)


def test_every_address_has_its_default_and_its_own_name() -> None:
    gateways = [
        {key: value for key, value in hosted.gateway("").items() if key != "base_url"}
        for hosted in HOSTED.values()
    ]
    sms = channel(*gateways)
    assert [provider.name for provider in sms.providers] == [
        "eu.api.ovh.com",
        "api.brevo.com",
        "api.twilio.com",
        "rest.nexmo.com",
    ]
    assert all(provider.endpoints[0].secure for provider in sms.providers)
    assert all(provider.failure_domains == {provider.name} for provider in sms.providers)
    assert not sms.traits.deduplicates
