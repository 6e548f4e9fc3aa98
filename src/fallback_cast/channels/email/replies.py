"""What a mail server's refusal means: one table, read from top to bottom, the first match wins.

The enhanced status code (RFC 3463; registry https://www.iana.org/assignments/smtp-enhanced-status-codes,
2024-12-06) beats the three digits (RFC 5321 §4.2), because many servers answer 550 to everything.
Texts are read only to tell apart what the codes leave open, and never kept: they hold addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum

from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    MessageRefused,
    Scope,
    SendError,
    Throttled,
    Unavailable,
)


class Step(StrEnum):
    """The command that was answered."""

    GREETING = "greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "the message"


class Meaning(Enum):
    DOWN = "the server has trouble"
    LATER = "not now for this address; another server would start the wait anew"
    SLOWER = "we are too fast for our account"
    ADDRESS = "the address is wrong or gone"
    CONTENT = "this text is not taken"
    ACCOUNT = "our login, sender or rights are refused"
    POLICY = "this recipient's server does not want us: our reputation, not the address"


GREYLIST_S = 300.0  # Postgrey's default; most greylists open after 5 to 15 minutes
FULL_S = 1800.0  # RFC 5321 §4.5.4.1: at least 30 minutes between two tries
SLOWER_S = 60.0
DAY_S = 3600.0  # a daily limit: our waits are an hour at most
_HINT_LIMIT_S = 3600.0

_CONNECTING = frozenset({Step.GREETING, Step.EHLO, Step.STARTTLS, Step.AUTH})
_MAIL = frozenset({Step.MAIL})
_RCPT = frozenset({Step.RCPT})
_TEXT = frozenset({Step.DATA, Step.BODY})
_ONE = _RCPT | _TEXT  # answers about one recipient
_ANY = _CONNECTING | _MAIL | _ONE


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_GREY = _re(r"gr[ae]y.?list")
_AGAIN = _re(r"try again|retry|\blater\b")
_FAST = _re(r"\brate\b|too (many|fast|much)|throttl|slow down|limit|exceed|quota")
_PLAINLY_FAST = _re(r"\brate\b|too (many|fast)|throttl|slow down")
_UNKNOWN = _re(
    r"(user|mailbox|recipient|address|account|alias)\b.{0,40}\b"
    r"(unknown|not (found|exist|known)|unavailable|disabled|inactive|invalid|does(n.t| not) exist)"
    r"|(unknown|no such|invalid) (user|mailbox|recipient|address)|no mailbox"
)
_NO_RELAY = _re(r"relay(ing)?( access)? (is )?(denied|not|prohibited)|authenticat|log ?in")
_POLICY = _re(
    r"polic|spam|\bspf\b|dkim|dmarc|reputation|(black|block|deny).?list|blocked|\bd?n?s?[br]bl\b"
    r"|denied|not (allowed|permitted|authori[sz]ed)|reverse dns|\bptr\b"
)
_CONTENT = _re(r"content|virus|malware|attachment|message.{0,20}(spam|reject)")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. What is left out matches everything; `enhanced` matches by its parts,
    so that "5.1" stands for 5.1.1 but not for 5.10.
    """

    meaning: Meaning
    words: str
    codes: frozenset[int] = frozenset()
    enhanced: tuple[str, ...] = ()
    steps: frozenset[Step] = _ANY
    text: re.Pattern[str] | None = None
    wait_s: float = SLOWER_S

    def matches(self, code: int, enhanced: str, text: str, step: Step) -> bool:
        return (
            step in self.steps
            and (not self.codes or code in self.codes)
            and (not self.enhanced or any(f"{enhanced}.".startswith(f"{part}.") for part in self.enhanced))
            and (self.text is None or self.text.search(text) is not None)
        )


def _c(*codes: int) -> frozenset[int]:
    return frozenset(codes)


_BUSY = _c(421, 450, 451, 452)
_BAD_COMMAND = _c(500, 501, 502, 503, 504, 555)
_M = Meaning

_NOT_YET, _LOGIN, _FULL = "not yet for this address", "login or sender not accepted", "mailbox full"

TEMPORARY: tuple[Row, ...] = (
    Row(_M.LATER, "greylisted", steps=_ONE, text=_GREY, wait_s=GREYLIST_S),
    Row(_M.SLOWER, "sending too fast", enhanced=("4.7.28", "4.4.5")),
    Row(_M.SLOWER, "sending too fast", _BUSY, ("4.7",), text=_FAST),
    # A full mailbox says nothing about the server, so it is not Unavailable: three members on
    # holiday must not look like an outage.
    Row(_M.LATER, _FULL, enhanced=("4.2.2",), steps=_ONE, wait_s=FULL_S),
    Row(_M.LATER, _NOT_YET, _c(450), ("4.2.0", "4.7.1"), _ONE, wait_s=GREYLIST_S),
    Row(_M.LATER, _NOT_YET, _c(451), ("4.7.1", "4.7.24"), _ONE, wait_s=GREYLIST_S),
    # The same words after the whole message mean the server itself.
    Row(_M.LATER, _NOT_YET, _c(451), ("4.3",), _RCPT, _AGAIN, GREYLIST_S),
    Row(_M.LATER, _NOT_YET, enhanced=("4.1", "4.2"), steps=_RCPT, wait_s=FULL_S),
    Row(_M.DOWN, "temporary trouble", enhanced=("4",)),
    # Without an enhanced code.
    Row(_M.SLOWER, "sending too fast", _BUSY, text=_PLAINLY_FAST),
    Row(_M.LATER, "mailbox busy", _c(450), steps=_RCPT, wait_s=GREYLIST_S),  # RFC 5321 §4.2.3
    Row(_M.DOWN, "temporary trouble"),
)

PERMANENT: tuple[Row, ...] = (
    # Gmail: "550-5.4.5 Daily user sending limit exceeded", over a rolling day, with a link to
    # https://support.google.com/mail/?p=DailyLimitExceeded (seen 2026-11).
    Row(_M.SLOWER, "daily limit reached", enhanced=("5.4.5",), text=_FAST, wait_s=DAY_S),
    Row(_M.ACCOUNT, _LOGIN, _c(530, 534, 535, 538)),
    Row(_M.ACCOUNT, _LOGIN, enhanced=("5.7.8", "5.7.9", "5.7.60", "5.1.7", "5.1.8")),
    Row(_M.ACCOUNT, "this server does not let us in", steps=_CONNECTING),
    Row(_M.CONTENT, "message too big", enhanced=("5.3.4", "5.2.3")),
    Row(_M.CONTENT, "content not accepted", enhanced=("5.6",)),
    Row(_M.CONTENT, "message too big", _c(552), steps=_MAIL),  # RFC 1870 §6.1
    Row(_M.ACCOUNT, "sender not accepted", steps=_MAIL),
    # From here on it is about one recipient, or the text sent to it.
    Row(_M.LATER, _FULL, enhanced=("5.2.2",), wait_s=FULL_S),  # soft: full today is no wrong address
    Row(_M.ADDRESS, "no such mailbox", enhanced=("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")),
    Row(_M.ADDRESS, "no such mailbox", _c(551, 556)),
    Row(_M.CONTENT, "content not accepted", enhanced=("5.7",), steps=_TEXT, text=_CONTENT),
    Row(
        _M.ACCOUNT, "not allowed to send through this server", enhanced=("5.7",), steps=_RCPT, text=_NO_RELAY
    ),
    Row(_M.POLICY, "refused by policy", enhanced=("5.7",)),
    # What Exchange Online (5.4.1) and Outlook.com (5.5.0) say of a mailbox that does not exist:
    # https://www.spamresource.com/2023/09/microsoft-multiple-types-of-invalid.html, read 2026-11.
    Row(_M.ADDRESS, "no such mailbox", enhanced=("5.4.1", "5.4.4"), steps=_RCPT),
    Row(_M.ADDRESS, "no such mailbox", _c(550), ("5.5.0",), _ONE, _UNKNOWN),
    Row(_M.ACCOUNT, "the server does not know what we ask", _BAD_COMMAND),
    Row(_M.ACCOUNT, "the server does not know what we ask", enhanced=("5.5",)),
    # RFC 5321 §4.5.3.1.10: 552 to an address may mean "too many at once", to be taken as temporary.
    Row(_M.LATER, _FULL, _c(552), steps=_RCPT, wait_s=FULL_S),
    Row(_M.CONTENT, "message too big", _c(552)),
    Row(_M.ACCOUNT, "not allowed to send through this server", steps=_RCPT, text=_NO_RELAY),
    Row(_M.POLICY, "refused by policy", steps=_ONE, text=_POLICY),
    Row(_M.ADDRESS, "no such mailbox", steps=_ONE, text=_UNKNOWN),
    Row(_M.ADDRESS, "no such mailbox", enhanced=("5.1", "5.2"), steps=_ONE),
    Row(_M.ADDRESS, "no such mailbox", _c(550, 553), steps=_RCPT),
    Row(_M.CONTENT, "content not accepted", steps=_TEXT),
    Row(_M.POLICY, "refused"),
)

_ENHANCED = re.compile(r"([45])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_HINT = _re(r"(\d{1,5})\s*(s|sec|secs|seconds?|m|min|mins|minutes?)\b")


def refusal(code: int, text: str, step: Step, *, of_place: bool = False) -> SendError:
    """The error that an answer of 4xx or 5xx to `step` means; `of_place`: the address is a place."""
    match = _ENHANCED.match(text)
    enhanced = match[0] if match else ""
    if match and int(match[1]) != code // 100:
        code = int(match[1]) * 100 + 50  # it beats the three digits, also about how long it lasts
    table = TEMPORARY if code < 500 else PERMANENT
    row = next(row for row in table if row.matches(code, enhanced, text, step))
    reason = f"{code} {enhanced}".strip() + f" to {step}: {row.words}"
    return _error(row, reason, text, Scope.PLACE if of_place else Scope.ADDRESS)


def _error(row: Row, reason: str, text: str, narrow: Scope) -> SendError:
    match row.meaning:
        case Meaning.DOWN:
            return Unavailable(reason)
        case Meaning.ADDRESS:
            return AddressRefused(reason, scope=narrow)
        case Meaning.CONTENT:
            return MessageRefused(reason)
        case Meaning.ACCOUNT:
            return AccessDenied(reason)
        case Meaning.POLICY:
            return AccessDenied(reason, layer=Layer.SERVICE, scope=narrow)
        case Meaning.LATER | Meaning.SLOWER:
            later = Throttled(reason, _hinted_s(text) or row.wait_s)
            later.scope = narrow if row.meaning is Meaning.LATER else Scope.ACCOUNT
            return later


def _hinted_s(text: str) -> float | None:
    """Seconds to wait, if the server names them ("in 300 seconds", "after 5 minutes"); an hour at most."""
    hint = _HINT.search(text)
    if hint is None:
        return None
    seconds = float(hint[1]) * (60.0 if hint[2].lower().startswith("m") else 1.0)
    return min(seconds, _HINT_LIMIT_S) or None
