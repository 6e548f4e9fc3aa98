"""`correct` and `cancel`: a new revision of what is stored, checked once and written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fallback_cast.dispatch.accept import check_content, checked_title
from fallback_cast.ledger.amend import ChangedMeanwhile, Revised, revise
from fallback_cast.ledger.announce import load_announcement
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.errors import UserError
from fallback_cast.model.policy import Policy
from fallback_cast.model.texts import Phrase, translate

NO_LONGER_HOLDS = "What was announced no longer holds."


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is given changes; None stays as it is. An empty link or place takes it away."""

    title: str | None = None
    body: str | None = None
    link: str | None = None
    event_at: datetime | None = None
    place: str | None = None

    @property
    def empty(self) -> bool:
        return self == Change()


def correct(
    ledger: Ledger,
    id: str,
    change: Change,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
    now: datetime,
) -> Revised | None:
    """Store a correction; None if the announcement says just this already.

    Raises UserError if it is cancelled or expired, or the new text will not do; LedgerError.
    """
    old = _load(ledger, id)
    if old.cancelled:
        raise UserError(
            Phrase("{id} is cancelled: it cannot be corrected", id=id), hint="announce it anew with `send`"
        )
    _check_time(old, now, "{id} has expired: nobody is told of a correction any more")
    body = old.body if change.body is None else change.body.strip()
    link = old.link if change.link is None else change.link.strip() or None
    check_content(body, link)
    new = replace(
        old,
        title=old.title if change.title is None else checked_title(change.title),
        body=body,
        link=link,
        event_at=change.event_at or old.event_at,
        place=old.place if change.place is None else change.place.strip() or None,
        revision=old.revision + 1,
    )
    if new.content_hash == old.content_hash:
        return None
    return _revise(ledger, old, new, channels, policies, now)


def cancel(
    ledger: Ledger,
    id: str,
    why: str | None,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
    now: datetime,
) -> Revised | None:
    """Call an announcement off; None if it is cancelled already.

    `why` is told to those who knew of it. Raises UserError if it has expired; LedgerError.
    """
    old = _load(ledger, id)
    if old.cancelled:
        return None
    _check_time(old, now, "{id} has expired: there is nothing to cancel")
    said = translate(old.language, NO_LONGER_HOLDS)
    body = f"{said}\n\n{why.strip()}" if why and why.strip() else said
    check_content(body, old.link)
    new = replace(old, body=body, revision=old.revision + 1, cancelled=True)
    return _revise(ledger, old, new, channels, policies, now)


def _load(ledger: Ledger, id: str) -> Announcement:
    found = load_announcement(ledger, id)
    assert found is not None, "callers take ids from the ledger"
    return found


def _check_time(old: Announcement, now: datetime, sentence: str) -> None:
    if old.expires_at <= now:
        raise UserError(Phrase(sentence, id=old.id), hint="announce it anew with `send`")


def _revise(
    ledger: Ledger,
    old: Announcement,
    new: Announcement,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
    now: datetime,
) -> Revised:
    publishing = [name for name, channel in channels.items() if channel.traits.publishes]
    gate_until = now + policies[old.importance].site_first
    try:
        return revise(ledger, old, new, now, publishing=publishing, gate_until=gate_until)
    except ChangedMeanwhile:
        raise UserError(
            Phrase("somebody else has just changed {id}", id=old.id),
            hint=Phrase(
                "look at it with `fallback-cast status {id}`, then give the command again", id=old.id
            ),
        ) from None
