"""First message after the first channel died: `python -m benchmarks.failover`.

Times `fallback-cast send -i urgent` over two webhooks whose first one is refused, blackholed or silent:
seconds from the start of the command to the arrival at the second, and to the end of the whole command.
"""

from __future__ import annotations

import asyncio
import base64
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from aiohttp import web
from tests.counterparts.http_faults import blackhole, refused_port, silent_server

SECRET = "whsec_" + base64.b64encode(b"0" * 32).decode()
ROUNDS = 5


async def receiver(arrivals: list[float]) -> tuple[web.AppRunner, int]:
    async def take(request: web.Request) -> web.Response:
        if request.method == "POST":
            arrivals.append(time.time())
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, runner.addresses[0][1]


def settings(folder: Path, ports: list[int]) -> None:
    hooks = "".join(
        f'[[channel]]\nname = "c{n}"\nkind = "webhook"\nurl = "http://127.0.0.1:{port}/"\nsecret = "{SECRET}"\n'
        for n, port in enumerate(ports)
    )
    (folder / "channels.toml").write_text('[club]\nname = "Club"\n' + hooks)
    (folder / "channels.toml").chmod(0o600)


async def once(first: int | None) -> tuple[float, float, int]:
    """(seconds to the arrival, seconds to the end of the command, arrivals)."""
    arrivals: list[float] = []
    runner, port = await receiver(arrivals)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings(folder, [port] if first is None else [first, port])
        program = [sys.executable, "-c", "from fallback_cast.cli.app import main; main()"]
        await run([*program, "list"], folder)  # the ledger exists already, as it does for a club
        began = time.time()
        await run([*program, "send", "-t", "T", "-b", "B", "-i", "urgent"], folder)
        ended = time.time()
    await runner.cleanup()
    return (arrivals[0] - began if arrivals else float("inf")), ended - began, len(arrivals)


async def run(command: list[str], folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    await process.wait()


def main() -> None:
    print("| state of the first | seconds to the second | over healthy | whole command | arrivals |")
    print("|---|---|---|---|---|")
    healthy = measure("healthy", None, 0.0)
    states: dict[str, AbstractContextManager[object]] = {
        "refused": refused_port(),
        "blackholed": blackhole(),
        "accepts, never answers": silent_server(),
    }
    for name, state in states.items():
        with state as given:
            measure(name, given if isinstance(given, int) else given.port, healthy)  # type: ignore[attr-defined]


def measure(name: str, port: int | None, healthy: float) -> float:
    results = [asyncio.run(once(port)) for _ in range(ROUNDS)]
    arrival = statistics.median(r[0] for r in results)
    command = statistics.median(r[1] for r in results)
    told = max(r[2] for r in results)
    print(f"| {name} | {arrival:.2f} | {arrival - healthy:+.2f} | {command:.2f} | {told} |", flush=True)
    return arrival


if __name__ == "__main__":
    main()
