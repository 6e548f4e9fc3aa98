"""Links to leave and to acknowledge: only ours open, each only its own page."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.channels.sms.reports import USE
from fallback_cast.model.links import Page, link, read_link
from fallback_cast.model.receipt import PREFIX_LENGTH, Signer, Told
from tests.virtual_time import BEGIN

KEY = "0123456789abcdef0123456789abcdef"
SIGNER = Signer(b"s" * 32)


def token(page: Page) -> str:
    address = link("https://club.example/news/", page, SIGNER, KEY)
    begin, _, found = address.rpartition("/")
    assert begin == f"https://club.example/news/{page.value}"
    return found


def test_a_yes_becomes_a_receipt_of_the_attempt() -> None:
    told = {}
    for page in Page:
        receipt = read_link(page, token(page), SIGNER, BEGIN)
        assert receipt is not None
        assert receipt.key_prefix == KEY[:PREFIX_LENGTH]
        told[page] = receipt.told
    assert told == {Page.UNSUBSCRIBE: Told.UNSUBSCRIBED, Page.ACKNOWLEDGE: Told.ACKNOWLEDGED}


def test_a_token_opens_its_own_page_only() -> None:
    others = [SIGNER.token(KEY), SIGNER.token(KEY, USE)]
    for page in Page:
        for strange in [*others, *(token(other) for other in Page if other is not page)]:
            assert read_link(page, strange, SIGNER, BEGIN) is None
    assert SIGNER.prefix(token(Page.UNSUBSCRIBE)) is None, "nor does it pass for a bounce"


def test_another_club_cannot_make_them() -> None:
    assert read_link(Page.UNSUBSCRIBE, token(Page.UNSUBSCRIBE), Signer(b"x" * 32), BEGIN) is None


@given(st.text() | st.from_regex(r"[0-9a-f]{32}", fullmatch=True))
def test_whatever_a_stranger_types(text: str) -> None:
    assert all(read_link(page, text, SIGNER, BEGIN) is None for page in Page)
