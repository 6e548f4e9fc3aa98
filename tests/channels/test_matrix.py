"""Matrix: what goes on the wire, and what a real Synapse makes of it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fallback_cast.channels.kit.wording import Fact
from fallback_cast.channels.matrix import MatrixChannel
from fallback_cast.channels.matrix.channel import MatrixMessage
from fallback_cast.channels.matrix.text import MAX_HTML_BYTES, MAX_PLAIN_BYTES, compose, size
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    MessageRefused,
    Scope,
    SendError,
    Throttled,
)
from fallback_cast.model.health import Check, failed_check
from fallback_cast.model.message import idempotency_key
from tests.channels.fake import announcement
from tests.channels.fake_matrix import ALIAS, MEMBER, PLACE, TOKEN, USER, Homeserver, build, no
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.http_faults import http_faults as serve
from tests.counterparts.synapse import Synapse
from tests.counterparts.tls import Certificates

PAGE = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"
SUBJECT = announcement()
KEY = idempotency_key(SUBJECT.id, 1, "matrix", PLACE)
# https://spec.matrix.org/v1.18/client-server-api/#mroommessage-msgtypes (2026-07), what we could need
TAGS = frozenset(
    {"a", "b", "blockquote", "br", "caption", "code", "del", "details", "div", "em", "h1", "h2", "h3", "h4"}
    | {"h5", "h6", "hr", "i", "img", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "summary", "sup"}
    | {"table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
)


@pytest.fixture
def homeserver(http_faults: HttpFaults) -> Homeserver:
    server = Homeserver()
    http_faults.always(server)
    return server


async def test_the_room_gets_the_announcement(http_faults: HttpFaults, homeserver: Homeserver) -> None:
    async with build(http_faults.url) as channel:
        accepted = await channel.send(channel.render(SUBJECT, PAGE), PLACE, KEY)
    assert (accepted.reference, accepted.delivered) == ("$event0", True)
    content = homeserver.events[PLACE, f"fc-{KEY}"]
    lines = content["body"].splitlines()
    assert lines[0] == "[URGENT] Concours annulé"
    assert lines[2] == "Le concours de samedi est annulé : terrain inondé."
    assert lines[-2].endswith(PAGE)
    assert lines[-1].endswith("K7F3")
    assert (content["msgtype"], content["format"]) == ("m.text", "org.matrix.custom.html")
    assert content["m.mentions"] == {}
    assert content["formatted_body"].startswith(
        "<p><strong>[URGENT] Concours annulé</strong></p>\n<p>Le concours"
    )
    assert f'<a href="{PAGE}">{PAGE}</a>' in content["formatted_body"]


async def test_a_room_id_cannot_leave_its_place_in_the_path(
    http_faults: HttpFaults, homeserver: Homeserver
) -> None:
    strange = "!a/../b?c#d%:matrix.example.org"
    homeserver.rooms.add(strange)
    async with build(http_faults.url) as channel:
        await channel.send(channel.render(SUBJECT), channel.normalise(strange), KEY)
    assert (strange, f"fc-{KEY}") in homeserver.events


async def test_a_notice_is_one_if_asked(http_faults: HttpFaults, homeserver: Homeserver) -> None:
    async with build(http_faults.url, msgtype="m.notice") as channel:
        await channel.send(channel.render(SUBJECT), PLACE, KEY)
    assert homeserver.events[PLACE, f"fc-{KEY}"]["msgtype"] == "m.notice"


@pytest.mark.parametrize("errcode", ["M_FORBIDDEN", "M_NOT_FOUND"])
async def test_a_place_is_never_suppressed(http_faults: HttpFaults, errcode: str) -> None:
    http_faults.always(no(403, errcode))
    async with build(http_faults.url) as channel:
        with pytest.raises(AccessDenied) as of_place:
            await channel.send(channel.render(SUBJECT), PLACE, KEY)
        with pytest.raises(AddressRefused) as of_member:
            await channel.send(channel.render(SUBJECT), MEMBER, KEY)
    assert of_place.value.scope is Scope.PLACE
    assert of_member.value.scope is Scope.ADDRESS
    assert USER not in of_place.value.reason


@pytest.mark.parametrize(
    ("headers", "more", "seconds"),
    [
        ({"Retry-After": "2"}, {"retry_after_ms": 9000}, 2),
        ({}, {"retry_after_ms": 1841}, 1.841),
        ({}, {"retry_after_ms": "soon"}, 5),
        ({"Retry-After": "99999999"}, {}, 3600),
    ],
)
async def test_waiting_is_as_the_homeserver_says(
    http_faults: HttpFaults, headers: dict[str, str], more: dict[str, Any], seconds: float
) -> None:
    http_faults.always(no(429, "M_LIMIT_EXCEEDED", headers, **more))
    async with build(http_faults.url) as channel:
        with pytest.raises(Throttled) as caught:
            await channel.send(channel.render(SUBJECT), PLACE, KEY)
    assert caught.value.retry_after == pytest.approx(seconds)


async def test_an_alias_is_no_place_to_send_to(http_faults: HttpFaults, homeserver: Homeserver) -> None:
    async with build(http_faults.url, room=ALIAS) as channel:
        place = channel.place()
        assert place == ALIAS
        with pytest.raises(AccessDenied) as caught:
            await channel.send(channel.render(SUBJECT), channel.normalise(place), KEY)
        assert http_faults.requests == []
        failed = failed_check(await channel.probe())
    assert caught.value.scope is Scope.PLACE
    assert ALIAS not in caught.value.reason
    assert failed is not None
    assert f'room = "{PLACE}"' in failed.detail


# Text


MARKDOWN = """# Titre & suite

Un **gras _et italique_ `code`**, un ~~barré~~, 1 < 2 & 3 > 2. @room [le @room](https://x.example/@room)

> citation

- un
  1. deux

```
@room < code
```

| a | b |
|---|---|
| 1 | 2 |

---

Au [téléphone](tel:+33199000001), <tel:+33199000002>, à [Anne](mailto:anne@example.org). <b>gras</b>
"""


def composed(markdown: str, title: str = "Titre", facts: tuple[Fact, ...] = ()) -> tuple[str, str]:
    return compose(title, markdown, facts, "fr")


def tags_of(markup: str) -> list[str]:
    """Names of the tags in order, ends with a slash; fails where an end does not match."""

    names: list[str] = []
    opened: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            names.append(tag)
            assert {name for name, _ in attrs} <= {"href", "start"}
            if tag not in ("br", "hr"):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    reader = Reader()
    reader.feed(markup)
    reader.close()
    assert opened == []
    return names


def test_html_keeps_to_the_closed_list_and_mentions_nobody() -> None:
    plain, markup = composed(MARKDOWN, "Pour @room")
    assert set(tags_of(markup)) <= TAGS
    assert "@room" not in plain.replace("https://x.example/@room", "")
    assert "@room" not in markup.replace("https://x.example/@room", "")
    assert '<a href="https://x.example/@room">' in markup
    assert "téléphone (+33199000001), +33199000002, à" in markup
    assert "tel:" not in markup
    assert "&lt;b&gt;gras&lt;/b&gt;" in markup
    assert "Anne (anne@example.org)" in plain


FACTS = (Fact("page", "Page", PAGE), Fact("code", "Code", "K7F3"))


@pytest.mark.parametrize(
    "markdown",
    [
        "mot " * 20_000,
        "é" * 30_000,
        "😀" * 10_000,
        '"&<>\\"' * 20_000,
        "Un **paragraphe** avec [lien](https://x.example/).\n\n" * 3_000,
        "\n".join(f"- point {n}" for n in range(20_000)),
        "ligne\n" * 20_000,
    ],
    ids=["words", "accents", "emoji", "escapes", "paragraphs", "list", "lines"],
)
def test_a_long_text_is_cut_and_its_facts_are_kept(markdown: str) -> None:
    plain, markup = composed(markdown, facts=FACTS)
    assert size(plain) <= MAX_PLAIN_BYTES
    assert size(markup) <= MAX_HTML_BYTES
    assert size(plain) > MAX_PLAIN_BYTES * 0.9, "cut more than needed"
    assert size(markup) > 2_000
    assert "…" in plain
    assert "…" in markup
    for text in (plain, markup):
        assert PAGE in text
        assert "K7F3" in text
    tags_of(markup)


@given(st.text(alphabet="ab &<>\"'*_~`[]()#->1.|!\\\n@é😀", max_size=300), st.integers(1, 200))
@settings(deadline=None)
def test_any_text_is_well_formed(markdown: str, times: int) -> None:
    plain, markup = composed(markdown * times, facts=FACTS)
    assert set(tags_of(markup)) <= TAGS
    assert size(plain) <= MAX_PLAIN_BYTES
    assert size(markup) <= MAX_HTML_BYTES


def test_facts_too_long_for_any_event_are_refused() -> None:
    with pytest.raises(MessageRefused):
        composed("x", facts=(Fact("where", "Où", "y" * MAX_PLAIN_BYTES),))


# Addresses, pace, settings


@pytest.mark.parametrize("address", [PLACE, MEMBER, "!a:b"])
def test_a_room_id_is_an_address(address: str) -> None:
    assert build("http://127.0.0.1:1").normalise(f" {address} ") == address


@pytest.mark.parametrize("address", ["", "room", "!", ALIAS, USER, "!a b", "!a\n", "!" + "x" * 300])
def test_what_is_no_address_is_refused_in_words(address: str) -> None:
    channel = build("http://127.0.0.1:1")
    if address.strip() != address:
        assert channel.normalise(address) == address.strip()
        return
    with pytest.raises(ValueError, match="Matrix"):
        channel.normalise(address)


def test_the_pace_is_of_the_account() -> None:
    channel = build("http://127.0.0.1:1")
    (pace,) = channel.paces(PLACE)
    assert channel.paces(MEMBER) == (pace,)
    assert (pace.interval, pace.burst) == (5.0, 10)


@pytest.mark.parametrize(
    "keys", [{"access_token": f"{TOKEN}\nx"}, {"room": "room"}, {"room": USER}, {"msgtype": "m.image"}]
)
def test_bad_settings_are_refused_without_showing_secrets(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        build("http://127.0.0.1:1", **keys)
    assert TOKEN not in str(caught.value)


# Probes


async def probed(channel: MatrixChannel) -> list[Check]:
    async with channel:
        return list(await channel.probe())


def layers(checks: list[Check]) -> list[tuple[str, bool]]:
    return [(check.layer.value, check.ok) for check in checks]


CONNECTED = [("name", True), ("route", True), ("service", True)]


async def test_a_probe_sees_server_account_and_room(http_faults: HttpFaults, homeserver: Homeserver) -> None:
    assert layers(await probed(build(http_faults.url))) == [*CONNECTED, ("account", True), ("account", True)]
    assert layers(await probed(build(http_faults.url, room=None))) == [*CONNECTED, ("account", True)]
    assert not homeserver.events


@pytest.mark.parametrize(("allowed", "good"), [(True, True), (False, False)])
async def test_an_encrypted_room_needs_a_word_in_the_settings(
    http_faults: HttpFaults, homeserver: Homeserver, allowed: bool, good: bool
) -> None:
    homeserver.encrypted.add(PLACE)
    checks = await probed(build(http_faults.url, allow_cleartext=allowed))
    assert layers(checks) == [*CONNECTED, ("account", True), ("account", good)]
    assert "encrypted" in checks[-1].detail


@pytest.mark.parametrize(
    ("power", "may_write"),
    [
        (None, True),
        ({}, True),
        ({"events_default": 50}, False),
        ({"events_default": 50, "users": {USER: 50}}, True),
        ({"events_default": "50", "users": {USER: "49"}}, False),
        ({"events_default": 50, "events": {"m.room.message": 0}}, True),
        ({"events": {"m.room.message": 60}, "users_default": 60}, True),
        ({"events_default": 1, "users": ["nonsense"]}, False),
    ],
)
async def test_a_probe_knows_whether_the_account_may_write(
    http_faults: HttpFaults, homeserver: Homeserver, power: dict[str, Any] | None, may_write: bool
) -> None:
    homeserver.power = power
    assert (await probed(build(http_faults.url)))[-1].ok is may_write


async def test_a_guest_is_no_account_for_a_club(http_faults: HttpFaults, homeserver: Homeserver) -> None:
    homeserver.guest = True
    assert layers(await probed(build(http_faults.url))) == [*CONNECTED, ("account", False)]


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "foreign"])
async def test_a_bad_certificate_gets_no_token(certificates: Certificates, kind: Any) -> None:
    with serve(certificates.server_context(kind)) as faults:
        async with build(faults.url, ca_file=str(certificates.ca_file)) as channel:
            with pytest.raises(SendError) as caught:
                await channel.send(channel.render(SUBJECT), PLACE, KEY)
            failed = failed_check(await channel.probe())
        assert caught.value.layer is Layer.TLS
        assert failed is not None
        assert failed.layer is Layer.TLS
        assert faults.requests == []


# A real homeserver


def at(synapse: Synapse, room: str | None, **keys: Any) -> MatrixChannel:
    return build(synapse.url, **{"access_token": synapse.alice.token, "room": room, "timeout": "10s", **keys})


@pytest.mark.counterpart
@pytest.mark.parametrize("version", [None, "11"], ids=["newest", "with_server_name"])
async def test_the_same_attempt_is_one_event(matrix_server: Synapse, version: str | None) -> None:
    room = matrix_server.create_room(version=version)
    async with at(matrix_server, room) as channel:
        message = channel.render(announcement(body=MARKDOWN), PAGE)
        first = await channel.send(message, room, KEY)
        again = await channel.send(message, room, KEY)
        other = await channel.send(message, room, KEY[::-1])
    assert first == again != other
    events = matrix_server.events(room)
    assert [event["event_id"] for event in events] == [first.reference, other.reference]
    assert events[0]["content"]["body"] == message.text
    assert events[0]["content"]["formatted_body"] == message.html
    assert events[0]["content"]["m.mentions"] == {}


@pytest.mark.counterpart
async def test_an_edit_replaces_what_the_room_reads(matrix_server: Synapse) -> None:
    """The server itself shows the newest text of an event (client-server API §11.33.3)."""
    room = matrix_server.create_room()
    async with at(matrix_server, room) as channel:
        sent = await channel.send(channel.render(SUBJECT), room, KEY)
        assert sent.reference is not None
        for revision in (2, 3):
            later = channel.render(announcement(body=f"Reporté au {revision}.", revision=revision))
            key = idempotency_key(SUBJECT.id, revision, "matrix", room)
            edited = await channel.edit(later, room, sent.reference, key)
            assert edited == await channel.edit(later, room, sent.reference, key)
            assert edited.reference == sent.reference
    [first] = [e for e in matrix_server.events(room) if e["event_id"] == sent.reference]
    newest = first["unsigned"]["m.relations"]["m.replace"]
    assert newest["content"]["m.new_content"]["body"] == later.text
    assert later.text.startswith("[RECTIFICATIF]")
    assert len(matrix_server.events(room)) == 3


@pytest.mark.counterpart
async def test_the_key_outlives_a_new_login_of_the_same_device(matrix_server: Synapse) -> None:
    room = matrix_server.create_room()
    references = []
    for user in (matrix_server.alice, matrix_server.login(matrix_server.alice)):
        async with at(matrix_server, room, access_token=user.token) as channel:
            references.append((await channel.send(channel.render(SUBJECT), room, KEY)).reference)
    assert references[0] == references[1]
    assert len(matrix_server.messages(room)) == 1


@pytest.mark.counterpart
async def test_the_longest_text_goes_through(matrix_server: Synapse) -> None:
    room = matrix_server.create_room()
    async with at(matrix_server, room) as channel:
        message = channel.render(announcement(body='Une "ligne" & une autre.\n\n' * 10_000), PAGE)
        assert size(message.text) + size(message.html) > 40_000
        await channel.send(message, room, KEY)
    assert matrix_server.messages(room) == [message.text]


@pytest.mark.counterpart
async def test_what_is_too_large_is_the_messages_fault(matrix_server: Synapse) -> None:
    room = matrix_server.create_room()
    async with at(matrix_server, room) as channel:
        with pytest.raises(MessageRefused):
            await channel.send(MatrixMessage("x" * 70_000, "x"), room, KEY)


@pytest.mark.counterpart
async def test_not_joined_is_a_matter_of_the_place(matrix_server: Synapse) -> None:
    room = matrix_server.create_room()
    matrix_server.leave(room, matrix_server.alice)
    async with at(matrix_server, room) as channel:
        with pytest.raises(AccessDenied) as caught:
            await channel.send(channel.render(SUBJECT), room, KEY)
        failed = failed_check(await channel.probe())
    assert caught.value.scope is Scope.PLACE
    assert "alice" not in caught.value.reason
    assert failed is not None
    assert failed.layer is Layer.ACCOUNT
    async with at(matrix_server, None) as channel:
        with pytest.raises(AddressRefused):
            await channel.send(channel.render(SUBJECT), room, KEY)


@pytest.mark.counterpart
@pytest.mark.parametrize("version", [None, "11"], ids=["newest", "with_server_name"])
async def test_a_read_only_room_is_for_those_who_may(matrix_server: Synapse, version: str | None) -> None:
    room = matrix_server.create_room(version=version, power_level_content_override={"events_default": 50})
    assert failed_check(await probed(at(matrix_server, room))) is None
    bob = at(matrix_server, room, access_token=matrix_server.bob.token)
    failed = failed_check(await probed(bob))
    assert failed is not None
    assert "may not write" in failed.detail
    async with at(matrix_server, room, access_token=matrix_server.bob.token) as channel:
        with pytest.raises(AccessDenied):
            await channel.send(channel.render(SUBJECT), room, KEY)


@pytest.mark.counterpart
async def test_an_encrypted_room_is_seen(matrix_server: Synapse) -> None:
    encryption = {
        "type": "m.room.encryption",
        "state_key": "",
        "content": {"algorithm": "m.megolm.v1.aes-sha2"},
    }
    room = matrix_server.create_room(initial_state=[encryption])
    failed = failed_check(await probed(at(matrix_server, room)))
    assert failed is not None
    assert "encrypted" in failed.detail
    assert failed_check(await probed(at(matrix_server, room, allow_cleartext=True))) is None


@pytest.mark.counterpart
async def test_a_real_alias_leads_to_the_id_to_put(matrix_server: Synapse) -> None:
    room = matrix_server.create_room(room_alias_name="annonces")
    failed = failed_check(await probed(at(matrix_server, f"#annonces:{matrix_server.server_name}")))
    assert failed is not None
    assert room in failed.detail
    unknown = failed_check(await probed(at(matrix_server, f"#rien:{matrix_server.server_name}")))
    assert unknown is not None


@pytest.mark.counterpart
async def test_a_refused_token_is_a_matter_of_the_account(matrix_server: Synapse) -> None:
    async with at(matrix_server, PLACE, access_token="syt_wrong") as channel:
        with pytest.raises(AccessDenied) as caught:
            await channel.send(channel.render(SUBJECT), PLACE, KEY)
        failed = failed_check(await channel.probe())
    assert caught.value.scope is Scope.ACCOUNT
    assert failed is not None
    assert failed.layer is Layer.ACCOUNT


@pytest.mark.counterpart
async def test_a_real_limit_says_how_long(limited_matrix_server: Synapse) -> None:
    room = limited_matrix_server.create_room()
    async with at(limited_matrix_server, room) as channel:
        message = channel.render(SUBJECT)
        keys = [idempotency_key("a", 1, "matrix", room, number) for number in range(6)]
        # Two at once are allowed, then one every two seconds.
        with pytest.raises(Throttled) as caught:
            [await channel.send(message, room, key) for key in keys]
    assert 0 < caught.value.retry_after <= 4
    assert len(limited_matrix_server.messages(room)) < 6
