"""A person at the terminal who answers as the case says."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fallback_cast.channels import manual
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.model.errors import MessageRefused, OutcomeUnknown, SendError
from tests.channels.fake import CLUB, Fake, Scene

INSTRUCTIONS = "Coller sur la page Facebook du club"


class Person:
    """Keeps what was put before them; `reply` says what they answer."""

    def __init__(self, reply: Callable[[], bool]) -> None:
        self.reply = reply
        self.asked: list[tuple[str, str]] = []
        self.threads: list[threading.Thread] = []

    def __call__(self, channel: str, text: str) -> bool:
        self.asked.append((channel, text))
        self.threads.append(threading.current_thread())
        return self.reply()


def hang_up() -> bool:
    raise EOFError("the terminal is gone")


def leave() -> bool:
    raise SystemExit(1)


def shrug() -> bool:
    return os.environ.get("NO_SUCH_ANSWER")  # type: ignore[return-value]


REPLIES: dict[str, Callable[[], bool]] = {
    "ok": lambda: True,
    "no": lambda: False,
    "shrugs": shrug,
    "hangs_up": hang_up,
    "leaves": leave,
}


def build(person: Person | None, **keys: Any) -> manual.ManualChannel:
    values = {"name": "page", "kind": "manual", "instructions": INSTRUCTIONS, **keys}
    context = BuildContext(club=CLUB, ask_posted=person) if person else BuildContext(club=CLUB)
    return manual.build(manual.Settings.model_validate(values), context)


class ManualFake(Fake):
    kind = "manual"
    cases: Mapping[str, type[SendError] | None] = {
        "ok": None,
        "no": MessageRefused,
        "shrugs": MessageRefused,
        "nobody": MessageRefused,
        "hangs_up": OutcomeUnknown,
        "leaves": OutcomeUnknown,
    }

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        person = Person(REPLIES[case]) if case in REPLIES else None
        asked = person.asked if person else []
        yield Scene(
            build(person),
            "person",
            requests=lambda: len(asked),
            messages=lambda: len(asked) if case == "ok" else 0,
        )


FAKE = ManualFake()
