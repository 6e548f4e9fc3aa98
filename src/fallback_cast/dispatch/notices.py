"""Telling organisers, once, that a channel is down, is back, or needs them.

A notice is an ordinary announcement to the organisers' own addresses: it is written down first, goes
by a channel that works, and waits if none does. Which changes it tells of is marked in the same
transaction, so two processes that see the same change tell of it once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fallback_cast.dispatch.accept import new_code, new_id
from fallback_cast.dispatch.desk import Desk
from fallback_cast.ledger import outages as ledger
from fallback_cast.ledger.announce import PlannedDelivery, codes_in_use
from fallback_cast.model.announcement import MAX_TITLE, Announcement, Club, Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.delivery import RecipientKind, Route
from fallback_cast.model.outages import Need, Outage, span
from fallback_cast.model.policy import Policy
from fallback_cast.model.texts import Phrase, say, say_reason

OLD_NEWS = timedelta(days=1)  # what was over for so long is for `outages`, not for a message


@dataclass(frozen=True, slots=True)
class Organiser:
    """Who is told, and where: the first choice first."""

    name: str
    routes: tuple[Route, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _News:
    """One change: its headline if it stands alone, and its line among others."""

    title: Phrase
    line: Phrase


async def tell_organisers(
    desk: Desk,
    organisers: Sequence[Organiser],
    channels: Mapping[str, Channel],
    club: Club,
    policies: Mapping[Importance, Policy],
    now: datetime,
) -> str | None:
    """Store one notice of everything they have not been told yet; returns its id, or None."""
    # What a page shows is for everybody, and this is not.
    private = {name for name, channel in channels.items() if not channel.traits.publishes}
    told = [(o, tuple(route for route in o.routes if route.channel in private)) for o in organisers]
    told = [(o, own) for o, own in told if own]
    if not told:
        return None
    code = new_code(await desk.run(codes_in_use, now))
    expires_at = now + policies[Importance.NORMAL].expires_after

    def write(changed: Sequence[Outage], needs: Sequence[Need]) -> ledger.Notice | None:
        news = list(_news(changed, needs, channels, club, now))
        deliveries = [PlannedDelivery(RecipientKind.MEMBER, o.name, own) for o, own in told]
        announcement = Announcement(
            id=new_id(now),
            code=code,
            title=_title(news, club.language),
            body=_body(news, club.language),
            importance=Importance.NORMAL,
            created_at=now,
            expires_at=expires_at,
            language=club.language,
            private=True,
        )
        return (announcement, deliveries) if news else None

    return await desk.run(ledger.store_notice, write, now)


def _news(
    changed: Iterable[Outage],
    needs: Iterable[Need],
    channels: Mapping[str, Channel],
    club: Club,
    now: datetime,
) -> Iterable[_News]:
    for outage in changed:
        channel = channels.get(outage.channel)
        if channel is None or channel.traits.interactive:
            continue  # of a channel that was removed, or of a person who was not at the terminal
        if outage.ended_at is not None and now - outage.ended_at > OLD_NEWS:
            continue
        yield _of_outage(outage, _name(channel, outage.provider), club, now)
    for need in needs:
        if need.channel in channels:
            yield _of_need(need, _name(channels[need.channel], need.provider))


def _name(channel: Channel, provider: str) -> str:
    """`email`, or `email (smtp.example.net)` where it has several relays."""
    return channel.name if len(channel.providers) < 2 else f"{channel.name} ({provider})"


def _of_outage(outage: Outage, name: str, club: Club, now: datetime) -> _News:
    since, reason = _moment(outage.began_at, club), say_reason(club.language, outage.reason)
    if outage.ended_at is None and outage.configuration:
        return _News(
            Phrase("{channel} needs you: our account or settings are refused", channel=name),
            Phrase(
                "{channel}: our account or settings are refused since {since}: {reason}. "
                "Please check the account and channels.toml.",
                channel=name,
                since=since,
                reason=reason,
            ),
        )
    if outage.ended_at is None:
        return _News(
            Phrase("{channel} is down", channel=name),
            Phrase(
                "{channel}: down since {since}: {reason}. Announcements go by the other channels meanwhile.",
                channel=name,
                since=since,
                reason=reason,
            ),
        )
    lasted = span(outage.lasted(now))
    if outage.told_down_at is None:
        return _News(
            Phrase("{channel} was down and is back", channel=name),
            Phrase(
                "{channel}: was down from {since} to {until} ({lasted}): {reason}. It works again.",
                channel=name,
                since=since,
                until=_moment(outage.ended_at, club),
                lasted=lasted,
                reason=reason,
            ),
        )
    return _News(
        Phrase("{channel} is back", channel=name),
        Phrase(
            "{channel}: works again since {until}; it was down for {lasted}.",
            channel=name,
            until=_moment(outage.ended_at, club),
            lasted=lasted,
        ),
    )


def _of_need(need: Need, name: str) -> _News:
    if need.what == "certificate":
        title = Phrase("{channel}: a certificate ends soon", channel=name)
        line = Phrase(
            "{channel}: the certificate of its server ends in {days} days. If the server is yours, renew it; "
            "if not, tell those who run it. Then nothing can be sent there any more.",
            channel=name,
            days=need.detail,
        )
    else:
        title = Phrase("{channel} needs you: its credit runs low", channel=name)
        line = Phrase("{channel}: its credit runs low: {detail}", channel=name, detail=need.detail)
    return _News(title, line)


def _title(news: Sequence[_News], language: str) -> str:
    if not news:
        return ""
    if len(news) == 1:
        return say(language, news[0].title)[:MAX_TITLE]
    return say(language, Phrase("News of {count} channels", count=len(news)))


def _body(news: Sequence[_News], language: str) -> str:
    lines = [_as_markdown(say(language, one.line)) for one in news]
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


def _as_markdown(text: str) -> str:
    """A provider's own words are text, not markup."""
    return re.sub(r"([\\`*_\[\]<>#~|])", r"\\\1", " ".join(text.split()))


def _moment(moment: datetime, club: Club) -> str:
    return moment.astimezone(ZoneInfo(club.timezone)).strftime("%Y-%m-%d %H:%M")
