"""What carries HTTP requests: httpx over aiohttp, and what its faults mean.

It loads with the first request, not with the settings: together they take a third of a second.
httpx's own pool slows down by the number of connections (docs/decisions/0003). This transport reports
a lost answer as if the connection had never been made, so faults are told apart by their cause,
never by httpx's class.
"""

from __future__ import annotations

import logging
import socket
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from fallback_cast.channels.kit import net
from fallback_cast.channels.kit.http import MAX_ANSWER_BYTES, tls_reason
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, SendError, Unavailable

# Request lines hold tokens (Telegram) and addresses (Kannel): none may reach a log.
for _name in ("httpx", "httpcore", "aiohttp", "aiohttp.client", "aiohttp.internal"):
    logging.getLogger(_name).disabled = True

FAULTS = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError)


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


def open_client(
    context: ssl.SSLContext | None,
    *,
    headers: dict[str, str],
    auth: tuple[str, str] | None,
    connect_s: float,
    read_s: float,
    max_connections: int,
    fresh: bool,
) -> httpx.AsyncClient:
    """A client that follows no redirect, keeps no cookie, and repeats nothing by itself."""
    keep: dict[str, Any] = {} if fresh else {"keepalive_timeout": 5.0}
    connector = aiohttp.TCPConnector(
        limit=max_connections,
        ssl=context if context is not None else True,
        resolver=_Resolver(),
        force_close=fresh,
        **keep,
    )
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    # aiohttp would send a GET or PUT again by itself when a kept connection turns out dead.
    session._retry_connection = False
    return httpx.AsyncClient(
        transport=AiohttpTransport(client=session, verify=context or False),
        headers=headers,
        auth=auth,
        # httpx has a jar of its own, which keeps what the session above throws away.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(read_s, connect=connect_s, pool=2 * connect_s),
        follow_redirects=False,
        trust_env=False,
    )


async def whole_answer(response: httpx.Response) -> httpx.Response:
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


def fault_of(raised: BaseException) -> SendError:
    """Not connected: surely not sent. Anything after that: it may have gone out."""
    error = raised.__cause__ if isinstance(raised, httpx.HTTPError) and raised.__cause__ else raised
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
