"""A probe, or a look-up as sending makes it, in a process of its own: `python -m tests.channels.probed JSON`.

In a network namespace this process has that namespace's name servers; nobody else does.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

from fallback_cast.channels.apprise.reach import Reach, knock
from fallback_cast.channels.kit import names, net, way
from fallback_cast.channels.kit.probe import probe_connection
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check
from tests.counterparts.netns import Namespace
from tests.counterparts.processes import run
from tests.counterparts.require import ROOT


@dataclass(frozen=True)
class Seen:
    checks: list[Check]
    found: list[str] | str
    elapsed: float

    @property
    def rows(self) -> list[tuple[str, bool, str, bool]]:
        return [(check.layer.value, check.ok, check.detail, check.decisive) for check in self.checks]


def look(namespace: Namespace, what: str, host: str, port: int = 80, **more: Any) -> Seen:
    """`what`: probe, apprise or resolve. `more`: resolvers, times (for the last of so many), and what is
    waited for (alone, aside): long enough for a busy machine, unless the test is about just that.
    """
    words = json.dumps({"what": what, "host": host, "port": port, **more})
    command = namespace.command("env", f"PYTHONPATH={ROOT / 'src'}", sys.executable, "-m", __name__, words)
    said = json.loads(run(command, cwd=ROOT))
    checks = [
        Check(Layer(layer), ok, s, detail, decisive) for layer, ok, s, detail, decisive in said["checks"]
    ]
    return Seen(checks, said["found"], said["elapsed"])


async def _look(order: dict[str, Any]) -> dict[str, Any]:
    net.use_second_resolver([names.parse_server(text) for text in order.get("resolvers", ())])
    net.SYSTEM_ALONE_S = order.get("alone", 5.0)  # type: ignore[misc]
    way.ASIDE_S = order.get("aside", 5.0)  # type: ignore[misc]
    checks: list[Check] = []
    found: list[str] | str = []
    for _ in range(order.get("times", 1) - 1):
        await net.resolve(order["host"], order["port"])
    started = time.perf_counter()
    if order["what"] == "resolve":
        try:
            found = [str(info[4][0]) for info in await net.resolve(order["host"], order["port"])]
        except socket.gaierror as error:
            found = net.name_fault(error)
    elif order["what"] == "apprise":
        checks = await knock(Reach(order["host"], order["port"]), 5)
    else:
        checks = await probe_connection(order["host"], order["port"])
    return {
        "checks": [(c.layer.value, c.ok, c.elapsed_s, c.detail, c.decisive) for c in checks],
        "found": found,
        "elapsed": time.perf_counter() - started,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_look(json.loads(sys.argv[1])))))
