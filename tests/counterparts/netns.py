"""A network of our own: a client and a server namespace, and between them a cable to cut or to spoil.

Code runs in a namespace either as a process (`network.client.run([...])`) or, for the current thread and the
threads and sockets it makes from then on, inside `with network.client.entered():`.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.counterparts import require
from tests.counterparts.processes import Daemon, run

CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Namespace:
    name: str
    address: str
    address6: str
    device: str

    def command(self, *words: object) -> list[object]:
        """What to start for these words to run in here; names resolve by this namespace's resolv.conf."""
        return [require.program("ip"), "netns", "exec", self.name, *words]

    def run(self, words: Sequence[object], stdin: str = "") -> str:
        return run(self.command(*words), stdin=stdin)

    def listens(self, address: str, port: int) -> bool:
        """Whether somebody takes TCP connections at this address of ours."""
        found = self.run([require.program("ss"), "-Hltn", "sport", "=", str(port)])
        return f"{address}:{port}" in found

    @contextmanager
    def entered(self) -> Iterator[None]:
        """New sockets of this thread belong here; names still resolve by the machine's files."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


@dataclass(frozen=True)
class Network:
    client: Namespace
    server: Namespace
    directory: Path

    @contextmanager
    def cut(self) -> Iterator[None]:
        """The cable is out: nothing comes back, not even a refusal."""
        _ip("-n", self.server.name, "link", "set", self.server.device, "down")
        try:
            yield
        finally:
            _ip("-n", self.server.name, "link", "set", self.server.device, "up")

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """The client's own end is down: it has no route at all, and knows it."""
        _ip("-n", self.client.name, "link", "set", self.client.device, "down")
        try:
            yield
        finally:
            _ip("-n", self.client.name, "link", "set", self.client.device, "up")

    def filtered(self, rule: str) -> AbstractContextManager[None]:
        """With an nft rule for what the server would receive: `tcp dport 80 drop` and the like."""
        return _filtered(self.server, "filter hook input priority 0", rule)

    def muted(self, rule: str = "") -> AbstractContextManager[None]:
        """What the client sends is lost, or what of it the rule matches; what comes to it arrives."""
        device = f'oifname "{self.client.device}"'
        return _filtered(self.client, "filter hook output priority 0", f"{device} {rule} drop")

    def redirected(self, rule: str) -> AbstractContextManager[None]:
        """With an nft rule for where the client's connections go: `tcp dport 80 dnat ip to …`."""
        return _filtered(self.client, "nat hook output priority -100", rule)

    def add_address(self, address: str) -> str:
        """One more address of the server, for a host of its own."""
        _ip("-n", self.server.name, "address", "add", f"{address}/24", "dev", self.server.device)
        return address

    def dropped(self, port: int) -> AbstractContextManager[None]:
        """Connecting hangs."""
        return self.filtered(f"tcp dport {port} drop")

    def rejected(self, port: int) -> AbstractContextManager[None]:
        """Connecting is refused; what is connected is reset."""
        return self.filtered(f"tcp dport {port} reject with tcp reset")

    def lossy(self, one_in: int = 2) -> AbstractContextManager[None]:
        """One packet in so many is lost."""
        return self.filtered(f"numgen random mod {one_in} == 0 drop")

    @contextmanager
    def names(
        self, addresses: Mapping[str, str | Sequence[str]], *more: str, patience: int = 1
    ) -> Iterator[Daemon]:
        """A name server for processes in the client namespace; names not given do not exist.

        `more` are options of dnsmasq; `patience` is how many seconds its clients wait for it.
        """
        options = [
            f"--address=/{name}/{address}"
            for name, found in addresses.items()
            for address in ([found] if isinstance(found, str) else found)
        ]
        words = [require.program("dnsmasq"), "-k", "--no-resolv", "--no-hosts", "--conf-file=/dev/null"]
        words += [
            "--user=root",
            "--pid-file=",
            "--bind-interfaces",
            f"--listen-address={self.server.address}",
        ]
        daemon = Daemon(
            self.server.command(*words, *options, *more, "--address=/#/"),
            self.directory / "dnsmasq.log",
            self._dns_up,
        )
        with self.asking(self.server.address, patience=patience), daemon.running():
            yield daemon

    @contextmanager
    def asking(self, *name_servers: str, patience: int = 1) -> Iterator[None]:
        """Processes in the client namespace ask these name servers, each for `patience` seconds."""
        files = Path("/etc/netns", self.client.name)
        files.mkdir(parents=True)
        lines = [
            *(f"nameserver {server}" for server in name_servers),
            f"options timeout:{patience} attempts:1",
        ]
        files.joinpath("resolv.conf").write_text("\n".join(lines) + "\n")
        try:
            yield
        finally:
            shutil.rmtree(files)

    def _dns_up(self) -> bool:
        return self.server.listens(self.server.address, 53)


@contextmanager
def network(directory: Path) -> Iterator[Network]:
    """Skips where namespaces are not allowed."""
    require.root("network namespaces need it")
    for program in ("ip", "nft"):
        require.program(program)
    directory.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:6]
    client = Namespace(f"fc-{mark}-client", "10.77.0.1", "fd77::1", f"fc{mark}c")
    server = Namespace(f"fc-{mark}-server", "10.77.0.2", "fd77::2", f"fc{mark}s")
    with ExitStack() as stack:
        for namespace in (client, server):
            _add(namespace)
            stack.callback(_ip, "netns", "delete", namespace.name)
        _connect(client, server)
        yield Network(client, server, directory)


@contextmanager
def _filtered(namespace: Namespace, kind: str, rule: str) -> Iterator[None]:
    name = f"faults{uuid.uuid4().hex[:6]}"
    table = f"table inet {name} {{ chain here {{ type {kind}; {rule}; }}; }}\n"
    namespace.run([require.program("nft"), "-f", "-"], stdin=table)
    try:
        yield
    finally:
        namespace.run([require.program("nft"), "delete", "table", "inet", name])


def _add(namespace: Namespace) -> None:
    program = require.program("ip")
    made = subprocess.run([program, "netns", "add", namespace.name], capture_output=True, text=True)
    if made.returncode:
        require.missing(f"leave to make network namespaces: {made.stderr.strip()}")


def _connect(client: Namespace, server: Namespace) -> None:
    ends = (
        client.device,
        "netns",
        client.name,
        "type",
        "veth",
        "peer",
        "name",
        server.device,
        "netns",
        server.name,
    )
    _ip("link", "add", *ends)
    for namespace in (client, server):
        _ip("-n", namespace.name, "address", "add", f"{namespace.address}/24", "dev", namespace.device)
        six = f"{namespace.address6}/64"
        _ip("-n", namespace.name, "address", "add", six, "dev", namespace.device, "nodad")
        for device in ("lo", namespace.device):
            _ip("-n", namespace.name, "link", "set", device, "up")
    for near, far in ((client, server), (server, client)):
        # IPv6 begins by asking who is there, and a new cable loses that question for a second or two.
        known = far.run(["cat", f"/sys/class/net/{far.device}/address"]).strip()
        to = ("-6", "neighbour", "add", far.address6, "lladdr", known, "dev", near.device)
        _ip("-n", near.name, *to)


def _ip(*words: str) -> None:
    run([require.program("ip"), *words])


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
