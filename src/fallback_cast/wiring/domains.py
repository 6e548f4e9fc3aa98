"""Who may share a failure domain: the channels, the club's site, its mail, this machine, the references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from fallback_cast.health.facts import Member, Reach, Role, Subject
from fallback_cast.model.announcement import Club
from fallback_cast.model.channel import Channel, Endpoint


def subjects_of(channels: Mapping[str, Channel], club: Club) -> list[Subject]:
    """Everybody whose failure would be felt. The site has no rank: it gets every announcement."""
    found, rank = [], 0
    for channel in channels.values():
        if channel.traits.publishes:
            found.append(_subject(Member(Role.SITE, channel.name), channel))
            continue
        rank += not channel.always
        member = Member(Role.CHANNEL, channel.name, None if channel.always else rank)
        found.append(_subject(member, channel))
    site = endpoint_of(club.site_url) if club.site_url else None
    if site and not any(subject.member.role is Role.SITE for subject in found):
        found.append(Subject(Member(Role.SITE), (Reach((site,)),)))
    domains = dict.fromkeys(channel.mail_domain for channel in channels.values() if channel.mail_domain)
    found += [Subject(Member(Role.MAIL, domain), mail_domain=domain) for domain in domains]
    return [*found, Subject(Member(Role.PROGRAM))]


def _subject(member: Member, channel: Channel) -> Subject:
    providers = tuple(Reach(tuple(p.endpoints), p.failure_domains) for p in channel.providers)
    return Subject(member, providers, channel.mail_domain)


def references_of(written: Sequence[str]) -> list[Subject]:
    """The references of the settings, by their host; no certificate is asked of them here."""
    found = []
    for text in written:
        host = urlsplit(text).hostname
        if host:
            found.append(Subject(Member(Role.REFERENCE, text), (Reach((Endpoint(host, 0),)),)))
    return found


def endpoint_of(url: str) -> Endpoint | None:
    """The server of a web address."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return Endpoint(parts.hostname, parts.port or (443 if secure else 80), secure) if parts.hostname else None
