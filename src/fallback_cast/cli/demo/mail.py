"""A small mail server that takes mail for the mailboxes it knows and refuses all others (RFC 5321)."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

LINE_LIMIT = 2000  # RFC 5321 §4.5.3.1.6 asks for 1000 octets at least
_PATH = re.compile(rb"(?:FROM|TO):<([^<>\s]*)>.*", re.IGNORECASE)


@dataclass(slots=True)
class _Envelope:
    sender: bytes | None = None
    recipients: list[str] = field(default_factory=list)


class MailServer:
    """`taken` holds address and text (subject and plain part) of every letter, one row a recipient."""

    def __init__(self, mailboxes: Collection[str]) -> None:
        self.taken: list[tuple[str, str]] = []
        self._mailboxes = mailboxes
        self._talks: set[asyncio.Task[None]] = set()

    async def listen(self, stack: AsyncExitStack, host: str) -> int:
        """Start to serve; returns the port."""
        server = await asyncio.start_server(self._meet, host, 0, limit=LINE_LIMIT * 100)
        stack.push_async_callback(self._close, server)
        return int(server.sockets[0].getsockname()[1])

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the caller has gone
        finally:
            self._talks.discard(talk)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ready\r\n")
        envelope = _Envelope()
        while line := await reader.readline():
            verb, _, rest = line.rstrip(b"\r\n").partition(b" ")
            verb = verb.upper()
            if verb == b"DATA" and envelope.recipients:
                writer.write(b"354 go on, end with a dot\r\n")
                self._take(envelope, await _letter(reader))
                envelope = _Envelope()
                writer.write(b"250 2.0.0 taken\r\n")
            elif verb == b"RSET":
                envelope = _Envelope()
                writer.write(b"250 2.0.0 forgotten\r\n")
            else:
                writer.write(self._reply(envelope, verb, rest) + b"\r\n")
            await writer.drain()
            if verb == b"QUIT":
                return

    def _reply(self, envelope: _Envelope, verb: bytes, rest: bytes) -> bytes:
        match verb:
            case b"EHLO":
                return b"250-mail.example\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SIZE 10000000"
            case b"HELO" | b"NOOP":
                return b"250 at your service"
            case b"QUIT":
                return b"221 2.0.0 goodbye"
            case b"MAIL":
                return self._name_sender(envelope, rest)
            case b"RCPT":
                return self._name_recipient(envelope, rest)
            case b"DATA":
                return b"503 5.5.1 name a recipient first"
        return b"502 5.5.1 unknown command"

    def _name_sender(self, envelope: _Envelope, rest: bytes) -> bytes:
        path = _PATH.fullmatch(rest)
        if path is None or envelope.sender is not None:
            return b"503 5.5.1 one sender, once"
        envelope.sender = path[1]
        return b"250 2.1.0 fine"

    def _name_recipient(self, envelope: _Envelope, rest: bytes) -> bytes:
        path = _PATH.fullmatch(rest)
        if path is None or envelope.sender is None:
            return b"503 5.5.1 name the sender first"
        address = path[1].decode("ascii", "replace")
        if address not in self._mailboxes:
            return b"550 5.1.1 no such mailbox"
        envelope.recipients.append(address)
        return b"250 2.1.5 known"

    def _take(self, envelope: _Envelope, letter: bytes) -> None:
        message = email.message_from_bytes(letter, policy=email.policy.default)
        body = message.get_body(("plain",))
        text = f"{message['subject']}\n\n{body.get_content() if body is not None else ''}"
        self.taken += [(address, text) for address in envelope.recipients]


async def _letter(reader: asyncio.StreamReader) -> bytes:
    """The text up to the dot on a line of its own, dots taken away (RFC 5321 §4.5.2)."""
    lines: list[bytes] = []
    while (line := await reader.readline()) != b".\r\n":
        if not line:
            raise asyncio.IncompleteReadError(b"", None)
        lines.append(line.removeprefix(b"."))
    return b"".join(lines)
