"""The signed webhook: its bytes on the wire, its signature, its settings."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook

from fallback_cast.channels import webhook
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.model.errors import AccessDenied, Layer, SendError, UserError
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import idempotency_key
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_webhook import PATH_SECRET, SECRET, Receiver, build
from tests.counterparts.http_faults import HttpFaults, redirect, reply
from tests.counterparts.http_faults import http_faults as serve
from tests.counterparts.tls import Certificates

PAGE = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"
SUBJECT = announcement(
    body="Le **terrain** est inondé <b>!</b>",
    link="https://x.example/",
    place="Terrain",
    event_at=datetime(2026, 11, 28, 13, 0, tzinfo=UTC),
)
KEY = idempotency_key(SUBJECT.id, 1, "hook", "receiver")


async def test_the_receiver_gets_all_of_it_signed(http_faults: HttpFaults) -> None:
    receiver = Receiver()
    http_faults.always(receiver)
    async with build(f"{http_faults.url}/in/{PATH_SECRET}?club=%2Ba&x=1") as channel:
        await channel.send(channel.render(SUBJECT, PAGE), "receiver", KEY)
        await channel.send(channel.render(SUBJECT, PAGE), "receiver", KEY)
    first, second = http_faults.requests
    assert first.target == f"/in/{PATH_SECRET}?club=%2Ba&x=1"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == f"msg_{KEY}"
    assert first.body == second.body
    assert len(receiver.seen) == 1
    assert json.loads(first.body) == {
        "type": "announcement.published",
        "timestamp": "2026-11-28T09:00:00+00:00",
        "data": {
            "id": "20261128-k7f3qd",
            "revision": 1,
            "code": "K7F3",
            "club": "Pétanque club de Sainte-Anne",
            "title": "Concours annulé",
            "headline": "[URGENT] Concours annulé",
            "text": "Le terrain est inondé <b>!</b>",
            "html": "<p>Le <strong>terrain</strong> est inondé &lt;b&gt;!&lt;/b&gt;</p>\n",
            "importance": "urgent",
            "language": "fr",
            "link": "https://x.example/",
            "page": PAGE,
            "event_at": "2026-11-28T13:00:00+00:00",
            "place": "Terrain",
            "cancelled": False,
            "test": False,
        },
    }


def test_the_signature_is_the_specifications() -> None:
    """The example of the Standard Webhooks repository, so that no mistake is made twice."""
    signature = Webhook(SECRET).sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), '{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_time_is_that_of_the_attempt(http_faults: HttpFaults) -> None:
    before = int(datetime.now(UTC).timestamp())
    async with build(http_faults.url) as channel:
        await channel.send(channel.render(SUBJECT), "receiver", KEY)
    assert before <= int(http_faults.requests[0].headers["webhook-timestamp"]) <= before + 5


def test_a_cancelled_announcement_is_another_event() -> None:
    body = build("http://127.0.0.1:1").render(announcement(cancelled=True)).body
    assert json.loads(body)["type"] == "announcement.cancelled"


def test_the_preview_shows_what_is_sent() -> None:
    text = build("http://127.0.0.1:1").render(SUBJECT, PAGE).text
    assert text.startswith("[URGENT] Concours annulé\n\nLe terrain est inondé")
    for fact in ("Terrain", "https://x.example/", PAGE, "K7F3"):
        assert fact in text


async def test_a_redirect_is_not_followed(http_faults: HttpFaults) -> None:
    http_faults.next(redirect("/elsewhere"))
    async with build(f"{http_faults.url}/in") as channel:
        with pytest.raises(AccessDenied):
            await channel.send(channel.render(SUBJECT), "receiver", KEY)
    assert [request.path for request in http_faults.requests] == ["/in"]


@pytest.mark.parametrize(
    ("status", "good"), [(200, True), (404, True), (405, True), (410, False), (500, False)]
)
async def test_a_probe_asks_for_the_head_alone(http_faults: HttpFaults, status: int, good: bool) -> None:
    http_faults.always(reply(status))
    async with build(f"{http_faults.url}/in") as channel:
        checks = await channel.probe()
    assert (failed_check(checks) is None) is good
    assert [request.method for request in http_faults.requests] == ["HEAD"]


def test_the_receiver_is_the_only_address() -> None:
    channel = build("http://127.0.0.1:1")
    assert channel.place() == channel.normalise("receiver") == "receiver"
    with pytest.raises(ValueError, match="url in the settings"):
        channel.normalise("https://elsewhere.example/")


@pytest.mark.parametrize("secret", ["whsec_é", "no base64!", "whsec_YWFh", "whsec_a b"])
def test_a_secret_that_cannot_sign_is_refused_unseen(secret: str) -> None:
    with pytest.raises(ValidationError, match="webhook secret") as caught:
        build("http://127.0.0.1:1", secret=secret)
    assert secret not in str(caught.value)


def test_the_url_may_hold_a_secret_and_is_not_shown() -> None:
    values = {"name": "hook", "kind": "webhook", "url": f"https://x.example/{PATH_SECRET}", "secret": SECRET}
    shown = repr(webhook.Settings.model_validate(values))
    assert PATH_SECRET not in shown
    assert SECRET not in shown


async def test_the_certificate_file_is_found_beside_the_settings(
    certificates: Certificates, tmp_path: Path
) -> None:
    shutil.copy(certificates.ca_file, tmp_path / "ca.pem")
    with serve(certificates.server_context()) as faults:
        async with _beside(tmp_path, faults.url, "ca.pem") as channel:
            checks = await channel.probe()
            await channel.send(channel.render(SUBJECT), "receiver", KEY)
    assert [check.layer for check in checks] == [Layer.NAME, Layer.ROUTE, Layer.TLS, Layer.SERVICE]
    assert failed_check(checks) is None


def test_a_missing_certificate_file_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="certificate"):
        _beside(tmp_path, "https://127.0.0.1:1", "nothing.pem")


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "foreign"])
async def test_a_bad_certificate_gets_no_message(certificates: Certificates, kind: Any) -> None:
    with serve(certificates.server_context(kind)) as faults:
        async with build(faults.url, ca_file=str(certificates.ca_file)) as channel:
            with pytest.raises(SendError) as caught:
                await channel.send(channel.render(SUBJECT), "receiver", KEY)
        assert caught.value.layer is Layer.TLS
        assert faults.requests == []


def _beside(folder: Path, url: str, ca_file: str) -> webhook.WebhookChannel:
    values = {"name": "hook", "kind": "webhook", "url": url, "secret": SECRET, "ca_file": ca_file}
    return webhook.build(webhook.Settings.model_validate(values), BuildContext(club=CLUB, base_dir=folder))
