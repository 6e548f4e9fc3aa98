"""How a trace is written: what probes, sends and references see as the hours go by, and what was true.

Times are seconds since the trace began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fallback_cast.health.signals import GOOD, Reading
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence, Signal
from tests.virtual_time import BEGIN

PLATFORM = ("platform", "platform")
OTHER = ("email", "relay")


@dataclass(frozen=True, slots=True)
class Weather:
    """What a probe and a send meet; None: it says nothing about the platform.

    `call_fails`: a circuit breaker around the call would see an exception. `is_5xx`: a proxy would count
    it (5xx, or no connection).
    """

    probe: Reading
    send: Reading | None
    call_fails: bool = True
    is_5xx: bool = True


def _bad(layer: Layer, detail: str, signal: Signal = Signal.BAD) -> Reading:
    return Reading(signal, layer, detail)


def _confirmed(layer: Layer, detail: str) -> Reading:
    return Reading(Signal.CONFIRMED, layer, detail)


FINE = Weather(GOOD, GOOD, call_fails=False, is_5xx=False)
REFUSED = Weather(_confirmed(Layer.ROUTE, "connection refused"), _bad(Layer.ROUTE, "connection refused"))
SILENT = Weather(_bad(Layer.ROUTE, "no connection in time"), _bad(Layer.ROUTE, "no connection in time"))
UNROUTED = Weather(_bad(Layer.ROUTE, "no route to the host"), _bad(Layer.ROUTE, "no route to the host"))
RESET = Weather(_bad(Layer.ROUTE, "connection reset"), _bad(Layer.ROUTE, "connection reset"))
NO_NAME = Weather(
    _bad(Layer.NAME, "the name server does not answer for this name"),
    _bad(Layer.NAME, "the name server does not answer for this name"),
)
SERVFAIL = Weather(
    _confirmed(Layer.NAME, "the name server does not answer for this name"),
    _bad(Layer.NAME, "the name server does not answer for this name"),
)
NXDOMAIN = Weather(
    _confirmed(Layer.NAME, "the name does not exist"), _bad(Layer.NAME, "the name does not exist")
)
EXPIRED = Weather(
    _confirmed(Layer.TLS, "certificate not valid: certificate has expired"),
    _confirmed(Layer.TLS, "certificate not valid: certificate has expired"),
)
WRONG_NAME = Weather(
    _confirmed(Layer.TLS, "certificate not valid: hostname mismatch"),
    _confirmed(Layer.TLS, "certificate not valid: hostname mismatch"),
)
NO_TLS = Weather(_bad(Layer.TLS, "no TLS answer in time"), _bad(Layer.TLS, "no TLS connection"))
HTTP_503 = Weather(_bad(Layer.SERVICE, "HTTP 503"), _bad(Layer.SERVICE, "HTTP 503"))
HTTP_502 = Weather(_bad(Layer.SERVICE, "HTTP 502"), _bad(Layer.SERVICE, "HTTP 502", Signal.HALF))
HANGS = Weather(
    _bad(Layer.SERVICE, "no answer in time"), _bad(Layer.SERVICE, "no answer in time", Signal.HALF)
)
READ_ONLY = Weather(GOOD, _bad(Layer.SERVICE, "HTTP 500"))
ANSWERS_LOST = Weather(GOOD, _bad(Layer.SERVICE, "no answer in time", Signal.HALF))
LIMITS = Weather(
    Reading(Signal.LIMITED, Layer.RATE, "HTTP 429"), Reading(Signal.LIMITED, Layer.RATE), is_5xx=False
)
DENIES = Weather(
    Reading(Signal.DENIED, Layer.ACCOUNT, "HTTP 401"), Reading(Signal.DENIED, Layer.ACCOUNT), is_5xx=False
)
NO_CREDIT = Weather(GOOD, Reading(Signal.DENIED, Layer.ACCOUNT, "HTTP 402"), is_5xx=False)
ADDRESS_GONE = Weather(GOOD, GOOD, is_5xx=False)  # a refused address: an exception, and a sign of life
TEXT_REFUSED = Weather(GOOD, None, is_5xx=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One observation: the evidence it becomes, if any, and what other rules would make of it."""

    at: datetime
    source: str  # probe | send | feed | reference | other
    evidence: Evidence | None
    call_fails: bool = False
    is_5xx: bool = False

    @property
    def is_call(self) -> bool:
        return self.source in ("probe", "send")


@dataclass
class Day:
    """A trace under construction. Rows are added in the order of time.

    `references` says what they answer from now on, a sign each: `+` yes, `-` no, `p` a sign-in page,
    `n` its name is not found. They are looked at with each failure, unless that was done within 5 s.
    """

    name: str
    story: str
    references: str = "+++"
    machine: str = "laptop"
    rows: list[Row] = field(default_factory=list)
    out: list[tuple[float, float]] = field(default_factory=list)  # when it was truly out
    _looked: dict[str, float] = field(default_factory=dict)

    def down(self, begin: float, end: float) -> Day:
        self.out.append((begin, end))
        return self

    def probe(self, at: float, weather: Weather) -> Day:
        return self._see(at, "probe", weather.probe, weather)

    def send(self, at: float, weather: Weather) -> Day:
        return self._see(at, "send", weather.send, weather)

    def probes(self, begin: float, end: float, weather: Weather, every: float = 60, doubt: float = 10) -> Day:
        """Every minute while all is well, every 10 s while it is not: as for every detector here."""
        at = begin
        while at < end:
            self.probe(at, weather)
            at += every if weather.probe.signal in (Signal.GOOD, Signal.LIMITED) else min(doubt, every)
        return self

    def sends(self, begin: float, count: int, weather: Weather, every: float = 0.1) -> Day:
        for number in range(count):
            self.send(begin + number * every, weather)
        return self

    def other(self, at: float) -> Day:
        """Another channel of this machine works."""
        self._add(at, "other", OTHER, GOOD)
        return self

    def hint(self, at: float) -> Day:
        self._add(at, "feed", PLATFORM, Reading(Signal.HINT, None, "incident"))
        return self

    def at(self, machine: str, references: str) -> Day:
        """From now on it is this machine that sees things, with these references."""
        self.machine, self.references = machine, references
        return self

    def _see(self, at: float, source: str, reading: Reading | None, weather: Weather) -> Day:
        if reading is not None and reading.signal not in (Signal.GOOD, Signal.LIMITED):
            self._look(at)
        failed = reading is None or reading.signal is not Signal.GOOD
        calls = weather.call_fails and (failed or (source == "send" and weather is ADDRESS_GONE))
        self._add(at, source, PLATFORM, reading, calls, weather.is_5xx and failed)
        return self

    def _look(self, at: float) -> None:
        if at - self._looked.get(self.machine, -10.0) < 5.0:
            return
        self._looked[self.machine] = at
        answers = {
            "+": GOOD,
            "-": _bad(Layer.ROUTE, "no connection in time"),
            "p": _bad(Layer.SERVICE, "a wrong page answers (1a2b3c4d)"),
            "n": _bad(Layer.NAME, "the name server does not answer for this name"),
        }
        for number, sign in sorted(enumerate(self.references), key=lambda found: found[1] != "+"):
            self._add(at, "reference", ("", f"tcp://reference-{number}:53"), answers[sign])

    def _add(
        self,
        at: float,
        source: str,
        about: tuple[str, str],
        reading: Reading | None,
        call_fails: bool = False,
        is_5xx: bool = False,
    ) -> None:
        moment = BEGIN + timedelta(seconds=at)
        if self.rows and moment <= self.rows[-1].at:
            moment = self.rows[-1].at + timedelta(microseconds=1)
        told = "send" if source == "other" else source
        evidence = reading and Evidence(
            *about, moment, reading.signal, told, reading.layer, reading.detail, self.machine
        )
        self.rows.append(Row(moment, source, evidence, call_fails, is_5xx))


def intervals(day: Day) -> Sequence[tuple[datetime, datetime]]:
    return [(BEGIN + timedelta(seconds=a), BEGIN + timedelta(seconds=b)) for a, b in day.out]
