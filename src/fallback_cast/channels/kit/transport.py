"""What carries HTTP requests: aiohttp, and what its faults mean.

It loads with the first request, not with the settings: together they take a third of a second.
httpx's own pool slows down by the number of connections, and its layers cost more than all the rest of a
message (docs/decisions/0003).
"""

from __future__ import annotations

import logging
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from fallback_cast import __version__
from fallback_cast.channels.kit import net
from fallback_cast.channels.kit.http import MAX_ANSWER_BYTES, Answer, tls_reason
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, SendError, Unavailable

# Request lines hold tokens (Telegram) and addresses (Kannel): none may reach a log.
for _name in ("httpx", "httpcore", "aiohttp", "aiohttp.client", "aiohttp.internal"):
    logging.getLogger(_name).disabled = True

FAULTS = (aiohttp.ClientError, OSError)


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


def open_session(
    context: ssl.SSLContext | None,
    *,
    headers: Mapping[str, str],
    auth: tuple[str, str] | None,
    connect_s: float,
    read_s: float,
    max_connections: int,
    fresh: bool,
) -> aiohttp.ClientSession:
    """A session that follows no redirect, keeps no cookie, and repeats nothing by itself."""
    keep: dict[str, Any] = {} if fresh else {"keepalive_timeout": 5.0}
    connector = aiohttp.TCPConnector(
        limit=max_connections,
        ssl=context if context is not None else True,
        resolver=_Resolver(),
        force_close=fresh,
        **keep,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        headers={"user-agent": f"fallback-cast/{__version__}", **(_basic(auth) if auth else {}), **headers},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(
            # An answer that drips in for ever ends too.
            total=2 * (connect_s + read_s),
            connect=2 * connect_s,
            sock_connect=connect_s,
            sock_read=read_s,
        ),
    )
    # aiohttp would send a GET or PUT again by itself when a kept connection turns out dead.
    session._retry_connection = False
    return session


def _basic(auth: tuple[str, str]) -> dict[str, str]:
    """RFC 7617, in UTF-8."""
    return {"authorization": "Basic " + b64encode(":".join(auth).encode()).decode()}


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    body: bytes | None,
) -> Answer:
    """One request and its whole answer, decoded; what is longer than MAX_ANSWER_BYTES is left unread."""
    try:
        target = URL(url, encoded=True)
        _ = target.port  # only now is it read
    except ValueError:
        raise aiohttp.InvalidURL("") from None
    async with session.request(method, target, headers=headers, data=body, allow_redirects=False) as response:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                response.close()
                break
        return Answer(response.status, response.headers, bytes(content))


def fault_of(error: BaseException) -> SendError:
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
        case aiohttp.ConnectionTimeoutError():
            return Unavailable("no connection in time", layer=Layer.ROUTE)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return AccessDenied("the address of the provider in the settings is not valid")
        case aiohttp.SocketTimeoutError() | TimeoutError():
            return OutcomeUnknown("no answer in time")
        case _:
            return OutcomeUnknown("the connection broke before the answer was complete")
