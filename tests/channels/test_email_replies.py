"""Every answer of a mail server in the table of what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.channels.email.replies import Step, refusal
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    Scope,
    SendError,
    Throttled,
    Unavailable,
)

ANSWERS: list[tuple[str, Step, type[SendError], Scope]] = [
    # The server has trouble.
    ("421 4.3.2 Service shutting down", Step.GREETING, Unavailable, Scope.PLATFORM),
    ("421 mx.example.org closing", Step.MAIL, Unavailable, Scope.PLATFORM),
    ("451 4.3.0 Queue file write error", Step.BODY, Unavailable, Scope.PLATFORM),
    ("451 4.3.0 Try again later", Step.BODY, Unavailable, Scope.PLATFORM),
    ("452 4.3.1 Insufficient system storage", Step.MAIL, Unavailable, Scope.PLATFORM),
    ("452 Insufficient system storage", Step.RCPT, Unavailable, Scope.PLATFORM),
    ("454 4.7.0 Temporary authentication failure", Step.AUTH, Unavailable, Scope.PLATFORM),
    ("455 Parameters not accommodated", Step.MAIL, Unavailable, Scope.PLATFORM),
    ("450 4.7.1 Client host not found", Step.MAIL, Unavailable, Scope.PLATFORM),
    # Later, for this address, over the same server.
    ("450 4.2.0 Greylisted for 300 seconds", Step.RCPT, Throttled, Scope.ADDRESS),
    ("451 4.7.1 Greylisting in action, please come back later", Step.RCPT, Throttled, Scope.ADDRESS),
    ("451 4.7.24 Policy says not yet", Step.RCPT, Throttled, Scope.ADDRESS),
    ("451 4.3.0 Try again later", Step.RCPT, Throttled, Scope.ADDRESS),
    ("451 Graylisted", Step.BODY, Throttled, Scope.ADDRESS),
    ("450 4.7.1 Recipient address rejected", Step.RCPT, Throttled, Scope.ADDRESS),
    ("452 4.2.2 Mailbox full", Step.RCPT, Throttled, Scope.ADDRESS),
    ("552 5.2.2 Over quota", Step.RCPT, Throttled, Scope.ADDRESS),
    ("552 Too many recipients", Step.RCPT, Throttled, Scope.ADDRESS),
    ("450 Mailbox busy", Step.RCPT, Throttled, Scope.ADDRESS),
    # We are too fast.
    ("421 4.7.0 Too many messages, closing", Step.RCPT, Throttled, Scope.ACCOUNT),
    ("450 4.7.1 Error: too much mail from 192.0.2.1", Step.RCPT, Throttled, Scope.ACCOUNT),
    ("451 4.7.1 Too many messages, slow down", Step.RCPT, Throttled, Scope.ACCOUNT),
    ("452 4.7.28 Unusual", Step.BODY, Throttled, Scope.ACCOUNT),
    ("451 4.4.5 Congestion", Step.RCPT, Throttled, Scope.ACCOUNT),
    ("421 Too many connections", Step.GREETING, Throttled, Scope.ACCOUNT),
    ("550 5.4.5 Daily user sending limit exceeded", Step.RCPT, Throttled, Scope.ACCOUNT),
    # The address is wrong or gone.
    ("550 5.1.1 User unknown", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("553 5.1.2 No such domain", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("501 5.1.3 Bad address syntax", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("550 5.1.6 Moved", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("556 5.1.10 Null MX", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("550 5.2.1 Disabled", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("550 5.2.1 Disabled", Step.BODY, AddressRefused, Scope.ADDRESS),
    ("551 User not local", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("556 Does not accept mail", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("550 5.4.1 Recipient address rejected: Access denied", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("550 5.5.0 Requested action not taken: mailbox unavailable", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("550 No such user here", Step.RCPT, AddressRefused, Scope.ADDRESS),
    ("550 5.1.0 Address rejected", Step.RCPT, AddressRefused, Scope.ADDRESS),
    # This text.
    ("552 5.3.4 Message too big", Step.MAIL, MessageRefused, Scope.PLACE),
    ("552 Size limit exceeded", Step.MAIL, MessageRefused, Scope.PLACE),
    ("552 5.2.3 Longer than the mailbox allows", Step.BODY, MessageRefused, Scope.PLACE),
    ("554 5.6.0 Malformed", Step.BODY, MessageRefused, Scope.PLACE),
    ("550 5.7.1 Message content rejected", Step.BODY, MessageRefused, Scope.PLACE),
    ("554 Transaction failed", Step.BODY, MessageRefused, Scope.PLACE),
    # Our account or settings.
    ("530 5.7.0 Must issue a STARTTLS command first", Step.MAIL, AccessDenied, Scope.ACCOUNT),
    ("534 5.7.9 Application-specific password required", Step.AUTH, AccessDenied, Scope.ACCOUNT),
    ("535 5.7.8 Bad credentials", Step.AUTH, AccessDenied, Scope.ACCOUNT),
    ("535 Bad credentials", Step.AUTH, AccessDenied, Scope.ACCOUNT),
    ("538 Encryption required", Step.AUTH, AccessDenied, Scope.ACCOUNT),
    ("550 5.7.60 Client may not send as this sender", Step.BODY, AccessDenied, Scope.ACCOUNT),
    ("553 5.1.8 Sender domain not found", Step.RCPT, AccessDenied, Scope.ACCOUNT),
    ("553 5.1.1 Sender unknown", Step.MAIL, AccessDenied, Scope.ACCOUNT),
    ("554 No SMTP service here", Step.GREETING, AccessDenied, Scope.ACCOUNT),
    ("554 5.7.1 Relay access denied", Step.RCPT, AccessDenied, Scope.ACCOUNT),
    ("550 relay not permitted", Step.RCPT, AccessDenied, Scope.ACCOUNT),
    ("502 Command not implemented", Step.RCPT, AccessDenied, Scope.ACCOUNT),
    ("555 Parameters not recognised", Step.RCPT, AccessDenied, Scope.ACCOUNT),
    # Our reputation with one recipient's server: never the address.
    ("550 5.7.1 Refused by policy", Step.RCPT, AccessDenied, Scope.ADDRESS),
    ("550 5.7.23 SPF", Step.BODY, AccessDenied, Scope.ADDRESS),
    ("550 5.7.25 PTR", Step.RCPT, AccessDenied, Scope.ADDRESS),
    ("550 5.7.26 Unauthenticated", Step.BODY, AccessDenied, Scope.ADDRESS),
    ("550 5.7.515 Access denied", Step.BODY, AccessDenied, Scope.ADDRESS),
    ("550 Blocked: listed on a blocklist", Step.RCPT, AccessDenied, Scope.ADDRESS),
    ("554 Rejected", Step.RCPT, AccessDenied, Scope.ADDRESS),
]


def _answered(answer: str, step: Step, *, of_place: bool = False) -> SendError:
    code, _, text = answer.partition(" ")
    return refusal(int(code), text, step, of_place=of_place)


@pytest.mark.parametrize(("answer", "step", "wanted", "scope"), ANSWERS)
def test_an_answer_means(answer: str, step: Step, wanted: type[SendError], scope: Scope) -> None:
    error = _answered(answer, step)
    assert type(error) is wanted, error
    assert error.scope is scope, error


@pytest.mark.parametrize(("answer", "step", "wanted", "scope"), ANSWERS)
def test_about_a_place_nothing_is_said_of_an_address(
    answer: str, step: Step, wanted: type[SendError], scope: Scope
) -> None:
    error = _answered(answer, step, of_place=True)
    assert type(error) is wanted
    assert error.scope is (Scope.PLACE if scope is Scope.ADDRESS else scope)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("550 4.4.1 Try tomorrow", Unavailable),
        ("450 5.1.1 User unknown", AddressRefused),
        ("450 5.7.1 Refused", AccessDenied),
        ("551 5.7.1 Not local", AddressRefused),  # 551 has one meaning only
    ],
)
def test_the_enhanced_code_beats_the_three_digits(answer: str, wanted: type[SendError]) -> None:
    assert type(_answered(answer, Step.RCPT)) is wanted


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ("450 4.2.0 Greylisted, come back in 90 seconds", 90),
        ("451 4.7.1 Greylisted; retry in 5 minutes", 300),
        ("450 4.2.0 Greylisted", 300),
        ("450 4.2.0 Greylisted for 99999 s", 3600),
        ("451 4.7.1 Greylisted for 0 seconds", 300),
        ("452 4.2.2 Mailbox full", 1800),
        ("421 4.7.0 Too many messages", 60),
    ],
)
def test_how_long_to_wait(answer: str, seconds: float) -> None:
    error = _answered(answer, Step.RCPT)
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


@given(st.integers(400, 599), st.text(max_size=200), st.sampled_from(Step), st.booleans())
def test_every_answer_means_something_and_its_text_is_not_repeated(
    code: int, text: str, step: Step, of_place: bool
) -> None:
    secret = "jeanne@example.org"
    error = refusal(code, f"{text} <{secret}> {text}", step, of_place=of_place)
    assert isinstance(error, SendError)
    assert secret not in str(error)
    assert error.reason.isprintable()


def test_a_reason_names_code_and_command() -> None:
    error = _answered("550 5.1.1 <jeanne@example.org>: User unknown", Step.RCPT)
    assert error.reason == "550 5.1.1 to RCPT: no such mailbox"
