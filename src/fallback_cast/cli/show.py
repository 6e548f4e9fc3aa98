"""`status`, `list` and `watch`: where things stand."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fallback_cast.cli.live import recipient_name, translate_reason
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.dispatch.report import exit_code
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.view import each_delivery, find_ids, recent_headers
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase
from fallback_cast.wiring.app import App, open_app

if TYPE_CHECKING:
    from collections.abc import Mapping


def find(ledger: Ledger, given: str) -> str:
    """The id of the announcement a person means. Raises UserError if there is none, or several."""
    ids = find_ids(ledger, given)
    if given in ids or len(ids) == 1:
        return given if given in ids else ids[0]
    if ids:
        raise UserError(Phrase("{given!r} fits several announcements", given=given), hint=", ".join(ids))
    raise UserError(
        Phrase("there is no announcement {given!r}", given=given), hint="`fallback-cast list` shows them"
    )


def refresh_sites(app: App) -> None:
    """Whoever looks in takes an expired banner from our own site."""
    if app.has_site():
        from fallback_cast.workers.local import run as run_loop

        run_loop(app.refresh_sites())


def run_status(terminal: Terminal, given: str, recipients: bool) -> int:
    with open_app(terminal.settings()) as app:
        refresh_sites(app)
        found = app.report(find(app.ledger, given), recipients=recipients)
        if terminal.json:
            terminal.object(found)
        else:
            print_status(terminal, app, found)
            if recipients:
                _print_recipients(terminal, app, found["id"])
        return exit_code(found)


def run_list(terminal: Terminal, limit: int) -> int:
    with open_app(terminal.settings()) as app:
        refresh_sites(app)
        heads = recent_headers(app.ledger, limit)
        reports = [app.report(head.id) for head in heads]
        if terminal.json:
            terminal.object({"announcements": reports})
            return EXIT_OK
        if not reports:
            terminal.say("no announcement yet")
        for found in reports:
            people = found["recipients"]
            terminal.data(
                terminal.text(
                    "{id}  {code}  {state}  {reached}/{total} reached  {title}",
                    id=found["id"],
                    code=found["code"],
                    state=terminal.text(found["state"]),
                    reached=people["reached"],
                    total=people["total"] - people["excluded"],
                    title=found["title"],
                )
            )
        return EXIT_OK


def run_watch(terminal: Terminal, given: str) -> int:
    """Look twice a second until everything is settled; Ctrl-C stops watching only."""
    with open_app(terminal.settings()) as app:
        id, last = find(app.ledger, given), ""
        while True:
            found = app.report(id)
            line = _one_line(terminal, found)
            if line != last and not terminal.json:
                terminal.say("{line}", line=line)
                last = line
            if found["state"] in ("settled", "cancelled"):
                break
            time.sleep(0.5)
        if terminal.json:
            terminal.object(found)
        else:
            print_status(terminal, app, found)
        return exit_code(found)


def _one_line(terminal: Terminal, found: Mapping[str, Any]) -> str:
    people = found["recipients"]
    if found["correction"] and found["correction"]["pending"]:
        news = found["correction"]
        return terminal.text("{told} of {due} told", told=news["told"], due=news["due"])
    return terminal.text(
        "{reached} reached, {pending} pending, {unreached} unreached",
        reached=people["reached"],
        pending=people["pending"] + people["held"],
        unreached=people["unreached"] + people["expired"],
    )


def print_status(terminal: Terminal, app: App, found: Mapping[str, Any]) -> None:
    """One announcement as a table for people."""
    from rich.table import Table

    text = terminal.text
    terminal.print(f"[bold]{_safe(found['title'])}[/]  {found['id']}  {text('Code')} {found['code']}")
    people = found["recipients"]
    terminal.print(text("{head}: {rest}", head=text(found["state"]), rest=_figures(terminal, found)))
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for column in ("channel", "state", "accepted", "delivered", "failed", "unknown", "passed over"):
        table.add_column(text(column), justify="left" if column in ("channel", "state") else "right")
    for row in found["channels"]:
        figures_of = (row[name] for name in ("accepted", "delivered", "failed", "unknown", "skipped"))
        table.add_row(row["name"], _verdict(terminal, row["verdict"]), *(str(n or "·") for n in figures_of))
    terminal.print(table)
    doubles = sum(row["possible_duplicates"] for row in found["channels"])
    if doubles:
        terminal.print(_counted(terminal, doubles, "may have been told twice"))
    if found["correction"]:
        terminal.print(_correction(terminal, app, found["correction"]))
    missed = people["unreached"] + people["expired"]
    if missed:
        terminal.print(text("who was not reached: fallback-cast unreached {id}", id=found["id"]))
    page = app.page_url(found["id"])
    if page:
        terminal.print(text("page: {url}", url=page))


def _correction(terminal: Terminal, app: App, news: Mapping[str, Any]) -> str:
    """`corrected at 14:05: 37 of 40 told`."""
    moment = app.local(datetime.fromisoformat(news["at"]))
    if news["cancelled"]:
        head = terminal.text("cancelled at {moment}", moment=moment)
    else:
        head = terminal.text("corrected at {moment}", moment=moment)
    if not news["due"]:
        return terminal.text("{head}: {rest}", head=head, rest=terminal.text("nobody knew the old text"))
    rest = terminal.text("{told} of {due} told", told=news["told"], due=news["due"])
    return terminal.text("{head}: {rest}", head=head, rest=rest)


def _figures(terminal: Terminal, found: Mapping[str, Any]) -> str:
    """Recipients by state, and how many were reached by fallback."""
    people = found["recipients"]
    parts = [_counted(terminal, people[name], name) for name in people if name != "total" and people[name]]
    figures = ", ".join(parts) or "0"
    if not found["fallbacks"]:
        return figures
    by_fallback = terminal.text("{count} by fallback", count=found["fallbacks"])
    return terminal.text("{first}; {second}", first=figures, second=by_fallback)


def _counted(terminal: Terminal, count: int, what: str) -> str:
    """`39 reached`; French agrees with the number, so one is a text of its own."""
    return terminal.text(f"1 {what}") if count == 1 else terminal.text(f"{{count}} {what}", count=count)


def _verdict(terminal: Terminal, verdict: str) -> str:
    colours = {"up": "green", "down": "red", "suspect": "yellow", "recovering": "yellow"}
    colour = colours.get(verdict, "dim")
    return f"[{colour}]{terminal.text(verdict)}[/]"


def _safe(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _print_recipients(terminal: Terminal, app: App, id: str) -> None:
    """Every recipient with the timeline of its attempts."""
    for view in each_delivery(app.ledger, id):
        state = terminal.text("pending" if view.state == "open" else view.state)
        via = f" ({view.via})" if view.via else ""
        name = recipient_name(terminal, view.recipient)
        terminal.data(terminal.text("{head}: {rest}", head=name, rest=f"{state}{via}"))
        for attempt in view.attempts:
            reason = f", {translate_reason(terminal, attempt.reason)}" if attempt.reason else ""
            moment = app.local(attempt.begun_at, seconds=True)
            rest = f"{terminal.text(attempt.outcome.value)}{reason}"
            line = terminal.text("{head}: {rest}", head=attempt.channel, rest=rest)
            terminal.data(f"    {moment}  {line}")
