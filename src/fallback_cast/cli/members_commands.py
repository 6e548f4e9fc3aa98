"""`members …`: the commands and their options. Bodies load when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fallback_cast.cli.options import Config, Json, Lang, NoColor, Yes, _, _help
from fallback_cast.cli.terminal import Terminal

members = typer.Typer(help=_("The members and their addresses."), no_args_is_help=True, rich_markup_mode=None)

Who = Annotated[
    str, typer.Argument(metavar=_("MEMBER"), help=_("A name, an address, a member's number or id"))
]


@members.command(
    "import",
    help=_help("Bring the members of a CSV file in.", "fallback-cast members import members.csv --dry-run"),
)
def members_import(
    file: Annotated[
        Path,
        typer.Argument(
            metavar=_("FILE"), help=_("CSV with the columns name, language, groups, and one for each channel")
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=_("Show what would change, change nothing"))
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help=_("Leave out lines with mistakes, take the others"))
    ] = False,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help=_("Remove members who are not in the file"))
    ] = False,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.members_import import Options, run

    options = Options(file, dry_run, skip_bad, remove_missing)
    raise typer.Exit(run(Terminal(config, json, lang, no_color), options))


@members.command(
    "export",
    help=_help(
        "Write all members as CSV, as import reads it.", "fallback-cast members export -o members.csv"
    ),
)
def members_export(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar=_("FILE"), help=_("Write it to this file, in one step")),
    ] = None,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.members_export import run

    raise typer.Exit(run(Terminal(config, json, lang, no_color), output))


@members.command(
    "list",
    help=_help(
        "The members and on which channels they have an address.",
        "fallback-cast members list --group board --without email",
    ),
)
def members_list(
    group: Annotated[
        str | None, typer.Option("--group", metavar=_("NAME"), help=_("Only members of this group"))
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar=_("NAME"), help=_("Only who can be told on this channel")),
    ] = None,
    without: Annotated[
        str | None,
        typer.Option("--without", metavar=_("NAME"), help=_("Only who cannot be told on this channel")),
    ] = None,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.members import run_list

    terminal = Terminal(config, json, lang, no_color)
    raise typer.Exit(run_list(terminal, group, channel, without))


@members.command(
    "show",
    help=_help("All that is held on a person.", "fallback-cast members show ann@example.org --json"),
)
def members_show(
    who: Who, config: Config = None, json: Json = False, lang: Lang = None, no_color: NoColor = False
) -> None:
    from fallback_cast.cli.members_show import run

    raise typer.Exit(run(Terminal(config, json, lang, no_color), who))


@members.command(
    "pause",
    help=_help("Send a member nothing for a while.", "fallback-cast members pause Ann --until 2026-12-31"),
)
def members_pause(
    who: Who,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar=_("DAY"), help=_("The last day, e.g. 2026-12-31; without it: for good")
        ),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help=_("End the pause"))] = False,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.members import run_pause

    raise typer.Exit(run_pause(Terminal(config, json, lang, no_color), who, until, off))


@members.command(
    "unsuppress",
    help=_help(
        "Use an address again that was refused, or whose owner asks for it.",
        "fallback-cast members unsuppress ann@example.org",
    ),
)
def members_unsuppress(
    address: Annotated[str, typer.Argument(metavar=_("ADDRESS"), help=_("The address"))],
    channel: Annotated[
        str | None, typer.Option("--channel", metavar=_("NAME"), help=_("Only this channel"))
    ] = None,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.members import run_unsuppress

    raise typer.Exit(run_unsuppress(Terminal(config, json, lang, no_color), address, channel))


@members.command(
    "erase",
    help=_help("Erase a person from the ledger, past announcements too.", "fallback-cast members erase Ann"),
)
def members_erase(
    who: Who,
    yes: Yes = False,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.members_erase import run

    raise typer.Exit(run(Terminal(config, json, lang, no_color), who, yes))
