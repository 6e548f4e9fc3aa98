"""What each kind of channel brings to the shared contract suite (test_contract.py).

A kind's fake lives in tests/channels/fake_<kind>.py, as a module-level `FAKE`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fallback_cast.model.announcement import Announcement, Club, Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.errors import SendError
from fallback_cast.model.message import Message

CLUB = Club(
    name="Pétanque club de Sainte-Anne", language="fr", site_url="https://sainte-anne.example/annonces/"
)

# Transport faults that every kind with a network behind it must show, with the agreed error.
# refused: nobody listens. silent: accepts the connection, never says a word. lost: takes the whole
# message, then the connection is reset before the answer. unresolvable: the name does not exist.
TRANSPORT_CASES = ("refused", "silent", "lost", "unresolvable")


def announcement(**changes: Any) -> Announcement:
    facts: dict[str, Any] = {
        "id": "20261128-k7f3qd",
        "code": "K7F3",
        "title": "Concours annulé",
        "body": "Le concours de **samedi** est annulé : terrain inondé.\n\nVoir [le site](https://sainte-anne.example/).",
        "importance": Importance.URGENT,
        "created_at": datetime(2026, 11, 28, 9, 0, tzinfo=UTC),
        "expires_at": datetime(2026, 11, 29, 9, 0, tzinfo=UTC),
    }
    return Announcement(**(facts | changes))


@dataclass(slots=True)
class Scene:
    """One running fake: the channel under test, pointed at it, and what the fake saw."""

    channel: Channel
    address: str
    requests: Callable[[], int]  # sends (or SMTP transactions) seen on the wire so far
    keys: Callable[[], list[str]] = field(default=list)  # idempotency keys seen on the wire
    messages: Callable[[], int] = lambda: 0  # messages that reached somebody
    hold: Callable[[Message], None] = lambda message: None  # an edit looks it up: it is there


class Fake(ABC):
    kind: str
    secrets: tuple[str, ...] = ()  # planted values that no error, repr or log may show
    edits: bool = False  # what was published can be changed in place
    key_on_wire: bool = False  # the provider takes an idempotency key
    # case name → error the send must raise, or None where it must be accepted. "ok" must be there;
    # so must the TRANSPORT_CASES where a network is behind the kind.
    cases: Mapping[str, type[SendError] | None]

    @abstractmethod
    def serve(self, case: str) -> AbstractAsyncContextManager[Scene]:
        """Run a fake that answers as the case says, with a channel built from settings for it.

        Time-outs of the channel are set short here, so that `silent` ends within about a second.
        """
