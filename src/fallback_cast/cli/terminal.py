"""The terminal: language, colour, JSON; data on stdout, talk on stderr; errors for people."""

from __future__ import annotations

import json
import locale
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fallback_cast.model.texts import LANGUAGES, Phrase, say, translate

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from fallback_cast.settings import Settings

# A command of ours inside a sentence, to be copied by the reader.
_COMMAND = re.compile(
    r"(?<![\w/-])fallback-cast (?P<verb>init|check|send|status|list|watch|resume|retry|correct|cancel"
    r"|unreached|health|outages|serve|members \w+)\b"
)

EXIT_OK, EXIT_INTERNAL, EXIT_USAGE, EXIT_SOME_UNREACHED, EXIT_NOBODY, EXIT_OPEN = range(6)


def system_language(environment: Mapping[str, str] = os.environ) -> str:
    """`fr` or `en`, from the environment as other programs read it; French is most users' language."""
    for name in ("FALLBACK_CAST_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value and value not in ("C", "POSIX", "C.UTF-8"):
            return "fr" if value.lower().startswith("fr") else "en"
    with suppress(ValueError):
        if (locale.getlocale()[0] or "").lower().startswith("fr"):
            return "fr"
    return "en"


@cache
def own_name() -> str:
    """How this program is called again from here: its name, or the path it was started by."""
    started = sys.argv[0]
    if os.path.basename(started) != "fallback-cast":
        return "fallback-cast"
    found = shutil.which("fallback-cast")
    if found and os.path.realpath(found) == os.path.realpath(started):
        return "fallback-cast"
    path = os.path.relpath(started)
    return shlex.quote(started if path.startswith("..") else path)


class Progress(Protocol):
    """Something that draws on the screen; both may be called from any thread."""

    def pause(self) -> None: ...

    def go_on(self) -> None: ...


@dataclass
class Terminal:
    """What every command has: its common options, and ways to speak."""

    config: Path | None = None
    json: bool = False
    lang: str | None = None
    no_color: bool = False
    progress: Progress | None = None  # what is being drawn on the screen meanwhile

    @property
    def language(self) -> str:
        return self.lang if self.lang in LANGUAGES else system_language()

    def text(self, template: str, **fields: object) -> str:
        """A sentence in the user's language; `template` is a key of model/french.py.

        Commands in it are written so that they work when they are copied.
        """
        sentence = self.copyable(translate(self.language, template), escape=bool(fields))
        if not fields:
            return sentence
        spoken = {
            name: say(self.language, value) if isinstance(value, Phrase) else value
            for name, value in fields.items()
        }
        return sentence.format(**spoken)

    def copyable(self, sentence: str, *, escape: bool = False) -> str:
        """The commands in a sentence with the program's path, if it is not on PATH, and `--config`."""
        program, config = own_name(), f" --config {shlex.quote(str(self.config))}" if self.config else ""
        if program == "fallback-cast" and not config:
            return sentence
        if escape:
            program, config = (text.replace("{", "{{").replace("}", "}}") for text in (program, config))
        return _COMMAND.sub(lambda found: f"{program} {found['verb']}{config}", sentence)

    def say(self, template: str, **fields: object) -> None:
        """Talk: a line on stderr."""
        print(self.text(template, **fields), file=sys.stderr, flush=True)

    def data(self, text: str) -> None:
        """Data: on stdout, for people or programs that read it."""
        print(text, flush=True)

    def object(self, value: Any) -> None:
        self.data(json.dumps(value, ensure_ascii=False, indent=2))

    @cached_property
    def console(self) -> Console:
        """stderr with colours and live tables."""
        from rich.console import Console

        return Console(stderr=True, no_color=self.no_color or None, highlight=False)

    @cached_property
    def paper(self) -> Console:
        """stdout with colours, for tables."""
        from rich.console import Console

        return Console(no_color=self.no_color or None, highlight=False)

    def somebody_is_there(self) -> bool:
        """A person reads what is said here, and can answer."""
        return self.somebody_to_ask() and sys.stderr.isatty() and not self.json

    def somebody_to_ask(self) -> bool:
        return bool(sys.stdin and sys.stdin.isatty())

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """While a question stands on the screen, progress waits."""
        if self.progress is None:
            yield
            return
        self.progress.pause()
        try:
            yield
        finally:
            self.progress.go_on()

    def print(self, thing: RenderableType, *, markup: bool = True) -> None:
        """A line or a table on stdout, with colours; long lines are left to the terminal."""
        self.paper.print(thing, markup=markup, soft_wrap=isinstance(thing, str))

    def settings(self) -> Settings:
        """Read the settings, say their warnings. Raises SettingsError."""
        from fallback_cast.settings import find_settings, load_settings

        settings = load_settings(find_settings(self.config, os.environ), os.environ)
        if self.lang is None and "FALLBACK_CAST_LANG" not in os.environ and not os.environ.get("LC_ALL"):
            self.lang = settings.club.language
        for warning in settings.warnings:
            self.say("warning: {problem}", problem=warning.say(self.language))
        return settings


def show_error(terminal: Terminal, error: Exception) -> int:
    """Say what, where and how to mend it; returns the exit code."""
    from fallback_cast.model.errors import UserError

    if not isinstance(error, UserError):
        terminal.say(
            "internal error: {kind}; nothing is lost, `fallback-cast resume` goes on",
            kind=type(error).__name__,
        )
        terminal.say("please report it; FALLBACK_CAST_DEBUG=1 shows the details")
        return EXIT_INTERNAL
    speak = getattr(error, "in_language", None)
    if speak is not None:
        print(terminal.copyable(speak(terminal.language)), file=sys.stderr)
        return EXIT_USAGE
    where = f"{say(terminal.language, error.where)}: " if error.where else ""
    print(f"{where}{say(terminal.language, error.what)}", file=sys.stderr)
    if error.hint:
        print(f"  → {terminal.copyable(say(terminal.language, error.hint))}", file=sys.stderr)
    return EXIT_USAGE
