"""Probes in layers: name, route, TLS, then whatever application the channel has (design §6)."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fallback_cast.channels.kit import net
from fallback_cast.channels.kit.http import HttpClient, tls_reason
from fallback_cast.model.errors import Layer, SendError, Throttled
from fallback_cast.model.health import Check


async def probe_http(
    client: HttpClient, ask: Callable[[HttpClient], Awaitable[str]], *, tls: ssl.SSLContext | None = None
) -> list[Check]:
    """Layers of an HTTP provider. `ask` makes one cheap read over a new connection and returns what
    it saw, or raises a SendError. `tls` defaults to the system's authorities for https.
    """
    parts = urlsplit(client.base_url)
    secure = parts.scheme == "https"
    checks = await probe_connection(
        parts.hostname or "",
        parts.port or (443 if secure else 80),
        tls if tls is not None else (ssl.create_default_context() if secure else None),
    )
    if checks[-1].ok:
        async with client.fresh() as fresh:
            checks.append(await probe_application(lambda: ask(fresh)))
    return checks


async def probe_connection(host: str, port: int, tls: ssl.SSLContext | None = None) -> list[Check]:
    """Name, route and, if asked, TLS over one new connection; ends with the first that failed."""
    checks: list[Check] = []
    started = time.perf_counter()
    try:
        await net.resolve(host, port)
    except socket.gaierror as error:
        return [Check(Layer.NAME, False, time.perf_counter() - started, net.name_fault(error))]
    checks.append(Check(Layer.NAME, True, time.perf_counter() - started))
    started = time.perf_counter()
    try:
        async with asyncio.timeout(5.0):
            sock = await net.connect(host, port)
    except OSError as error:
        return [*checks, Check(Layer.ROUTE, False, time.perf_counter() - started, net.route_fault(error))]
    checks.append(Check(Layer.ROUTE, True, time.perf_counter() - started))
    if tls is None:
        sock.close()
    else:
        checks.append(await _probe_tls(sock, host, tls))
    return checks


async def _probe_tls(sock: socket.socket, host: str, tls: ssl.SSLContext) -> Check:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(5.0):
            _, writer = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=host)
    except (ssl.SSLError, OSError) as error:
        sock.close()
        reason = "no TLS answer in time" if isinstance(error, TimeoutError) else tls_reason(error)
        return Check(Layer.TLS, False, time.perf_counter() - started, reason)
    elapsed = time.perf_counter() - started
    days = days_left(writer.get_extra_info("peercert"))
    writer.transport.abort()
    return Check(Layer.TLS, True, elapsed, "" if days is None else f"certificate valid for {days} days")


def days_left(certificate: dict[str, str] | None) -> int | None:
    """Whole days until a server's certificate (`peercert`) ends; None if it does not say."""
    if not certificate or "notAfter" not in certificate:
        return None
    return int((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) // 86400)


async def probe_application(ask: Callable[[], Awaitable[str]], layer: Layer = Layer.SERVICE) -> Check:
    """One application check of this layer: what `ask` saw, or its SendError as a failed layer."""
    started = time.perf_counter()
    try:
        detail = await ask()
    except Throttled as error:  # limiting us is a sign of life
        return Check(Layer.RATE, True, time.perf_counter() - started, error.reason)
    except SendError as error:
        return Check(error.layer or Layer.SERVICE, False, time.perf_counter() - started, error.reason)
    return Check(layer, True, time.perf_counter() - started, detail)
