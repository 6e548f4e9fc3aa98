"""What capped channels may still send today: taken before an attempt is begun, given back if it cost nothing.

The ledger's attempts are the account; this is its sum, for the one process that holds the dispatcher lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from fallback_cast.dispatch.clock import Clock
from fallback_cast.dispatch.desk import Desk
from fallback_cast.ledger.spending import Spent, spent_since
from fallback_cast.model.channel import Cap
from fallback_cast.model.delivery import Attempt

FULL = "the cap of this day is reached"


class Purse:
    def __init__(self, caps: Mapping[str, Cap], timezone: str, clock: Clock) -> None:
        self.version = 0
        self._caps = caps
        self._zone = ZoneInfo(timezone)
        self._clock = clock
        self._day = date.min
        self._spent: dict[str, Spent] = {}

    async def load(self, desk: Desk) -> None:
        """Read what this day has cost so far."""
        self._turn_page()
        if self._caps:
            midnight = datetime.combine(self._day, time(), self._zone)
            self._spent = await desk.run(spent_since, tuple(self._caps), midnight)

    def ended(self, channel: str, cost: Decimal | None) -> str:
        """Why this channel takes nothing more at this cost; empty while it does."""
        return "" if self._has_room(channel, cost) else FULL

    def take(self, channel: str, cost: Decimal | None) -> bool:
        """Reserve one message; False if it would go beyond the cap."""
        if channel not in self._caps:
            return True
        self._turn_page()
        if not self._has_room(channel, cost):
            self.version += 1  # whoever was to be sent here is decided anew
            return False
        spent = self._spent.get(channel, Spent())
        self._spent[channel] = Spent(spent.messages + 1, spent.cost + (cost or 0))
        return True

    def give_back(self, attempt: Attempt) -> None:
        """It surely was not sent."""
        spent = self._spent.get(attempt.channel)
        if spent is None or self._local(attempt.begun_at) != self._day:
            return
        self._spent[attempt.channel] = Spent(spent.messages - 1, spent.cost - (attempt.cost or 0))

    def _has_room(self, channel: str, cost: Decimal | None) -> bool:
        cap = self._caps.get(channel)
        if cap is None or self._local(self._clock.now()) != self._day:
            return True
        spent = self._spent.get(channel, Spent())
        if cap.max_per_day is not None and spent.messages >= cap.max_per_day:
            return False
        return cap.max_cost is None or spent.cost + (cost or 0) <= cap.max_cost

    def _turn_page(self) -> None:
        """A new day begins with nothing spent."""
        today = self._local(self._clock.now())
        if today != self._day:
            self._day, self._spent = today, {}

    def _local(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()
