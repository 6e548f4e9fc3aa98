"""The bytes of a message: the same as if built anew for each recipient, and proof against injection."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, default
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallback_cast.channels.email.addresses import clean_address
from fallback_cast.channels.email.mime import Letter, MailMessage, complete, one_line
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.message import idempotency_key
from tests.channels.fake import announcement
from tests.channels.fake_email import SENDER, channel, plain_relay

KEY = "0123456789abcdef0123456789abcdef"
PAGE = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"
CHANNEL = channel(
    plain_relay(25),
    to=["membres@sainte-anne.example"],
    reply_to="bureau@sainte-anne.example",
    bounce_address="bounces@sainte-anne.example",
    unsubscribe="club+fin@sainte-anne.example",
)
HEAD = CHANNEL._head

_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)
_local = st.from_regex(r"[a-z0-9+_-]{1,20}(\.[a-z0-9éèü]{1,10})?", fullmatch=True)
_addresses = st.builds("{}@{}".format, _local, st.sampled_from(["example.org", "mail.example.org"]))


def undotted(data: bytes) -> bytes:
    """What the server keeps of what it was sent (RFC 5321 §4.5.2)."""
    assert data.endswith(b"\r\n.\r\n")
    lines = data[:-3].split(b"\r\n")
    assert b"." not in lines, "a lone dot would have ended the message early"
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


def letter(subject: Announcement, address: str = "jeanne@example.org", key: str = KEY) -> Letter:
    return complete(HEAD, CHANNEL.render(subject, PAGE), address, key)


def parsed(subject: Announcement, address: str = "jeanne@example.org") -> EmailMessage:
    found = message_from_bytes(undotted(letter(subject, address).data), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def built_anew(subject: Announcement, address: str) -> EmailMessage:
    """The whole message for one recipient, by the standard library alone."""
    rendered = CHANNEL.render(subject, PAGE)
    common = message_from_bytes(undotted(b"X: y\r\n" + rendered.common), policy=default)
    text, html = (part.get_content() for part in common.iter_parts())  # type: ignore[attr-defined]
    new = EmailMessage(policy=SMTP if address.isascii() else SMTPUTF8)
    new["To"] = address
    new["Message-ID"] = f"<fc.{KEY}@sainte-anne.example>"
    new["List-Unsubscribe"] = f"<mailto:club+fin@sainte-anne.example?subject=unsubscribe%20{KEY}>"
    new["From"] = SENDER
    for name in ("Date", "References", "Auto-Submitted", "Precedence", "X-Auto-Response-Suppress"):
        new[name] = common[name]
    new["List-Id"] = "Pétanque club de Sainte-Anne <email.sainte-anne.example>"
    new["Reply-To"] = "bureau@sainte-anne.example"
    if subject.importance is Importance.URGENT:
        new["Importance"] = "high"
    new.set_content(text)
    new.add_alternative(html, subtype="html")
    again = message_from_bytes(new.as_bytes(), policy=default)
    assert isinstance(again, EmailMessage)
    return again


def shown(message: EmailMessage) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    left_out = ("Content-Type", "Subject")
    headers = [(name, str(value)) for name, value in message.items() if name not in left_out]
    parts = [(part.get_content_type(), part.get_content()) for part in message.iter_parts()]
    return sorted(headers), parts  # type: ignore[return-value]


@settings(max_examples=60, deadline=None)
@given(_text, _text, _addresses, st.sampled_from(Importance))
def test_put_together_is_the_same_as_built_anew(
    title: str, body: str, address: str, importance: Importance
) -> None:
    subject = announcement(title=title or "x", body=body, importance=importance)
    address = clean_address(address)
    found = parsed(subject, address)
    assert shown(found) == shown(built_anew(subject, address))
    assert found["Subject"] == CHANNEL.render(subject, PAGE).subject


@pytest.mark.parametrize(
    "title", ["00000000¡¡¡¡¡¡¡¡¡¡¡\U0001cf00 ¡", "Été annulé à Sainte-Anne " * 6, "=?utf-8?q?x?="]
)
def test_a_subject_keeps_its_spaces_where_it_is_folded(title: str) -> None:
    subject = announcement(title=title, importance=Importance.URGENT)
    assert parsed(subject)["Subject"] == CHANNEL.render(subject, PAGE).subject
    head = letter(subject).data.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 78 for line in head.split(b"\r\n") if b"Subject" in line)


@settings(max_examples=60, deadline=None)
@given(_text, _text, _text, _text)
def test_no_text_becomes_a_header(title: str, body: str, place: str, link: str) -> None:
    hostile = "\r\nBcc: evil@example.org\r\n\r\n.\r\nMAIL FROM:<>"
    subject = announcement(
        title=title + hostile, body=body + hostile, place=place + hostile, link=link + hostile
    )
    plain = parsed(announcement())
    found = parsed(subject)
    assert [name for name, _ in found.items()] == [name for name, _ in plain.items()]
    assert "Bcc: evil@example.org" in str(found["Subject"])
    assert len(list(found.iter_parts())) == 2
    assert not found.defects


@given(st.text(max_size=60), st.text(max_size=40))
def test_no_address_and_no_key_becomes_a_command_or_a_header(address: str, key: str) -> None:
    message = MailMessage("", "", b"Subject: x\r\n\r\n\r\n.\r\n")
    try:
        made = complete(HEAD, message, address, key)
    except ValueError:
        return
    personal = made.data.removesuffix(message.common).decode()
    assert [line.partition(":")[0] for line in personal.splitlines()] == [
        "To",
        "Message-ID",
        "List-Unsubscribe",
    ]
    for part in (made.sender, *made.recipients):
        assert not set(part) & set(b"\r\n<> ")


@pytest.mark.parametrize(
    "address",
    [
        "a@b.org\r\nBcc: x@y.org",
        "a@b.org> NOTIFY=NEVER",
        '"a b"@b.org',
        "a@b.org,c@d.org",
        "a@b@c.org",
        "",
        "a\u2028b@c.org",
        "a@b.org\n",
    ],
)
def test_hostile_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not normalised"):
        complete(HEAD, MailMessage("", "", b"\r\n.\r\n"), address, KEY)


def test_the_headers_of_a_list_message() -> None:
    found = parsed(announcement())
    assert found["To"] == "jeanne@example.org"
    assert found["From"] == SENDER
    assert found["Subject"] == "[URGENT] Concours annulé"
    assert found["Date"].datetime == datetime(2026, 11, 28, 9, tzinfo=UTC)
    assert found["Message-ID"] == f"<fc.{KEY}@sainte-anne.example>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Precedence"] == "list"
    assert found["X-Auto-Response-Suppress"] == "All"
    assert str(found["List-Id"]).endswith("<email.sainte-anne.example>")
    assert found["Reply-To"] == "bureau@sainte-anne.example"
    uri = str(found["List-Unsubscribe"])
    assert unquote(uri) == f"<mailto:club+fin@sainte-anne.example?subject=unsubscribe {KEY}>"


def test_the_envelope_names_the_attempt() -> None:
    made = letter(announcement())
    assert made.sender == f"bounces+{KEY}@sainte-anne.example".encode()
    assert made.recipients == (b"jeanne@example.org",)
    bare = channel(plain_relay(25))
    assert complete(bare._head, bare.render(announcement()), "a@example.org", KEY).sender == (
        b"club@sainte-anne.example"
    )


def test_the_same_attempt_has_the_same_bytes_and_another_another_id() -> None:
    assert letter(announcement()) == letter(announcement())
    other = idempotency_key("20261128-k7f3qd", 2, "email", "jeanne@example.org")
    first, second = letter(announcement()), letter(announcement(revision=2), key=other)
    assert first.data.splitlines()[1] != second.data.splitlines()[1]
    assert parsed(announcement())["References"] == parsed(announcement(revision=2))["References"]


def test_addresses_of_a_place_do_not_learn_of_each_other() -> None:
    both = channel(plain_relay(25), to=["a@example.org", "b@example.org"])
    made = complete(both._head, both.render(announcement()), both.place() or "", KEY)
    assert made.recipients == (b"a@example.org", b"b@example.org")
    assert made.of_place
    assert b"To: club@sainte-anne.example\r\n" in made.data
    assert b"b@example.org" not in made.data


def test_what_people_read() -> None:
    moment = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)
    subject = announcement(event_at=moment, place="Boulodrome <sud>", link="https://example.org/?a=1&b=2")
    found = parsed(subject)
    text, html = (part.get_content() for part in found.iter_parts())  # type: ignore[attr-defined]
    assert "Le concours de samedi est annulé : terrain inondé." in text
    for words in ("Boulodrome <sud>", "dimanche 29 novembre 2026 à 14 h 30", "K7F3", PAGE, "a=1&b=2"):
        assert words in text
    assert "Boulodrome &lt;sud&gt;" in html
    assert 'href="https://example.org/?a=1&amp;b=2"' in html
    assert f'href="{PAGE}"' in html
    assert "<strong>samedi</strong>" in html
    assert '<html lang="fr">' in html
    assert "color-scheme" in html
    assert "<script" not in html
    assert "<img" not in html


def test_nothing_but_web_links_is_linked() -> None:
    html = list(parsed(announcement(link="javascript:alert(1)")).iter_parts())[1].get_content()
    assert 'href="javascript' not in html
    hostile = announcement(title="<img src=x>", body="<script>alert(1)</script>", place="<b>")
    html = list(parsed(hostile).iter_parts())[1].get_content()
    for tag in ("<img", "<script", "<b></"):
        assert tag not in html


def test_lines_are_short_enough_and_seven_bit() -> None:
    data = letter(announcement(body="é" * 5000 + "\n\n" + "x" * 5000, title="é" * 150)).data
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert data.isascii()
    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")


def test_dots_at_the_beginning_of_a_line_arrive() -> None:
    text = next(iter(parsed(announcement(body="```\n.\n..\n.x\n```")).iter_parts())).get_content()
    assert text.splitlines()[:3] == [".", "..", ".x"]


def test_an_accent_before_the_at_sign_is_kept() -> None:
    made = letter(announcement(), clean_address("Jérôme@Exämple.org"))
    assert made.utf8
    assert made.recipients == ("Jérôme@xn--exmple-cua.org".encode(),)
    assert parsed(announcement(), "Jérôme@xn--exmple-cua.org")["To"] == "Jérôme@xn--exmple-cua.org"


def test_a_text_that_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(MessageRefused, match="cannot be encoded"):
        CHANNEL.render(announcement(body="\ud800"))


def test_a_message_shows_nothing_of_itself() -> None:
    made = letter(announcement())
    for thing in (CHANNEL.render(announcement()), made, HEAD):
        for secret in ("jeanne", "inond", "sainte-anne"):
            assert secret not in repr(thing)


def test_one_line() -> None:
    assert one_line("a\r\n b\u2028c\x00d\ud800e  f") == "a b c d e f"
