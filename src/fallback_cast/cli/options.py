"""Options that every command has, and help texts in the reader's language."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fallback_cast.cli.terminal import system_language
from fallback_cast.model.texts import translate


def _(text: str) -> str:
    """Help texts in the language of the environment."""
    return translate(system_language(), text)


def _help(sentence: str, example: str) -> str:
    return f"{_(sentence)}\n\n{_('Example:')} {_(example)}"


Config = Annotated[
    Path | None,
    typer.Option("--config", metavar=_("FILE"), help=_("The settings file (default: channels.toml)")),
]
Json = Annotated[bool, typer.Option("--json", help=_("One JSON object on standard output"))]
Lang = Annotated[str | None, typer.Option("--lang", metavar="fr|en", help=_("Language: fr or en"))]
NoColor = Annotated[bool, typer.Option("--no-color", help=_("No colours"))]
Yes = Annotated[bool, typer.Option("--yes", "-y", help=_("Do not ask"))]
