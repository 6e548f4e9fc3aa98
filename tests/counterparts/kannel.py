"""Kannel, an SMS gateway a club can own, behind it an SMS centre of ours that speaks SMPP (`smsc.js`).

sendsms --HTTP--> smsbox --> bearerbox --SMPP--> smsc.js;  receipts and replies --HTTP--> `callbacks`
"""

from __future__ import annotations

import json
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.counterparts import require
from tests.counterparts.http_faults import HttpFaults, http_faults
from tests.counterparts.ports import HOST, answers, free_port
from tests.counterparts.processes import Daemon, wait_for

SIMULATOR = Path(__file__).with_name("smsc.js")


@dataclass(frozen=True)
class Sms:
    """One SMS as a phone would show it: `parts` says how many the gateway made of it."""

    sender: str
    to: str
    text: str
    data_coding: int
    parts: int
    receipt_wanted: bool


@dataclass(frozen=True)
class Part:
    sms: Sms
    reference: int | None
    total: int
    number: int


@dataclass(frozen=True)
class Kannel:
    """`callbacks` gets members' replies at `/mo`, and delivery reports at `/dlr` if sent with `dlr_url`."""

    host: str
    port: int
    admin_port: int
    username: str
    password: str = field(repr=False)
    status_password: str = field(repr=False)
    sender: str
    callbacks: HttpFaults
    log: Path
    _control_port: int
    _smsc: Daemon
    _gateway: tuple[Daemon, Daemon]

    @property
    def sendsms_url(self) -> str:
        return f"http://{self.host}:{self.port}/cgi-bin/sendsms"

    @property
    def status_url(self) -> str:
        return f"http://{self.host}:{self.admin_port}/status.txt?password={self.status_password}"

    @property
    def dlr_url(self) -> str:
        """Kannel fills in the escapes; add your own `&id=` and encode the whole as a parameter."""
        return f"{self.callbacks.url}/dlr?type=%d&answer=%A&smscid=%F&ts=%T"

    def status(self) -> str:
        with urllib.request.urlopen(self.status_url, timeout=2) as answer:
            return str(answer.read().decode())

    def online(self) -> bool:
        return "(online" in self.status()

    def submitted(self) -> list[Sms]:
        """What reached the SMS centre, long messages put together again."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return _join([_part(json.loads(line)) for line in lines])

    def wait_for_sms(self, to: str, count: int = 1, deadline: float = 20) -> list[Sms]:
        def arrived() -> list[Sms] | None:
            found = [sms for sms in self.submitted() if sms.to == to.lstrip("+")]
            return found if len(found) >= count else None

        return wait_for(arrived, f"{count} SMS to {to}", deadline)

    def wait_for_receipts(self, count: int = 1, deadline: float = 20, **query: str) -> list[dict[str, str]]:
        """Reports called back with these parameters: type 1 delivered, 2 failed, 8 taken, 16 refused."""

        def arrived() -> list[dict[str, str]] | None:
            calls = [request.query for request in self.callbacks.requests if request.path == "/dlr"]
            found = [call for call in calls if query.items() <= call.items()]
            return found if len(found) >= count else None

        return wait_for(arrived, f"{count} receipts like {query}", deadline)

    def receive(self, sender: str, text: str, to: str = "36000") -> None:
        """A member writes to the club; Kannel calls `/mo` with from, to and text."""
        body = json.dumps({"from": sender, "to": to, "text": text}).encode()
        url = f"http://{HOST}:{self._control_port}/receive"
        with urllib.request.urlopen(url, body, timeout=2) as answer:
            answer.read()

    def forget(self) -> None:
        self.log.unlink(missing_ok=True)
        self.callbacks.forget()

    @contextmanager
    def smsc_down(self) -> Iterator[None]:
        """The operator is gone: Kannel takes messages and keeps them."""
        self._smsc.stop()
        wait_for(lambda: not self.online(), "Kannel to notice")
        try:
            yield
        finally:
            self._smsc.start()
            wait_for(self.online, "Kannel to reconnect")

    @contextmanager
    def gateway_down(self, *, killed: bool = False) -> Iterator[None]:
        """Kannel itself is gone, by power cut if `killed`; what it had stored comes back with it."""
        for daemon in reversed(self._gateway):
            daemon.kill() if killed else daemon.stop()
        try:
            yield
        finally:
            for daemon in self._gateway:
                daemon.start()

    @contextmanager
    def gateway_frozen(self) -> Iterator[None]:
        bearerbox, smsbox = self._gateway
        with bearerbox.frozen(), smsbox.frozen():
            yield


@contextmanager
def kannel(directory: Path) -> Iterator[Kannel]:
    with ExitStack() as stack:
        gateway = _prepare(directory, stack.enter_context(http_faults()))
        for daemon in (gateway._smsc, *gateway._gateway):
            stack.callback(daemon.stop)
            daemon.start()
        wait_for(gateway.online, "Kannel to find its SMS centre")
        yield gateway


def _prepare(directory: Path, callbacks: HttpFaults) -> Kannel:
    smpp_port, control_port, box_port, admin_port, port = (free_port() for _ in range(5))
    log = directory / "submitted.jsonl"
    conf = directory / "kannel.conf"
    directory.joinpath("store").mkdir(parents=True)
    conf.write_text(_settings(directory, smpp_port, box_port, admin_port, port, callbacks))
    simulator = [
        require.program("node"),
        SIMULATOR,
        require.node_package("smpp"),
        smpp_port,
        control_port,
        log,
    ]
    smsc = Daemon(simulator, directory / "smsc.log", lambda: answers(control_port) and answers(smpp_port))
    bearerbox = Daemon(
        [require.program("bearerbox"), "-v", "1", conf],
        directory / "bearerbox.log",
        lambda: answers(box_port),
    )
    smsbox = Daemon(
        [require.program("smsbox"), "-v", "1", conf], directory / "smsbox.log", lambda: answers(port)
    )
    return Kannel(
        host=HOST,
        port=port,
        admin_port=admin_port,
        username="club",
        password="pw-sms",
        status_password="pw-status",
        sender="Club",
        callbacks=callbacks,
        log=log,
        _control_port=control_port,
        _smsc=smsc,
        _gateway=(bearerbox, smsbox),
    )


def _part(line: dict[str, Any]) -> Part:
    sms = Sms(line["sender"], line["to"], line["text"], line["data_coding"], 1, line["receipt_wanted"])
    for element in map(bytes.fromhex, line["udh"]):
        # Element 00, three bytes long, says reference, number of parts, and which one this is.
        if element[:2] == b"\x00\x03":
            return Part(sms, element[2], element[3], element[4])
    return Part(sms, None, 1, 1)


def _join(parts: list[Part]) -> list[Sms]:
    """Parts of one message share number and reference; a reference used again begins a new message."""
    whole: list[Sms] = []
    waiting: dict[tuple[str, int | None], dict[int, Sms]] = defaultdict(dict)
    for part in parts:
        key = (part.sms.to, part.reference)
        waiting[key][part.number] = part.sms
        if len(waiting[key]) == part.total:
            pieces = waiting.pop(key)
            text = "".join(pieces[number].text for number in sorted(pieces))
            whole.append(
                Sms(
                    part.sms.sender,
                    part.sms.to,
                    text,
                    part.sms.data_coding,
                    part.total,
                    part.sms.receipt_wanted,
                )
            )
    return whole


def _settings(
    directory: Path, smpp_port: int, box_port: int, admin_port: int, port: int, callbacks: HttpFaults
) -> str:
    return f"""\
group = core
admin-port = {admin_port}
admin-interface = {HOST}
admin-password = pw-admin
status-password = pw-status
smsbox-port = {box_port}
smsbox-interface = {HOST}
box-allow-ip = {HOST}
store-type = file
store-location = {directory}/store/messages
dlr-storage = internal
sms-resend-freq = 2
sms-resend-retry = 3

group = smsc
smsc = smpp
smsc-id = SIM
host = {HOST}
port = {smpp_port}
transceiver-mode = true
smsc-username = club
smsc-password = pw-smpp
system-type = ""
reconnect-delay = 1
enquire-link-interval = 5
msg-id-type = 0x00

group = smsbox
smsbox-id = box
bearerbox-host = {HOST}
bearerbox-port = {box_port}
sendsms-port = {port}
sendsms-interface = {HOST}
http-request-retry = 3
http-queue-delay = 1

group = sendsms-user
username = club
password = pw-sms
max-messages = 5
concatenation = true
user-allow-ip = {HOST}

group = sms-service
keyword = default
get-url = "{callbacks.url}/mo?from=%p&to=%P&text=%a&id=%I"
max-messages = 0
catch-all = true

# Once an smsbox has an id, replies go to it only by a route; without one they stay queued for ever.
group = smsbox-route
smsbox-id = box
smsc-id = SIM
"""
