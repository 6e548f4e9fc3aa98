"""The way to a server of the site, by our own names and routes."""

from __future__ import annotations

import asyncio
import socket

from fallback_cast.channels.kit import net
from fallback_cast.channels.site.target import Target

CONNECT_S = 5.0


async def reach(target: Target) -> socket.socket:
    """A connected socket. Raises Unavailable."""
    try:
        async with asyncio.timeout(CONNECT_S):
            return await net.connect(target.host, target.port)
    except OSError as error:
        raise net.unreachable(error) from None
