"""What attempts with an earlier text still mean, once the announcement was corrected or cancelled. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from fallback_cast.model.delivery import Attempt, Outcome, Route

EDIT_REFUSED = "edit-refused"  # the error of an edit that could not be: a new message follows


def still_telling(earlier: Iterable[Attempt], *, amends: bool) -> tuple[Attempt, ...]:
    """Which of them count for what is done next.

    For a delivery that is open still, all but refusals of the old text. For one that brings the news to
    who was told already (`amends`) only that an address is none: having told it before is no success.
    """
    if amends:
        return tuple(a for a in earlier if a.error == "address-refused")
    return tuple(a for a in earlier if a.error not in ("message-refused", EDIT_REFUSED))


def standing(earlier: Iterable[Attempt], now_tried: Iterable[Attempt]) -> dict[Route, str]:
    """By route, the reference of what stands there now. `earlier`: oldest revision first in each route.

    What could not be edited with the newest text is left out.
    """
    refused = {Route(a.channel, a.address) for a in now_tried if a.error == EDIT_REFUSED}
    found = {Route(a.channel, a.address): a.reference for a in earlier if a.outcome.success}
    return {route: ref for route, ref in found.items() if ref is not None and route not in refused}


def may_have_told(attempt: Attempt) -> bool:
    """It was taken, or may have been."""
    return attempt.outcome is not Outcome.FAILED
