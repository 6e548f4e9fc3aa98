"""Mistakes on the command line, as one clear sentence in the language of the person who typed."""

from __future__ import annotations

import re
from typing import Any

from fallback_cast.cli.terminal import EXIT_USAGE, Terminal, own_name, show_error
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase

# What click and typer say, in the versions that pyproject.toml allows; anything else is shown as it is.
_SAYINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Missing (?:option|argument) '(?P<name>[^']+)'.*", re.DOTALL), "{name} is missing"),
    (re.compile(r"No such option:? '?(?P<name>[^\s'.]+)'?.*", re.DOTALL), "there is no option {name}"),
    (re.compile(r"No such command '(?P<name>[^']+)'.*", re.DOTALL), "there is no command {name}"),
    (re.compile(r"Option '(?P<name>[^']+)' requires an argument\."), "{name} wants a value"),
    (
        re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((?P<name>.+)\)"),
        "nothing more is wanted after the command: {name}",
    ),
    (re.compile(r"Invalid value for '(?P<name>[^']+)': .*", re.DOTALL), "this is no value for {name}"),
)


def is_usage_error(error: Exception) -> bool:
    """click's family of errors; typer has a copy of its own that it does not export."""
    return callable(getattr(error, "format_message", None))


def show_usage_error(terminal: Terminal, error: Any) -> int:
    """Say it, and which help to ask for; returns the exit code."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return EXIT_USAGE
    message = error.format_message()
    context = getattr(error, "ctx", None)
    verbs = context.command_path.partition(" ")[2] if context is not None else ""
    command = f"{own_name()} {verbs}".strip()
    possible = getattr(error, "possibilities", None)
    hint = (
        Phrase("did you mean {name}? All options: {command} --help", name=possible[0], command=command)
        if possible
        else Phrase("{command} --help explains", command=command)
    )
    return show_error(terminal, UserError(_said(message), hint=hint))


def _said(message: str) -> str:
    for pattern, template in _SAYINGS:
        found = pattern.fullmatch(message)
        if found:
            return Phrase(template, name=found["name"])
    return message
