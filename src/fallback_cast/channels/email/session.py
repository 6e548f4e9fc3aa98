"""SMTP transactions over connections that are kept for a while, with the phase of every fault known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aiosmtplib import SMTP, SMTPResponse

from fallback_cast.channels.email.connection import hang_up
from fallback_cast.channels.email.conversation import Conversation
from fallback_cast.channels.email.mime import Letter
from fallback_cast.channels.email.replies import Step, refusal
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    Scope,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.message import Accepted

GOODBYE_S = 2.0
QUICK_S = 0.5  # a server that takes letters this fast may get the next one's envelope with this one's text

Following = Callable[[], Letter | None]


def nobody_follows() -> None:
    """No letter waits for this connection."""


class Session:
    """One connection and what it may carry. Letters go through it one after the other.

    Where the server takes it, MAIL, RCPT and DATA go in one write, and even together with the text of the
    letter before (RFC 2920 §3.1). A text follows only after all replies to its own envelope are read, so
    what breaks before it has surely sent nothing.
    """

    def __init__(self, smtp: SMTP, command_s: float, final_s: float) -> None:
        self._smtp = smtp
        assert smtp.transport is not None, "the dialer hands over open connections"
        self._talk = Conversation(smtp.transport)
        self.idle_since = 0.0
        self._command_s, self._final_s = command_s, final_s
        self._used = False
        self._half_done = False  # the server still holds the envelope of a letter that was refused
        size = smtp.esmtp_extensions.get("size", "")
        self._size_limit = int(size) if size.isascii() and size.isdigit() else 0
        self._takes_size = smtp.supports_extension("size")
        self._takes_dsn = smtp.supports_extension("dsn")
        self._takes_utf8 = smtp.supports_extension("smtputf8")
        self._pipelines = smtp.supports_extension("pipelining")
        self._unsaid: list[bytes] = []  # commands of this letter that were not written yet
        self._ahead: Letter | None = None  # its envelope was written with the text before
        self._quick = False

    @property
    def alive(self) -> bool:
        return self._talk.alive

    def hang_up(self) -> None:
        hang_up(self._smtp)

    async def say_goodbye(self) -> None:
        """QUIT, if the server cares to answer soon."""
        with suppress(OSError):
            self._talk.write(b"QUIT\r\n")
            await self._talk.read(GOODBYE_S)
        self.hang_up()

    async def begin(self, letter: Letter) -> bool:
        """MAIL. False: this connection had died while it was kept, nothing was begun, take another.

        Raises Unavailable, Throttled, AccessDenied or MessageRefused.
        """
        envelope = self._envelope(letter)
        said, self._ahead = self._ahead is letter, None
        if not said and self._talk.unasked:
            return False  # the server has said goodbye meanwhile
        try:
            if self._half_done and not await self._forget_envelope():
                return False
            if not said:
                self._say(*envelope)
            reply = await self._hear(Step.MAIL)
        except _Silent as silence:
            raise silence.error from None
        except Unavailable:
            if self._used:
                return False
            raise
        if reply.code == 421 and self._used:
            return False  # "too many messages over this connection" is no limit of the account
        self._used = True
        if reply.code != 250:
            refused = self._refused(reply, Step.MAIL, letter)
            await self._hear_out(len(letter.recipients) + 1)
            raise refused
        self._half_done = True
        self._say_next()
        return True

    async def _forget_envelope(self) -> bool:
        self._say(b"RSET")
        reply = await self._hear(Step.MAIL)
        self._half_done = reply.code != 250
        return not self._half_done

    def _envelope(self, letter: Letter) -> list[bytes]:
        """MAIL, RCPT and DATA. Raises MessageRefused or AccessDenied: this server cannot carry it."""
        return [
            b" ".join((b"MAIL FROM:<" + letter.sender + b">", *self._options(letter))),
            *(b"RCPT TO:<" + recipient + b">" for recipient in letter.recipients),
            b"DATA",
        ]

    def _options(self, letter: Letter) -> list[bytes]:
        """What MAIL carries (RFC 1870, 3461, 6531), and what this server cannot carry at all."""
        size = len(letter.data)
        if 0 < self._size_limit < size:
            raise MessageRefused("the message is too big for this server")
        if letter.utf8 and not self._takes_utf8:
            raise AccessDenied("this server takes no address with accents", scope=_narrow(letter))
        options = [b"SIZE=%d" % size] if self._takes_size else []
        if letter.utf8:
            options += [b"BODY=8BITMIME", b"SMTPUTF8"]
        if self._takes_dsn:
            # Bounces bring back the headers only, and name the attempt.
            options += [b"RET=HDRS", b"ENVID=" + letter.token.encode()]
        return options

    async def finish(self, letter: Letter, following: Following = nobody_follows) -> Accepted:
        """RCPT for each address, DATA and the text. Raises any of the six.

        `following` is asked for the next letter of this connection when there is one to be begun already.
        """
        try:
            refused = await self._name_recipients(letter)
            reply = await self._hear(Step.DATA)
        except _Silent as silence:
            raise silence.error from None
        if reply.code != 354:
            raise self._refused(reply, Step.DATA, letter)
        reply = await self._hand_over(letter.data + self._begin_ahead(following))
        self._half_done = False
        if not 200 <= reply.code < 300:
            raise self._refused(reply, Step.BODY, letter)
        return Accepted(reference=_reference(reply.message), note=_note(letter, refused))

    async def _name_recipients(self, letter: Letter) -> list[SendError]:
        refused: list[SendError] = []
        for left in reversed(range(len(letter.recipients))):
            reply = await self._hear(Step.RCPT)
            if not 250 <= reply.code <= 252:
                refused.append(self._refused(reply, Step.RCPT, letter))
                if reply.code == 421 or not self.alive:  # it closes the connection (RFC 5321 §3.8)
                    self.hang_up()
                    raise refused[-1]
            if left:
                self._say_next()
        if len(refused) == len(letter.recipients):
            await self._hear_out(1)
            raise _hopeful(refused)
        self._say_next()
        return refused

    async def _hear_out(self, replies: int) -> None:
        """The letter goes no further: hear what was asked already, and leave the connection usable."""
        if not self._pipelines:
            self._unsaid = []
            return
        with suppress(_Silent, Unavailable):
            for _ in range(replies):
                reply = await self._hear(Step.DATA)
                if reply.code == 354:  # it waits for a text nobody shall get
                    self.hang_up()

    def _begin_ahead(self, following: Following) -> bytes:
        """The envelope of the next letter, if it may go with the text of this one."""
        letter = following() if self._pipelines and self._quick else None
        if letter is None:
            return b""
        try:
            envelope = self._envelope(letter)
        except SendError:
            return b""  # `begin` will say so
        self._ahead = letter
        return b"".join(command + b"\r\n" for command in envelope)

    async def _hand_over(self, data: bytes) -> SMTPResponse:
        """The text and its final dot. From the first byte on, silence means that we do not know."""
        if not self._talk.alive:
            raise Unavailable("the server closed the connection before the text")
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._talk.write(data)
        try:
            reply = await self._talk.read(self._final_s)
            self._quick = loop.time() - started < QUICK_S
        except TimeoutError:
            self.hang_up()
            raise OutcomeUnknown("no answer to the message in time") from None
        except OSError:
            self.hang_up()
            raise OutcomeUnknown("the connection broke before the message was answered") from None
        if not 200 <= reply.code < 300 and not 400 <= reply.code < 600:
            self.hang_up()
            raise OutcomeUnknown("the answer to the message makes no sense")
        return reply

    # -- one command, one reply ----------------------------------------------------------------

    def _say(self, *commands: bytes) -> None:
        """Raises Unavailable. Without PIPELINING only the first goes now, the others by `_say_next`."""
        if self._pipelines:
            self._write(*commands)
        else:
            self._unsaid = list(commands)
            self._say_next()

    def _say_next(self) -> None:
        if self._unsaid:
            self._write(self._unsaid.pop(0))

    def _write(self, *commands: bytes) -> None:
        said = b"\r\n".join(commands)
        assert said.count(b"\n") == said.count(b"\r") == len(commands) - 1, "one line each"
        try:
            self._talk.write(said + b"\r\n")
        except OSError:
            self.hang_up()
            raise Unavailable("the server closed the connection") from None

    async def _hear(self, step: Step) -> SMTPResponse:
        try:
            return await self._talk.read(self._command_s)
        except TimeoutError:
            self.hang_up()
            raise _Silent(Unavailable(f"no answer to {step} in time")) from None
        except OSError:
            self.hang_up()
            raise Unavailable(f"the connection broke at {step}") from None

    def _refused(self, reply: SMTPResponse, step: Step, letter: Letter) -> SendError:
        if 400 <= reply.code < 600:
            return refusal(reply.code, reply.message, step, of_place=letter.of_place)
        self.hang_up()
        return Unavailable(f"an answer to {step} that makes no sense")


class _Silent(Exception):
    """A server that does not answer: another connection would only wait as long again."""

    def __init__(self, error: Unavailable) -> None:
        self.error = error


def _narrow(letter: Letter) -> Scope:
    return Scope.PLACE if letter.of_place else Scope.ADDRESS


def _hopeful(refused: list[SendError]) -> SendError:
    """Of several refusals the one that leaves most hope: later before never."""
    order = (Throttled, Unavailable, AccessDenied, MessageRefused, AddressRefused)
    return min(refused, key=lambda error: order.index(type(error)))


def _reference(text: str) -> str | None:
    """The server's queue id, in its own words, without addresses."""
    words = [word for word in text.split() if "@" not in word and word.isprintable()]
    return " ".join(words)[:120] or None


def _note(letter: Letter, refused: list[SendError]) -> str:
    if not refused:
        return ""
    reasons = "; ".join(dict.fromkeys(error.reason for error in refused))
    return f"{len(refused)} of {len(letter.recipients)} addresses refused: {reasons}"
