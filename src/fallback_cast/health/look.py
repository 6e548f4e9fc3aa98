"""What the probes of all platforms together tell about this machine's own name server. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fallback_cast.channels.kit.way import SECOND
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check
from fallback_cast.model.texts import Phrase

OWN_RESOLVER = Phrase(
    "this machine's own name server fails; names are found by the second one in the settings"
)


def took_detour(checks: Sequence[Check]) -> bool:
    """Whether a probe found its name by the second resolver alone."""
    return any(check.ok and check.decisive and _is_second(check) for check in checks)


def own_resolver_fails(probes: Iterable[Sequence[Check]]) -> bool:
    """Whether this machine's name server fails and not the names': wherever the second resolver was
    asked and knew the name, the system's did not. False if nobody asked it.
    """
    known = [checks for checks in probes if any(check.ok and _is_second(check) for check in checks)]
    return bool(known) and all(
        any(check.layer is Layer.NAME and not check.ok and not _is_second(check) for check in checks)
        for checks in known
    )


def _is_second(check: Check) -> bool:
    return check.layer is Layer.NAME and check.detail.startswith(f"{SECOND}:")
