"""What `check` says of shared failure domains: who goes down together, why, and what mends it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fallback_cast.cli.live import translate_reason
from fallback_cast.cli.terminal import Terminal
from fallback_cast.health.facts import Findings, Kind, Member, Role, Subject
from fallback_cast.health.shared import Shared, Unknown, Weight, in_order, shared, unknown
from fallback_cast.model.texts import Phrase, say


@dataclass(frozen=True, slots=True)
class DomainsFound:
    """The shared domains that concern the chosen channels, and what could not be looked up."""

    shared: Sequence[Shared]
    unknown: Sequence[Unknown]

    @property
    def warns(self) -> bool:
        return any(one.weight >= Weight.GROUND for one in self.shared)


def judge(subjects: Sequence[Subject], findings: Findings, only: Sequence[str]) -> DomainsFound:
    """`only` are the channels asked for; none: everything counts."""

    def concerns(members: Iterable[Member]) -> bool:
        return not only or any(m.name in only for m in members if m.role in (Role.CHANNEL, Role.SITE))

    return DomainsFound(
        [one for one in shared(subjects, findings) if concerns(one.members)],
        [one for one in unknown(subjects, findings) if concerns(one.members)],
    )


def shared_objects(terminal: Terminal, found: DomainsFound) -> list[dict[str, Any]]:
    """`shared_domains` of `check --json`; sentences are in the user's language."""
    return [
        {
            "kind": one.kind.value,
            "name": one.name,
            "channels": _channels(one.members),
            "evidence": [say(terminal.language, reason) for reason in one.evidence],
            "advice": "; ".join(say(terminal.language, advice) for advice in _advice(one)),
            "with": [role.value for role in (Role.SITE, Role.MAIL, Role.PROGRAM) if role in _roles(one)],
            "severity": _SEVERITY[one.weight],
        }
        for one in found.shared
    ]


def unknown_objects(terminal: Terminal, found: DomainsFound) -> list[dict[str, Any]]:
    """`unknown_domains` of `check --json`: look-ups that failed."""
    return [
        {
            "kind": one.kind.value,
            "host": one.host,
            "channels": _channels(one.members),
            "reason": translate_reason(terminal, one.reason),
        }
        for one in found.unknown
    ]


def print_domains(terminal: Terminal, found: DomainsFound) -> None:
    for one in found.shared:
        mark = "[yellow]![/]" if one.weight >= Weight.GROUND else "·"
        terminal.print(f"{mark} {_escaped(say(terminal.language, _headline(one)))}")
        for reason in one.evidence:
            terminal.print(f"    {say(terminal.language, reason)}", markup=False)
        for advice in _advice(one):
            terminal.print(f"    → {say(terminal.language, advice)}", markup=False)
    by_host: defaultdict[tuple[str, str], list[Unknown]] = defaultdict(list)
    for missing in found.unknown:
        by_host[missing.host, missing.reason].append(missing)
    for same in by_host.values():
        terminal.print(f"? {say(terminal.language, _unknown_line(terminal, same))}", markup=False)


def _headline(one: Shared) -> Phrase:
    match one.weight:
        case Weight.FIRST:
            return Phrase(
                "{names} go down together, ranks 1 and 2 among them: the first fallback fails with what it "
                "stands in for",
                names=_names(one),
            )
        case Weight.RANKS:
            return Phrase("{names} go down together: one cannot stand in for the other", names=_names(one))
        case Weight.GROUND:
            return Phrase(
                "the club's site, its mail and this program go down together: nothing of your own would be "
                "left"
            )
        case _:
            return Phrase("{names} go down together", names=_names(one))


def _names(one: Shared) -> Phrase | str:
    """The channels by name; site, mail and this machine only where they are the point."""
    members = one.members
    if one.weight >= Weight.RANKS:
        members = tuple(m for m in members if m.role in (Role.CHANNEL, Role.SITE))
    elif len(_ground(one)) > 1:
        members = tuple(m for m in members if m.role is not Role.CHANNEL)
    else:
        members = tuple(m for m in members if m.rank is not None or m.role is Role.SITE)
    return join([word(member) for member in members])


def word(member: Member) -> Phrase | str:
    """How people call it."""
    match member.role:
        case Role.SITE:
            return Phrase("the club's site")
        case Role.MAIL:
            return Phrase("the mail of {domain}", domain=member.name)
        case Role.PROGRAM:
            return Phrase("this program")
        case _:
            return member.name


def join(words: Sequence[Phrase | str]) -> Phrase | str:
    """`a, b and c`."""
    words = list(dict.fromkeys(words))
    if len(words) < 2:
        return words[0] if words else ""
    first: Phrase | str = words[0]
    for word in words[1:-1]:
        first = Phrase("{first}, {second}", first=first, second=word)
    return Phrase("{first} and {second}", first=first, second=words[-1])


def _advice(one: Shared) -> list[Phrase]:
    """What mends it: something for each kind, as one alone leaves the others."""
    if one.weight is Weight.GROUND:
        return [
            Phrase(
                "keep one of the three with somebody else: the mail at another provider, or a second copy of "
                "the site"
            )
        ]
    if one.weight is Weight.ADVICE and len(_ground(one)) < 2:
        return [Phrase("nothing to do as long as another channel of the ranks stands elsewhere")]
    mended_by_others = {_MENDED.get(kind) for kind in one.kinds}
    weak = (Kind.CERTIFICATE, Kind.OPERATOR)
    kinds = [one.kind, *(k for k in one.kinds[1:] if k not in weak and k not in mended_by_others)]
    return list(dict.fromkeys(_ADVICE[kind] for kind in kinds))


_ELSEWHERE = Phrase("rank a channel of another company between them")
_ADVICE: Mapping[Kind, Phrase] = {
    Kind.PROVIDER: Phrase(
        "rank a channel of another company between them; if they are independent after all, give each its "
        "own `failure_domains`"
    ),
    Kind.ADDRESS: Phrase("move one of them to another machine with another provider"),
    Kind.NETWORK: Phrase("move one of them to another provider's network"),
    Kind.ZONE: Phrase("give one of them a second domain name, registered with another company"),
    Kind.NAME_SERVERS: Phrase("let a second company serve the names of one of them"),
    Kind.MAIL_EXCHANGERS: Phrase("let another company take the mail of one of them"),
    Kind.CERTIFICATE: _ELSEWHERE,
    Kind.OPERATOR: _ELSEWHERE,
}
# Another provider is another network too; a second domain name can have other name servers.
_MENDED = {Kind.ADDRESS: Kind.NETWORK, Kind.ZONE: Kind.NAME_SERVERS}
_SEVERITY = {
    Weight.ADVICE: "advice",
    Weight.GROUND: "warning",
    Weight.RANKS: "warning",
    Weight.FIRST: "worst",
}


def _unknown_line(terminal: Terminal, same: Sequence[Unknown]) -> Phrase:
    """One sentence for all that is missing of a host for one reason."""
    one = same[0]
    if one.kind is Kind.NETWORK:
        return Phrase(
            "unknown: this machine's public address ({reason}); whether it shares a line with the club's "
            "site or mail cannot be seen from here",
            reason=translate_reason(terminal, one.reason),
        )
    return Phrase(
        "unknown: {what} of {host} ({reason}); what {names} may share with others is not known",
        what=join([_WHAT[missing.kind] for missing in same]),
        host=one.host,
        reason=translate_reason(terminal, one.reason),
        names=join([word(m) for m in in_order({m for missing in same for m in missing.members})]),
    )


_WHAT = {
    Kind.ADDRESS: Phrase("the addresses"),
    Kind.NAME_SERVERS: Phrase("the name servers"),
    Kind.MAIL_EXCHANGERS: Phrase("the mail exchangers"),
    Kind.CERTIFICATE: Phrase("the certificate's owner"),
}


def _roles(one: Shared) -> set[Role]:
    return {member.role for member in one.members}


def _ground(one: Shared) -> set[Role]:
    return _roles(one) & {Role.SITE, Role.MAIL, Role.PROGRAM}


def _channels(members: Iterable[Member]) -> list[str]:
    """Names of channels, in the order of their ranks; the site's channel too."""
    return [m.name for m in in_order(members) if m.role in (Role.CHANNEL, Role.SITE) and m.name]


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
