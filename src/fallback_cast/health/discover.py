"""Finds out what each host hangs on: its zone's name servers, addresses, mail exchangers, certificate owner.

Asks DNS, and makes one TLS handshake with servers that the settings name; nothing else is fetched. All within
a few seconds: what has not answered by then is unknown.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fallback_cast.channels.kit import net
from fallback_cast.channels.kit.http import tls_reason
from fallback_cast.channels.kit.probe import days_left
from fallback_cast.health.facts import Certificate, Facts, Findings, Kind, Subject
from fallback_cast.health.operators import is_address, operator, registrable
from fallback_cast.model.channel import Endpoint

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.resolver import Answer

Server = tuple[str, int]

WITHIN_S = 4.0  # everything
ASK_S = 1.5  # one name server; then the next one is asked
LATE = "no answer in time"


class _Fault(Exception):
    """A look-up without a result. `certain`: there is nothing to find."""

    def __init__(self, reason: str, *, certain: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.certain = reason, certain


def load() -> None:
    """Load what looking needs, a tenth of a second: before anything is timed in the same event loop."""
    import dns.asyncquery
    import dns.asyncresolver  # noqa: F401

    registrable("example.org")


async def discover(
    subjects: Sequence[Subject],
    resolvers: Sequence[Server] = (),
    *,
    tls: ssl.SSLContext | None = None,
    within_s: float = WITHIN_S,
) -> Findings:
    """Look at all hosts of these subjects, within so many seconds. Never raises for what is not found.

    `resolvers` are name servers to ask instead of the system's; `tls` defaults to the system's authorities.
    """
    endpoints: dict[str, set[Endpoint]] = {}
    for reach in (reach for subject in subjects for reach in subject.providers):
        for endpoint in reach.endpoints:
            endpoints.setdefault(endpoint.host, set()).add(endpoint)
    domains = {subject.mail_domain for subject in subjects if subject.mail_domain}
    look = _Look(resolvers, tls, asyncio.get_running_loop().time() + within_s)
    async with asyncio.TaskGroup() as group:
        hosts = [group.create_task(look.host(host, found)) for host, found in endpoints.items()]
        mail = [group.create_task(look.mail(domain, set(endpoints))) for domain in domains]
    found: dict[str, Facts] = dict(task.result() for task in hosts)
    for task in mail:
        for host, facts in task.result().items():
            found[host] = _joined(found[host], facts) if host in found else facts
    return Findings(found, own_addresses(a for facts in found.values() for a in facts.addresses))


def _joined(one: Facts, other: Facts) -> Facts:
    """A name that is both a host and a mail domain."""
    return Facts(
        addresses=one.addresses or other.addresses,
        aliases=one.aliases,
        name_servers=one.name_servers or other.name_servers,
        exchangers=one.exchangers or other.exchangers,
        certificates=one.certificates or other.certificates,
        unknown={**one.unknown, **other.unknown},
    )


class _Look:
    """The look-ups of one `discover`, with one deadline (by the event loop's clock)."""

    def __init__(self, resolvers: Sequence[Server], tls: ssl.SSLContext | None, deadline: float) -> None:
        self._servers, self._tls, self._deadline = resolvers, tls, deadline
        self._made: Resolver | None = None

    async def host(self, host: str, endpoints: Iterable[Endpoint]) -> tuple[str, Facts]:
        unknown: dict[Kind, str] = {}
        addresses, aliases = await self._noting(Kind.ADDRESS, unknown, self._addresses(host), ((), ()))
        zones = asyncio.gather(
            *(
                self._noting(Kind.NAME_SERVERS, unknown, self._name_servers(name), ())
                for name in (host, *aliases)
                if registrable(name)
            )
        )
        secure = [endpoint for endpoint in endpoints if endpoint.secure] if addresses else []
        certificates = await asyncio.gather(
            *(self._noting(Kind.CERTIFICATE, unknown, self._certificate(e, addresses), None) for e in secure)
        )
        servers = tuple(found for found in await zones if found)
        shown = tuple(certificate for certificate in certificates if certificate)
        return host, Facts(addresses, aliases, servers, (), shown, unknown)

    async def mail(self, domain: str, seen: set[str]) -> dict[str, Facts]:
        """A mail domain, and the hosts that take its mail."""
        unknown: dict[Kind, str] = {}
        servers, exchangers = await asyncio.gather(
            self._noting(Kind.NAME_SERVERS, unknown, self._name_servers(domain), ()),
            self._noting(Kind.MAIL_EXCHANGERS, unknown, self._exchangers(domain), ()),
        )
        hosts = await asyncio.gather(
            *(self._exchanger(host) for host in exchangers if host not in seen and host != domain)
        )
        facts = Facts(name_servers=(servers,) if servers else (), exchangers=exchangers, unknown=unknown)
        if domain in exchangers:  # RFC 5321 §5.1: without an exchanger the domain itself takes the mail
            _, own = await self._exchanger(domain)
            facts = _joined(facts, own)
        return {domain: facts, **dict(hosts)}

    async def _exchanger(self, host: str) -> tuple[str, Facts]:
        unknown: dict[Kind, str] = {}
        addresses, _ = await self._noting(Kind.ADDRESS, unknown, self._addresses(host), ((), ()))
        return host, Facts(addresses, unknown=unknown)

    async def _noting(self, kind: Kind, unknown: dict[Kind, str], look: Any, nothing: Any) -> Any:
        """What a look-up finds; its fault is noted and `nothing` found."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await look
        except TimeoutError:
            unknown.setdefault(kind, LATE)
        except _Fault as fault:
            unknown.setdefault(kind, fault.reason)
        return nothing

    # -- DNS -----------------------------------------------------------------------------------

    async def _addresses(self, host: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of both families, and the names that this one is an alias of. Raises _Fault."""
        if is_address(host):
            return (host,), ()
        if registrable(host) is None:  # a name of this house: only the system knows it
            try:
                infos = await net.resolve(host, 0)
            except OSError as error:
                raise _Fault(net.name_fault(error) if isinstance(error, socket.gaierror) else LATE) from None
            return tuple(dict.fromkeys(str(info[4][0]) for info in infos)), ()
        answers = await self._ask_all(host, ("A", "AAAA"))
        addresses = tuple(row.address for answer in answers for row in answer)
        aliases = dict.fromkeys(
            str(alias[0].target).rstrip(".").lower()
            for answer in answers
            for alias in answer.chaining_result.cnames
        )
        return addresses, tuple(aliases)

    async def _name_servers(self, host: str) -> tuple[str, ...]:
        """Of the zone that the host is in, the nearest at or above it. Raises _Fault."""
        domain = registrable(host)
        if domain is None:
            return ()
        levels, name = [host], host
        while name != domain and "." in name:
            name = name.partition(".")[2]
            levels.append(name)
        answers = await asyncio.gather(*(self._ask(one, "NS") for one in levels), return_exceptions=True)
        faults: list[_Fault] = []
        for answer in answers:
            if isinstance(answer, _Fault):
                faults.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            elif answer.canonical_name == answer.qname:  # else these are the name servers of an alias
                return tuple(sorted(str(row.target).rstrip(".").lower() for row in answer))
        raise next((fault for fault in faults if not fault.certain), faults[-1])

    async def _exchangers(self, domain: str) -> tuple[str, ...]:
        """The hosts that take mail for a domain; itself, if it names none. Raises _Fault."""
        try:
            answer = await self._ask(domain, "MX")
        except _Fault as fault:
            if fault.certain and fault.reason == _NO_DATA:
                return (domain,)
            raise
        hosts = {str(row.exchange).rstrip(".").lower() for row in answer}
        return tuple(sorted(host for host in hosts if host))  # RFC 7505: "." takes no mail

    async def _ask_all(self, host: str, kinds: Sequence[str]) -> list[Answer]:
        """The answers there are. Raises _Fault if there is none, or one family is uncertain without any."""
        found = await asyncio.gather(*(self._ask(host, kind) for kind in kinds), return_exceptions=True)
        answers = [answer for answer in found if not isinstance(answer, BaseException)]
        if answers:
            return answers
        faults = [fault for fault in found if isinstance(fault, _Fault)]
        raise next((fault for fault in faults if not fault.certain), faults[0])

    async def _ask(self, name: str, kind: str) -> Answer:
        """Raises _Fault."""
        import dns.exception
        import dns.resolver

        try:
            return await self._resolver().resolve(name, kind, lifetime=self._left())
        except dns.resolver.NXDOMAIN:
            raise _Fault("the name does not exist", certain=True) from None
        except dns.resolver.NoAnswer:
            raise _Fault(_NO_DATA, certain=True) from None
        except dns.exception.Timeout:
            raise _Fault(LATE) from None
        except dns.resolver.NoNameservers:
            raise _Fault("the name server does not answer for this name") from None
        except dns.resolver.NoResolverConfiguration:
            raise _Fault("this machine has no name server") from None
        except (dns.exception.DNSException, OSError, UnicodeError, ValueError):
            raise _Fault("name look-up failed") from None

    def _left(self) -> float:
        return max(0.05, self._deadline - asyncio.get_running_loop().time())

    def _resolver(self) -> Resolver:
        if self._made is None:
            from dns.asyncresolver import Resolver
            from dns.nameserver import Do53Nameserver

            self._made = Resolver(configure=not self._servers)
            if self._servers:
                self._made.nameservers = [Do53Nameserver(host, port) for host, port in self._servers]
            self._made.timeout = ASK_S
        return self._made

    # -- TLS -----------------------------------------------------------------------------------

    async def _certificate(self, endpoint: Endpoint, addresses: Sequence[str]) -> Certificate:
        """From one handshake, chain and name checked: an impostor's tells nothing. Raises _Fault."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            sock = await net.connect_any([_info(address, endpoint.port) for address in addresses])
        except OSError as error:
            raise _Fault(net.route_fault(error)) from None
        try:
            _, writer = await asyncio.open_connection(sock=sock, ssl=self._tls, server_hostname=endpoint.host)
        except BaseException as error:  # also when the deadline ends it
            sock.close()
            if isinstance(error, OSError):  # ssl.SSLError is one
                raise _Fault(tls_reason(error)) from None
            raise
        shown: dict[str, Any] = writer.get_extra_info("peercert") or {}
        writer.transport.abort()
        return Certificate(owner(shown), days_left(shown))


_NO_DATA = "the name has no such entry"


def _info(address: str, port: int) -> net.AddressInfo:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


def owner(certificate: Mapping[str, Any]) -> str | None:
    """Whose certificate (as of `getpeercert`) it is: the organisation, else the domains of its names."""
    subject = {key: value for part in certificate.get("subject", ()) for key, value in part}
    if organisation := subject.get("organizationName"):
        return str(organisation)
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    return operator(name.removeprefix("*.") for name in names)


def own_addresses(towards: Iterable[str] = ()) -> tuple[str, ...]:
    """This machine's addresses on the ways to others: the routing table is asked, no packet is sent.

    A way to one of our own addresses begins at that address, so those among `towards` are found as well.
    """
    found: set[str] = set()
    for address in {*towards, "192.0.2.1", "2001:db8::1"}:  # RFC 5737, 3849: nobody's, so the usual way out
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as near:
            near.connect((address, 9))
            found.add(str(near.getsockname()[0]))
    return tuple(sorted(found))
