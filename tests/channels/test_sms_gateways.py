"""Both kinds of gateway against every answer and fault: one request, the right error, no secret in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from fallback_cast.channels.sms import SmsMessage
from fallback_cast.channels.sms.gsm import encode
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, Scope, Throttled
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import Accepted
from tests.channels.fake import Scene, announcement
from tests.channels.fake_sms import (
    FAKE,
    NUMBER,
    PASSWORD,
    USERNAME,
    KannelBox,
    Phone,
    channel,
    kannel,
    smsgate,
)
from tests.counterparts.http_faults import HttpFaults, cut_in_body, redirect, reply
from tests.counterparts.tls import Certificates

KEY = "0123456789abcdef0123456789abcdef"
_KINDS = ["", "kannel_"]


@asynccontextmanager
async def _serve(case: str) -> AsyncIterator[Scene]:
    async with FAKE.serve(case) as scene, scene.channel:
        yield scene


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("case", ["refused", "silent", "unresolvable", "bad_login", "portal", "nonsense"])
async def test_probe_fails_in_words_and_messages_nobody(kind: str, case: str) -> None:
    layers = {"refused": Layer.ROUTE, "unresolvable": Layer.NAME, "bad_login": Layer.ACCOUNT}
    async with _serve(kind + case) as scene:
        checks = await scene.channel.providers[0].probe()
        assert scene.messages() == 0
    failed = failed_check(checks)
    assert failed is not None
    assert failed is checks[-1]
    assert failed.layer is layers.get(case, Layer.SERVICE)
    assert not [secret for secret in FAKE.secrets if secret in failed.detail]


@pytest.mark.parametrize("kind", _KINDS)
async def test_probe_passes_and_messages_nobody(kind: str) -> None:
    async with _serve(kind + "ok") as scene:
        checks = await scene.channel.providers[0].probe()
        assert [check.layer for check in checks] == [Layer.NAME, Layer.ROUTE, Layer.SERVICE]
        assert all(check.ok for check in checks)
        assert scene.messages() == 0


@pytest.mark.parametrize("kind", _KINDS)
async def test_throttling_says_how_long(kind: str) -> None:
    async with _serve(kind + "too_fast") as scene:
        with pytest.raises(Throttled) as failed:
            await scene.channel.providers[0].send(scene.channel.render(announcement()), NUMBER, KEY)
    assert failed.value.retry_after == 7


class TestSmsGate:
    async def test_what_is_on_the_wire(self, http_faults: HttpFaults) -> None:
        phone = Phone()
        http_faults.always(phone.answer)
        settings = smsgate(http_faults.url, sim_number=2, device_id=phone.device_id)
        async with channel(settings, validity="2h") as sms:
            message = sms.render(announcement(importance=Importance.URGENT, expires_at=_FAR))
            accepted = await sms.providers[0].send(message, NUMBER, KEY)
        assert accepted == Accepted(KEY)
        assert phone.messages[KEY] == {
            "id": KEY,
            "textMessage": {"text": message.text},
            "phoneNumbers": [NUMBER],
            "ttl": 7200,
            "priority": 50,
            "withDeliveryReport": True,
            "simNumber": 2,
            "deviceId": phone.device_id,
        }
        [request] = http_faults.requests
        assert request.query == {"skipPhoneValidation": "true"}
        assert PASSWORD not in request.target

    @pytest.mark.parametrize("forgiving", [False, True])
    async def test_a_key_sent_twice_is_one_message(self, http_faults: HttpFaults, forgiving: bool) -> None:
        phone = Phone(forgiving=forgiving)
        http_faults.always(phone.answer)
        async with channel(smsgate(http_faults.url)) as sms:
            message = sms.render(announcement())
            first = await sms.providers[0].send(message, NUMBER, KEY)
            second = await sms.providers[0].send(message, NUMBER, KEY)
        assert first.reference == second.reference == KEY
        assert phone.keys == [KEY, KEY]
        assert len(phone.messages) == 1

    async def test_after_a_lost_answer_the_same_key_is_accepted(self, http_faults: HttpFaults) -> None:
        phone = Phone()

        def lost(request: Any) -> Any:
            phone.answer(request)
            return cut_in_body(202, b"{}")

        http_faults.next(lost)
        http_faults.always(phone.answer)
        async with channel(smsgate(http_faults.url)) as sms:
            message = sms.render(announcement())
            with pytest.raises(OutcomeUnknown):
                await sms.providers[0].send(message, NUMBER, KEY)
            again = await sms.providers[0].send(message, NUMBER, KEY)
        assert again == Accepted(KEY, note="was already there")
        assert len(phone.messages) == 1

    async def test_a_path_before_the_api(self, http_faults: HttpFaults) -> None:
        http_faults.always(reply(202, json={"id": KEY}))
        async with channel(smsgate(f"{http_faults.url}/3rdparty/v1/")) as sms:
            await sms.providers[0].send(sms.render(announcement()), NUMBER, KEY)
        assert http_faults.requests[0].path == "/3rdparty/v1/messages"

    @pytest.mark.parametrize(
        ("checks", "ok"),
        [
            ({"messages:failed": {"observedValue": 0, "status": "pass"}}, True),
            ({"messages:failed": {"observedValue": 3, "status": "warn"}}, True),
            ({"messages:failed": {"observedValue": 9, "status": "fail"}}, False),
            ({"db:ping": {"observedValue": 2, "status": "fail"}}, False),
            ({"connection:status": {"observedValue": 0, "status": "fail"}}, True),
            ({"battery:level": {"observedValue": 7, "status": "fail"}}, True),
        ],
    )
    async def test_probe_reads_the_health_report(
        self, http_faults: HttpFaults, checks: dict[str, dict[str, Any]], ok: bool
    ) -> None:
        http_faults.always(Phone(checks=checks).answer)
        async with channel(smsgate(http_faults.url)) as sms:
            *_, last = await sms.providers[0].probe()
        assert last.ok is ok

    async def test_probe_notices_a_url_without_its_path(self, http_faults: HttpFaults) -> None:
        http_faults.always(reply(404))
        async with channel(smsgate(http_faults.url)) as sms:
            *_, last = await sms.providers[0].probe()
        assert not last.ok

    async def test_tls(self, certificates: Certificates) -> None:
        from tests.counterparts.http_faults import http_faults as serving

        phone = Phone()
        with serving(certificates.server_context()) as faults:
            faults.always(phone.answer)
            trusting = smsgate(faults.url, ca_file=str(certificates.ca_file))
            async with channel(trusting) as sms:
                await sms.providers[0].send(sms.render(announcement()), NUMBER, KEY)
                checks = await sms.providers[0].probe()
            async with channel(smsgate(faults.url)) as stranger:
                untrusted = await stranger.providers[0].probe()
        assert [check.layer for check in checks] == [Layer.NAME, Layer.ROUTE, Layer.TLS, Layer.SERVICE]
        assert all(check.ok for check in checks)
        assert (untrusted[-1].layer, untrusted[-1].ok) == (Layer.TLS, False)


class TestKannel:
    async def test_what_is_on_the_wire(self, http_faults: HttpFaults) -> None:
        box = KannelBox()
        http_faults.always(box.answer)
        async with channel(kannel(f"{http_faults.url}/cgi-bin/sendsms", smsc="SIM"), validity="90s") as sms:
            message = sms.render(announcement(expires_at=_FAR))
            await sms.providers[0].send(message, NUMBER, KEY)
        [request] = box.messages
        assert request.target == "/cgi-bin/sendsms"
        assert request.body.decode() == message.text
        sent = {
            name: value for name, value in request.headers.items() if name.startswith(("x-", "content-type"))
        }
        assert sent == {
            "x-kannel-username": USERNAME,
            "x-kannel-password": PASSWORD,
            "x-kannel-from": "Club",
            "x-kannel-smsc": "SIM",
            "x-kannel-to": NUMBER,
            "x-kannel-coding": "0",
            "x-kannel-validity": "2",
            "content-type": "text/plain; charset=UTF-8",
        }

    async def test_ucs2_and_an_accented_password(self, http_faults: HttpFaults) -> None:
        async with channel(kannel(http_faults.url, password="pâté-€")) as sms:
            http_faults.always(reply(202, "0: Accepted for delivery"))
            await sms.providers[0].send(sms.render(announcement(title="Reçu 😀")), NUMBER, KEY)
        [request] = http_faults.requests
        assert request.headers["x-kannel-coding"] == "2"
        assert request.headers["x-kannel-password"].encode("latin-1").decode() == "pâté-€"
        assert "😀" in request.body.decode()

    @pytest.mark.parametrize(
        ("title", "on_the_wire"),
        [
            ("😀" * 35, "😀" * 35),
            ("😀" * 36, "😀" * 33 + " " + "😀" * 3),
            ("a" * 66 + "😀" * 40, "a" * 66 + " " + "😀" * 33 + " " + "😀" * 7),
            ("a" * 67 + "😀" * 3, "a" * 67 + "😀" * 3),
            ("ê" * 66 + "€" * 9, "ê" * 66 + "€" * 9),
        ],
    )
    async def test_no_emoji_is_cut_in_two(
        self, http_faults: HttpFaults, title: str, on_the_wire: str
    ) -> None:
        http_faults.always(reply(202, "0: Accepted for delivery"))
        async with channel(kannel(http_faults.url), transliterate="never") as sms:
            made = sms.render(announcement())
            parts = encode(title)
            message = replace(made, text=title, encoding=parts.encoding, parts=len(parts.parts))
            await sms.providers[0].send(message, NUMBER, KEY)
        assert http_faults.requests[0].body.decode() == on_the_wire
        assert len(encode(on_the_wire).parts) == message.parts

    async def test_the_channels_sender_is_the_default(self, http_faults: HttpFaults) -> None:
        box = KannelBox()
        http_faults.always(box.answer)
        async with channel(kannel(http_faults.url, sender=None), sender="Petanque") as sms:
            await sms.providers[0].send(sms.render(announcement()), NUMBER, KEY)
        assert box.messages[0].headers["x-kannel-from"] == "Petanque"

    async def test_queued_is_noted(self) -> None:
        async with _serve("kannel_queued") as scene:
            accepted = await scene.channel.providers[0].send(
                scene.channel.render(announcement()), NUMBER, KEY
            )
        assert "queued" in accepted.note

    async def test_not_routable_says_nothing_about_the_account(self) -> None:
        async with _serve("kannel_not_routable") as scene:
            with pytest.raises(AccessDenied) as failed:
                await scene.channel.providers[0].send(scene.channel.render(announcement()), NUMBER, KEY)
        assert failed.value.scope is Scope.PLACE

    @pytest.mark.parametrize(
        ("page", "smsc", "layer", "words"),
        [
            (("running", "online 4s"), None, None, "1 of 2"),
            (("running", "online 4s"), "SIM", None, "1 of 1"),
            (("running", "online 4s"), "FAKE", Layer.SERVICE, "connecting"),
            (("running", "online 4s"), "OTHER", Layer.ACCOUNT, "no such line"),
            (("running", "re-connecting"), None, Layer.SERVICE, "re-connecting"),
            (("running", "dead"), "SIM", Layer.SERVICE, "dead"),
            (("isolated", "online 4s"), None, Layer.SERVICE, "not running"),
        ],
    )
    async def test_probe_reads_the_status_page(
        self,
        http_faults: HttpFaults,
        page: tuple[str, str],
        smsc: str | None,
        layer: Layer | None,
        words: str,
    ) -> None:
        http_faults.always(KannelBox().answer)
        http_faults.always(reply(200, _STATUS.format(*page)), path="/status.txt")
        *_, last = await _probe(http_faults, smsc)
        assert last.ok is (layer is None)
        assert last.layer is (layer or Layer.SERVICE)
        assert words in last.detail
        assert http_faults.requests[-1].query == {"password": "pw-status"}

    @pytest.mark.parametrize(
        ("answer", "layer"),
        [
            (reply(200, "Denied"), Layer.ACCOUNT),
            (reply(502, "<html>"), Layer.SERVICE),
            (redirect("http://127.0.0.1:1/"), Layer.ACCOUNT),
            (reply(200, "<html>Welcome to our hotel</html>"), Layer.SERVICE),
        ],
    )
    async def test_probe_without_a_status_page(
        self, http_faults: HttpFaults, answer: Any, layer: Layer
    ) -> None:
        http_faults.always(KannelBox().answer)
        http_faults.always(answer, path="/status.txt")
        *_, last = await _probe(http_faults, None)
        assert (last.ok, last.layer) == (False, layer)
        assert "pw-status" not in last.detail


async def _probe(faults: HttpFaults, smsc: str | None) -> Any:
    status = {"status_url": f"{faults.url}/status.txt", "status_password": "pw-status"}
    async with channel(kannel(f"{faults.url}/cgi-bin/sendsms", smsc=smsc, **status)) as sms:
        return await sms.providers[0].probe()


_FAR = announcement().created_at.replace(year=2090)
# As Kannel 1.4.5 writes it, shortened.
_STATUS = """\
Kannel bearerbox version `1.4.5'.

Status: {}, uptime 0d 0h 0m 5s

SMS: received 0 (0 queued), sent 3 (0 queued), store size 0

Box connections:
    smsbox:sb1, IP 127.0.0.1 (0 queued), (on-line 0d 0h 0m 4s)

SMSC connections:
    FAKE[FAKE]    FAKE:21000 (connecting, rcvd: sms 0 (0.00,0.00,0.00), failed 0, queued 0 msgs)
    SIM[SIM]    SMPP:127.0.0.1:22775/22775:club: ({}, rcvd: sms 0 (0.00,0.00,0.00), failed 0, queued 0 msgs)
"""


def test_messages_carry_their_price_to_plans() -> None:
    sms = channel(smsgate("http://192.0.2.10:8080"), cost_per_part="0.05")
    message = sms.render(announcement())
    assert isinstance(message, SmsMessage)
    assert (message.parts, str(message.cost)) == (1, "0.05")
