"""The states in which the first channel can be, each a server on loopback that counts what it was sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from tests.counterparts.http_faults import (
    Action,
    Request,
    blackhole,
    hang,
    http_faults,
    refused_port,
    reply,
)
from tests.counterparts.ports import HOST

from benchmarks.failover.names import UNKNOWN


@dataclass
class Receiver:
    """A server, and the moments (monotonic) at which messages came in full; probes are none."""

    url: str
    arrivals: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    name: str
    opened: Callable[[], AbstractContextManager[Receiver]]
    takes: bool = False  # the first channel takes the message: nobody needs the second
    asks_names: bool = False
    known: bool = False  # the outage is in our ledger already


@contextmanager
def receiver(act: Callable[[], Action] = reply) -> Iterator[Receiver]:
    with http_faults() as server:
        seen = Receiver(server.url)

        def take(request: Request) -> Action:
            if request.method == "POST":
                seen.arrivals.append(time.monotonic())
            return act()

        server.always(take)
        yield seen


@contextmanager
def _port(opened: Callable[[], AbstractContextManager[int]]) -> Iterator[Receiver]:
    with opened() as port:
        yield Receiver(f"http://{HOST}:{port}")


@contextmanager
def _unknown_name() -> Iterator[Receiver]:
    yield Receiver(f"http://{UNKNOWN}:8080")


HEALTHY = State("healthy", receiver, takes=True)
REFUSED = State("connection refused", lambda: _port(refused_port))
BLACKHOLED = State("packets dropped (blackhole)", lambda: _port(blackhole))
HANGING = State("accepts, never answers", lambda: receiver(hang))
FULL = State("503", lambda: receiver(lambda: reply(503)))
LIMITED = State("429", lambda: receiver(lambda: reply(429)))
NAMELESS = State("name server silent", _unknown_name, asks_names=True)
KNOWN = State("blackhole, outage known", lambda: _port(blackhole), known=True)

ALL = (HEALTHY, REFUSED, BLACKHOLED, HANGING, FULL, LIMITED, NAMELESS, KNOWN)
