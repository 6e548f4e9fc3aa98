"""`send`, `resume` and `retry`: store, dispatch, tell."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from fallback_cast.cli.live import LiveProgress
from fallback_cast.cli.people import manual_question
from fallback_cast.cli.show import find, print_status, refresh_sites
from fallback_cast.cli.terminal import EXIT_NOBODY, EXIT_OK, EXIT_OPEN, Terminal
from fallback_cast.cli.times import parse_moment
from fallback_cast.dispatch.accept import Draft
from fallback_cast.dispatch.dispatcher import RunEnd
from fallback_cast.dispatch.reopen import reopen
from fallback_cast.dispatch.report import exit_code
from fallback_cast.ledger.announce import KeyConflict, RepeatedContent, Stored
from fallback_cast.ledger.members import each_member
from fallback_cast.ledger.view import header, next_moment, open_ids
from fallback_cast.model.announcement import MAX_BODY_BYTES, Importance
from fallback_cast.model.delivery import Route
from fallback_cast.model.duration import parse_duration
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase
from fallback_cast.routing.plan import Audience
from fallback_cast.settings.errors import did_you_mean
from fallback_cast.wiring.app import App, open_app
from fallback_cast.workers.local import run as run_loop

SOON = timedelta(minutes=1)  # what begins later is not waited for
A_MOMENT = timedelta(minutes=1)  # "now", by a person's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was given on the command line, as it was typed."""

    title: str
    body: str | None
    file: Path | None
    importance: str
    groups: tuple[str, ...]
    channels: tuple[str, ...]
    at: str | None
    expires: str | None
    event_at: str | None
    place: str | None
    link: str | None
    key: str | None
    private: bool
    public: bool
    test: bool
    again: bool
    plan: bool
    yes: bool
    detach: bool
    timeout: str | None
    recipients: bool


def run(terminal: Terminal, options: Options) -> int:
    settings = terminal.settings()
    timeout_s = _timeout(options.timeout)
    with open_app(settings, ask_posted=manual_question(terminal)) as app:
        draft = _draft(terminal, app, options)
        if options.plan:
            from fallback_cast.cli.plan import run_plan

            return run_plan(terminal, app, draft)
        if _asks(terminal, options):
            from fallback_cast.cli.confirm import confirmed

            if not confirmed(terminal, app, draft):
                terminal.say("nothing was sent, and nothing is stored")
                return EXIT_NOBODY
        stored = _store(app, draft)
        code = stored.code
        if stored.repeated:
            terminal.say("this key was used before: announcement {id} (code {code})", id=stored.id, code=code)
        else:
            terminal.say("announcement {id} (code {code}) is stored", id=stored.id, code=code)
        if options.detach:
            terminal.say(
                "nothing is sent by this command; a running fallback-cast, or `fallback-cast resume`, goes on"
            )
            return _tell(terminal, app, stored.id, options.recipients)
        if draft.starts_at is not None and draft.starts_at > app.clock.now() + SOON:
            return _tell(terminal, app, stored.id, options.recipients)
        return dispatch(terminal, app, [stored.id], timeout_s, options.recipients)


def _asks(terminal: Terminal, options: Options) -> bool:
    """At a terminal only: programs that send have said yes by being written."""
    wanted = not (options.yes or options.test)
    return wanted and terminal.somebody_is_there()


def run_resume(terminal: Terminal) -> int:
    settings = terminal.settings()
    with open_app(settings, ask_posted=manual_question(terminal)) as app:
        ids = open_ids(app.ledger)
        if not ids:
            refresh_sites(app)
            terminal.say("nothing is open")
            if terminal.json:
                terminal.object({"announcements": []})
            return EXIT_OK
        return dispatch(terminal, app, ids, None, False)


def run_retry(terminal: Terminal, given: str) -> int:
    settings = terminal.settings()
    with open_app(settings, ask_posted=manual_question(terminal)) as app:
        id = find(app.ledger, given)
        taken = reopen(app.ledger, id, app.channels, settings.policies(), app.clock.now())
        terminal.say("taken up again: {count}", count=taken)
        return dispatch(terminal, app, [id], None, False)


def dispatch(
    terminal: Terminal, app: App, ids: Sequence[str], timeout_s: float | None, recipients: bool
) -> int:
    """Send what is due of these, or watch who does; tell where they stand, and return the exit code."""
    total = sum(_total(app, id) for id in ids)

    async def go(progress: LiveProgress) -> RunEnd | None:
        def watching() -> None:
            terminal.say("another fallback-cast is sending; this one watches, and takes over if it ends")

        try:
            async with asyncio.timeout(timeout_s):
                return await app.dispatch(ids, progress, watching)
        except TimeoutError:
            return None

    with LiveProgress(terminal, total, quiet=terminal.json) as progress:
        try:
            run_loop(go(progress))
        except KeyboardInterrupt:
            terminal.say(
                "interrupted, not cancelled: what was on its way may have gone out, the rest is stored and "
                "goes on with `fallback-cast resume`"
            )
            for id in ids:
                terminal.say("to call it off: fallback-cast cancel {id}", id=id)
    refresh_sites(app)
    codes = [_tell(terminal, app, id, recipients) for id in ids]
    return max(codes)


def _total(app: App, id: str) -> int:
    from fallback_cast.ledger.progress import count

    return count(app.ledger, id).total


def _tell(terminal: Terminal, app: App, id: str, recipients: bool) -> int:
    """The last word about an announcement, and the exit code that says the same."""
    found = app.report(id, recipients=recipients)
    if terminal.json:
        terminal.object(found)
    else:
        print_status(terminal, app, found)
    code = exit_code(found)
    if code == EXIT_OPEN:
        if found["recipients"]["held"]:
            terminal.say(
                "no message leaves this machine's own network: {count} recipients are held, nobody is lost",
                count=found["recipients"]["held"],
            )
        _say_when(terminal, app, id)
    return code


def _say_when(terminal: Terminal, app: App, id: str) -> None:
    due, head = next_moment(app.ledger, id), header(app.ledger, id)
    if due is not None and head is not None:
        moment = app.local(max(due, head.starts_at))
        terminal.say(
            "it goes on at {moment}; keep this machine on and run `fallback-cast resume`, by hand or by cron",
            moment=moment,
        )


def _store(app: App, draft: Draft) -> Stored:
    try:
        return app.accept(draft)
    except RepeatedContent as error:
        raise UserError(
            Phrase("the same title and text went out within the last hour, as {id}", id=error.id),
            hint="add --again if you mean it",
        ) from None
    except KeyConflict as error:
        raise UserError(
            Phrase("this key was used for another announcement, {id}", id=error.id),
            where="--key",
            hint="use a new key for a new text",
        ) from None


def _draft(terminal: Terminal, app: App, options: Options) -> Draft:
    now, zone = app.clock.now(), app.club.timezone

    def moment(text: str | None, option: str) -> datetime | None:
        return None if text is None else parse_moment(text, zone, now, option)

    def future(text: str | None, option: str) -> datetime | None:
        found = moment(text, option)
        if found is not None and found < now - A_MOMENT:
            raise UserError(Phrase("{moment} is past", moment=app.local(found)), where=option)
        return found

    _check_groups(app, options.groups)
    return Draft(
        title=options.title,
        body=read_text(options.body, options.file),
        importance=_importance(options.importance),
        language=app.club.language,
        link=options.link,
        event_at=moment(options.event_at, "--event-at"),
        place=options.place,
        starts_at=future(options.at, "--at"),
        expires_at=future(options.expires, "--expires"),
        audience=Audience(
            frozenset(options.groups), options.private, options.public, frozenset(options.channels)
        ),
        key=options.key,
        again=options.again,
        test_routes=_organiser(app) if options.test else None,
    )


def _check_groups(app: App, groups: Sequence[str]) -> None:
    if not groups:
        return
    known = {group for member in each_member(app.ledger) for group in member.groups}
    for group in groups:
        if group not in known:
            raise UserError(
                Phrase("nobody is in the group {name!r}", name=group),
                where="--group",
                hint=did_you_mean(group, sorted(known))
                if known
                else "`fallback-cast members import FILE` brings members and groups in",
            )


def _organiser(app: App) -> tuple[Route, ...]:
    """The organiser's own addresses, for `--test`."""
    routes = [route for organiser in app.organisers for route in organiser.routes]
    if not routes:
        raise UserError(
            "the settings do not say where the organiser can be reached",
            where="[[health.organisers]]",
            hint="see [[health.organisers]] in channels.example.toml",
        )
    return tuple(routes)


def _importance(text: str) -> Importance:
    try:
        return Importance(text)
    except ValueError:
        raise UserError(
            Phrase("{text!r} is no importance", text=text),
            where="--importance",
            hint="info, normal or urgent",
        ) from None


def _timeout(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_duration(text).total_seconds()
    except ValueError:
        raise UserError(
            Phrase("{text!r} is no duration", text=text), where="--timeout", hint="write for example 5m"
        ) from None


def read_text(body: str | None, path: Path | None) -> str:
    """The text, from the option, a file or standard input; checked to be UTF-8 before anything else."""
    if body is not None and path is not None:
        raise UserError("--body and --file were both given", hint="give one of them")
    if body is not None:
        return body
    if path is not None:
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BODY_BYTES + 1)
        except OSError as error:
            raise UserError(
                Phrase("the file cannot be read: {why}", why=Phrase(error.strerror or "")),
                where=str(path),
            ) from None
    elif sys.stdin is None or sys.stdin.isatty():
        raise UserError(
            "there is no text",
            where="--body",
            hint="give --body TEXT, --file FILE, or the text on standard input",
        )
    else:
        raw = sys.stdin.buffer.read(MAX_BODY_BYTES + 1)
    if len(raw) > MAX_BODY_BYTES:
        raise UserError(
            Phrase("the text is longer than {limit} MB", limit=MAX_BODY_BYTES // 1_000_000),
            where=str(path or ""),
            hint="shorten it and put the rest on your site, with --link",
        )
    return _decode(raw, path)


def _decode(raw: bytes, file: Path | None) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(
            Phrase("the text is not UTF-8 (line {line})", line=line),
            where=str(file or ""),
            hint="save it as UTF-8",
        ) from None
