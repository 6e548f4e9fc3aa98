"""Short ways to write evidence down in tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fallback_cast.health.judge import History, judge
from fallback_cast.health.judgement import Judgement
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence, Signal
from tests.virtual_time import BEGIN

SERVICE = Layer.SERVICE
G, B, H, C, D, L, N = (
    Signal.GOOD,
    Signal.BAD,
    Signal.HALF,
    Signal.CONFIRMED,
    Signal.DENIED,
    Signal.LIMITED,
    Signal.HINT,
)


def moment(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def seen(
    at: float,
    signal: Signal,
    source: str = "probe",
    layer: Layer | None = SERVICE,
    detail: str = "HTTP 503",
    machine: str = "m",
    channel: str = "telegram",
) -> Evidence:
    good = signal is Signal.GOOD
    return Evidence(
        channel,
        channel,
        moment(at),
        signal,
        source,
        None if good else layer,
        "" if good else detail,
        machine,
    )


def looks(at: float, signs: str, machine: str = "m", layer: Layer = Layer.ROUTE) -> list[Evidence]:
    """One look at each reference: `+` answers, `-` does not."""
    return [
        Evidence(
            "",
            f"tcp://r{number}:53",
            moment(at),
            G if sign == "+" else B,
            "reference",
            layer,
            "" if sign == "+" else "no connection in time",
            machine,
        )
        for number, sign in enumerate(signs)
    ]


def judged(rows: Sequence[Evidence], at: float, **facts: object) -> Judgement:
    history = History(channel="telegram", provider="telegram", rows=rows, since=BEGIN, **facts)  # type: ignore[arg-type]
    return judge(history, moment(at))


def run(signals: Sequence[Signal], source: str = "probe", every: float = 10.0) -> list[Evidence]:
    return [seen(number * every, signal, source) for number, signal in enumerate(signals)]
