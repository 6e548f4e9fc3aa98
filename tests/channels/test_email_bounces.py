"""What a mail that came back tells: of which attempt, and whether it is final. Nobody can forge it."""

from __future__ import annotations

from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.channels.email.bounces import read_bounce
from fallback_cast.model.delivery import Outcome
from fallback_cast.model.receipt import Receipt, Signer, Told, outcome_after
from tests.virtual_time import BEGIN

SIGNER = Signer(b"k" * 32)
KEY = "0123456789abcdef0123456789abcdef"
TOKEN = SIGNER.token(KEY)


def report(action: str, status: str, to: str = f"bounces+{TOKEN}@club.test") -> bytes:
    mail = MIMEMultipart("report", report_type="delivery-status")
    mail["To"], mail["From"], mail["Subject"] = to, "MAILER-DAEMON@ext.test", "Undelivered Mail"
    mail.attach(MIMEText("sorry"))
    status_part = (
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; ext.test\n\n"
        f"Final-Recipient: rfc822; x@ext.test\nAction: {action}\nStatus: {status}\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <x@ext.test>: unknown\n"
    )
    raw = mail.as_string()
    end = raw.rindex("--===")
    boundary = raw[end:].removesuffix("--\n").removesuffix("--")
    return f"{raw[:end]}{boundary}\n{status_part}\n{boundary}--\n".encode()


def read(raw: bytes) -> Receipt | None:
    return read_bounce(raw, SIGNER, BEGIN)


def test_a_hard_bounce_names_the_attempt_and_says_that_the_address_is_gone() -> None:
    found = read(report("failed", "5.1.1"))
    assert found is not None
    assert (found.key_prefix, found.told, found.gone) == (KEY[:20], Told.FAILED, True)
    assert "@" not in found.detail


@pytest.mark.parametrize("status", ["5.7.1", "5.7.26", "5.2.2", "4.4.7", "5.0.0", "nonsense", ""])
def test_other_failures_suppress_nobody(status: str) -> None:
    found = read(report("failed", status))
    assert found is not None
    assert (found.told, found.gone) == (Told.FAILED, False)


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", ""])
def test_what_is_not_final_tells_nothing(action: str) -> None:
    assert read(report(action, "4.4.1")) is None


def test_a_positive_report_is_a_delivery() -> None:
    found = read(report("delivered", "2.0.0"))
    assert found is not None
    assert found.told is Told.DELIVERED


@pytest.mark.parametrize(
    "to", ["bounces@club.test", f"bounces+{KEY}@club.test", f"bounces+{TOKEN[:-1]}0@club.test", ""]
)
def test_who_cannot_make_our_tokens_is_not_believed(to: str) -> None:
    assert TOKEN[-1] != "0"
    assert read(report("failed", "5.1.1", to)) is None


def test_a_complaint_is_told() -> None:
    mail = MIMEMultipart("report", report_type="feedback-report")
    mail["To"] = f"bounces+{TOKEN}@club.test"
    part = MIMEText("Feedback-Type: abuse\nUser-Agent: x\nVersion: 1\n")
    part.replace_header("Content-Type", "message/feedback-report")
    mail.attach(part)
    found = read(mail.as_bytes())
    assert found is not None
    assert (found.told, found.gone) == (Told.COMPLAINT, False)


def test_a_mail_to_unsubscribe_is_told() -> None:
    raw = f"To: club@club.test\nSubject: Unsubscribe {TOKEN}\n\n".encode()
    found = read(raw)
    assert found is not None
    assert found.told is Told.UNSUBSCRIBED
    assert read(raw.replace(TOKEN.encode(), KEY.encode())) is None


@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_mail_breaks_the_reader(noise: bytes, where: int) -> None:
    whole = report("failed", "5.1.1")
    read(noise)
    read(whole[:where] + noise + whole[where:])


def test_deep_and_many_parts_are_let_be() -> None:
    mail = MIMEText("x")
    for _ in range(50):
        outer = MIMEMultipart()
        outer.attach(MIMEMessage(mail) if len(outer.keys()) % 2 else mail)
        mail = outer  # type: ignore[assignment]
    mail["To"] = f"bounces+{TOKEN}@club.test"
    assert read(mail.as_bytes()) is None


@given(st.lists(st.sampled_from(list(Told)), max_size=4, unique=True), st.sampled_from(list(Outcome)))
def test_the_order_of_receipts_does_not_matter(told: list[Told], outcome: Outcome) -> None:
    ends = set()
    for order in permutations(told):
        now, seen = outcome, set[Told]()
        for receipt in order:
            seen.add(receipt)
            now = outcome_after(now, seen)
        ends.add(now)
    assert len(ends) <= 1 or not told
    if Told.ACKNOWLEDGED in told:
        assert ends == {Outcome.DELIVERED}
    elif Told.FAILED in told:
        assert ends == {Outcome.FAILED}
