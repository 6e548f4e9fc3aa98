"""Probes in layers: name, route, TLS, then whatever application the channel has (design §6)."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

from fallback_cast.channels.kit.http import HttpClient, tls_reason
from fallback_cast.channels.kit.way import Way
from fallback_cast.model.errors import Layer, SendError, Throttled
from fallback_cast.model.health import Check
from fallback_cast.model.texts import Phrase

TLS_S = 5.0
RENEW_DAYS = 14  # a certificate with no more days left is worth a word

Ask = Callable[[HttpClient], Awaitable[str]]


async def probe_http(
    client: HttpClient,
    ask: Ask,
    *further: tuple[Ask, Layer],
    tls: ssl.SSLContext | None = None,
    detour: bool = True,
) -> list[Check]:
    """Layers of an HTTP provider. `ask` makes one cheap read over a new connection and returns what
    it saw, or raises a SendError; so does each of `further`, about a layer of its own, while all is
    well. `tls` defaults to the system's authorities for https; `detour` is as for `Way`.
    """
    parts = urlsplit(client.base_url)
    secure = parts.scheme == "https"
    tls = tls if tls is not None else (ssl.create_default_context() if secure else None)
    async with Way(parts.hostname or "", parts.port or (443 if secure else 80), detour=detour) as way:
        if await _reach(way, parts.hostname or "", tls):
            async with client.fresh() as fresh:
                for step, layer in ((ask, Layer.SERVICE), *further):
                    way.checks.append(await probe_application(partial(step, fresh), layer, way.left()))
                    if not way.checks[-1].ok or way.checks[-1].layer is Layer.RATE:
                        break
        return await way.ended()


async def probe_connection(
    host: str, port: int, tls: ssl.SSLContext | None = None, *, detour: bool = True
) -> list[Check]:
    """Name, route and, if asked, TLS over one new connection; ends with the first that failed."""
    async with Way(host, port, detour=detour) as way:
        await _reach(way, host, tls)
        return await way.ended()


async def _reach(way: Way, host: str, tls: ssl.SSLContext | None) -> bool:
    """Name, route and, if asked, TLS; the connection is not kept."""
    sock = await way.open()
    if sock is None:
        return False
    if tls is None:
        sock.close()
        return True
    way.checks.append(await _probe_tls(sock, host, tls))
    return way.checks[-1].ok


async def _probe_tls(sock: socket.socket, host: str, tls: ssl.SSLContext) -> Check:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(TLS_S):
            _, writer = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=host)
    except (ssl.SSLError, OSError) as error:
        sock.close()
        reason = "no TLS answer in time" if isinstance(error, TimeoutError) else tls_reason(error)
        return Check(Layer.TLS, False, time.perf_counter() - started, reason)
    elapsed = time.perf_counter() - started
    detail = certificate_words(writer.get_extra_info("peercert"))
    writer.transport.abort()
    return Check(Layer.TLS, True, elapsed, detail)


def certificate_words(certificate: dict[str, str] | None) -> str:
    """How long a server's certificate (`peercert`) is still good for, if it says so."""
    days = days_left(certificate)
    if days is None:
        return ""
    if days <= RENEW_DAYS:
        return Phrase("the certificate ends in {days} days: have it renewed", days=days)
    return Phrase("certificate valid for {days} days", days=days)


def days_left(certificate: dict[str, str] | None) -> int | None:
    """Whole days until a server's certificate (`peercert`) ends; None if it does not say."""
    if not certificate or "notAfter" not in certificate:
        return None
    return int((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) // 86400)


async def probe_application(
    ask: Callable[[], Awaitable[str]], layer: Layer = Layer.SERVICE, within_s: float | None = None
) -> Check:
    """One application check of this layer: what `ask` saw, or its SendError as a failed layer.

    Silence for `within_s` seconds is a failure of the service.
    """
    started = time.perf_counter()
    try:
        async with asyncio.timeout(within_s):
            detail = await ask()
    except TimeoutError:
        return Check(Layer.SERVICE, False, time.perf_counter() - started, "no answer in time")
    except Throttled as error:  # limiting us is a sign of life
        return Check(Layer.RATE, True, time.perf_counter() - started, error.reason)
    except SendError as error:
        return Check(error.layer or Layer.SERVICE, False, time.perf_counter() - started, error.reason)
    return Check(layer, True, time.perf_counter() - started, detail)
