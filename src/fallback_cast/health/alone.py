"""Who hangs on one failure domain only: the domain that all channels of a person have in common. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fallback_cast.health.facts import Findings, Kind, Role, Subject
from fallback_cast.health.shared import COMPANY, ties
from fallback_cast.routing.forecast import Names

_ORDER = list(Kind)


@dataclass(frozen=True, slots=True)
class Domain:
    kind: Kind
    name: str


def domains_of(subjects: Iterable[Subject], findings: Findings) -> dict[str, frozenset[Domain]]:
    """Everything that each channel hangs on, declared or found."""
    found = {}
    for subject in subjects:
        if subject.member.role in (Role.CHANNEL, Role.SITE) and subject.member.name:
            theirs = {Domain(tie.kind, tie.name) for tie in ties(subject, findings)}
            theirs |= {Domain(Kind.OPERATOR, one.name) for one in theirs if one.kind in COMPANY}
            found[subject.member.name] = frozenset(theirs)
    return found


def only_domain(channels: Sequence[str], domains: Mapping[str, frozenset[Domain]]) -> Domain | None:
    """What takes all of these channels down at once: the strongest tie. None: nothing that is known."""
    each = [domains.get(name, frozenset()) for name in channels]
    common = frozenset.intersection(*each) if each else frozenset()
    return min(common, key=lambda one: (_ORDER.index(one.kind), one.name), default=None)


@dataclass(frozen=True, slots=True)
class Hanging:
    """Recipients all of whose channels go down with one domain."""

    domain: Domain
    channels: tuple[str, ...]
    people: Names


def hanging(
    by_routes: Mapping[tuple[str, ...], Names], domains: Mapping[str, frozenset[Domain]]
) -> list[Hanging]:
    """Who hangs on one domain only, by domain, the most people first."""
    channels: defaultdict[Domain, dict[str, None]] = defaultdict(dict)
    people: defaultdict[Domain, Names] = defaultdict(Names)
    for names, theirs in by_routes.items():
        domain = only_domain(names, domains)
        if domain is not None:
            channels[domain].update(dict.fromkeys(names))
            people[domain].take(theirs)
    found = [Hanging(domain, tuple(channels[domain]), people[domain]) for domain in people]
    return sorted(found, key=lambda one: (-one.people.count, one.domain.name))
