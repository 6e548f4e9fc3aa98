"""Apprise: how a message is cut to a service's size and markup."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallback_cast.channels.apprise import rendering
from fallback_cast.channels.apprise.service import load_service
from fallback_cast.model.errors import (
    MessageRefused,
)
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_apprise import build, posts
from tests.counterparts.http_faults import HttpFaults

PAGE = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"


def sized(url: str, body: int, title: int) -> Any:
    service = load_service(url).service
    service.body_maxlen, service.title_maxlen = body, title
    return service


def render(service: Any, page: str | None = PAGE, **changes: Any) -> rendering.AppriseMessage:
    return rendering.render_for(service, announcement(**changes), CLUB, page)


def test_sms_sized_services_keep_link_and_code() -> None:
    message = render(load_service("freemobile://12345678@abcdefghijklmn").service, body="Lorem ipsum. " * 90)
    assert len(message.body) <= 160
    assert message.title == ""
    assert message.body.startswith("[URGENT] Concours annulé")
    assert PAGE in message.body
    assert "K7F3" in message.body
    assert "…" in message.body
    assert "Lorem" in message.text.split("…")[0]


def test_a_long_title_is_cut_and_stands_whole_in_the_body() -> None:
    title = "Le concours de samedi est reporté " * 5
    message = render(sized("json://example.org/", 2000, 40), title=title.strip())
    assert len(message.title) <= 40
    assert message.title.endswith("…")
    assert title.strip() in message.body


def test_without_room_for_the_code_the_message_is_refused() -> None:
    with pytest.raises(MessageRefused):
        render(sized("json://example.org/", 5, 0))


def test_desktop_services_get_few_lines() -> None:
    service = sized("json://example.org/", 2000, 200)
    service.body_max_line_count = 2
    message = render(service, body="eins\n\nzwei\n\ndrei")
    assert message.body.count("\n") < 2
    assert "K7F3" in message.body


@pytest.mark.parametrize("form", ["text", "html", "markdown"])
def test_a_book_is_cut_without_delay(form: str) -> None:
    started = time.perf_counter()
    message = render(
        sized(f"json://example.org/?format={form}", 4000, 0), body="Une *phrase* de plus. " * 40_000
    )
    assert time.perf_counter() - started < 10
    assert "K7F3" in message.body
    assert len(message.body) > 3500


_texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=600)


@settings(max_examples=60, deadline=None)
@given(
    body=_texts
    | st.lists(
        st.sampled_from(["**a**", "\n\n", "- x", "&", "<b>", "_u_", "`c`", " long " * 9]), max_size=60
    ).map("".join),
    title=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200),
    room=st.integers(110, 900),
    title_room=st.sampled_from([0, 20, 250]),
    form=st.sampled_from(["text", "html", "markdown"]),
)
def test_any_text_fits_and_keeps_link_and_code(
    body: str, title: str, room: int, title_room: int, form: str
) -> None:
    service = sized(f"json://example.org/?format={form}", room, title_room)
    message = render(service, title=title, body=body)
    assert len(message.title) <= title_room
    length = rendering._length(service, message.body) if form != "text" else len(message.body)
    assert length <= room
    assert "K7F3" in message.body
    assert PAGE in message.body or room < 220
    assert message.body_format == ("text" if form == "text" else "html")


async def test_what_fits_is_not_cut_again_by_apprise(http_faults: HttpFaults) -> None:
    channel = build(f"json://127.0.0.1:{http_faults.port}/")
    message = channel.render(announcement(body="Une phrase de plus. " * 5000), PAGE)
    assert len(message.body) <= 32768
    await channel.send(message, "configured", "key")
    assert posts(http_faults)[0].json()["message"] == message.body
