"""A mail server on loopback for the `email` channel; it asks for STARTTLS and a login, like a real relay."""

from __future__ import annotations

import atexit
import logging
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from fallback_cast.channels.email import EmailChannel, Settings, build
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.model.announcement import Club
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.receipt import Signer
from tests.channels.fake import CLUB, Fake, Scene
from tests.counterparts import smtp_faults as smtp
from tests.counterparts.ports import refused_port
from tests.counterparts.tls import Certificates, make_certificates

USERNAME = "club-relay"
PASSWORD = "pw-mot-de-passe-mail"
# The server stands in this process and logs what it is told; the contract is about what we log.
logging.getLogger("mail.log").disabled = True

SENDER = "Pétanque club <club@sainte-anne.example>"


@cache
def certificates() -> Certificates:
    directory = Path(mkdtemp(prefix="fake-email-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return make_certificates(directory)


def channel(
    *relays: dict[str, Any], club: Club = CLUB, signer: Signer | None = None, **settings: Any
) -> EmailChannel:
    common = {"name": "email", "kind": "email", "sender": SENDER, "relay": list(relays)}
    return build(Settings.model_validate(common | settings), BuildContext(club=club, signer=signer))


def relay(port: int, **settings: Any) -> dict[str, Any]:
    """Settings of a relay on loopback that is waited for only briefly."""
    return {
        "host": "localhost",
        "port": port,
        "username": USERNAME,
        "password": PASSWORD,
        "ca_file": str(certificates().ca_file),
        "rate": 1000,
        "connect_timeout": "0.5s",
        "command_timeout": "0.5s",
        "final_timeout": "0.5s",
    } | settings


def plain_relay(port: int, **settings: Any) -> dict[str, Any]:
    """A relay without encryption and login."""
    return {key: value for key, value in relay(port).items() if key not in ("username", "password")} | {
        "security": "none",
        **settings,
    }


# By what the server answers to one recipient, or at one step of the conversation.
BY_RECIPIENT: dict[str, type[SendError] | None] = {
    "nobody": AddressRefused,
    "full": Throttled,
    "policy": AccessDenied,
    "rate": Throttled,
    "closing": Throttled,
    "grey": Throttled,
    "big": MessageRefused,
    "spam": MessageRefused,
    "later": Unavailable,
    "hang": OutcomeUnknown,
    "lost": OutcomeUnknown,
    "thrown": OutcomeUnknown,
    "early": Unavailable,
}


@dataclass(frozen=True)
class Told:
    step: smtp.Step
    answer: str
    error: type[SendError]


BY_STEP: dict[str, Told] = {
    "busy": Told("greeting", "421 4.3.2 Busy", Unavailable),
    "not_welcome": Told("greeting", "554 5.7.1 You may not connect", AccessDenied),
    "cut_at_greeting": Told("greeting", smtp.DROP, Unavailable),
    "hang_at_ehlo": Told("ehlo", smtp.HANG, Unavailable),
    "cut_at_starttls": Told("starttls", smtp.DROP, Unavailable),
    "no_tls_today": Told("starttls", "454 4.7.0 TLS not available", Unavailable),
    "wrong_password": Told("auth", "535 5.7.8 Wrong", AccessDenied),
    "login_trouble": Told("auth", "454 4.7.0 Temporary authentication failure", Unavailable),
    "cut_at_auth": Told("auth", smtp.DROP, Unavailable),
    "wrong_sender": Told("mail", "553 5.7.1 Sender address rejected: not owned by user", AccessDenied),
    "too_many": Told("mail", "452 4.7.0 Too many messages", Throttled),
    "cut_at_mail": Told("mail", smtp.DROP, Unavailable),
    "hang_at_mail": Told("mail", smtp.HANG, Unavailable),
    "cut_at_rcpt": Told("rcpt", smtp.DROP, Unavailable),
    "hang_at_rcpt": Told("rcpt", smtp.HANG, Unavailable),
    "hang_at_data": Told("data", smtp.HANG, Unavailable),
    "no_text_today": Told("data", "451 4.3.0 Local trouble", Unavailable),
    "daily_limit": Told("rcpt", "550 5.4.5 Daily user sending limit exceeded", Throttled),
    "nonsense": Told("rcpt", "hello there", Unavailable),
    "nonsense_at_the_end": Told("body", "hello there", OutcomeUnknown),
    "odd_at_the_end": Told("body", "354 Go on", OutcomeUnknown),
    "closing_at_the_end": Told("body", "421 4.3.2 Shutting down", Unavailable),
}


class EmailFake(Fake):
    kind = "email"
    secrets = (PASSWORD, USERNAME)
    key_on_wire = True
    cases: Mapping[str, type[SendError] | None] = {
        "ok": None,
        "refused": Unavailable,
        "silent": Unavailable,
        "unresolvable": Unavailable,
        **BY_RECIPIENT,
        **{case: told.error for case, told in BY_STEP.items()},
    }

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        word = case if case in BY_RECIPIENT else "jeanne"
        with _server(case) as (faults, host, port):
            if case in BY_STEP:
                faults.always(BY_STEP[case].step, BY_STEP[case].answer)
            yield Scene(
                channel(relay(port, host=host)),
                f"{word}-membre@example.org",
                requests=lambda: sum(command.startswith("MAIL") for command in faults.commands),
                keys=lambda: [_key(mail) for mail in faults.mails],
                messages=lambda: len(faults.mails),
            )


@contextmanager
def _server(case: str) -> Iterator[tuple[smtp.SmtpFaults, str, int]]:
    """The server that a case needs; where no mail can arrive, one that stays unused."""
    with ExitStack() as stack:
        context = certificates().server_context()
        faults = stack.enter_context(smtp.smtp_faults(context, username=USERNAME, password=PASSWORD))
        host, port = "localhost", faults.port
        if case == "refused":
            port = stack.enter_context(refused_port())
        elif case == "silent":
            port = stack.enter_context(smtp.silent_server()).port
        elif case == "unresolvable":
            host = "nowhere.invalid"
        yield faults, host, port


def _key(mail: smtp.Mail) -> str:
    found = re.fullmatch(r"<fc\.([0-9a-f]{32})@sainte-anne\.example>", mail.message["Message-ID"])
    assert found, "no key in the Message-ID"
    return found[1]


FAKE = EmailFake()
