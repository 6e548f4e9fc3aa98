"""Telegram: what goes on the wire and what a reader sees, against a strict emulator and another one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fallback_cast.channels.kit.wording import Fact
from fallback_cast.channels.telegram import Settings, TelegramChannel
from fallback_cast.channels.telegram.text import MAX_UNITS, compose
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    MessageRefused,
    Scope,
    SendError,
    Throttled,
)
from fallback_cast.model.health import failed_check
from tests.channels.fake import announcement
from tests.channels.fake_telegram import MEMBER, PLACE, PLACE_ID, build, club_telegram, no
from tests.channels.telegram_emulator import TOKEN, Chat, Telegram, read
from tests.counterparts.http_faults import HttpFaults, reply
from tests.counterparts.http_faults import http_faults as serve
from tests.counterparts.telegram_test_api import TelegramTestApi
from tests.counterparts.tls import Certificates

PAGE = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"
SUBJECT = announcement()
_numbers = itertools.count(700_000)


@pytest.fixture
def telegram(http_faults: HttpFaults) -> Telegram:
    server = club_telegram()
    http_faults.always(server)
    return server


async def test_the_place_gets_the_announcement(http_faults: HttpFaults, telegram: Telegram) -> None:
    async with build(http_faults.url) as channel:
        accepted = await channel.send(channel.render(SUBJECT, PAGE), PLACE, "key")
    assert (accepted.reference, accepted.delivered) == (f"{PLACE_ID}:1", True)
    (sent,) = telegram.sent
    assert sent.chat == PLACE_ID
    assert sent.text.splitlines() == [
        "[URGENT] Concours annulé",
        "",
        "Le concours de samedi est annulé : terrain inondé.",
        "",
        "Voir le site.",
        "",
        sent.text.splitlines()[-2],
        sent.text.splitlines()[-1],
    ]
    assert sent.text.splitlines()[-2].endswith(PAGE)
    assert sent.text.splitlines()[-1].endswith("K7F3")
    assert "<b>samedi</b>" in sent.body["text"]
    assert '<a href="https://sainte-anne.example/">le site</a>' in sent.body["text"]
    assert sent.body["link_preview_options"] == {"is_disabled": True}
    assert "allow_paid_broadcast" not in sent.body


async def test_what_is_previewed_is_what_is_read(http_faults: HttpFaults, telegram: Telegram) -> None:
    async with build(http_faults.url) as channel:
        message = channel.render(announcement(body=EVERYTHING), PAGE)
        await channel.send(message, PLACE, "key")
    assert telegram.sent[0].text == message.text


@pytest.mark.parametrize(
    ("keys", "changes", "expected"),
    [
        ({}, {}, {"disable_notification": False}),
        ({"silent": True}, {"importance": Importance.INFO}, {"disable_notification": True}),
        ({"silent": True}, {"importance": Importance.URGENT}, {"disable_notification": False}),
        ({}, {"link": "https://x.example/"}, {"link_preview_options": {"url": "https://x.example/"}}),
        ({"message_thread_id": 5}, {}, {"message_thread_id": 5, "chat_id": PLACE}),
        ({"chat": PLACE_ID, "message_thread_id": 5}, {}, {"message_thread_id": 5, "chat_id": PLACE_ID}),
    ],
)
async def test_options_on_the_wire(
    http_faults: HttpFaults,
    telegram: Telegram,
    keys: dict[str, Any],
    changes: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    telegram.chats[0].topics = frozenset({5})
    async with build(http_faults.url, **keys) as channel:
        place = channel.place()
        assert place
        await channel.send(channel.render(announcement(**changes)), place, "key")
    assert telegram.sent[0].body.items() >= expected.items()


async def test_the_topic_is_the_places_alone(http_faults: HttpFaults, telegram: Telegram) -> None:
    async with build(http_faults.url, message_thread_id=5) as channel:
        await channel.send(channel.render(SUBJECT), str(MEMBER), "key")
    assert "message_thread_id" not in telegram.sent[0].body


async def test_a_migrated_group_says_where(http_faults: HttpFaults, telegram: Telegram) -> None:
    telegram.chats.append(Chat(-42, "group", moved_to=-1002222333444))
    telegram.chats.append(Chat(-1002222333444, "supergroup"))
    for chat, scope in ((-42, Scope.PLACE), (PLACE_ID, Scope.ADDRESS)):
        async with build(http_faults.url, chat=chat) as channel:
            with pytest.raises(AddressRefused) as caught:
                await channel.send(channel.render(SUBJECT), "-42", "key")
            assert (caught.value.moved_to, caught.value.scope) == ("-1002222333444", scope)
            moved = await channel.send(channel.render(SUBJECT), caught.value.moved_to or "", "key")
        assert (moved.reference or "").startswith("-1002222333444:")


@pytest.mark.parametrize(
    ("status", "description", "of_member"),
    [
        (400, "Bad Request: chat not found", AddressRefused),
        (403, "Forbidden: bot was kicked from the channel chat", AddressRefused),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", AccessDenied),
        (400, "Bad Request: message thread not found", AccessDenied),
    ],
)
async def test_a_place_is_never_suppressed(
    http_faults: HttpFaults, status: int, description: str, of_member: type[SendError]
) -> None:
    http_faults.always(no(status, description))
    async with build(http_faults.url) as channel:
        message = channel.render(SUBJECT)
        with pytest.raises(AccessDenied) as of_place:
            await channel.send(message, PLACE, "key")
        with pytest.raises(of_member):
            await channel.send(message, str(MEMBER), "key")
    assert of_place.value.scope is Scope.PLACE


async def test_the_token_is_refused_for_the_whole_account(http_faults: HttpFaults) -> None:
    http_faults.always(club_telegram())
    async with build(http_faults.url, token="7:wrong") as channel:
        with pytest.raises(AccessDenied) as caught:
            await channel.send(channel.render(SUBJECT), PLACE, "key")
        failed = failed_check(await channel.probe())
    assert caught.value.scope is Scope.ACCOUNT
    assert failed is not None
    assert failed.layer is Layer.ACCOUNT


async def test_waiting_is_as_telegram_says(http_faults: HttpFaults, telegram: Telegram) -> None:
    telegram.throttled_for = 17
    async with build(http_faults.url) as channel:
        with pytest.raises(Throttled) as caught:
            await channel.send(channel.render(SUBJECT), PLACE, "key")
    assert caught.value.retry_after == 17
    assert caught.value.scope is Scope.ACCOUNT


# Markup and length


EVERYTHING = """# Titre & suite

Un **gras _et italique_ `code`**, un ~~barré~~, 1 < 2 & 3 > 2.
@everyone [le @site **fort**](https://x.example/?a=1&b="2") <https://y.example/@all>

> citation
> > dedans `x`
>
> ```
> bloc dans la citation
> ```

- un
- deux

  suite
  1. trois
  2. [`quatre`](https://z.example/)

```python
if a < b: print("&")
```

| a | b |
|---|---|
| *1* | 2 |

---

Écrire à [Anne](mailto:anne@example.org) ou au [téléphone](tel:+33199000001), <bureau@example.org>.
[![affiche](https://x.example/a.png)](https://x.example/) ![plan](https://x.example/p.png)
<script>alert(1)</script>
"""


def composed(markdown: str, title: str = "Titre", facts: tuple[Fact, ...] = ()) -> tuple[str, str]:
    return compose(title, markdown, facts, "fr")


def test_all_of_markdown_is_valid_for_telegram() -> None:
    markup, text = composed(EVERYTHING)
    assert read(markup, "HTML") == text
    assert "1 < 2 & 3 > 2" in text
    assert "• deux\n  suite\n  1. trois\n  2. quatre" in text
    assert "a | b\n1 | 2" in text
    assert '<a href="https://x.example/?a=1&amp;b=%222%22">le @site <b>fort</b></a>' in markup
    assert "Anne (anne@example.org) ou au téléphone (+33199000001), bureau@example.org" in text
    assert '<a href="https://x.example/">affiche</a> <a href="https://x.example/p.png">plan</a>' in markup
    assert "<script>alert(1)</script>" in text
    assert "@everyone" not in text
    assert "@\u2060everyone" in text


@given(st.text(alphabet="ab &<>\"'*_~`[]()#->1.|!\\\n@é😀", max_size=200))
@settings(deadline=None)
def test_any_text_is_valid_for_telegram(markdown: str) -> None:
    markup, text = composed(markdown, 'T<i>t & "r"e')
    assert read(markup, "HTML") == text
    assert text.startswith('T<i>t & "r"e')


def test_a_style_inside_the_same_style_is_written_once() -> None:
    markup, text = composed("*a _b_ c* and **d __e__**\n\n# f **g**")
    assert read(markup, "HTML") == text
    assert "<i>a b c</i>" in markup


FACTS = (Fact("page", "Page", PAGE), Fact("code", "Code", "K7F3"))


@pytest.mark.parametrize("size", [3_900, 4_000, 4_050, 4_096, 5_000, 100_000])
@pytest.mark.parametrize(
    "piece", ["mot ", "é", "😀", "**gras** et `code` ", "[lien](https://x.example/) ", "&<>"]
)
def test_a_long_text_is_cut_and_its_facts_are_kept(piece: str, size: int) -> None:
    markup, text = composed(piece * (size // len(piece)), facts=FACTS)
    assert read(markup, "HTML") == text
    assert len(text.encode("utf-16-le")) // 2 <= MAX_UNITS
    assert text.endswith(f"{PAGE}\n{text.splitlines()[-1]}")
    assert text.endswith("K7F3")
    assert f'<a href="{PAGE}">' in markup


def test_a_text_that_just_fits_is_whole() -> None:
    room = MAX_UNITS - len("Titre") - 2
    assert composed("x" * room)[1] == "Titre\n\n" + "x" * room
    cut = composed("x" * (room + 1))[1]
    assert len(cut) == MAX_UNITS
    assert cut.endswith("x…")


def test_facts_too_long_for_any_message_are_refused() -> None:
    with pytest.raises(MessageRefused):
        composed("x", facts=(Fact("where", "Où", "y" * MAX_UNITS),))


def test_a_text_gives_way_to_its_facts() -> None:
    where = "y" * (MAX_UNITS - len("Titre") - len("Où : ") - 4)
    text = composed("loin", facts=(Fact("where", "Où", where),))[1]
    assert text.endswith(where)
    assert "loin" not in text


# Addresses, pace, settings


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("@SainteAnne", "@sainteanne"),
        ("https://t.me/SainteAnne", "@sainteanne"),
        (" t.me/sainteanne/ ", "@sainteanne"),
        ("48151623", "48151623"),
        ("-1001234567890", "-1001234567890"),
    ],
)
def test_an_address_has_one_spelling(written: str, address: str) -> None:
    assert build("http://127.0.0.1:1").normalise(written) == address


@pytest.mark.parametrize(
    "written",
    ["", "sainteanne", "@abc", "0", "+33199000001", "https://t.me/+AbCdEf", "@a b c d", "-", "1" * 17],
)
def test_what_is_no_address_is_refused_in_words(written: str) -> None:
    with pytest.raises(ValueError, match="Telegram"):
        build("http://127.0.0.1:1").normalise(written)


def test_paces_are_of_the_bot_and_of_the_chat() -> None:
    channel = build("http://127.0.0.1:1")
    bot, person = channel.paces(str(MEMBER))
    assert (bot.interval, person.interval) == (1 / 20, 1.0)
    same_bot, group = channel.paces(str(PLACE_ID))
    assert same_bot == bot
    assert 60 / group.interval == pytest.approx(18)
    assert str(MEMBER) not in person.key
    assert person.key != group.key
    assert all(TOKEN.partition(":")[2] not in pace.key for pace in (bot, person, group))


@pytest.mark.parametrize(
    "keys", [{"token": "no token"}, {"token": "1:a/../b"}, {"chat": "no chat"}, {"chats": 1}]
)
def test_bad_settings_are_refused_without_showing_secrets(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        build("http://127.0.0.1:1", **keys)
    assert "1:a/../b" not in str(caught.value)


def test_the_address_of_telegram_is_the_default() -> None:
    read_settings = Settings.model_validate({"name": "telegram", "kind": "telegram", "token": TOKEN})
    assert str(read_settings.base_url) == "https://api.telegram.org/"
    assert TOKEN not in repr(read_settings)


# Probes


async def layers(channel: TelegramChannel) -> list[tuple[str, bool]]:
    async with channel:
        return [(check.layer.value, check.ok) for check in await channel.probe()]


@pytest.mark.parametrize(
    ("chat", "may_write"),
    [
        (Chat(-7, "channel", member={"status": "administrator", "can_post_messages": True}), True),
        (Chat(-7, "channel", member={"status": "administrator", "can_post_messages": False}), False),
        (Chat(-7, "channel", member={"status": "left"}), False),
        (Chat(-7, "supergroup", member={"status": "member"}), True),
        (Chat(-7, "group", member={"status": "administrator"}), True),
        (Chat(-7, "supergroup", member={"status": "kicked"}), False),
        (
            Chat(
                -7,
                "supergroup",
                member={"status": "restricted", "is_member": True, "can_send_messages": False},
            ),
            False,
        ),
        (Chat(7, "private"), True),
        (Chat(8, "private"), False),
    ],
)
async def test_a_probe_knows_whether_the_bot_may_write(
    http_faults: HttpFaults, telegram: Telegram, chat: Chat, may_write: bool
) -> None:
    telegram.chats = [chat]
    wanted = 7 if chat.type == "private" else -7
    seen = await layers(build(http_faults.url, chat=wanted))
    assert seen == [("name", True), ("route", True), ("service", True), ("account", may_write)]
    assert not telegram.sent


async def test_a_probe_without_a_place_asks_the_bot_alone(
    http_faults: HttpFaults, telegram: Telegram
) -> None:
    assert await layers(build(http_faults.url, chat=None)) == [
        ("name", True),
        ("route", True),
        ("service", True),
    ]
    assert [request.path for request in http_faults.requests] == [f"/bot{TOKEN}/getMe"]


async def test_a_front_end_page_is_an_outage_for_a_probe(http_faults: HttpFaults) -> None:
    http_faults.always(reply(502, "<html>502</html>"))
    assert (await layers(build(http_faults.url)))[-1] == ("service", False)


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "foreign"])
async def test_a_bad_certificate_gets_no_token(certificates: Certificates, kind: Any) -> None:
    with serve(certificates.server_context(kind)) as faults:
        async with build(faults.url, ca_file=str(certificates.ca_file)) as channel:
            with pytest.raises(SendError) as caught:
                await channel.send(channel.render(SUBJECT), PLACE, "key")
            failed = failed_check(await channel.probe())
        assert caught.value.layer is Layer.TLS
        assert failed is not None
        assert failed.layer is Layer.TLS
        assert faults.requests == []


async def test_a_private_server_with_its_own_authority(certificates: Certificates) -> None:
    with serve(certificates.server_context()) as faults:
        faults.always(club_telegram())
        async with build(faults.url, ca_file=str(certificates.ca_file)) as channel:
            checks = await channel.probe()
            assert (await channel.send(channel.render(SUBJECT), PLACE, "key")).delivered
    assert [check.layer.value for check in checks] == ["name", "route", "tls", "service", "account"]
    assert failed_check(checks) is None


# The independent emulator of npm


@pytest.mark.counterpart
async def test_another_bot_api_takes_what_we_send(telegram_server: TelegramTestApi) -> None:
    chat = next(_numbers)
    channel = build(telegram_server.url, token=telegram_server.token, chat=None, timeout="5s")
    async with channel:
        message = channel.render(announcement(link="https://x.example/"), PAGE)
        accepted = await channel.send(message, str(chat), "key")
        await channel.send(message, str(chat), "key")
        checks = await channel.probe()
    first, second = telegram_server.messages(chat)
    assert accepted.reference == f"{chat}:{first['message_id']}"
    assert first["text"] == second["text"] == message.html
    assert first["parse_mode"] == "HTML"
    assert read(first["text"], first["parse_mode"]) == message.text
    assert failed_check(checks) is None
