"""An SMTP server in our own process that fails on demand, at every step of the conversation.

Two ways to ask for a failure. By recipient: `full@any.test`, `full-7@any.test` and `full+tag@any.test`
all meet what `RECIPIENTS` or `BODIES` says of `full`. By step: `faults.next("auth", "535 5.7.8 No")` uses
up one reply, `faults.always("auth", ...)` keeps it. A reply is an SMTP line, or DROP, or HANG; at the step
"body" also LOSE. Clients refused at "auth" often try the next mechanism at once: use `always` there.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult

from tests.counterparts.ports import HOST, silent_server

__all__ = ["DROP", "HANG", "LOSE", "Mail", "SmtpFaults", "silent_server", "smtp_faults"]

DROP = "drop"  # cut the connection instead of answering; at "body": the mail is thrown away
HANG = "hang"  # never answer
LOSE = "lose"  # keep the mail, then cut the connection: accepted, but the sender cannot know

Step = Literal["greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body"]
Tls = Literal["none", "starttls", "implicit"]

# Answers to RCPT TO, by the first word of the local part.
RECIPIENTS = {
    "full": "452 4.2.2 Mailbox full",
    "nobody": "550 5.1.1 User unknown",
    "policy": "550 5.7.1 Refused by policy",
    "rate": "451 4.7.1 Too many messages, slow down",
    "closing": "421 4.7.0 Too many messages, closing connection",
}
GREYLISTED = "451 4.7.1 Greylisted, try again later"  # "grey": only the first time
# Answers once the whole body has arrived.
BODIES = {
    "big": "552 5.3.4 Message too big",
    "spam": "550 5.7.1 Message content rejected",
    "later": "451 4.3.0 Try again later",
    "hang": HANG,
    "lost": LOSE,
    "thrown": DROP,
}
EARLY = "early"  # the connection is cut when DATA is asked for


@dataclass(frozen=True)
class Mail:
    """A mail the server took. `answered` is false where the sender was left without an answer."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    login: str | None
    tls: bool
    answered: bool = True

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.data, policy=default)


@dataclass
class SmtpFaults:
    host: str
    port: int
    tls: Tls
    username: str
    password: str
    mails: list[Mail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    pipelining: bool = True
    _next: dict[str, deque[str]] = field(default_factory=dict)
    _always: dict[str, str] = field(default_factory=dict)
    _greeted: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def next(self, step: Step, *replies: str) -> None:
        """Answer so once each, in this order."""
        self._next.setdefault(step, deque()).extend(replies)

    def always(self, step: Step, reply: str) -> None:
        self._always[step] = reply

    def forget(self) -> None:
        """Back to the state of a new server."""
        self.connections = 0
        for memory in (self.mails, self.commands, self._next, self._always, self._greeted):
            memory.clear()

    def mails_to(self, recipient: str) -> list[Mail]:
        return [mail for mail in self.mails if recipient in mail.recipients]

    def wait_for_mails(self, count: int, deadline: float = 10) -> list[Mail]:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.mails) >= count, deadline):
                raise TimeoutError(f"{len(self.mails)} of {count} mails after {deadline} s")
        return list(self.mails)

    def take(self, step: Step) -> str | None:
        queue = self._next.get(step)
        return queue.popleft() if queue else self._always.get(step)

    def answer_to_recipient(self, address: str) -> str | None:
        word = first_word(address)
        if word == "grey" and address not in self._greeted:
            self._greeted.add(address)
            return GREYLISTED
        return RECIPIENTS.get(word)

    def keep(self, mail: Mail) -> None:
        with self._changed:
            self.mails.append(mail)
            self._changed.notify_all()


def first_word(address: str) -> str:
    return re.split(r"[-+@]", address, maxsplit=1)[0]


@contextmanager
def smtp_faults(
    certificate: ssl.SSLContext | None = None,
    *,
    tls: Tls | None = None,
    auth: bool = True,
    username: str = "club",
    password: str = "pw-smtp",
    size_limit: int = 1_000_000,
    utf8: bool = True,
) -> Iterator[SmtpFaults]:
    """Without a certificate there is no TLS; with one, STARTTLS is offered unless `tls` says otherwise."""
    mode: Tls = tls or ("starttls" if certificate else "none")
    faults = SmtpFaults(HOST, 0, mode, username, password)
    context = certificate if mode == "starttls" else None
    with _loop() as loop:
        conversations: list[_Conversation] = []

        def conversation() -> _Conversation:
            new = _Conversation(faults, auth, context, loop, data_size_limit=size_limit, enable_SMTPUTF8=utf8)
            conversations.append(new)
            return new

        server = _call(loop, _listen(conversation, certificate if mode == "implicit" else None))
        faults.port = server.sockets[0].getsockname()[1]
        try:
            yield faults
        finally:
            _call(loop, _end(server, conversations))


class _Conversation(SMTP):
    """aiosmtpd's conversation, interrupted before each step to ask the script."""

    def __init__(
        self,
        faults: SmtpFaults,
        auth: bool,
        context: ssl.SSLContext | None,
        loop: asyncio.AbstractEventLoop,
        **options: Any,
    ) -> None:
        super().__init__(
            _Mailbox(faults),
            hostname="faults.test",
            ident="ESMTP",
            tls_context=context,
            require_starttls=context is not None,
            auth_require_tls=context is not None,
            auth_exclude_mechanism=() if auth else ("PLAIN", "LOGIN"),
            authenticator=self._authenticate_user,
            loop=loop,
            **options,
        )
        self.faults, self.auth = faults, auth

    async def _handle_client(self) -> None:
        self.faults.connections += 1
        if not await self._interrupted("greeting"):
            await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:
        if not await self._interrupted("ehlo"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:
        if not await self._interrupted("starttls"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:
        if not await self._interrupted("auth"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:
        self.faults.commands.append(f"MAIL {arg}")
        if await self._interrupted("mail"):
            return
        if self.auth and not (self.session and self.session.authenticated):
            await self.push("530 5.7.0 Authentication required")
            return
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        self.faults.commands.append(f"RCPT {arg}")
        if not await self._interrupted("rcpt"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        assert self.envelope is not None
        early = any(first_word(recipient) == EARLY for recipient in self.envelope.rcpt_tos)
        if not await self._interrupted("data", DROP if early else None):
            await super().smtp_DATA(arg)

    async def _interrupted(self, step: Step, otherwise: str | None = None) -> bool:
        reply = self.faults.take(step) or otherwise
        if reply is None:
            return False
        await self.perform(reply)
        return True

    async def perform(self, reply: str) -> None:
        transport = self.transport
        assert isinstance(transport, asyncio.Transport)
        if reply == HANG:
            await asyncio.Event().wait()
        if reply in (DROP, LOSE):
            transport.abort()
            return
        await self.push(reply)
        if reply.startswith("421"):
            transport.close()

    def _authenticate_user(self, *context: Any) -> AuthResult:
        data = context[-1]
        wanted = (self.faults.username.encode(), self.faults.password.encode())
        # Left unhandled, a refusal becomes aiosmtpd's own 535 5.7.8.
        return AuthResult(success=(data.login, data.password) == wanted, handled=False, auth_data=data)


class _Mailbox:
    """The handler aiosmtpd asks about recipients and bodies."""

    def __init__(self, faults: SmtpFaults) -> None:
        self.faults = faults

    async def handle_EHLO(
        self, server: _Conversation, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if self.faults.pipelining:
            responses.insert(1, "250-PIPELINING")
        return responses

    async def handle_RCPT(
        self, server: _Conversation, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        reply = self.faults.answer_to_recipient(address)
        if reply is None:
            envelope.rcpt_tos.append(address)
            return "250 2.1.5 OK"
        if reply.startswith("421"):
            assert server.transport is not None
            server.loop.call_soon(server.transport.close)
        return reply

    async def handle_DATA(self, server: _Conversation, session: Any, envelope: Any) -> str:
        reply = self.faults.take("body") or self._by_recipient(envelope.rcpt_tos)
        if reply in (None, LOSE, HANG):
            secure = server.transport is not None and bool(server.transport.get_extra_info("ssl_object"))
            self.faults.keep(_mail(session, envelope, secure, answered=reply is None))
        if reply is None:
            return f"250 2.0.0 OK: queued as {len(self.faults.mails)}"
        if reply in (LOSE, HANG, DROP):
            await server.perform(reply)
        elif reply.startswith("421"):
            assert server.transport is not None
            server.loop.call_soon(server.transport.close)
        return reply

    @staticmethod
    def _by_recipient(recipients: list[str]) -> str | None:
        return next((BODIES[word] for word in map(first_word, recipients) if word in BODIES), None)


def _mail(session: Any, envelope: Any, secure: bool, answered: bool) -> Mail:
    login = session.auth_data.login.decode() if session.authenticated else None
    recipients = tuple(envelope.rcpt_tos)
    return Mail(envelope.mail_from or "", recipients, envelope.original_content, login, secure, answered)


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def _call(loop: asyncio.AbstractEventLoop, work: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(work, loop).result(10)


async def _listen(
    conversation: Callable[[], _Conversation], context: ssl.SSLContext | None
) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(conversation, HOST, 0, ssl=context, backlog=512)


async def _end(server: asyncio.Server, conversations: list[_Conversation]) -> None:
    server.close()
    for conversation in conversations:
        if isinstance(conversation.transport, asyncio.Transport):
            conversation.transport.abort()
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
