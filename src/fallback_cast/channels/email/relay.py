"""One SMTP relay as a provider: paces, sends, probes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fallback_cast.channels.email.connection import Dialer, Steps, say_goodbye
from fallback_cast.channels.email.mime import Letterhead, MailMessage, complete
from fallback_cast.channels.email.pool import Pool
from fallback_cast.channels.email.session import Session
from fallback_cast.channels.email.settings import RelaySettings
from fallback_cast.channels.email.signature import Seal
from fallback_cast.channels.kit.way import Way
from fallback_cast.model.channel import Endpoint, Pace, Provider
from fallback_cast.model.errors import AddressRefused, SendError
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message

_DAY_S = 86400.0


class Relay(Provider):
    """Takes our messages and carries them on. What it accepted is its own to deliver or to bounce."""

    def __init__(
        self,
        settings: RelaySettings,
        head: Letterhead,
        domains: Sequence[str] | None,
        base_dir: Path,
        seal: Seal | None = None,
    ) -> None:
        self.name = settings.usual_name
        self.failure_domains = frozenset(settings.failure_domains or domains or (settings.host.lower(),))
        # One letter over each connection, and one that waits: its envelope goes with the text before it.
        self.max_in_flight = 2 * settings.max_connections
        self.endpoints = (Endpoint(settings.host, settings.usual_port, settings.security == "tls"),)
        self._host, self._port = settings.host, settings.usual_port
        self._head, self._seal = head, seal
        self._dialer = Dialer(settings, base_dir)
        self._command_s = settings.command_timeout.total_seconds()
        self._final_s = settings.final_timeout.total_seconds()
        self._connections = settings.max_connections
        self._pool: Pool | None = None
        self._paces = _paces(settings)

    def paces(self, address: str) -> Sequence[Pace]:
        return self._paces

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, MailMessage)
        try:
            letter = complete(self._head, message, address, key)
        except ValueError:
            raise AddressRefused("the address cannot be written in a message") from None
        if self._seal is not None:
            letter = replace(letter, data=await asyncio.to_thread(self._seal.put_on, letter.data))
        if self._pool is None:
            self._pool = Pool(self._open, self._connections)
        return await self._pool.deliver(letter)

    async def _open(self) -> Session:
        return Session(await self._dialer.open(Steps()), self._command_s, self._final_s)

    async def probe(self) -> list[Check]:
        """Name, route, TLS, EHLO and NOOP, login; then QUIT: nobody gets a message."""
        async with Way(self._host, self._port) as way:
            await self._look(Steps(way), way)
            return await way.ended()

    async def _look(self, steps: Steps, way: Way) -> None:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(way.left()):
                smtp = await self._dialer.open(steps)
        except SendError:
            return
        except TimeoutError:
            elapsed = time.perf_counter() - started
            steps.checks.append(Check(steps.layer, False, elapsed, "no answer in time"))
            return
        await say_goodbye(smtp, within_s=0.3)  # the answer is not worth the probe's time

    async def close(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.shield(pool.close())


def _paces(settings: RelaySettings) -> tuple[Pace, ...]:
    name = settings.usual_name
    steady = Pace(f"email/{name}", 1 / settings.rate, max(1, int(settings.rate)))
    if settings.max_per_day is None:
        return (steady,)
    return Pace(f"email/{name}/day", _DAY_S / settings.max_per_day, settings.max_per_day), steady
