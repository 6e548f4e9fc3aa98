"""What one outcome teaches about the others of the same announcement (design §5).

Three refused texts end a channel for this announcement. A refused address is suppressed; three of
one mail domain in one broadcast are our reputation, not three wrong addresses.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from fallback_cast.dispatch.journal import Journal
from fallback_cast.ledger.claim import Active
from fallback_cast.ledger.record import Suppressed
from fallback_cast.model.delivery import Attempt, Delivery, RecipientKind

REFUSALS = 3


class Lessons:
    def __init__(self) -> None:
        self.version = 0
        self._refused_texts: Counter[tuple[str, str]] = Counter()
        self._refused_by_domain: dict[tuple[str, str, str], list[str]] = {}

    def ended(self, announcement_id: str, channel: str) -> str:
        """Why a channel takes no more of this announcement; empty while it does."""
        if self._refused_texts[announcement_id, channel] >= REFUSALS:
            return "this text was refused three times"
        return ""

    def forget(self, announcement_id: str) -> None:
        """It is settled."""
        for key in [key for key in self._refused_texts if key[0] == announcement_id]:
            del self._refused_texts[key]
        for domain in [domain for domain in self._refused_by_domain if domain[0] == announcement_id]:
            del self._refused_by_domain[domain]

    def learn(
        self,
        announcement: Active,
        delivery: Delivery,
        ended: Attempt,
        journal: Journal,
        now: datetime,
        *,
        is_place: bool = False,
    ) -> None:
        """`is_place`: the address is the channel's shared one, also where a member has it (§5)."""
        if ended.error == "message-refused":
            self._refused_texts[announcement.id, ended.channel] += 1
            self.version += 1
        elif (
            ended.error == "address-refused"
            and delivery.kind is RecipientKind.MEMBER
            and not (is_place or ended.place_only)
        ):
            self._learn_address(announcement, ended, journal, now)

    def _learn_address(self, announcement: Active, ended: Attempt, journal: Journal, now: datetime) -> None:
        domain = ended.address.rpartition("@")[2] if "@" in ended.address else ""
        refused = self._refused_by_domain.setdefault((announcement.id, ended.channel, domain), [])
        if domain and len(refused) >= REFUSALS:
            return  # known already: the domain refuses us
        refused.append(ended.address)
        if domain and len(refused) >= REFUSALS:
            for address in refused:
                journal.unsuppress(ended.channel, address)
            return
        journal.suppress(Suppressed(ended.channel, ended.address, "refused", ended.reason, now))
