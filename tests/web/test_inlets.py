"""Each kind of webhook: who is known, which call it is, what it wants; nothing a stranger sends does harm."""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.channels.kit.markup import to_plain
from fallback_cast.model.secret import Secret
from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.inlets import INLETS, Call, read_call
from fallback_cast.web.inlets.call import as_markdown
from fallback_cast.web.refusals import Refused
from tests.web.club import SECRET, sign

TOKEN = "sixteen-characters"


def webhook(kind: str, **more: object) -> WebhookSettings:
    guard = "token" if kind in ("cap", "alertmanager") else "secret"
    given = {guard: Secret(SECRET if kind == "standard" else TOKEN)} | more
    return WebhookSettings(name="site", kind=kind, **given)  # type: ignore[arg-type]


def test_every_kind_of_the_settings_is_read() -> None:
    assert set(INLETS) == {"standard", "wordpress", "github", "alertmanager", "cap"}


@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n*_-+1.#<>&[]()`~|\\= "),
        max_size=60,
    )
)
def test_a_text_stays_what_it_is(text: str) -> None:
    shown = " ".join(to_plain(as_markdown(text)).split())
    assert shown == " ".join(text.split())


# -- GitHub ----------------------------------------------------------------------------------------

RELEASE = {
    "action": "published",
    "release": {
        "name": "2.0",
        "tag_name": "v2",
        "body": "**New**",
        "html_url": "https://github.com/a/b/releases/v2",
    },
    "repository": {"full_name": "a/b"},
}


def github(wanted: object, secret: str = TOKEN, **headers: str) -> Call:
    body = wanted if isinstance(wanted, bytes) else json.dumps(wanted).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    usual = {
        "x-hub-signature-256": f"sha256={signature}",
        "x-github-delivery": "d1",
        "x-github-event": "release",
    }
    return read_call(webhook("github"), usual | headers, body)


def test_a_published_release_is_announced() -> None:
    call = github(RELEASE)
    assert call.key == "d1"
    assert call.wanted is not None
    assert (call.wanted.title, call.wanted.body, call.wanted.importance) == ("a/b: 2.0", "**New**", "info")
    assert call.wanted.link == "https://github.com/a/b/releases/v2"


@pytest.mark.parametrize("event", ["ping", "push", "issues"])
def test_other_events_announce_nothing(event: str) -> None:
    assert github({"zen": "x"}, **{"x-github-event": event}).wanted is None
    assert github(RELEASE | {"action": "created"}).wanted is None


def test_the_signature_is_that_of_the_documentation() -> None:
    secret = "It's a Secret to Everybody"
    headers = {
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "x-github-delivery": "d1",
    }
    with pytest.raises(Refused) as refused:  # known, but no JSON
        read_call(webhook("github", secret=Secret(secret)), headers, b"Hello, World!")
    assert refused.value.status == 400


@pytest.mark.parametrize("headers", [{"x-hub-signature-256": ""}, {"x-hub-signature-256": "sha256=00"}])
def test_an_unsigned_event_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        github(RELEASE, **headers)
    assert refused.value.status == 401


# -- CAP -------------------------------------------------------------------------------------------

SOON = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
INFO = f"""<info><language>fr-FR</language><category>Met</category><event>Orages</event>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
<expires>{SOON}</expires><headline>Orages *violents*</headline><description>Rentrez.</description>
<instruction>Restez chez vous.</instruction><web>https://meteo.example/</web>
<area><areaDesc>Var</areaDesc></area></info>"""


def cap(info: str = INFO, *, status: str = "Actual", kind: str = "Alert", scope: str = "Public") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>i1</identifier><sender>s@example.org</sender>
<sent>2026-11-25T10:00:00+00:00</sent><status>{status}</status><msgType>{kind}</msgType><scope>{scope}</scope>
{info}</alert>""".encode()


def read_cap(body: bytes) -> Call:
    return read_call(webhook("cap"), {"authorization": f"Bearer {TOKEN}"}, body)


def test_an_alert_is_announced_with_its_end() -> None:
    wanted = read_cap(cap()).wanted
    assert wanted is not None
    assert wanted.title == "Orages *violents*"
    assert wanted.body == "Rentrez.\n\nRestez chez vous.\n\nVar"
    assert (wanted.importance, wanted.language, wanted.link) == ("urgent", "fr", "https://meteo.example/")
    assert wanted.expires_at is not None


@pytest.mark.parametrize(
    "body",
    [
        cap(status="Test"),
        cap(status="Exercise"),
        cap(status="Draft"),
        cap(kind="Cancel"),
        cap(kind="Ack"),
        cap(scope="Private"),
        cap(""),
        cap(INFO.replace(SOON, "2020-01-01T00:00:00+00:00")),
        cap(INFO.replace("Immediate", "Past")),
    ],
)
def test_what_is_no_alert_for_the_public_is_announced_to_nobody(body: bytes) -> None:
    assert read_cap(body).wanted is None


def test_an_alert_is_known_by_who_sent_it_and_when() -> None:
    assert read_cap(cap()).key == read_cap(cap(INFO.replace("Rentrez", "Sortez"))).key
    assert read_cap(cap()).key != read_cap(cap().replace(b"<identifier>i1", b"<identifier>i2")).key


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]><alert>&b;</alert>"""
FILE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><alert>&a;</alert>"""


@pytest.mark.parametrize(
    "body", [b"", b"<", b"\xff", BOMB, FILE, b"<alert/>", b'<?xml version="1.0" encoding="none"?><a/>']
)
def test_hostile_xml_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_cap(body)
    assert refused.value.status == 400
    assert "root:" not in refused.value.title


@pytest.mark.parametrize("kind", ["cap", "alertmanager"])
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer é"])
def test_unsigned_kinds_want_their_token(kind: str, given: str) -> None:
    with pytest.raises(Refused) as refused:
        read_call(webhook(kind), {"authorization": given}, b"{}")
    assert refused.value.status == 401


@given(st.binary(max_size=200))
def test_no_body_breaks_an_inlet(body: bytes) -> None:
    calls = [
        lambda: read_call(webhook("standard"), sign(body, "m1"), body) if body.isascii() else None,
        lambda: github(body),
        lambda: read_cap(body),
        lambda: read_call(webhook("alertmanager"), {"authorization": f"Bearer {TOKEN}"}, body),
    ]
    for call in calls:
        with suppress(Refused):  # anything else is a fault of ours
            call()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_nested_too_deep_is_a_bad_body(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_call(webhook("standard"), sign(body, "m1"), body)
    assert refused.value.status == 400
