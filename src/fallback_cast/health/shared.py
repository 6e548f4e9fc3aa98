"""What goes down together: from what is known of each host to shared failure domains, with the evidence.

Pure: `discover` asks, this judges. A channel hangs on something only if all its providers do; a thing that
could not be looked up is unknown, never independent.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from fallback_cast.health.facts import Facts, Findings, Kind, Member, Reach, Role, Subject, network_of
from fallback_cast.health.operators import operator, registrable
from fallback_cast.model.texts import Phrase

# Their names are companies or registered domains: the same name in two of them is the same company.
COMPANY = (Kind.ZONE, Kind.NAME_SERVERS, Kind.MAIL_EXCHANGERS, Kind.CERTIFICATE)


class Weight(IntEnum):
    """How bad it is that these share a domain."""

    NONE = 0
    ADVICE = 1  # two of site, mail and program; or the site and a channel
    GROUND = 2  # site, mail and program
    RANKS = 3
    FIRST = 4  # ranks 1 and 2


@dataclass(frozen=True, slots=True, order=True)
class Tie:
    """One thing that a host hangs on."""

    kind: Kind
    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Shared:
    """A failure domain that several members are in: its strongest kind, and one sentence for each found."""

    kind: Kind
    name: str
    members: tuple[Member, ...]
    evidence: tuple[Phrase, ...]
    kinds: tuple[Kind, ...]  # `kind` first, and the weaker ones whose evidence is told here

    @property
    def weight(self) -> Weight:
        return weigh(self.members)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A look-up that failed: whether these members share it with somebody is not known."""

    kind: Kind
    host: str
    reason: str
    members: tuple[Member, ...]


def weigh(members: Iterable[Member]) -> Weight:
    members = set(members)
    ranks = {member.rank for member in members if member.rank is not None}
    ground = {member.role for member in members} & {Role.SITE, Role.MAIL, Role.PROGRAM}
    if len(ranks) > 1:
        return Weight.FIRST if {1, 2} <= ranks else Weight.RANKS
    if len(ground) == 3:
        return Weight.GROUND
    if len(ground) == 2 or (ranks and Role.SITE in ground):
        return Weight.ADVICE
    return Weight.NONE


def ties(subject: Subject, findings: Findings) -> frozenset[Tie]:
    """What a member hangs on. Of several providers one is enough: only what all of them need counts."""
    found: set[Tie] = set()
    each = [_provider_ties(reach, findings) for reach in subject.providers]
    common = set.intersection(*({(tie.kind, tie.name) for tie in ties} for ties in each)) if each else set()
    found.update(tie for ties in each for tie in ties if (tie.kind, tie.name) in common)
    if subject.mail_domain:
        found |= _mail_ties(subject, subject.mail_domain, findings)
    if subject.member.role is Role.PROGRAM:
        found |= _address_ties("", findings.own)
    return frozenset(found)


def _provider_ties(reach: Reach, findings: Findings) -> set[Tie]:
    hosts = [endpoint.host for endpoint in reach.endpoints]
    found = {Tie(Kind.PROVIDER, word, "") for word in reach.declared}
    for host in hosts:
        facts = findings.hosts.get(host, Facts())
        found |= _name_ties(host, facts) | _address_ties(host, facts.addresses)
        owners = {certificate.owner for certificate in facts.certificates}
        found |= {Tie(Kind.CERTIFICATE, owner, host) for owner in owners if owner}
    return found


def _mail_ties(subject: Subject, domain: str, findings: Findings) -> set[Tie]:
    """Mail from a domain that cannot be looked up is refused; what takes its mail is the mail's own."""
    facts = findings.hosts.get(domain, Facts())
    found = _name_ties(domain, facts)
    if company := operator(facts.exchangers):
        found.add(Tie(Kind.MAIL_EXCHANGERS, company, domain))
    if subject.member.role is Role.MAIL:
        for host in facts.exchangers:
            found |= _address_ties(host, findings.hosts.get(host, Facts()).addresses)
    return found


def _name_ties(host: str, facts: Facts) -> set[Tie]:
    domains = {domain for name in (host, *facts.aliases) if (domain := registrable(name))}
    companies = {company for servers in facts.name_servers if (company := operator(servers))}
    found = {Tie(Kind.ZONE, domain, host) for domain in domains}
    return found | {Tie(Kind.NAME_SERVERS, company, host) for company in companies}


def _address_ties(host: str, addresses: Iterable[str]) -> set[Tie]:
    """A home server's address is itself and no operator's; this machine's loopback is nobody's domain."""
    found: set[Tie] = set()
    for address in addresses:
        if not ipaddress.ip_address(address).is_loopback:
            found.add(Tie(Kind.ADDRESS, address, host))
        if network := network_of(address):
            found.add(Tie(Kind.NETWORK, network, host))
    return found


def shared(subjects: Sequence[Subject], findings: Findings) -> list[Shared]:
    """The domains that members share, worst first; a weaker tie of the same members is only evidence."""
    holders: defaultdict[tuple[Kind, str], dict[Member, set[str]]] = defaultdict(dict)
    for subject in subjects:
        for tie in ties(subject, findings):
            for kind in (tie.kind, Kind.OPERATOR) if tie.kind in COMPANY else (tie.kind,):
                holders[kind, tie.name].setdefault(subject.member, set()).add(tie.host)
    found = [
        Shared(kind, name, in_order(members), (_evidence(kind, name, members),), (kind,))
        for (kind, name), members in holders.items()
        if weigh(members) > Weight.NONE
    ]
    order = list(Kind)
    # What is no fault of the ranks comes last: a graver domain of the same members tells it as well.
    found.sort(key=lambda one: (one.weight == Weight.ADVICE, order.index(one.kind), one.name))
    return sorted(_folded(found), key=lambda one: (-one.weight, order.index(one.kind), one.name))


def in_order(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: member.place))


def _folded(found: Sequence[Shared]) -> list[Shared]:
    kept: list[Shared] = []
    for one in found:
        over = next((i for i, s in enumerate(kept) if set(s.members) >= set(one.members)), None)
        if over is None:
            kept.append(one)
        elif one.kind is not Kind.OPERATOR and (kept[over].kind, one.kind) != (Kind.ADDRESS, Kind.NETWORK):
            stronger = kept[over]
            evidence = tuple(dict.fromkeys((*stronger.evidence, *one.evidence)))
            kinds = tuple(dict.fromkeys((*stronger.kinds, *one.kinds)))
            kept[over] = replace(stronger, evidence=evidence, kinds=kinds)
    return kept


def _evidence(kind: Kind, name: str, members: Mapping[Member, set[str]]) -> Phrase:
    hosts = ", ".join(sorted({host for held in members.values() for host in held if host}))
    match kind:
        case Kind.PROVIDER:
            return Phrase("they belong to the failure domain {name}", name=name)
        case Kind.ADDRESS:
            return Phrase("{hosts}: the same address, {name}", hosts=hosts, name=name)
        case Kind.ZONE:
            return Phrase("{hosts}: the same registered domain, {name}", hosts=hosts, name=name)
        case Kind.NETWORK:
            return Phrase("{hosts}: the same network, {name}", hosts=hosts, name=name)
        case Kind.NAME_SERVERS:
            return Phrase("{hosts}: all name servers are run by {name}", hosts=hosts, name=name)
        case Kind.MAIL_EXCHANGERS:
            return Phrase("{hosts}: mail is taken by {name}", hosts=hosts, name=name)
        case Kind.CERTIFICATE:
            return Phrase("{hosts}: the certificate belongs to {name}", hosts=hosts, name=name)
        case Kind.OPERATOR:
            return Phrase("{hosts}: {name} runs a part of each", hosts=hosts, name=name)


def unknown(subjects: Sequence[Subject], findings: Findings) -> list[Unknown]:
    """What could not be looked up, and for whom."""
    missing: defaultdict[tuple[str, Kind, str], set[Member]] = defaultdict(set)
    for subject in subjects:
        for host in _hosts(subject, findings):
            for kind, reason in findings.hosts.get(host, Facts()).unknown.items():
                missing[host, kind, reason].add(subject.member)
    found = [
        Unknown(kind, host, reason, in_order(members))
        for (host, kind, reason), members in sorted(missing.items(), key=lambda item: item[0])
    ]
    return [*found, *_own_place(subjects, findings)]


def _own_place(subjects: Sequence[Subject], findings: Findings) -> Iterator[Unknown]:
    """Behind a router this machine's public address shows outside only: not in any look-up."""
    program = [subject.member for subject in subjects if subject.member.role is Role.PROGRAM]
    compared = any(
        network_of(address)
        for subject in subjects
        if subject.member.role in (Role.SITE, Role.MAIL)
        for host in _hosts(subject, findings)
        for address in findings.hosts.get(host, Facts()).addresses
    )
    if program and compared and not any(network_of(address) for address in findings.own):
        yield Unknown(Kind.NETWORK, "", "behind a router", tuple(program))


def _hosts(subject: Subject, findings: Findings) -> set[str]:
    hosts = {endpoint.host for reach in subject.providers for endpoint in reach.endpoints}
    if subject.mail_domain:
        hosts.add(subject.mail_domain)
        if subject.member.role is Role.MAIL:
            hosts.update(findings.hosts.get(subject.mail_domain, Facts()).exchangers)
    return hosts


def too_near(
    references: Sequence[Subject], others: Sequence[Subject], findings: Findings
) -> list[tuple[Member, Member, str]]:
    """References that say little of our own line: in the domain or network of a channel or another one.

    Each as (reference, what it is near to, the shared name), one for each pair.
    """
    near: dict[tuple[Member, Member], str] = {}
    for number, reference in enumerate(references):
        mine = _places(reference, findings)
        for other in (*references[:number], *others):
            if common := mine & _places(other, findings):
                near[reference.member, other.member] = min(common)
    return [(reference, other, name) for (reference, other), name in near.items()]


def _places(subject: Subject, findings: Findings) -> set[str]:
    return {
        tie.name for tie in ties(subject, findings) if tie.kind in (Kind.ADDRESS, Kind.NETWORK, Kind.ZONE)
    }
