"""What `check` says of settings that are missing to judge outages, and of certificates that end soon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fallback_cast.cli.check_domains import join, word
from fallback_cast.health.facts import Findings, Member, Role, Subject
from fallback_cast.health.shared import in_order, too_near
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check
from fallback_cast.model.texts import Phrase
from fallback_cast.settings import Settings

ENOUGH_REFERENCES = 3  # one may fail, and two still agree
RENEW_DAYS = 14


@dataclass(frozen=True, slots=True)
class Ending:
    """A certificate that has to be renewed soon."""

    host: str
    days: int

    @property
    def text(self) -> Phrase:
        if self.days < 1:
            return Phrase("the certificate of {host} ends today: have it renewed", host=self.host)
        return Phrase(
            "the certificate of {host} ends in {days} days: have it renewed", host=self.host, days=self.days
        )


def advice_of(settings: Settings, near: Iterable[tuple[Member, Member, str]]) -> list[Phrase]:
    """What would make verdicts about outages surer, in the order of its weight."""
    found = []
    references = settings.health.references
    if not references:
        found.append(Phrase("without [health] references nobody can tell our own outage from a platform's"))
    elif len(references) < ENOUGH_REFERENCES:
        found.append(
            Phrase(
                "only {count} of [health] references: with three, of three companies, one of them may fail",
                count=len(references),
            )
        )
    found += _nearness(near)
    if settings.club.site_url is None and not any(c.kind == "wordpress" for c in settings.channel):
        found.append(
            Phrase(
                "without [club] site_url messages carry no link to a page of your own, and nobody sees "
                "whether the site can be read"
            )
        )
    return found


def _nearness(near: Iterable[tuple[Member, Member, str]]) -> list[Phrase]:
    """A sentence for each reference and place, with all that is there."""
    beside: dict[tuple[str, str], list[Member]] = {}
    for reference, other, name in near:
        beside.setdefault((reference.name, name), []).append(other)
    return [_near(reference, place, others) for (reference, place), others in beside.items()]


def _near(reference: str, place: str, others: Sequence[Member]) -> Phrase:
    judged = join([word(member) for member in in_order(others) if member.role is not Role.REFERENCE])
    if not judged:
        return Phrase(
            "the references {first} and {second} are in one place ({place}): they count as one; take one "
            "elsewhere",
            first=others[0].name,
            second=reference,
            place=place,
        )
    return Phrase(
        "the reference {reference} is in one place with {names} ({place}): it fails with what it should "
        "judge; take one elsewhere",
        reference=reference,
        names=judged,
        place=place,
    )


def near_of(
    references: Sequence[Subject], subjects: Sequence[Subject], findings: Findings
) -> list[tuple[Member, Member, str]]:
    """References in one place with a channel, the site or the mail, or with each other."""
    others = [subject for subject in subjects if subject.member.role is not Role.PROGRAM]
    return too_near(references, others, findings)


def ending_certificates(
    findings: Findings, probes: Iterable[tuple[str, Iterable[Check]]], hosts: Iterable[str]
) -> list[Ending]:
    """Certificates of these hosts that end within two weeks, seen by ourselves or by a probe of that host.

    Probes see those of STARTTLS too, which `discover` does not ask for.
    """
    chosen = set(hosts)
    seen = [
        (host, certificate.days)
        for host in chosen
        for certificate in (findings.hosts[host].certificates if host in findings.hosts else ())
    ]
    seen += [(host, left) for host, checks in probes if host in chosen for left in _days_seen(checks)]
    days: dict[str, int] = {}
    for host, left in seen:
        if left is not None and left <= RENEW_DAYS:
            days[host] = min(left, days.get(host, left))
    return [Ending(host, left) for host, left in sorted(days.items())]


def _days_seen(checks: Iterable[Check]) -> list[int]:
    """A probe says it in its detail, as a number among the fields of a phrase."""
    details = [check.detail for check in checks if check.layer is Layer.TLS and check.ok]
    found = [detail.fields.get("days") for detail in details if isinstance(detail, Phrase)]
    return [left for left in found if isinstance(left, int)]
