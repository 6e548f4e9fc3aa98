"""From checks and errors to signals."""

from __future__ import annotations

import pytest

from fallback_cast.health.signals import of_probe, of_reference, of_send
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    Scope,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.health import Check, Signal


def ok(layer: Layer) -> Check:
    return Check(layer, True, 0.01)


def bad(layer: Layer, detail: str = "x", *, decisive: bool = True) -> Check:
    return Check(layer, False, 0.01, detail, decisive)


NAME, ROUTE, TLS, SERVICE = Layer.NAME, Layer.ROUTE, Layer.TLS, Layer.SERVICE


@pytest.mark.parametrize(
    ("checks", "signal", "layer"),
    [
        ([], Signal.GOOD, None),
        ([ok(NAME), ok(ROUTE), ok(SERVICE)], Signal.GOOD, None),
        ([bad(NAME, decisive=False), ok(NAME), ok(ROUTE)], Signal.GOOD, None),
        ([bad(NAME)], Signal.BAD, NAME),
        ([bad(NAME), bad(NAME)], Signal.CONFIRMED, NAME),
        ([bad(NAME, "second resolver: x", decisive=False), bad(NAME)], Signal.CONFIRMED, NAME),
        ([ok(NAME), bad(NAME)], Signal.BAD, NAME),
        ([ok(NAME), bad(ROUTE, "no connection in time")], Signal.BAD, ROUTE),
        ([ok(NAME), bad(ROUTE, "connection refused")], Signal.CONFIRMED, ROUTE),
        ([bad(ROUTE, "IPv6: x", decisive=False), bad(ROUTE, "IPv4: y")], Signal.CONFIRMED, ROUTE),
        ([bad(ROUTE, "IPv6: x", decisive=False), ok(ROUTE), bad(SERVICE)], Signal.BAD, SERVICE),
        ([bad(TLS, "certificate not valid: certificate has expired")], Signal.CONFIRMED, TLS),
        ([bad(TLS, "no TLS answer in time")], Signal.BAD, TLS),
        ([bad(SERVICE), bad(SERVICE)], Signal.BAD, SERVICE),
        ([bad(Layer.ACCOUNT, "HTTP 401")], Signal.DENIED, Layer.ACCOUNT),
        ([ok(NAME), Check(Layer.RATE, True, 0.0, "HTTP 429")], Signal.LIMITED, Layer.RATE),
    ],
)
def test_probes(checks: list[Check], signal: Signal, layer: Layer | None) -> None:
    reading = of_probe(checks)
    assert (reading.signal, reading.layer) == (signal, layer)


@pytest.mark.parametrize(
    ("error", "signal"),
    [
        (Unavailable("connection refused", layer=ROUTE), Signal.BAD),
        (Unavailable("certificate not valid: x", layer=TLS), Signal.CONFIRMED),
        (Unavailable("no TLS connection", layer=TLS), Signal.BAD),
        (Unavailable("the telephone is out of reach", scope=Scope.ADDRESS), Signal.GOOD),
        (OutcomeUnknown("no answer in time"), Signal.HALF),
        (Throttled("HTTP 429", 5.0), Signal.LIMITED),
        (AddressRefused("550"), Signal.GOOD),
        (AccessDenied("HTTP 401"), Signal.DENIED),
        (AccessDenied("not in this room", scope=Scope.PLACE), None),
        (MessageRefused("too long"), None),
    ],
)
def test_sends(error: SendError, signal: Signal | None) -> None:
    reading = of_send(error)
    assert (reading.signal if reading else None) is signal


def test_references() -> None:
    assert of_reference(ok(SERVICE)).signal is Signal.GOOD
    assert of_reference(bad(ROUTE)).signal is Signal.BAD
