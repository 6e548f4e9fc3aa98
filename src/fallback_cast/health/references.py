"""References: addresses in other networks that answer the question *is it us?* (design §6).

A reference counts as answering only with what nobody on our own line could make up: a name server's
answer to a real question, a page behind a valid certificate, or a plain page that is not the same for
every question. Captive portals (hotel, campus, a prepaid line without credit) answer for everybody.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import ssl
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from fallback_cast.channels.kit import net
from fallback_cast.channels.kit.http import HttpClient
from fallback_cast.channels.kit.probe import probe_application
from fallback_cast.model.errors import Layer, SendError, Unavailable
from fallback_cast.model.health import Check
from fallback_cast.model.texts import Phrase

LOOK_S = 5.0  # one look, whatever happens
DNS_PORT = 53
_WRONG = re.compile(r"a wrong (page|certificate) answers \(([0-9a-f]{8})\)")
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_OUR_CLOCK = ("expired", "not yet valid")  # of a certificate: says nothing about who answered


class _Answer(Protocol):
    """What is looked at of an HTTP answer."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class Reference:
    """One reference as written in the settings: `tcp://host:port` or a web address.

    At port 53 a real question is asked over TCP; other tcp ports only have to take a connection.
    """

    def __init__(self, written: str, ca_file: Path | None = None) -> None:
        self.name = written
        self._ca_file = ca_file
        parts = urlsplit(written)
        self._scheme, self._host = parts.scheme, parts.hostname or ""
        self._port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def __repr__(self) -> str:
        return f"Reference({self.name!r})"

    async def look(self) -> Check:
        """Ask now, over a new connection, for at most LOOK_S seconds. Never raises for a fault."""
        ask = self._ask_server if self._scheme == "tcp" else self._ask_web
        return await probe_application(ask, within_s=LOOK_S)

    # -- tcp:// --------------------------------------------------------------------------------

    async def _ask_server(self) -> str:
        try:
            sock = await net.connect(self._host, self._port)
        except OSError as error:
            raise net.unreachable(error) from None
        reader, writer = await asyncio.open_connection(sock=sock)
        try:
            if self._port != DNS_PORT:
                return ""
            return await _ask_for_root(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            raise Unavailable("the connection broke before the answer was complete") from None
        finally:
            writer.transport.abort()

    # -- http:// and https:// ------------------------------------------------------------------

    async def _ask_web(self) -> str:
        async with HttpClient(self._origin, ca_file=self._ca_file, read_s=LOOK_S, fresh=True) as client:
            try:
                response = await client.request("GET", self._path)
            except SendError as error:
                raise await self._stranger(error) from None
            self._refuse_redirect(response)
            if self._scheme == "http":
                await self._refuse_portal(client, response)
            return f"HTTP {response.status_code}"

    async def _stranger(self, error: SendError) -> SendError:
        """The error as it is, or marked with the certificate that somebody else showed."""
        refused = error.layer is Layer.TLS and error.reason.startswith("certificate not valid")
        if not refused or any(word in error.reason for word in _OUR_CLOCK):
            return error
        shown = await _shown_certificate(self._host, self._port)
        return _wrong("certificate", shown, Layer.TLS) if shown else error

    def _refuse_redirect(self, response: _Answer) -> None:
        """To another host goes only who is not the one that was asked; `www.` is the same house."""
        if not 300 <= response.status_code < 400:
            return
        target = urlsplit(urljoin(self._origin + self._path, response.headers.get("location", "")))
        host = (target.hostname or "").removeprefix("www.")
        if host != self._host.removeprefix("www."):
            raise _wrong("page", host.encode())

    async def _refuse_portal(self, client: HttpClient, response: _Answer) -> None:
        """Without a certificate anybody may answer: does the page depend on what was asked?"""
        if response.status_code >= 500 and response.status_code != 511:
            raise Unavailable(f"HTTP {response.status_code}")
        # RFC 6585 §6; addresses made for this question answer 204 and nothing else.
        if response.status_code == 511 or (
            self._path.endswith("generate_204") and response.status_code != 204
        ):
            raise _wrong("page", self._essence(response))
        if response.status_code == 200 and "html" in response.headers.get("content-type", ""):
            other = await client.request("GET", f"/{secrets.token_hex(8)}")
            if other.status_code == 200 and self._essence(other) == self._essence(response):
                raise _wrong("page", self._essence(response))

    def _essence(self, response: _Answer) -> bytes:
        """What stays the same of a portal's page when another host was asked for: its title, if any."""
        title = _TITLE.search(response.content)
        return title[1].strip() if title else response.content.replace(self._host.encode(), b"")


def _wrong(what: str, essence: bytes, layer: Layer = Layer.SERVICE) -> Unavailable:
    mark = hashlib.sha256(essence).hexdigest()[:8]
    if what == "page":
        return Unavailable(Phrase("a wrong page answers ({mark})", mark=mark), layer=layer)
    return Unavailable(Phrase("a wrong certificate answers ({mark})", mark=mark), layer=layer)


async def _ask_for_root(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Who serves the root of all names (RFC 1035 §4.2.2): every resolver knows, at no cost to anybody."""
    import dns.exception
    import dns.message
    import dns.rcode
    import dns.rdataclass
    import dns.rdatatype

    question = dns.message.make_query(".", dns.rdatatype.NS)
    wire = question.to_wire()
    writer.write(struct.pack("!H", len(wire)) + wire)
    (size,) = struct.unpack("!H", await reader.readexactly(2))
    try:
        answer = dns.message.from_wire(await reader.readexactly(size))
    except dns.exception.DNSException:
        raise Unavailable("this is no name server's answer") from None
    if not question.is_response(answer):
        raise Unavailable("this is no name server's answer")
    if answer.rcode() != dns.rcode.NOERROR:
        raise Unavailable(Phrase("the name server answers {code}", code=dns.rcode.to_text(answer.rcode())))
    root = question.question[0].name
    if answer.get_rrset(answer.answer, root, dns.rdataclass.IN, dns.rdatatype.NS) is None:
        raise Unavailable("the name server does not know the root")
    return "the name server answers"


async def _shown_certificate(host: str, port: int) -> bytes:
    """The certificate that a server shows, whoever it is; empty if it cannot be had. Nothing is sent."""
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    try:
        sock = await net.connect(host, port)
        _, writer = await asyncio.open_connection(sock=sock, ssl=anybody, server_hostname=host)
    except (ssl.SSLError, OSError):
        return b""
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    writer.transport.abort()
    return shown


def captive(checks: Sequence[Check]) -> bool:
    """Whether somebody on our own line answers in place of all references: a captive portal.

    Pure; `checks` are one look at each reference (their layer and detail may come from the ledger).
    No reference answered as it should, and whatever did answer showed one and the same page, and one
    and the same certificate.
    """
    marks: dict[str, set[str]] = {}
    for check in checks:
        if check.ok:
            return False
        if found := _WRONG.fullmatch(check.detail):
            marks.setdefault(found[1], set()).add(found[2])
    return bool(marks) and all(len(seen) == 1 for seen in marks.values())
