"""The plan for people: a table of the channels, their texts, and what to look at before sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fallback_cast.cli.figures import money, roughly
from fallback_cast.cli.live import recipient_name, translate_reason
from fallback_cast.cli.terminal import Terminal
from fallback_cast.dispatch.preview import Caution, ChannelPreview, Warned
from fallback_cast.model.texts import Phrase, say
from fallback_cast.routing.forecast import Names
from fallback_cast.wiring.app import App

if TYPE_CHECKING:
    from fallback_cast.cli.plan import Plan

SHOWN = 20  # names of each list


def print_plan(terminal: Terminal, app: App, found: Plan) -> None:
    text, forecast = terminal.text, found.preview.forecast
    terminal.print(text("plan: {total} recipients; nothing is sent", total=forecast.total))
    terminal.print(text("reached if everything works: {count}", count=forecast.reached))
    _print_table(terminal, found)
    for share in found.preview.channels.values():
        _print_text(terminal, share, found.currency)
    _print_warnings(terminal, app, found)
    _print_left_out(terminal, found)
    _print_hanging(terminal, found)


def _print_table(terminal: Terminal, found: Plan) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column(terminal.text("channel"), no_wrap=True)
    for title in ("first choice", "possible", "messages", "price", "takes at least"):
        table.add_column(terminal.text(title), justify="right")
    for share in found.preview.channels.values():
        price = "·" if share.cost is None else money(terminal, share.cost * share.messages, found.currency)
        takes = roughly(share.seconds) if share.seconds >= 1 else "·"
        counts = (str(number or "·") for number in (share.first, share.possible, share.messages))
        table.add_row(share.name, *counts, price, takes)
    terminal.print(table)


def _print_text(terminal: Terminal, share: ChannelPreview, currency: str) -> None:
    from rich.markup import escape

    said = [say(terminal.language, phrase) for phrase in _weight(terminal, share, currency)]
    terminal.print(f"\n[bold]{share.name}[/] ({share.kind})  {escape('; '.join(said))}".rstrip())
    if share.refused:
        terminal.print(f"  ✗ {translate_reason(terminal, share.refused)}", markup=False)
    for line in share.text.splitlines():
        terminal.print(f"  │ {line}", markup=False)


def _weight(terminal: Terminal, share: ChannelPreview, currency: str) -> list[Phrase]:
    """Alphabet, parts and price of what goes out, where they matter."""
    found = []
    if share.parts is not None:
        found.append(
            Phrase("{encoding}, parts of each message: {count}", encoding=share.encoding, count=share.parts)
        )
        saved = (share.parts_as_written or share.parts) - share.parts
        if saved > 0:
            found.append(
                Phrase(
                    "as written there would be {count}: the plainer spelling saves {saved}",
                    count=share.parts_as_written,
                    saved=saved,
                )
            )
        if share.messages:
            found.append(
                Phrase(
                    "{messages} messages × {parts} = {total} parts",
                    messages=share.messages,
                    parts=share.parts,
                    total=share.messages * share.parts,
                )
            )
    if share.cost is not None and share.most > share.messages:
        most = money(terminal, share.cost * share.most, currency)
        found.append(Phrase("at most {most} if all other channels fail", most=most))
    return found


def _print_warnings(terminal: Terminal, app: App, found: Plan) -> None:
    phrases = [warning_text(app, one) for one in found.preview.warnings]
    for name in found.down:
        share = found.preview.channels[name]
        if share.possible:
            phrases.append(
                Phrase(
                    "{channel} is down now: its {count} recipients would go on with the next channel",
                    channel=name,
                    count=share.first,
                )
            )
    phrases += [
        Phrase(
            "{channel}: not used for {count}, who do not consent", count=share.no_consent, channel=share.name
        )
        for share in found.preview.channels.values()
        if share.no_consent
    ]
    if phrases:
        terminal.print("")
    for phrase in phrases:
        terminal.print(f"! {say(terminal.language, phrase)}", markup=False)


def warning_text(app: App, one: Warned) -> Phrase:
    """The sentence of a warning; moments are the club's."""
    moment = "" if one.moment is None else app.local(one.moment)
    values = {"channel": one.channel, "count": one.count, "moment": moment}
    match one.what:
        case Caution.QUIET:
            return Phrase("{channel}: quiet hours would hold {count} recipients until {moment}", **values)
        case Caution.QUIET_EXPIRES:
            return Phrase(
                "{channel}: the announcement expires at {moment}, before the quiet hours end; {count} "
                "recipients would not be told by it",
                **values,
            )
        case Caution.QUIET_EVENT:
            return Phrase(
                "{channel}: the event begins at {moment}, before the quiet hours end, for {count} recipients",
                **values,
            )
        case Caution.SLOW_EXPIRES:
            return Phrase(
                "{channel}: the announcement expires at {moment}, before its pace lets all {count} be told",
                **values,
            )
        case Caution.SLOW_EVENT:
            return Phrase(
                "{channel}: the event begins at {moment}, before its pace lets all {count} be told", **values
            )
        case Caution.CAP:
            return Phrase(
                "{channel}: its cap of the day ends before {count} recipients; they go on with the next "
                "channel",
                **values,
            )


def _print_left_out(terminal: Terminal, found: Plan) -> None:
    text, forecast = terminal.text, found.preview.forecast
    if forecast.left_out or forecast.unreachable:
        terminal.print("")
    for reason, count in forecast.left_out.items():
        terminal.print(text("left out: {count} ({reason})", count=count, reason=text(reason)), markup=False)
    for reason, names in forecast.unreachable.items():
        said = translate_reason(terminal, reason)
        terminal.print(
            text("cannot be reached: {count} ({reason})", count=names.count, reason=said), markup=False
        )
        _print_names(terminal, names)


def _print_hanging(terminal: Terminal, found: Plan) -> None:
    text = terminal.text
    if found.hanging:
        terminal.print("")
    for one in found.hanging:
        terminal.print(
            text(
                "on one failure domain only, {domain} ({channels}): {count}",
                domain=one.domain.name,
                channels=", ".join(one.channels),
                count=one.people.count,
            ),
            markup=False,
        )
        _print_names(terminal, one.people)
    hosts = dict.fromkeys(one.host for one in found.unknown if one.host)
    if hosts:
        terminal.print(
            "? "
            + text(
                "not everything could be looked up of {hosts}: more people may hang on one domain only",
                hosts=", ".join(hosts),
            ),
            markup=False,
        )


def _print_names(terminal: Terminal, names: Names) -> None:
    for name in names.first[:SHOWN]:
        terminal.print(f"  {recipient_name(terminal, name)}", markup=False)
    if names.count > SHOWN:
        terminal.print(f"  {terminal.text('and {count} more', count=names.count - SHOWN)}", markup=False)
