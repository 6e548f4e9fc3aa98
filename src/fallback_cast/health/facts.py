"""Who may share a failure domain, and what can be known of the hosts they are reached by."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fallback_cast.model.channel import Endpoint


class Kind(StrEnum):
    """How things hang together, the strongest first."""

    PROVIDER = "provider"  # the word in `failure_domains`
    ADDRESS = "address"
    NETWORK = "network"
    ZONE = "zone"  # the registered domain
    NAME_SERVERS = "name_servers"
    MAIL_EXCHANGERS = "mail_exchangers"
    CERTIFICATE = "certificate"
    OPERATOR = "operator"  # one company in different parts: name servers here, mail there


class Role(StrEnum):
    SITE = "site"  # the club's own pages
    CHANNEL = "channel"
    MAIL = "mail"  # what takes mail for the sender's domain
    PROGRAM = "program"  # this machine
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Member:
    """Who may share a domain. `rank` counts from 1 the channels that stand in for each other."""

    role: Role
    name: str = ""
    rank: int | None = None

    @property
    def place(self) -> tuple[int, int, str]:
        """For sorting: the site, the channels by rank, the mail, this machine."""
        return list(Role).index(self.role), self.rank or 0, self.name


@dataclass(frozen=True, slots=True)
class Reach:
    """One provider: the servers it is reached by, and the failure domains it is said to belong to."""

    endpoints: tuple[Endpoint, ...] = ()
    declared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subject:
    """A member, and all that it needs: one provider of several, and the domain its mail comes from."""

    member: Member
    providers: tuple[Reach, ...] = ()
    mail_domain: str | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate, checked: who it belongs to, and for how many days it is still valid."""

    owner: str | None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about one host or mail domain; `unknown` has the reason for what was not."""

    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # names it is an alias of
    name_servers: tuple[tuple[str, ...], ...] = ()  # of its zone, and of each alias's
    exchangers: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    unknown: Mapping[Kind, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    hosts: Mapping[str, Facts]
    own: tuple[str, ...] = ()  # this machine's addresses


# RFC 1918, 6598, 3927, 4193, 4291: the same numbers are in use in many houses.
_HOUSE = [
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10"),
    )
]


def is_private(address: str) -> bool:
    """Whether an address means something only in its own house."""
    parsed = ipaddress.ip_address(address)
    return parsed.is_loopback or any(parsed in network for network in _HOUSE)


def network_of(address: str) -> str | None:
    """/24 or /48, what one provider usually routes as one; None for a private address."""
    if is_private(address):
        return None
    size = 24 if ipaddress.ip_address(address).version == 4 else 48
    return str(ipaddress.ip_network((address, size), strict=False))
