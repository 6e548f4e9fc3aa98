"""One HTTP request, and what its fault or answer means for a message (facts §13.1).

httpx is the API; its aiohttp transport carries it, because httpx's own pool slows down by the number
of connections (docs/decisions/0003). That transport reports a lost answer as if the connection had
never been made, so faults are told apart by their cause, never by httpx's class.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from fallback_cast.channels.kit import net
from fallback_cast.model.errors import (
    AccessDenied,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
    UserError,
)

# Request lines hold tokens (Telegram) and addresses (Kannel): none may reach a log.
for _name in ("httpx", "httpcore", "aiohttp", "aiohttp.client", "aiohttp.internal"):
    logging.getLogger(_name).disabled = True

MAX_RETRY_AFTER_S = 3600.0
MAX_ANSWER_BYTES = 1_000_000


class _Resolver(AbstractResolver):
    """Names through `net.resolve`, whose threads never hold up the exit."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        infos = await net.resolve(host, port)
        return [
            ResolveResult(hostname=host, host=address[0], port=port, family=fam, proto=proto, flags=0)
            for fam, _, proto, _, address in infos
        ]

    async def close(self) -> None:
        return None


class HttpClient:
    """Requests to one provider. Follows no redirect, keeps no cookie, repeats nothing by itself."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        ca_file: Path | None = None,
        connect_s: float = 5.0,
        read_s: float = 15.0,
        max_connections: int = 50,
        fresh: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers or {})
        self._auth = auth
        self._ca_file = ca_file
        self._connect_s, self._read_s = min(connect_s, read_s), read_s
        self._max_connections = max_connections
        self._fresh = fresh
        self._client: httpx.AsyncClient | None = None

    def fresh(self, *, connect_s: float = 5.0, read_s: float = 10.0) -> HttpClient:
        """The same provider over new connections, which only the reads of one probe share.

        Never more patient than the sends themselves.
        """
        return HttpClient(
            self.base_url,
            headers=self._headers,
            auth=self._auth,
            ca_file=self._ca_file,
            connect_s=min(connect_s, self._connect_s),
            read_s=min(read_s, self._read_s),
            max_connections=1,
        )

    async def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """One request, its whole answer read. Raises Unavailable if it surely did not go out, else
        OutcomeUnknown; every answer, of any status, is returned (`raise_for_answer` judges it), cut
        after MAX_ANSWER_BYTES.

        An answer that drips in for ever ends too: connecting and reading together have twice their
        own time-outs, and a connection that takes too long has been given up well before that.
        """
        if self._client is None:
            self._client = self._open()
        try:
            async with asyncio.timeout(2 * (self._connect_s + self._read_s)):
                async with self._client.stream(method, self.base_url + path, **kwargs) as response:
                    return await _whole(response)
        except httpx.HTTPError as error:
            raise _fault(error.__cause__ or error) from None
        except (aiohttp.ClientError, OSError, httpx.InvalidURL) as error:
            raise _fault(error) from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _open(self) -> httpx.AsyncClient:
        context = ssl_context(self._ca_file) if self.base_url.startswith("https:") else None
        keep: dict[str, Any] = {} if self._fresh else {"keepalive_timeout": 5.0}
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            ssl=context if context is not None else True,
            resolver=_Resolver(),
            force_close=self._fresh,
            **keep,
        )
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # aiohttp would send a GET or PUT again by itself when a kept connection turns out dead.
        session._retry_connection = False
        return httpx.AsyncClient(
            transport=AiohttpTransport(client=session, verify=context or False),
            headers=self._headers,
            auth=self._auth,
            # httpx has a jar of its own, which keeps what the session above throws away.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(self._read_s, connect=self._connect_s, pool=2 * self._connect_s),
            follow_redirects=False,
            trust_env=False,
        )


async def _whole(response: httpx.Response) -> httpx.Response:
    """The answer with its body read and decoded; what is longer than MAX_ANSWER_BYTES is left unread."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            break
    decoded = (b"content-encoding", b"content-length", b"transfer-encoding")
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in decoded]
    return httpx.Response(
        response.status_code, headers=headers, content=bytes(content), request=response.request
    )


def ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """Verification always on; the system's certificate authorities, or only those in `ca_file`.

    Raises UserError if that file cannot be read or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as error:
        raise UserError(
            "the file of the certificate authority cannot be used", where="ca_file", hint=str(ca_file)
        ) from error


def _fault(error: BaseException) -> SendError:
    """Not connected: surely not sent. Anything after that: it may have gone out."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return Unavailable(tls_reason(error), layer=Layer.TLS)
        case aiohttp.ClientConnectorDNSError():
            cause = error.os_error
            return Unavailable(
                net.name_fault(cause) if isinstance(cause, socket.gaierror) else "name look-up failed",
                layer=Layer.NAME,
            )
        case aiohttp.ClientConnectorError():
            return Unavailable(net.route_fault(error.os_error), layer=Layer.ROUTE)
        case aiohttp.ConnectionTimeoutError() | httpx.PoolTimeout():
            return Unavailable("no connection in time", layer=Layer.ROUTE)
        case (
            aiohttp.InvalidURL()
            | aiohttp.NonHttpUrlClientError()
            | httpx.UnsupportedProtocol()
            | httpx.InvalidURL()
        ):
            return AccessDenied("the address of the provider in the settings is not valid")
        case aiohttp.SocketTimeoutError() | TimeoutError():
            return OutcomeUnknown("no answer in time")
        case _:
            return OutcomeUnknown("the connection broke before the answer was complete")


def tls_reason(error: BaseException) -> str:
    """Why a TLS connection was refused by us, without host names."""
    cause: BaseException = (
        getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate not valid: {cause.verify_message.split(',')[0].lower()}"
    return "no TLS connection"


def raise_for_answer(response: httpx.Response) -> None:
    """Raise what a status means for a message, where the provider says nothing more exact.

    2xx returns. A 5xx of the provider's own (JSON) is its word that nothing went out; a proxy's page,
    408, 502 and 504 are not.
    """
    status = response.status_code
    if 200 <= status < 300:
        return
    reason = f"HTTP {status}"
    if status in (420, 429) or (status == 503 and "retry-after" in response.headers):
        raise Throttled(reason, retry_after(response) or 5.0)
    if status in (408, 502, 504):
        raise OutcomeUnknown(reason)
    if status >= 500:
        raise Unavailable(reason) if json_body(response) is not None else OutcomeUnknown(reason)
    if status in (400, 413, 415, 422):
        raise MessageRefused(reason)
    raise AccessDenied(reason)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds of a `Retry-After` header (RFC 9110 §10.2.3), as number or date, at most an hour."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def json_body(response: httpx.Response) -> dict[str, Any] | None:
    """The answer as a JSON object, or None if it is none."""
    if len(response.content) > MAX_ANSWER_BYTES:
        return None
    try:
        value = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
