"""`health`: one scheduled check, for a timer, cron or a monitoring system."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fallback_cast.cli.terminal import Terminal
from fallback_cast.model.duration import parse_duration
from fallback_cast.model.errors import UserError
from fallback_cast.model.health import Verdict
from fallback_cast.model.texts import Phrase, say, say_reason

if TYPE_CHECKING:
    from fallback_cast.dispatch.checkup import ChannelFinding, Findings
    from fallback_cast.wiring.app import App

FORMATS = ("text", "json", "nagios", "prometheus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was given on the command line, as it was typed."""

    channels: Sequence[str]
    format: str
    output: Path | None
    ping: str | None
    within: str
    install: bool
    every: str
    units: str | None
    cron: bool
    yes: bool


def run(terminal: Terminal, options: Options) -> int:
    if options.format not in FORMATS:
        raise UserError(
            Phrase("{text!r} is no format", text=options.format), where="--format", hint=", ".join(FORMATS)
        )
    if options.install:
        return _install(terminal, options)
    terminal.json = terminal.json or options.format == "json"
    if options.format != "nagios" or terminal.json:
        return _check(terminal, options)
    try:
        return _check(terminal, options)
    except UserError as error:  # a monitoring system reads standard output, and 2 would mean "down"
        from fallback_cast.cli.health_formats import UNKNOWN, unknown_line

        speak = getattr(error, "in_language", None)
        told = speak(terminal.language) if speak else say(terminal.language, error.what)
        terminal.data(unknown_line(told))
        return UNKNOWN


def _install(terminal: Terminal, options: Options) -> int:
    from fallback_cast.cli.install import Wish
    from fallback_cast.cli.install import run as install

    if options.ping is not None:
        raise UserError(
            "the address of a dead-man's switch belongs in the settings, not in a file that all can read",
            where="--ping",
            hint='[health] ping = "https://…"',
        )
    wish = Wish(
        every=options.every,
        units=options.units,
        cron=options.cron,
        yes=options.yes,
        channels=options.channels,
        format=options.format,
        output=options.output,
    )
    return install(terminal, wish)


def _check(terminal: Terminal, options: Options) -> int:
    from fallback_cast.cli.health_formats import exit_code
    from fallback_cast.settings.models import is_web_address
    from fallback_cast.wiring.app import open_app
    from fallback_cast.workers.local import run as run_loop

    within_s = _within(options.within)
    if options.ping is not None and not is_web_address(options.ping):
        raise UserError(
            "this is no address on the web",
            where="--ping",
            hint="write for example https://hc-ping.com/your-own-code",
        )
    settings = terminal.settings()
    with open_app(settings) as app:
        unknown = [name for name in options.channels if name not in app.channels]
        if unknown:
            raise UserError(
                Phrase("there is no channel {name!r}", name=unknown[0]), hint=", ".join(app.channels)
            )
        found, sent = run_loop(app.check_up(options.channels, within_s))
        _show(terminal, options, app, found)
        if found.told:
            terminal.say("the organisers are told of what has changed")
        if found.caught_up:
            terminal.say("places catch up with what they missed: {count} messages", count=found.caught_up)
        for name, silence in app.silent.items():
            terminal.say(
                "what came back to {channel} could not be read: {why}",
                channel=name,
                why=say_reason(terminal.language, silence),
            )
        if not sent:
            terminal.say("another fallback-cast is sending; it sends what is due")
    switch = options.ping or settings.health.ping
    if switch is not None:
        from fallback_cast.health.ping import ping

        gone = (Verdict.DOWN, Verdict.OFFLINE)
        somebody = any(c.verdict not in gone and not c.asked_by_hand for c in found.channels)
        why = run_loop(ping(switch, well=somebody and not found.offline))
        if why is not None:
            terminal.say("the dead-man's switch did not hear us: {why}", why=say(terminal.language, why))
    return exit_code(found)


def _within(text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise UserError(str(error), where="--within", hint="write for example 30s") from None


def _show(terminal: Terminal, options: Options, app: App, found: Findings) -> None:
    from fallback_cast.cli import health_formats as formats

    if terminal.json:
        text = json.dumps(formats.to_object(found), ensure_ascii=False, indent=2)
    elif options.format == "nagios":
        text = formats.to_nagios(found, terminal.language)
    elif options.format == "prometheus":
        text = formats.to_prometheus(found).rstrip("\n")
    elif options.output is None:
        _print(terminal, app, found)
        return
    else:
        text = "\n".join(_line(terminal, app, channel) for channel in found.channels)
    if options.output is None:
        terminal.data(text)
    else:
        from fallback_cast.cli.atomic import write_file

        write_file(options.output, text + "\n", "--output")


_MARKS = {0: ("green", "✓"), 1: ("yellow", "!"), 2: ("red", "✗"), 3: ("dim", "?")}


def _print(terminal: Terminal, app: App, found: Findings) -> None:
    from rich.markup import escape

    from fallback_cast.cli.health_formats import code_of
    from fallback_cast.health.look import OWN_RESOLVER

    if found.offline:
        why = escape(say(terminal.language, found.offline))
        terminal.print(f"[red]✗[/] {terminal.text('our own network is down')}: {why}")
    if found.own_resolver_fails:
        terminal.print(f"[yellow]![/] {escape(terminal.text(OWN_RESOLVER))}")
    for channel in found.channels:
        colour, mark = _MARKS[code_of(channel)]
        terminal.print(f"[{colour}]{mark}[/] {escape(_line(terminal, app, channel))}")


def _line(terminal: Terminal, app: App, channel: ChannelFinding) -> str:
    """`telegram: down: its name is not found on the internet (…), since 2026-11-28 15:39`"""
    from fallback_cast.cli.health_formats import in_words

    line = in_words(channel, terminal.language)
    if channel.verdict in (Verdict.UP, Verdict.UNKNOWN) or channel.since is None:
        return line
    return terminal.text("{what}, since {since}", what=line, since=app.local(channel.since))
