"""The commands and their options. Bodies live in their own modules and load when they run."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fallback_cast.cli.members_commands import members
from fallback_cast.cli.options import Config, Json, Lang, NoColor, _, _help
from fallback_cast.cli.terminal import EXIT_OK, EXIT_OPEN, Terminal, show_error

app = typer.Typer(
    name="fallback-cast",
    help=_("One announcement over ranked channels, with automatic fallback when a platform is out."),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Id = Annotated[
    str, typer.Argument(metavar="ID", help=_("The announcement's id (its beginning is enough) or its code"))
]
OptionalId = Annotated[
    str | None, typer.Argument(metavar="[ID]", help=_("The announcement; without it: the newest ones"))
]
Recipients = Annotated[bool, typer.Option("--recipients", help=_("Every recipient with its attempts"))]


@app.command(help=_help("Ask a few questions and write channels.toml.", "fallback-cast init"))
def init(config: Config = None, json: Json = False, lang: Lang = None, no_color: NoColor = False) -> None:
    from fallback_cast.cli.init import run

    _leave(run(Terminal(config, json, lang, no_color)))


@app.command(
    help=_help(
        "Check settings, credentials and reach of every channel; messages nobody.",
        "fallback-cast check email",
    )
)
def check(
    channel: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANNEL]...", help=_("Only these channels"))
    ] = None,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.check import run

    _leave(run(Terminal(config, json, lang, no_color), channel or []))


@app.command(
    help=_help(
        "Announce something to everybody.",
        "fallback-cast send -t 'Contest cancelled' -b 'The pitch is flooded.' -i urgent",
    )
)
def send(
    title: Annotated[str, typer.Option("--title", "-t", metavar=_("TEXT"), help=_("The title: one line"))],
    body: Annotated[
        str | None, typer.Option("--body", "-b", metavar=_("TEXT"), help=_("The text, in Markdown"))
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", metavar=_("FILE"), help=_("A file with the text (default: standard input)")
        ),
    ] = None,
    importance: Annotated[
        str, typer.Option("--importance", "-i", metavar=_("IMPORTANCE"), help=_("info, normal or urgent"))
    ] = "normal",
    group: Annotated[
        list[str] | None, typer.Option("--group", metavar=_("NAME"), help=_("Only members of this group"))
    ] = None,
    channel: Annotated[
        list[str] | None, typer.Option("--channel", metavar=_("NAME"), help=_("Only this channel"))
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar=_("WHEN"), help=_("Begin then: 2026-11-28 14:30, 14:30 or 2h")),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar=_("WHEN"), help=_("Of no use after this moment"))
    ] = None,
    event_at: Annotated[
        str | None, typer.Option("--event-at", metavar=_("WHEN"), help=_("When the event takes place"))
    ] = None,
    place: Annotated[
        str | None, typer.Option("--place", metavar=_("TEXT"), help=_("Where the event takes place"))
    ] = None,
    link: Annotated[
        str | None, typer.Option("--link", metavar=_("ADDRESS"), help=_("A page with more"))
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar=_("KEY"),
            help=_("A word of your own: with the same one nothing is announced twice"),
        ),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help=_("Nothing on public places"))] = False,
    public: Annotated[
        bool, typer.Option("--public", help=_("On public places too, with --group or --private"))
    ] = False,
    test: Annotated[bool, typer.Option("--test", help=_("To the organiser alone"))] = False,
    again: Annotated[
        bool, typer.Option("--again", help=_("Even if the same went out within the last hour"))
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help=_("Show routes, parts and cost; send nothing"))
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=_("Do not ask"))] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help=_("Store it and leave the sending to another process"))
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout",
            metavar=_("DURATION"),
            help=_("Return after this long, e.g. 5m; what is open goes on later"),
        ),
    ] = None,
    recipients: Recipients = False,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.send import Options, run

    options = Options(
        title=title,
        body=body,
        file=file,
        importance=importance,
        groups=tuple(group or ()),
        channels=tuple(channel or ()),
        at=at,
        expires=expires,
        event_at=event_at,
        place=place,
        link=link,
        key=key,
        private=private,
        public=public,
        test=test,
        again=again,
        plan=plan,
        yes=yes,
        detach=detach,
        timeout=timeout,
        recipients=recipients,
    )
    _leave(run(Terminal(config, json, lang, no_color), options))


@app.command(
    help=_help("Where an announcement stands, or the newest ones.", "fallback-cast status K7F3 --recipients")
)
def status(
    id: OptionalId = None,
    recipients: Recipients = False,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.show import run_list, run_status

    terminal = Terminal(config, json, lang, no_color)
    _leave(run_status(terminal, id, recipients) if id else run_list(terminal, 5))


@app.command("list", help=_help("The newest announcements.", "fallback-cast list --limit 50"))
def list_(
    limit: Annotated[
        int, typer.Option("--limit", metavar=_("NUMBER"), min=1, max=1000, help=_("How many"))
    ] = 20,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.show import run_list

    _leave(run_list(Terminal(config, json, lang, no_color), limit))


@app.command(help=_help("Watch an announcement go out, whoever sends it.", "fallback-cast watch K7F3"))
def watch(
    id: Id, config: Config = None, json: Json = False, lang: Lang = None, no_color: NoColor = False
) -> None:
    from fallback_cast.cli.show import run_watch

    _leave(run_watch(Terminal(config, json, lang, no_color), id))


@app.command(help=_help("Settle what an interrupted run left.", "fallback-cast resume"))
def resume(config: Config = None, json: Json = False, lang: Lang = None, no_color: NoColor = False) -> None:
    from fallback_cast.cli.send import run_resume

    _leave(run_resume(Terminal(config, json, lang, no_color)))


@app.command(
    help=_help("Take up unreached recipients again, with today's settings.", "fallback-cast retry K7F3")
)
def retry(
    id: Id, config: Config = None, json: Json = False, lang: Lang = None, no_color: NoColor = False
) -> None:
    from fallback_cast.cli.send import run_retry

    _leave(run_retry(Terminal(config, json, lang, no_color), id))


@app.command(
    help=_help(
        "Correct an announcement: what waits goes out with the new text; who had the old one hears of it.",
        "fallback-cast correct K7F3 -b 'We meet at 3 pm, not at 2 pm.'",
    )
)
def correct(
    id: Id,
    title: Annotated[
        str | None, typer.Option("--title", "-t", metavar=_("TEXT"), help=_("The new title"))
    ] = None,
    body: Annotated[
        str | None, typer.Option("--body", "-b", metavar=_("TEXT"), help=_("The new text, in Markdown"))
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            metavar=_("FILE"),
            help=_("A file with the new text (with no option at all: standard input)"),
        ),
    ] = None,
    link: Annotated[
        str | None, typer.Option("--link", metavar=_("ADDRESS"), help=_("A page with more; '' takes it away"))
    ] = None,
    event_at: Annotated[
        str | None, typer.Option("--event-at", metavar=_("WHEN"), help=_("When the event takes place"))
    ] = None,
    place: Annotated[
        str | None,
        typer.Option("--place", metavar=_("TEXT"), help=_("Where the event takes place; '' takes it away")),
    ] = None,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.correct import Options, run_correct

    options = Options(title=title, body=body, file=file, link=link, event_at=event_at, place=place)
    _leave(run_correct(Terminal(config, json, lang, no_color), id, options))


@app.command(
    help=_help(
        "Call an announcement off: nobody more is told, and those who knew of it hear that it is cancelled.",
        "fallback-cast cancel K7F3 -b 'It was a mistake.'",
    )
)
def cancel(
    id: Id,
    body: Annotated[
        str | None, typer.Option("--body", "-b", metavar=_("TEXT"), help=_("Why, in Markdown"))
    ] = None,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.correct import run_cancel

    _leave(run_cancel(Terminal(config, json, lang, no_color), id, body))


@app.command(
    help=_help(
        "Who was not reached, by name, with reasons, to print and telephone.",
        "fallback-cast unreached K7F3 --format html --output list.html",
    )
)
def unreached(
    id: Id,
    format: Annotated[str, typer.Option("--format", help=_("text, csv or html"))] = "text",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar=_("FILE"), help=_("Write it to this file, in one step")),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help=_("The same as --format csv"))] = False,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.unreached import run

    _leave(run(Terminal(config, json, lang, no_color), id, "csv" if csv else format, output))


@app.command(
    help=_help(
        "The whole story on this machine, with no account: a platform goes down in mid-broadcast.",
        "fallback-cast demo",
    )
)
def demo(
    directory: Annotated[
        Path | None,
        typer.Option("--directory", metavar=_("FOLDER"), help=_("Where the demo keeps its files")),
    ] = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.demo import run

    _leave(run(Terminal(None, json, lang, no_color), directory))


@app.command(
    help=_help(
        "Take announcements of other programs over HTTP, and send whatever falls due.",
        "fallback-cast serve",
    )
)
def serve(config: Config = None, json: Json = False, lang: Lang = None, no_color: NoColor = False) -> None:
    from fallback_cast.cli.serve import run

    _leave(run(Terminal(config, json, lang, no_color)))


@app.command(
    help=_help(
        "One scheduled check: look at every channel, tell organisers of changes, send what is due.",
        "fallback-cast health --install",
    )
)
def health(
    channel: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANNEL]...", help=_("Only these channels"))
    ] = None,
    format: Annotated[str, typer.Option("--format", help=_("text, json, nagios or prometheus"))] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", help=_("Write it to this file, in one step"))
    ] = None,
    ping: Annotated[
        str | None, typer.Option("--ping", help=_("Call this address of a dead-man's switch afterwards"))
    ] = None,
    within: Annotated[str, typer.Option("--within", help=_("How long looking may take"))] = "30s",
    install: Annotated[
        bool, typer.Option("--install", help=_("Show, and after a yes write, what runs this by the clock"))
    ] = False,
    every: Annotated[str, typer.Option("--every", help=_("With --install: how often"))] = "5m",
    units: Annotated[
        str | None,
        typer.Option("--units", help=_("With --install: user or system (usual for root) units of systemd")),
    ] = None,
    cron: Annotated[
        bool, typer.Option("--cron", help=_("With --install: write to your crontab, not for systemd"))
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=_("Do not ask"))] = False,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.health import Options, run

    options = Options(
        channels=tuple(channel or ()),
        format=format,
        output=output,
        ping=ping,
        within=within,
        install=install,
        every=every,
        units=units,
        cron=cron,
        yes=yes,
    )
    _leave(run(Terminal(config, json, lang, no_color), options))


@app.command(
    help=_help(
        "What was down, from when to when, how we know, and what it cost.",
        "fallback-cast outages telegram --since 30d",
    )
)
def outages(
    channel: Annotated[str | None, typer.Argument(metavar="[CHANNEL]", help=_("Only this channel"))] = None,
    since: Annotated[str, typer.Option("--since", help=_("How far back: 7d, or 2026-11-01"))] = "7d",
    svg: Annotated[Path | None, typer.Option("--svg", help=_("Draw it into this file"))] = None,
    config: Config = None,
    json: Json = False,
    lang: Lang = None,
    no_color: NoColor = False,
) -> None:
    from fallback_cast.cli.outages import run

    _leave(run(Terminal(config, json, lang, no_color), channel, since, svg))


app.add_typer(members, name="members")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help=_("Show the version"))] = False,
) -> None:
    if version:
        from fallback_cast import __version__

        print(f"fallback-cast {__version__}")
        raise typer.Exit


def _leave(code: int) -> None:
    raise typer.Exit(code)


def main() -> None:
    """The program. Every mistake ends in one clear message and a documented exit code."""
    _spare_the_collector()
    terminal = Terminal(lang=_given_language(sys.argv[1:]))
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        terminal.say("stopped; what is stored is not lost: `fallback-cast resume` goes on")
        code = EXIT_OPEN
    except BrokenPipeError:  # `list | head`: whoever reads has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_OK
    except Exception as error:
        code = _faulty(terminal, error)
    sys.exit(code)


def _spare_the_collector() -> None:
    """What a command loads stays to its end. Searching it for garbage while it loads, and once more
    on leaving, costs a short command a quarter of its time (docs/benchmarks.md)."""
    gc.set_threshold(20_000, 20, 50)
    atexit.register(gc.freeze)


def _faulty(terminal: Terminal, error: Exception) -> int:
    from fallback_cast.cli.usage import is_usage_error, show_usage_error

    if is_usage_error(error):
        return show_usage_error(terminal, error)
    if os.environ.get("FALLBACK_CAST_DEBUG"):
        raise error
    return show_error(terminal, error)


def _given_language(arguments: list[str]) -> str | None:
    """`--lang` also counts for errors that come before a command runs."""
    for number, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
        if argument == "--lang" and number + 1 < len(arguments):
            return arguments[number + 1]
    return None


__all__: list[Any] = ["app", "main"]
