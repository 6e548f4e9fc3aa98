"""Opening a connection to a relay, in timed steps: sends and probes go the very same way."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from aiosmtplib import (
    SMTP,
    SMTPConnectResponseError,
    SMTPException,
    SMTPResponseException,
    SMTPTimeoutError,
)

from fallback_cast.channels.email.replies import Step, refusal
from fallback_cast.channels.email.settings import RelaySettings
from fallback_cast.channels.kit import net
from fallback_cast.channels.kit.http import ssl_context, tls_reason
from fallback_cast.channels.kit.probe import certificate_words
from fallback_cast.channels.kit.way import Way
from fallback_cast.model.errors import AccessDenied, Layer, SendError, Throttled, Unavailable
from fallback_cast.model.health import Check


class Steps:
    """Rows of a probe as a connection comes about; for a send nobody looks at them."""

    def __init__(self, way: Way | None = None) -> None:
        self.way = way  # a probe's; a send finds its own way, straight
        self.checks: list[Check] = way.checks if way else []
        self.layer = Layer.NAME  # of the step being taken

    @contextmanager
    def at(self, layer: Layer) -> Iterator[list[str]]:
        """Time one step. What goes wrong in it comes out as one of the six errors."""
        self.layer = layer
        started, details = time.perf_counter(), list[str]()
        try:
            yield details
        except (SendError, SMTPException, OSError) as error:
            failure = connection_fault(error, layer)
            elapsed = time.perf_counter() - started
            if isinstance(failure, Throttled):  # limiting us is a sign of life
                self.checks.append(Check(Layer.RATE, True, elapsed, failure.reason))
            else:
                self.checks.append(Check(failure.layer or layer, False, elapsed, failure.reason))
            raise failure from None
        self.checks.append(Check(layer, True, time.perf_counter() - started, details[0] if details else ""))


def connection_fault(error: Exception, layer: Layer) -> SendError:
    """What a fault means before any message was begun: surely not sent."""
    match error:
        case SendError():
            return error
        case SMTPResponseException():
            return _refused(error, layer)
        case socket.gaierror():
            return Unavailable(net.name_fault(error), layer=Layer.NAME)
        case ssl.SSLError():
            return Unavailable(tls_reason(error), layer=Layer.TLS)
        case SMTPException() if isinstance(error.__cause__, ssl.SSLError):
            return Unavailable(tls_reason(error.__cause__), layer=Layer.TLS)
        case SMTPTimeoutError() | TimeoutError():
            reason = {Layer.NAME: "the name was not found in time", Layer.ROUTE: "no connection in time"}
            return Unavailable(reason.get(layer, "no answer in time"), layer=layer)
        case OSError() if layer is Layer.ROUTE:
            return Unavailable(net.route_fault(error), layer=layer)
        case _:
            return Unavailable("the server closed the connection", layer=layer)


def _refused(error: SMTPResponseException, layer: Layer) -> SendError:
    if not 400 <= error.code < 600:
        return Unavailable("this is no mail server's answer")
    if isinstance(error, SMTPConnectResponseError):
        return refusal(error.code, error.message, Step.GREETING)
    if layer is Layer.TLS:
        return Unavailable(f"{error.code} to STARTTLS", layer=Layer.TLS)
    return refusal(error.code, error.message, Step.AUTH if layer is Layer.ACCOUNT else Step.EHLO)


class Dialer:
    """Knows how to reach one relay. Its connections are encrypted and logged in as the settings say."""

    def __init__(self, settings: RelaySettings, base_dir: Path) -> None:
        self._settings = settings
        self._ca_file = base_dir / settings.ca_file if settings.ca_file else None
        self._connect_s = settings.connect_timeout.total_seconds()
        self._command_s = settings.command_timeout.total_seconds()
        if self._ca_file:
            _ = self._tls  # a file that cannot be used is a mistake in the settings: say so at once

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl_context(self._ca_file)

    async def open(self, steps: Steps) -> SMTP:
        """A connection ready for MAIL. Raises Unavailable, Throttled or AccessDenied; nothing was sent."""
        sock = await self._connect(steps)
        smtp = self._client(sock)
        try:
            await self._greet(smtp, steps)
            if self._settings.username is not None:
                with steps.at(Layer.ACCOUNT):
                    await self._log_in(smtp)
        except BaseException:
            hang_up(smtp)
            # The event loop closes it, unless it was cancelled before it had taken the socket over.
            asyncio.get_running_loop().call_later(0.1, sock.close)
            raise
        return smtp

    async def _connect(self, steps: Steps) -> socket.socket:
        if steps.way is not None:
            sock = await steps.way.open()
            if sock is None:
                raise Unavailable("no way to the server")  # `checks` says at which layer
            return sock
        host, port = self._settings.host, self._settings.usual_port
        with steps.at(Layer.NAME):
            async with asyncio.timeout(self._connect_s):
                infos = await net.resolve(host, port)
        with steps.at(Layer.ROUTE):
            async with asyncio.timeout(self._connect_s):
                return await net.connect_any(infos)

    def _client(self, sock: socket.socket) -> SMTP:
        implicit = self._settings.security == "tls"
        return SMTP(
            hostname=self._settings.host,
            sock=sock,
            use_tls=implicit,
            start_tls=False,  # asked for below, where a server without it is refused
            tls_context=self._tls if implicit else None,
            local_hostname=self._settings.ehlo_name or _literal(sock),
            timeout=self._command_s,
        )

    async def _greet(self, smtp: SMTP, steps: Steps) -> None:
        security = self._settings.security
        if security != "none":
            with steps.at(Layer.TLS) as details:
                await self._say_hello(smtp)
                if security == "starttls":
                    await self._encrypt(smtp)
                details.append(certificate_words(smtp.get_transport_info("peercert")))
        with steps.at(Layer.SERVICE) as details:
            if security == "none":
                await self._say_hello(smtp)
                details.append("no encryption")
            elif security == "starttls":
                await smtp.ehlo()  # what was offered before encryption counts no more (RFC 3207 §4.2)
            if steps.way is not None:
                await smtp.noop()

    async def _say_hello(self, smtp: SMTP) -> None:
        await smtp.connect(timeout=self._connect_s)
        await smtp.ehlo()

    async def _encrypt(self, smtp: SMTP) -> None:
        # Never go on without: a stranger in between could have taken the offer out.
        if not smtp.supports_extension("starttls"):
            raise Unavailable("the server offers no STARTTLS", layer=Layer.TLS)
        await smtp.starttls(tls_context=self._tls, timeout=self._connect_s)

    async def _log_in(self, smtp: SMTP) -> None:
        """One try with one method: several wrong ones in a row can lock an account."""
        encrypted = self._settings.security != "none"
        methods = ("plain", "login", "cram-md5") if encrypted else ("cram-md5", "plain", "login")
        method = next((m for m in methods if m in smtp.server_auth_methods), None)
        if method is None:
            raise AccessDenied("the server offers no login that we know")
        log_in = {"plain": smtp.auth_plain, "login": smtp.auth_login, "cram-md5": smtp.auth_crammd5}[method]
        assert self._settings.username is not None
        assert self._settings.password is not None
        await log_in(self._settings.username, self._settings.password.reveal())


def _literal(sock: socket.socket) -> str:
    """Our own address as RFC 5321 §4.1.3 writes it: a club's laptop has no name that anybody knows."""
    address = sock.getsockname()[0].partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def hang_up(smtp: SMTP) -> None:
    """Give up a connection at once.

    Closing alone would wait half a minute for the TLS farewell of a server that has fallen silent, and
    aiosmtplib has let go of the transport by then; the socket hears of it in any case.
    """
    smtp.close()
    if smtp.sock is not None:
        with suppress(OSError):
            smtp.sock.shutdown(socket.SHUT_RDWR)


async def say_goodbye(smtp: SMTP, within_s: float = 2.0) -> None:
    """QUIT, if the server cares to answer soon."""
    try:
        async with asyncio.timeout(within_s):
            await smtp.quit()
    except (SMTPException, OSError):
        pass
    finally:
        hang_up(smtp)
