"""What the codes and words of hosted gateways mean for a message."""

from __future__ import annotations

from dataclasses import dataclass

from fallback_cast.channels.kit.http import Answer, raise_for_answer, retry_after
from fallback_cast.model.errors import AccessDenied, OutcomeUnknown, Scope, SendError, Throttled, Unavailable
from fallback_cast.model.texts import Phrase

# Said where a provider is too busy for us and does not say for how long.
BUSY_S = 2.0
NO_CREDIT = "no credit left"


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a provider's table: the error that it is, why, and what it tells about."""

    error: type[SendError]
    reason: str
    scope: Scope | None = None

    def refusal(self, code: object, response: Answer) -> SendError:
        reason = f"code {code}: {self.reason}"
        if self.error is Throttled:
            return Throttled(reason, retry_after(response) or BUSY_S)
        return self.error(reason, scope=self.scope)


def not_theirs(response: Answer, provider: str) -> SendError:
    """What an answer to a send is that this provider did not write."""
    try:
        raise_for_answer(response)
    except SendError as error:
        return error
    return OutcomeUnknown(f"HTTP {response.status_code}, not the answer of {provider}")


def credit_left(amount: object, *, refilled: bool = False) -> str:
    """What a probe saw of the account. Raises AccessDenied if nothing is left to send with.

    `refilled`: the provider buys more by itself.
    """
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return Phrase("account accepted")
    if amount <= 0 and not refilled:
        raise AccessDenied(NO_CREDIT)
    return Phrase("account accepted, credit left: {amount}", amount=f"{amount:g}")


def not_a_probe_answer(response: Answer, provider: str) -> SendError:
    """What an answer to a read is that this provider did not write: nothing can have gone out."""
    error = not_theirs(response, provider)
    return Unavailable(error.reason) if isinstance(error, OutcomeUnknown) else error
