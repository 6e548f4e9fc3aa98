"""What a probe's checks, a failed send or a reference's answer say about a platform. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from fallback_cast.model.health import Check, Signal, failed_check

REFUSED = "connection refused"  # the probe's word if every address refuses
FAILURES = frozenset({Signal.BAD, Signal.HALF, Signal.CONFIRMED, Signal.DENIED})
CERTIFICATE = "certificate not valid"  # its first words, whatever is wrong with it


@dataclass(frozen=True, slots=True)
class Reading:
    """One observation as evidence keeps it."""

    signal: Signal
    layer: Layer | None = None
    detail: str = ""


GOOD = Reading(Signal.GOOD)


def of_probe(checks: Sequence[Check]) -> Reading:
    """What a probe says. A limit is a sign of life; a refused account opens at once."""
    failed = failed_check(checks)
    if failed is None:
        limited = next((c for c in checks if c.decisive and c.layer is Layer.RATE), None)
        return Reading(Signal.LIMITED, Layer.RATE, limited.detail) if limited else GOOD
    if failed.layer is Layer.ACCOUNT:
        return Reading(Signal.DENIED, failed.layer, failed.detail)
    signal = Signal.CONFIRMED if _is_confirmed(failed, checks) else Signal.BAD
    return Reading(signal, failed.layer, failed.detail)


def _is_confirmed(failed: Check, checks: Sequence[Check]) -> bool:
    """Two witnesses of one layer agree (both resolvers, several addresses), or one fact is enough."""
    if failed.layer is Layer.TLS:
        return failed.detail.startswith(CERTIFICATE)
    if failed.layer is Layer.ROUTE and failed.detail == REFUSED:
        return True
    same = [check for check in checks if check.layer is failed.layer]
    return len(same) > 1 and not any(check.ok for check in same) and failed.layer in (Layer.NAME, Layer.ROUTE)


def of_send(error: SendError) -> Reading | None:
    """What a failed send says about the platform; None if nothing (one place, one text)."""
    match error:
        case Unavailable() if error.scope is Scope.ADDRESS:
            return GOOD  # one telephone is out of reach: who says so is alive
        case Unavailable():
            invalid = error.layer is Layer.TLS and error.reason.startswith(CERTIFICATE)
            return Reading(Signal.CONFIRMED if invalid else Signal.BAD, error.layer, error.reason)
        case OutcomeUnknown():
            return Reading(Signal.HALF, error.layer, error.reason)
        case Throttled():
            return Reading(Signal.LIMITED, error.layer, error.reason)
        case AddressRefused():
            return GOOD  # it proves that the platform lives
        case AccessDenied() if error.scope is Scope.ACCOUNT:
            return Reading(Signal.DENIED, error.layer, error.reason)
        case AccessDenied() | MessageRefused():
            return None
    return None


def of_reference(check: Check) -> Reading:
    """What a reference's answer says about our own line."""
    return Reading(Signal.GOOD if check.ok else Signal.BAD, check.layer, "" if check.ok else check.detail)
