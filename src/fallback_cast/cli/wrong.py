"""What is wrong with an answer to `init`: a sentence, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fallback_cast.model.texts import Phrase

Check = Callable[[str], str]  # what is wrong with an answer; empty if nothing is


def missing(text: str) -> str:
    return "" if text else Phrase("an answer is wanted here")


def or_nothing(wrong: Check) -> Check:
    return lambda text: wrong(text) if text else ""


def no_word(text: str) -> str:
    return "" if text and text.isprintable() and " " not in text else Phrase("one word, without spaces")


def no_web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("https", "http") and parts.hostname and (parts.port or True)
    except ValueError:
        good = False
    if not good or no_word(text) or "?" in text or "#" in text or "@" in text:
        return Phrase("write it from https:// on, without ? and #, as the browser shows it")
    return ""


def no_address(text: str) -> str:
    from fallback_cast.channels.email.addresses import clean_address

    try:
        clean_address(text)
    except ValueError:
        return Phrase("this is no email address")
    return "" if text.isascii() else Phrase("an address without accents, please")


def no_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        return Phrase("a zone is written like Europe/Paris or Indian/Reunion")
    return ""


def no_host(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text):
        return ""
    return Phrase("only the name of the server, such as smtp.example.org")


def no_port(text: str) -> str:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return ""
    return Phrase("a number, mostly 465 or 587")


def no_bot_token(text: str) -> str:
    if re.fullmatch(r"\d+:[A-Za-z0-9_-]+", text):
        return ""
    return Phrase("a bot token looks like 123456789:letters-and-digits; @BotFather gives it")


def no_chat(text: str) -> str:
    if re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{3,}|-?\d+", text):
        return ""
    return Phrase("a Telegram address is @name of a channel or group, or the number of a chat")


def no_room(text: str) -> str:
    if text.startswith("!") and not no_word(text):
        return ""
    return Phrase("a Matrix address is the id of a room: it begins with ! and stands in the room's settings")


def no_apprise_url(text: str) -> str:
    if re.fullmatch(r"[a-z0-9]+://\S+", text):
        return ""
    return Phrase("an Apprise url begins with the name of a service and ://")
