"""One Apprise URL as a channel: sends in a thread of its own and reads the answer strictly."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fallback_cast.channels.apprise.reach import find_reach, knock, own_host
from fallback_cast.channels.apprise.rendering import AppriseMessage, render_for
from fallback_cast.channels.apprise.service import Loaded, load_service
from fallback_cast.channels.apprise.settings import Settings
from fallback_cast.channels.kit.http import Answer, raise_for_answer
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.kit.threads import run_aside
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Endpoint, Pace, Provider, Traits
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, Throttled, Unavailable
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.texts import translate

if TYPE_CHECKING:
    import apprise

ADDRESS = "configured"
CLOSING_S = 2.0
MAX_HANGING = 4  # threads of one channel that may wait for an answer nobody reads any more

# Who owns a service that goes by another name (design §1: platforms of one owner fail together).
_OWNERS = {"whatsapp": "meta"}


class AppriseChannel(Channel, Provider):
    """A channel with one provider, the service of the URL; its only address is the place the URL names."""

    kind = "apprise"
    max_in_flight = 1  # a service object is not made for two threads

    def __init__(self, settings: Settings, context: BuildContext) -> None:
        self.name = settings.name
        self.traits = Traits(
            confirms=False,
            rings=settings.rings,
            paid=settings.paid or settings.cost is not None,
            local=settings.needs == "local",
        )
        self.cap = settings.cap
        self._cost = settings.cost
        self.always = bool(settings.always)
        self.audience_some = settings.audience == "some"
        self.providers: Sequence[Provider] = (self,)
        self._club = context.club
        self._url = settings.url
        self._timeout = settings.timeout.total_seconds()
        loaded = load_service(settings.url.reveal())
        self._shape = loaded.service  # its limits and formats; it never sends
        self._rate = loaded.gate.rate
        self._kept: Loaded | None = None
        self.failure_domains = frozenset(settings.failure_domains or _domains(self._shape))
        self._reach = find_reach(self._shape, settings.probe)
        if self._reach is not None:
            secure = self._reach.tls is not None and not self._reach.starttls
            self.endpoints = (Endpoint(self._reach.host, self._reach.port, secure),)
        self._turn = asyncio.Lock()
        self._hanging = threading.BoundedSemaphore(MAX_HANGING)

    def place(self) -> str:
        return ADDRESS

    def normalise(self, address: str) -> str:
        if address != ADDRESS:
            raise ValueError("an apprise channel has one place, the url in the settings")
        return address

    def paces(self, address: str) -> Sequence[Pace]:
        """The pause that Apprise itself would sleep between two messages to this service."""
        return (Pace(f"apprise:{self.name}", self._rate),) if self._rate > 0 else ()

    def render(self, announcement: Announcement, page_url: str | None = None) -> AppriseMessage:
        return render_for(self._shape, announcement, self._club, page_url)

    def cost(self, message: Message) -> Decimal | None:
        return self._cost

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        """Hand it over once. A service that hangs keeps its thread, and the next message gets a new one."""
        assert isinstance(message, AppriseMessage)
        async with self._turn:
            loaded, self._kept = self._kept or load_service(self._url.reveal()), None
            result = await self._hand_over(loaded, message)
            self._kept = loaded  # it came back: its connection and tokens may be used again
        return read_result(result, self._rate, loaded.gate.asked)

    async def _hand_over(self, loaded: Loaded, message: AppriseMessage) -> apprise.AppriseResult:
        if not self._hanging.acquire(blocking=False):
            raise Unavailable("earlier messages still hang in this service")
        loaded.gate.reset()
        loaded.service.socket_read_timeout = self._timeout
        loaded.service.socket_connect_timeout = min(loaded.service.socket_connect_timeout, self._timeout)
        try:
            async with asyncio.timeout(self._timeout):
                return await run_aside(lambda: self._notify(loaded.service, message))
        except TimeoutError:
            raise OutcomeUnknown("no answer in time") from None
        except Exception:
            raise OutcomeUnknown("Apprise broke off") from None

    def _notify(self, service: Any, message: AppriseMessage) -> apprise.AppriseResult:
        import apprise

        try:
            sender = apprise.Apprise(asset=service.asset)
            sender.add(service)
            return sender.notify(body=message.body, title=message.title, body_format=message.body_format)
        finally:
            self._hanging.release()

    async def probe(self) -> list[Check]:
        if self._reach is not None:
            return await knock(self._reach, self._timeout)
        started = time.perf_counter()
        load_service(self._url.reveal())
        detail = translate(self._club.language, "the URL is right; more cannot be known without a message")
        return [Check(Layer.SERVICE, True, time.perf_counter() - started, detail)]

    async def close(self) -> None:
        """Hang up where a service keeps its connection (MQTT); the others close theirs after each message."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await run_aside(lambda: _hang_up(kept.service))


def _hang_up(service: Any) -> None:
    for name in ("disconnect", "loop_stop"):
        end = getattr(getattr(service, "client", None), name, None)
        if callable(end):
            with suppress(Exception):
                end()


def read_result(result: apprise.AppriseResult, rate: float, asked: float | None) -> Accepted:
    """What Apprise's answer means for the message. `asked`: seconds the service wanted to wait first.

    Raises one of the SendErrors: only a wait asked for before the first request, or one HTTP status in
    the answer's warnings, tells why; the text around it may hold secrets and is not shown. "A connection
    error" is no reason: Apprise says so of a refused connection and of a lost answer alike.
    """
    import apprise

    status = apprise.AppriseResultStatus
    if result.status == status.SUCCESS and result.success_count == 1 and not result.failed_count:
        return Accepted()
    if result.status == status.NOMATCH:
        raise AccessDenied("Apprise found no service to send with")
    if result.status != status.FAILURE:
        raise OutcomeUnknown(f"Apprise answers {result.status.name.lower()}")
    if asked is not None:
        raise Throttled("the service asks to wait", asked)
    codes = {
        int(code) for entry in result.logs() for code in re.findall(r"\berror=([3-5]\d\d)\b", entry.message)
    }
    if len(codes) == 1:
        try:
            raise_for_answer(Answer(codes.pop(), {}, b""))
        except Throttled as error:
            raise Throttled(error.reason, max(error.retry_after, rate)) from None
    raise OutcomeUnknown("Apprise reports a failure without its cause")


def _domains(service: Any) -> tuple[str, ...]:
    host = own_host(service)
    if host is not None:
        return (host,)
    name = re.sub(r"[^a-z0-9]+", "-", str(service.service_name).lower()).strip("-") or str(service.schema)
    return (name, _OWNERS[name]) if name in _OWNERS else (name,)
