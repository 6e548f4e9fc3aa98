"""`correct` and `cancel`: store the new revision, then tell those who knew of the old one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fallback_cast.cli.people import manual_question
from fallback_cast.cli.send import dispatch, read_text
from fallback_cast.cli.show import find
from fallback_cast.cli.terminal import Terminal
from fallback_cast.cli.times import parse_moment
from fallback_cast.dispatch.amend import Change, cancel, correct
from fallback_cast.ledger.amend import Revised
from fallback_cast.wiring.app import App, open_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was given on the command line, as it was typed; None: it stays as it is."""

    title: str | None
    body: str | None
    file: Path | None
    link: str | None
    event_at: str | None
    place: str | None


def run_correct(terminal: Terminal, given: str, options: Options) -> int:
    settings = terminal.settings()
    with open_app(settings, ask_posted=manual_question(terminal)) as app:
        id, change = find(app.ledger, given), _change(app, options)
        done = correct(app.ledger, id, change, app.channels, settings.policies(), app.clock.now())
        if done is None:
            terminal.say("announcement {id} says this already", id=id)
        else:
            terminal.say("announcement {id} is corrected (revision {number})", id=id, number=done.revision)
            _say_due(terminal, done)
        return dispatch(terminal, app, [id], None, False)


def run_cancel(terminal: Terminal, given: str, why: str | None) -> int:
    settings = terminal.settings()
    with open_app(settings, ask_posted=manual_question(terminal)) as app:
        id = find(app.ledger, given)
        done = cancel(app.ledger, id, why, app.channels, settings.policies(), app.clock.now())
        if done is None:
            terminal.say("announcement {id} is cancelled already", id=id)
        else:
            terminal.say("announcement {id} is cancelled", id=id)
            _say_due(terminal, done)
        return dispatch(terminal, app, [id], None, False)


def _say_due(terminal: Terminal, done: Revised) -> None:
    if done.due == 1:
        terminal.say("1 knows, or may know, the old text and is told")
    elif done.due:
        terminal.say("{count} know, or may know, the old text and are told", count=done.due)
    else:
        terminal.say("nobody knows the old text")


def _change(app: App, options: Options) -> Change:
    body = options.body
    if options == Options(title=None, body=None, file=None, link=None, event_at=None, place=None):
        body = read_text(None, None)
    elif options.body is not None or options.file is not None:
        body = read_text(options.body, options.file)
    now, zone = app.clock.now(), app.club.timezone
    event_at = None if options.event_at is None else parse_moment(options.event_at, zone, now, "--event-at")
    return Change(title=options.title, body=body, link=options.link, event_at=event_at, place=options.place)
