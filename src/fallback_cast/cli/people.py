"""Asking a person at this terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fallback_cast.cli.terminal import Terminal


def manual_question(terminal: Terminal) -> Callable[[str, str], bool] | None:
    """How a `manual` channel asks *posted?*; None where nobody can answer."""
    if not terminal.somebody_is_there():
        return None

    def ask(channel: str, text: str) -> bool:
        with terminal.undisturbed():
            terminal.say("--- {channel}: please post this text ---", channel=channel)
            print(text, file=sys.stderr, flush=True)
            print(terminal.text("Posted? [y/N]"), end=" ", file=sys.stderr, flush=True)
            return sys.stdin.readline().strip().lower() in ("y", "yes", "o", "oui")

    return ask
