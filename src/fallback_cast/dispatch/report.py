"""What `status` and `send --json` tell: one object, as design §11 names its keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from fallback_cast.ledger import progress
from fallback_cast.ledger.amend import Correction, correction_of
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.view import DeliveryView, Header, each_delivery, header
from fallback_cast.model.health import Verdict

CLOSED = ("reached", "unreached", "excluded", "expired", "cancelled")


def report(
    ledger: Ledger,
    id: str,
    kinds: Mapping[str, str],
    verdicts: Mapping[str, Verdict],
    now: datetime,
    *,
    recipients: bool = False,
) -> dict[str, Any] | None:
    """Where one announcement stands, or None if there is none with this id.

    `kinds` are the channels of the settings by name, in rank order.
    """
    head = header(ledger, id)
    if head is None:
        return None
    counts = progress.count(ledger, id)
    found: dict[str, Any] = {
        "id": head.id,
        "code": head.code,
        "title": head.title,
        "importance": head.importance,
        "state": _state(head, counts),
        "recipients": _recipients(counts),
        "channels": list(_channels(counts, kinds, verdicts)),
        "fallbacks": counts.fallbacks,
        "correction": _correction(correction_of(ledger, id)),
        "created_at": head.created_at.isoformat(),
        "settled_at": head.settled_at.isoformat() if head.settled_at else None,
        "elapsed_s": round(((head.settled_at or now) - head.created_at).total_seconds(), 3),
    }
    if recipients:
        found["deliveries"] = [delivery_object(view) for view in each_delivery(ledger, id)]
    return found


def _correction(found: Correction | None) -> dict[str, Any] | None:
    """The newest revision; `due` counts the routes by which an earlier text went, or may have gone."""
    if found is None:
        return None
    return {
        "revision": found.revision,
        "at": found.at.isoformat(),
        "cancelled": found.cancelled,
        "due": found.due,
        "told": found.told,
        "pending": found.pending,
    }


def _state(head: Header, counts: progress.Counts) -> str:
    pending = counts.states.get("open", 0)
    return "held" if head.state == "dispatching" and pending and counts.held == pending else head.state


def _recipients(counts: progress.Counts) -> dict[str, int]:
    figures = {"total": counts.total, "reached": counts.states.get("reached", 0)}
    figures["unreached"] = counts.states.get("unreached", 0)
    figures["pending"] = counts.states.get("open", 0) - counts.held
    figures["held"] = counts.held
    return figures | {state: counts.states.get(state, 0) for state in ("excluded", "expired", "cancelled")}


def _channels(
    counts: progress.Counts, kinds: Mapping[str, str], verdicts: Mapping[str, Verdict]
) -> Iterator[dict[str, Any]]:
    names: Iterable[str] = [*kinds, *(name for name in counts.channels if name not in kinds)]
    for name in names:
        done = counts.channels.get(name, progress.ChannelCount())
        yield {
            "name": name,
            "kind": kinds.get(name),
            "verdict": verdicts.get(name, Verdict.UNKNOWN).value,
            "accepted": done.accepted + done.delivered,
            "delivered": done.delivered,
            "failed": done.failed,
            "unknown": done.unknown,
            "skipped": done.skipped,
            "possible_duplicates": done.possible_duplicates,
        }


def delivery_object(view: DeliveryView) -> dict[str, Any]:
    """One delivery with its attempts. Addresses stay out; the organiser knows the names."""
    return {
        "recipient": view.recipient,
        "state": "pending" if view.state == "open" else view.state,
        "route": view.via,
        "waiting_for": view.why if view.state == "open" else None,
        "next_at": view.next_at.isoformat() if view.state == "open" else None,
        "reasons": view.reasons,
        "attempts": [
            {
                "channel": a.channel,
                "provider": a.provider,
                "outcome": a.outcome.value,
                "error": a.error,
                "reason": a.reason or None,
                "at": a.begun_at.isoformat(),
                "elapsed_s": round((a.ended_at - a.begun_at).total_seconds(), 3) if a.ended_at else None,
                "reference": a.reference,
                "possible_duplicate": a.possible_duplicate,
            }
            for a in view.attempts
        ],
    }


def exit_code(found: Mapping[str, Any]) -> int:
    """0 everybody reached, and told of the newest correction or of the cancellation; 3 some unreached,
    4 nobody reached, 5 still open (design §11)."""
    people, news = found["recipients"], found.get("correction") or {"due": 0, "told": 0, "pending": 0}
    if people["pending"] or people["held"] or news["pending"]:
        return 5
    if news["told"] < news["due"]:
        return 3 if news["told"] else 4
    if found.get("state") == "cancelled":
        return 0
    wanted = people["total"] - people["excluded"]
    if wanted and people["reached"] == wanted:
        return 0
    return 3 if people["reached"] else 4


def to_json(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2)
