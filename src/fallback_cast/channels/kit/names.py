"""The second resolver: names asked of name servers of another operator, each kind of failure in words.

The system resolver knows only *does not exist* and *try again*. Here SERVFAIL (the name's own servers are
gone: the picture of 4 October 2021), NXDOMAIN, no address, a refusal and silence are told apart, with
what the server itself says about it (RFC 8914). dnspython loads with the first question.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fallback_cast.model.texts import Phrase

if TYPE_CHECKING:
    import dns.message

Server = tuple[str, int]

LOOK_UP_S = 5.0  # the whole look-up, all servers
ASK_S = 1.5  # one server over UDP, and again over TCP
NEXT_S = 1.0  # a server that has not answered by then is asked no less, but the next one too
OTHER_FAMILY_S = 0.3  # how long known addresses wait for those of the other family (RFC 8305 §3)

SERVFAIL = "the look-up of this name fails"
NXDOMAIN = "the name does not exist"
NO_DATA = "the name has no address"
REFUSED = "the name server refuses to answer"
SILENT = "the name server does not answer in time"
UNREACHABLE = "the name server cannot be reached"
NONSENSE = "this is no name server's answer"

# RFC 8914 §4, those that say something about an outage or a block.
EXTENDED = {
    3: Phrase("a stale answer"),
    6: Phrase("its signature is wrong"),
    7: Phrase("its signature has expired"),
    9: Phrase("its signing key is missing"),
    13: Phrase("an error kept for a while"),
    15: Phrase("blocked by the name server's operator"),
    16: Phrase("blocked by law"),
    17: Phrase("filtered on request"),
    18: Phrase("we are not served here"),
    20: Phrase("not served by these name servers"),
    22: Phrase("none of its name servers can be reached"),
    23: Phrase("its name servers answer wrongly or not at all"),
}
# Never asked of strangers: they cannot know (RFC 6761, 6762, 8375; ICANN's .internal).
_PRIVATE = (".localhost", ".local", ".home.arpa", ".internal", ".lan", ".arpa")


@dataclass(frozen=True, slots=True)
class Found:
    """The addresses of a name; `note` is what the server had to remark (RFC 8914)."""

    addresses: tuple[str, ...]
    note: str = ""


class NameFault(Exception):
    """A name that was not found. `certain`: the server knows that there is nothing to find."""

    def __init__(self, word: str, *, code: str = "", extended: str = "", certain: bool = False) -> None:
        self.word, self.certain = word, certain
        super().__init__(_sentence(word, code, extended))

    @property
    def reason(self) -> str:
        said: str = self.args[0]
        return said


def _sentence(word: str, code: str, extended: str) -> Phrase:
    """`word`, `word (extended)` or `word (SERVFAIL: extended)`: parts that are translated one by one."""
    inner = Phrase("{head}: {rest}", head=code, rest=extended) if code and extended else code or extended
    return Phrase("{word} ({inner})", word=Phrase(word), inner=inner) if inner else Phrase(word)


def parse_server(text: str) -> Server:
    """`9.9.9.9`, `127.0.0.1:5300`, `2620:fe::fe` or `[2620:fe::fe]:53`. Raises ValueError."""
    host, port = text, "53"
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            raise ValueError("this is no address of a name server")
        port = port[1:] or "53"
    elif text.count(":") == 1:
        host, port = text.split(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("this is no address of a name server")
    return str(ipaddress.ip_address(host)), int(port)


def is_public(host: str) -> bool:
    """Whether a name server somewhere else may know this name: no address, no name of the house."""
    name = host.rstrip(".").lower()
    if "." not in name or name.endswith(_PRIVATE) or ":" in name:
        return False
    try:
        socket.inet_aton(name)
    except (OSError, ValueError):
        return True
    return False


class SecondResolver:
    """Asks name servers in their order, the next one as soon as one fails or takes its time."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = tuple(servers)

    async def look_up(self, host: str) -> Found:
        """All addresses of a public name, within LOOK_UP_S seconds. Raises NameFault."""
        try:
            async with asyncio.timeout(LOOK_UP_S):
                return await self._ask_servers(host)
        except TimeoutError:
            raise NameFault(SILENT) from None

    async def _ask_servers(self, host: str) -> Found:
        waiting, asked = list(self.servers), set[asyncio.Task[Found]]()
        faults: list[NameFault] = []
        try:
            while waiting or asked:
                if waiting:
                    asked.add(asyncio.create_task(_ask(waiting.pop(0), host)))
                done, asked = await asyncio.wait(
                    asked, timeout=NEXT_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    fault = task.exception()
                    if fault is None:
                        return task.result()
                    if not isinstance(fault, NameFault) or fault.certain:
                        raise fault
                    faults.append(fault)
        finally:
            await _give_up(asked)
        # What a server said tells more than another one's silence.
        raise next((fault for fault in faults if fault.word == SERVFAIL), faults[0])


async def _ask(server: Server, host: str) -> Found:
    """Both families of one server. Raises NameFault."""
    tasks = [asyncio.create_task(_ask_family(server, host, kind)) for kind in ("A", "AAAA")]
    try:
        done, late = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if late:
            await asyncio.wait(late, timeout=OTHER_FAMILY_S if any(map(_settles, done)) else None)
        found = [task.result() for task in tasks if task.done() and task.exception() is None]
        if found:
            return Found(
                tuple(address for one in found for address in one.addresses),
                next((one.note for one in found if one.note), ""),
            )
        faults = [fault for task in tasks if (fault := task.exception()) is not None]
        # "No address" of one family is no answer if the other one failed.
        raise next((fault for fault in faults if getattr(fault, "word", "") != NO_DATA), faults[0])
    finally:
        await _give_up(tasks)


def _settles(task: asyncio.Task[Found]) -> bool:
    """Whether one family's answer is good enough to end soon: addresses, or no such name at all."""
    return task.exception() is None or getattr(task.exception(), "word", "") == NXDOMAIN


async def _give_up(tasks: Sequence[asyncio.Task[Found]] | set[asyncio.Task[Found]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _ask_family(server: Server, host: str, kind: str) -> Found:
    import dns.exception
    import dns.message

    try:
        # EDNS, because extended errors travel in it (RFC 8914 §2); 1232 bytes pass everywhere.
        query = dns.message.make_query(host, kind, use_edns=0, payload=1232)
    except (dns.exception.DNSException, UnicodeError, ValueError):
        raise NameFault(NXDOMAIN, certain=True) from None
    return _read(await _exchange(query, server), kind)


async def _exchange(query: dns.message.Message, server: Server) -> dns.message.Message:
    """Over UDP; over TCP if the answer is cut or none comes (some networks let nothing else through)."""
    import dns.asyncquery
    import dns.exception

    address, port = server
    try:
        # Answers that are not ours, or broken, are waited through: anybody can send them.
        answer, _ = await dns.asyncquery.udp_with_fallback(
            query, address, ASK_S, port, ignore_unexpected=True, ignore_errors=True
        )
    except (dns.exception.DNSException, OSError, EOFError):
        answer = await _over_tcp(query, server)
    return answer


async def _over_tcp(query: dns.message.Message, server: Server) -> dns.message.Message:
    import dns.asyncquery
    import dns.exception

    try:
        return await dns.asyncquery.tcp(query, server[0], ASK_S, server[1])
    except (dns.exception.Timeout, TimeoutError):
        raise NameFault(SILENT) from None
    except (dns.exception.DNSException, EOFError):
        raise NameFault(NONSENSE) from None
    except OSError:
        raise NameFault(UNREACHABLE) from None


def _read(answer: dns.message.Message, kind: str) -> Found:
    """Addresses, at the end of any aliases, or what the answer says instead."""
    import dns.exception
    import dns.rcode

    code, extended = answer.rcode(), _extended(answer)
    if code == dns.rcode.NXDOMAIN:
        raise NameFault(NXDOMAIN, extended=extended, certain=True)
    if code == dns.rcode.REFUSED:
        raise NameFault(REFUSED, extended=extended)
    if code != dns.rcode.NOERROR:
        raise NameFault(SERVFAIL, code=dns.rcode.to_text(code), extended=extended)
    try:
        rows: Any = answer.resolve_chaining().answer  # type: ignore[attr-defined]
    except dns.exception.DNSException:
        raise NameFault(NONSENSE) from None
    if not rows:
        raise NameFault(NO_DATA, extended=extended, certain=True)
    return Found(tuple(row.address for row in rows), extended)


def _extended(answer: dns.message.Message) -> str:
    """The first extended error that we have words for."""
    return next((EXTENDED[error.code] for error in answer.extended_errors() if error.code in EXTENDED), "")
