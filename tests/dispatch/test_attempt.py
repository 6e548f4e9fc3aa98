"""One attempt in virtual time: what is retried, how long it waits, when it stops."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from fallback_cast.dispatch.attempt import BRIEF_S, TRIES, attempt_send
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.message import Accepted, Message
from tests.dispatch.stage import StageProvider
from tests.virtual_time import run_virtually


@dataclass
class Attempt:
    """A provider that fails with these errors in turn and then takes it; and one attempt with it."""

    failures: Sequence[SendError]
    takes_s: float = 0.0  # how long each answer takes
    sent_at: list[float] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    heard: list[tuple[float, SendError]] = field(default_factory=list)
    ended_at: float = 0.0

    def run(
        self,
        *,
        recognised: bool = False,
        patience_s: float = 600.0,
        may_retry: Callable[[], bool] = lambda: True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> Accepted:
        provider = StageProvider("relay")

        async def behave(address: str, number: int) -> Accepted:
            self.sent_at.append(asyncio.get_running_loop().time())
            await asyncio.sleep(self.takes_s)
            if number <= len(self.failures):
                raise self.failures[number - 1]
            return Accepted(f"try {number}")

        async def go() -> Accepted:
            loop = asyncio.get_running_loop()
            try:
                return await attempt_send(
                    lambda: provider.send(Message("text"), "ann@example.org", "key"),
                    recognised=recognised,
                    patience_s=patience_s,
                    may_retry=may_retry,
                    on_failure=lambda error: self.heard.append((loop.time(), error)),
                    sleep=sleep,
                )
            finally:
                self.ended_at = loop.time()
                self.keys = [key for _, key in provider.sent]

        provider.behave = behave
        return run_virtually(go())

    def fail(self, **how: object) -> SendError:
        with pytest.raises(SendError) as caught:
            self.run(**how)  # type: ignore[arg-type]
        return caught.value

    @property
    def pauses(self) -> list[float]:
        ends = [at + self.takes_s for at in self.sent_at]
        return [then - end for end, then in zip(ends, self.sent_at[1:], strict=False)]


def gone(word: str = "connection refused") -> Unavailable:
    return Unavailable(word)


def test_what_is_taken_at_once_is_sent_once() -> None:
    attempt = Attempt([])
    assert attempt.run().reference == "try 1"
    assert (attempt.sent_at, attempt.heard) == ([0.0], [])


@pytest.mark.parametrize("error", [gone(), Throttled("429", 2.0), Throttled("429", BRIEF_S)])
def test_what_surely_did_not_go_out_is_tried_again(error: SendError) -> None:
    attempt = Attempt([error])
    assert attempt.run().reference == "try 2"
    assert attempt.keys == ["key", "key"]


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("401"),
        AddressRefused("550"),
        MessageRefused("too long"),
        OutcomeUnknown("cut"),
        Throttled("429", BRIEF_S + 0.1),
    ],
)
def test_nothing_else_is(error: SendError) -> None:
    attempt = Attempt([error])
    assert attempt.fail() is error
    assert (len(attempt.sent_at), attempt.ended_at) == (1, 0.0)
    assert [heard for _, heard in attempt.heard] == [error]


def test_an_unknown_outcome_is_tried_again_where_the_key_is_recognised() -> None:
    attempt = Attempt([OutcomeUnknown("cut")])
    assert attempt.run(recognised=True).reference == "try 2"


@pytest.mark.parametrize("second", [OutcomeUnknown("cut"), AddressRefused("550"), AccessDenied("401")])
def test_a_second_failure_of_another_kind_ends_it_and_is_what_is_told(second: SendError) -> None:
    attempt = Attempt([gone(), second])
    assert attempt.fail() is second
    assert len(attempt.sent_at) == 2


def test_three_sends_are_the_most_and_the_last_error_is_told() -> None:
    errors = [gone(str(number)) for number in range(9)]
    attempt = Attempt(errors)
    assert attempt.fail() is errors[TRIES - 1]
    assert len(attempt.sent_at) == TRIES == 3
    assert [error for _, error in attempt.heard] == errors[:3]


def test_every_failure_is_heard_before_the_pause_after_it() -> None:
    attempt = Attempt([gone(), Throttled("429", 3.0)], takes_s=0.5)
    attempt.run()
    assert [at for at, _ in attempt.heard] == [at + 0.5 for at in attempt.sent_at[:2]]


def test_pauses_have_full_jitter_and_grow() -> None:
    """Uniform between nothing and the step: those who failed together do not come back together."""
    random.seed(20261128)
    pauses = []
    for _ in range(300):
        attempt = Attempt([gone(), gone()])
        attempt.run()
        pauses.append(attempt.pauses)
    for step, seen in ((1.0, [first for first, _ in pauses]), (2.0, [second for _, second in pauses])):
        assert 0.0 <= min(seen) < 0.1 * step
        assert 0.9 * step < max(seen) <= step
        assert 0.4 * step < sum(seen) / len(seen) < 0.6 * step


def test_the_pause_that_the_provider_names_is_kept_to_the_second() -> None:
    attempt = Attempt([Throttled("429", 4.0), Throttled("429", 1.5)])
    attempt.run()
    assert attempt.pauses == [4.0, 1.5]


def test_no_retry_begins_after_the_patience() -> None:
    attempt = Attempt([Throttled("429", 3.0)])
    attempt.fail(patience_s=2.9)
    assert (len(attempt.sent_at), attempt.ended_at) == (1, 0.0)  # and nobody waits for nothing


def test_the_patience_runs_from_the_first_try_however_long_it_took() -> None:
    attempt = Attempt([Throttled("429", 3.0)], takes_s=9.0)
    attempt.fail(patience_s=10.0)
    assert (len(attempt.sent_at), attempt.ended_at) == (1, 9.0)


def test_a_provider_that_is_not_worth_it_gets_no_retry_and_no_pause() -> None:
    attempt = Attempt([gone()])
    attempt.fail(may_retry=lambda: False)
    assert (len(attempt.sent_at), attempt.ended_at) == (1, 0.0)


def test_what_is_found_down_during_the_pause_is_not_touched_again() -> None:
    answers = iter([True, True, False, False])
    error = Throttled("429", 2.0)
    attempt = Attempt([error])
    assert attempt.fail(may_retry=lambda: next(answers)) is error
    assert (len(attempt.sent_at), attempt.ended_at) == (1, 2.0)


def test_a_pause_may_end_early() -> None:
    """News about the channel wakes whoever waits for it."""

    async def not_long(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.1))

    attempt = Attempt([Throttled("429", 4.0)])
    attempt.run(sleep=not_long)
    assert attempt.pauses == pytest.approx([0.1])


def test_a_fault_of_this_program_is_no_reason_to_try_again() -> None:
    class Broken(Exception):
        pass

    attempt = Attempt([Broken()])  # type: ignore[list-item]
    with pytest.raises(Broken):
        attempt.run(recognised=True)
    assert (len(attempt.sent_at), attempt.heard) == (1, [])
