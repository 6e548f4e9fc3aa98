"""A name server on loopback, over UDP and TCP, that lies and fails by name.

The first label decides: `servfail.`, `nx.`, `refused.`, `slow.` (late by `delay`), `silent.` (no answer),
`truncated.` (UDP says: ask by TCP) and `udp-silent.` (an answer over TCP alone). `ede22.` is SERVFAIL with
that extended error (RFC 8914). Everything else is answered from what the test has added, or NXDOMAIN.
"""

from __future__ import annotations

import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from dnslib import EDNS0, QTYPE, RCODE, RR, DNSRecord, EDNSOption  # type: ignore[import-untyped]

from tests.counterparts.ports import HOST, free_port

CODES = {"servfail": RCODE.SERVFAIL, "nx": RCODE.NXDOMAIN, "refused": RCODE.REFUSED}


@dataclass
class DnsFaults:
    host: str
    port: int
    delay: float = 1.0
    broken: bool = False  # SERVFAIL to every question
    queries: list[tuple[str, str]] = field(default_factory=list)
    _records: list[RR] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)

    def add(self, *lines: str) -> None:
        """Records as in a zone file: `add("club.test. 60 IN MX 10 mail.club.test.")`."""
        for line in lines:
            self._records.extend(RR.fromZone(line))

    def forget(self) -> None:
        self.queries.clear()
        self._records.clear()

    def answer(self, data: bytes, over_tcp: bool) -> bytes | None:
        request = DNSRecord.parse(data)
        name, kind = str(request.q.qname).lower(), QTYPE[request.q.qtype]
        self.queries.append((name, kind))
        label = name.partition(".")[0]
        if label == "silent" or (label == "udp-silent" and not over_tcp):
            return None
        if label == "slow":
            self._ending.wait(self.delay)
        return bytes(self._reply(request, name, kind, label, over_tcp).pack())

    def _reply(self, request: Any, name: str, kind: str, label: str, over_tcp: bool) -> Any:
        reply = request.reply()
        known = self._known(name)
        if extended := re.fullmatch(r"ede(\d+)", label):
            reply.header.rcode = RCODE.SERVFAIL
            reply.add_ar(EDNS0(opts=[EDNSOption(15, struct.pack("!H", int(extended[1])))]))
        elif self.broken or label in CODES:
            reply.header.rcode = RCODE.SERVFAIL if self.broken else CODES[label]
        elif label == "truncated" and not over_tcp:
            reply.header.tc = 1
        elif not known:
            reply.header.rcode = RCODE.NXDOMAIN
        for record in known if reply.header.rcode == RCODE.NOERROR and not reply.header.tc else ():
            if QTYPE[record.rtype] in (kind, "CNAME"):
                reply.add_answer(record)
        return reply

    def _known(self, name: str) -> list[RR]:
        """The records of a name, and of what it is another name for."""
        found = [record for record in self._records if str(record.rname).lower() == name]
        for alias in [record for record in found if record.rtype == QTYPE.CNAME]:
            found += self._known(str(alias.rdata.label).lower())
        return found


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, socket = self.request
        if answer := vars(self.server)["faults"].answer(data, over_tcp=False):
            socket.sendto(answer, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while size := self.rfile.read(2):
            data = self.rfile.read(struct.unpack("!H", size)[0])
            answer = vars(self.server)["faults"].answer(data, over_tcp=True)
            if answer:
                self.wfile.write(struct.pack("!H", len(answer)) + answer)


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def dns_faults(host: str = HOST, port: int | None = None) -> Iterator[DnsFaults]:
    faults = DnsFaults(host, port or free_port())
    with ExitStack() as stack:
        for server_class, handler in ((_UdpServer, _Udp), (_TcpServer, _Tcp)):
            server = stack.enter_context(server_class((host, faults.port), handler))
            vars(server)["faults"] = faults
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(server.shutdown)
        yield faults
        faults._ending.set()
