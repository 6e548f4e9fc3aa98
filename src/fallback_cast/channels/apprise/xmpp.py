"""Whether an XMPP server's encryption would hold: Apprise itself says yes when it does not.

Seen with Apprise 2.2.0 and Prosody 0.12.3, 2026-11: with a certificate that nobody vouches for its XMPP
service breaks off before the login, delivers nothing and answers yes. Only the probe can tell.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from html import escape

from fallback_cast.channels.kit import net
from fallback_cast.channels.kit.http import tls_reason
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check

PATIENCE_S = 5.0


async def probe_starttls(host: str, port: int, domain: str, tls: ssl.SSLContext) -> Check:
    """Open a stream, ask for STARTTLS, shake hands and leave (RFC 6120 §4.2, §5.4)."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _shake_hands(host, port, domain, tls)
    except TimeoutError:
        reason = "no TLS answer in time"
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        reason = "the server offers no STARTTLS"
    except (ssl.SSLError, OSError) as error:
        reason = tls_reason(error)
    else:
        return Check(Layer.TLS, True, time.perf_counter() - started)
    return Check(Layer.TLS, False, time.perf_counter() - started, reason)


async def _shake_hands(host: str, port: int, domain: str, tls: ssl.SSLContext) -> None:
    sock = await net.connect(host, port)
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        writer.write(
            f"<?xml version='1.0'?><stream:stream to='{escape(domain)}' version='1.0' xmlns='jabber:client'"
            " xmlns:stream='http://etherx.jabber.org/streams'>".encode()
        )
        await reader.readuntil(b"</stream:features>")
        writer.write(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        await reader.readuntil(b"<proceed")
        await reader.readuntil(b">")
        await writer.start_tls(tls, server_hostname=domain)
    finally:
        writer.transport.abort()
