"""One channel's wire: carries begun attempts over it, and says how each of them ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING

from fallback_cast.dispatch.attempt import attempt_send
from fallback_cast.dispatch.clock import pause
from fallback_cast.dispatch.events import Event, Happening
from fallback_cast.dispatch.flight import Flight, accepted_attempt, failed_attempt
from fallback_cast.model.channel import Channel, Provider
from fallback_cast.model.delivery import Attempt
from fallback_cast.model.errors import AddressRefused, MessageRefused, OutcomeUnknown, SendError
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.revision import EDIT_REFUSED

if TYPE_CHECKING:
    from fallback_cast.dispatch.dispatcher import Dispatcher


class Wire:
    def __init__(self, hall: Dispatcher, channel: Channel) -> None:
        self.hall = hall
        self.channel = channel
        self.name = channel.name
        self.flights: set[Flight] = set()
        self.landed = asyncio.Event()
        self.detached = 0  # flights whose delivery has gone on without them
        self._providers: dict[str, Provider] = {p.name: p for p in channel.providers}
        self._last_success_s = 0.0

    async def carry(self, flight: Flight) -> Attempt:
        """The attempt itself; returns how it ended. Never raises a SendError."""
        provider = self._providers[flight.send.provider]
        flight.begun_s = asyncio.get_running_loop().time()
        self.flights.add(flight)
        begun, clock = flight.attempt, self.hall.clock
        try:
            accepted = await self._send(flight, provider, self._message(flight))
        except SendError as error:
            if flight.edits is not None and isinstance(error, MessageRefused):
                return replace(failed_attempt(begun, error, clock.now()), error=EDIT_REFUSED)
            cut_off = self.hall.book.holds and not self.channel.traits.local
            return failed_attempt(begun, error, clock.now(), cut_off=cut_off)
        except asyncio.CancelledError:
            # We leave in the middle: what was on the wire may have gone out.
            stopped = OutcomeUnknown("the program was stopped in mid-send")
            self.hall.journal.end(failed_attempt(begun, stopped, clock.now()))
            raise
        except Exception as error:  # a bug in a channel: the recipient still gets the next route
            self.hall.report_bug(self.name, error)
            return failed_attempt(begun, OutcomeUnknown(_fault(error)), clock.now())
        finally:
            self.flights.discard(flight)
            self.landed.set()
            self.detached -= flight.detached
            if flight.trial:
                self.hall.book.trial_ended(self.name, provider.name)
        self._last_success_s = asyncio.get_running_loop().time()
        self.hall.book.accepted(self.name, provider.name)
        return accepted_attempt(flight, accepted, clock.now())

    def _message(self, flight: Flight) -> Message:
        """Raises MessageRefused, also for a bug in rendering: surely nothing went out."""
        try:
            return self.hall.message(self.channel, flight.announcement, corrects=flight.held.corrects)
        except SendError:
            raise
        except Exception as error:
            self.hall.report_bug(self.name, error)
            raise MessageRefused(_fault(error)) from None

    async def _send(self, flight: Flight, provider: Provider, message: Message) -> Accepted:
        address = self.hall.current_address(self.name, flight.attempt.address)
        try:
            return await self._send_to(flight, provider, message, address)
        except AddressRefused as error:
            if error.moved_to is None or error.moved_to == address:
                raise
            await self.hall.remember_move(self.name, flight.attempt.address, error.moved_to)
            return await self._send_to(flight, provider, message, error.moved_to)

    async def _send_to(self, flight: Flight, provider: Provider, message: Message, address: str) -> Accepted:
        traits, key, reference = self.channel.traits, flight.attempt.key, flight.edits

        def send() -> Awaitable[Accepted]:
            if reference is not None:
                return provider.edit(message, address, reference, key)
            return provider.send(message, address, key)

        return await attempt_send(
            send,
            recognised=reference is not None or traits.deduplicates or provider.deduplicates,
            patience_s=flight.patience_s,
            may_retry=lambda: self._may_retry(flight, provider),
            on_failure=lambda error: self._learn_at_once(provider, error),
            sleep=self._sleep_unless_changed,
        )

    def _may_retry(self, flight: Flight, provider: Provider) -> bool:
        """Not against an outage, and not once the patience is over: the next route may be on its way."""
        age_s = asyncio.get_running_loop().time() - flight.begun_s
        patient = (
            not (flight.detached or self.hall.leaving or self.hall.outdated(flight.announcement))
            and age_s < flight.patience_s
        )
        return (
            patient
            and self.channel.traits.retries_briefly
            and self.hall.book.usable(self.name, provider.name)
        )

    async def _sleep_unless_changed(self, seconds: float) -> None:
        """A short retry's pause ends early when the channel turns out to be down."""
        await pause(self.hall.changed(self.name), seconds)

    def _learn_at_once(self, provider: Provider, error: SendError) -> None:
        self.hall.book.failed(self.name, provider.name, error)
        self.hall.tell(Event(Happening.FAILED, channel=self.name, reason=error.reason))

    @property
    def awaited(self) -> bool:
        """Something is on the wire whose delivery waits for it."""
        return any(not flight.detached for flight in self.flights)

    def hanging(self, flight: Flight, now_s: float) -> bool:
        """Nothing has come back over this wire since, and it is taking long."""
        age_s = now_s - flight.begun_s
        return (
            age_s >= self.hall.doubt_after_s(flight.announcement) and self._last_success_s <= flight.begun_s
        )

    def detach(self, flight: Flight) -> None:
        """Its patience has ended: it flies on, and its delivery does not wait for it."""
        flight.detached = True
        self.detached += 1


def _fault(error: Exception) -> str:
    return f"a fault of this program ({type(error).__name__})"
