"""One attempt: one send, and short retries only for what surely did not go out.

Seconds are retried here, by tenacity and nowhere else; longer waits are rows of the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from fallback_cast.model.errors import OutcomeUnknown, SendError, Throttled, Unavailable
from fallback_cast.model.message import Accepted

TRIES = 3
BRIEF_S = 5.0  # a Retry-After up to this is waited for here, a longer one in the ledger

_full_jitter = wait_random_exponential(multiplier=1, exp_base=2, max=4)


async def attempt_send(
    send: Callable[[], Awaitable[Accepted]],
    *,
    recognised: bool,
    patience_s: float,
    may_retry: Callable[[], bool],
    on_failure: Callable[[SendError], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Accepted:
    """Call `send` (the provider's send or edit) until accepted, or raise the last SendError.

    `recognised`: the provider knows the key again, so an unknown outcome may be sent once more too.
    `patience_s`: no retry begins later than so many seconds after the first try.
    `on_failure` hears of every failure at once, so that the first ones teach all the rest;
    `may_retry` says whether the provider is still worth a retry: asked before and after each pause.
    `sleep` may return early.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        return await send()  # the usual case costs no retry machinery
    except SendError as error:
        on_failure(error)
        if not _brief(error, recognised) or not may_retry():
            raise
        last = error
    tries = 0

    async def once_more() -> Accepted:
        nonlocal last, tries
        tries += 1
        # The first call is the try above, so that tenacity counts it. After a pause the provider may
        # be known to be down: then nothing more touches the wire.
        if tries == 1 or not may_retry():
            raise last
        try:
            return await send()
        except SendError as error:
            last = error
            on_failure(error)
            raise

    left_s = patience_s - (loop.time() - began_s)  # tenacity's own clock starts only now
    retrying = AsyncRetrying(
        stop=stop_after_attempt(TRIES) | stop_before_delay(left_s),
        wait=_wait,
        retry=lambda state: _again(state, recognised) and may_retry(),
        sleep=sleep,
        reraise=True,
    )
    return await retrying(once_more)


def _brief(error: SendError, recognised: bool) -> bool:
    match error:
        case Unavailable():
            return True
        case OutcomeUnknown():
            return recognised
        case Throttled():
            return error.retry_after <= BRIEF_S
    return False


def _again(state: RetryCallState, recognised: bool) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, SendError) and _brief(error, recognised)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Throttled):
        return error.retry_after
    return float(_full_jitter(state))
