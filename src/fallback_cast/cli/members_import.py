"""`members import`: a file against the ledger, shown first, then made so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from fallback_cast.cli.members_columns import left_aside, spoken_of
from fallback_cast.cli.members_file import MembersError, MembersFile, open_members
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.ledger.incoming import Counts, Incoming, incoming
from fallback_cast.ledger.members import PAGE, Member
from fallback_cast.model.texts import Phrase
from fallback_cast.settings.errors import Problem
from fallback_cast.wiring.app import open_app

LISTED = 50  # of each sort, in a dry run


@dataclass(frozen=True, slots=True)
class Options:
    file: Path
    dry_run: bool = False
    skip_bad: bool = False
    remove_missing: bool = False


@dataclass(slots=True)
class _Read:
    """What reading the file came to."""

    members: int = 0
    skipped: int = 0
    unaddressed: int = 0


def run(terminal: Terminal, options: Options) -> int:
    """Bring the members of a file in. Raises MembersError with every mistake of the file."""
    with open_app(terminal.settings()) as app, open_members(options.file, app.channels) as file:
        aside = list(left_aside(file.columns))
        if aside:
            terminal.say("columns left aside: {names}", names=", ".join(aside))
        with incoming(app.ledger, spoken_of(file.columns)) as coming:
            read = _take_in(coming, file)
            _refuse(terminal, file, read, options)
            counts = coming.recognise()
            if terminal.json:
                terminal.object(_outcome(coming, counts, read, file.sheet.problems, options))
            elif options.dry_run:
                _print_changes(terminal, coming, options)
            if not options.dry_run:
                coming.apply(app.clock.now(), remove=options.remove_missing)
    if not terminal.json:
        _print_counts(terminal, counts, options)
        if read.skipped:
            terminal.say("lines left out because of mistakes: {count}", count=read.skipped)
        if read.unaddressed:
            terminal.say("members without any address: {count}", count=read.unaddressed)
    return EXIT_OK


def _take_in(coming: Incoming, file: MembersFile) -> _Read:
    read = _Read()
    rows = iter(file)
    while page := list(islice(rows, PAGE)):
        coming.add(page)
        read.members += len(page)
        read.unaddressed += sum(not member.addresses for _, member in page)
    repeated = coming.repeated()
    titles = {column.field: column.title for column in file.columns}
    for line, first, by_number in repeated:
        column = titles["number"] if by_number else ""
        what = (
            Phrase("this number stands also on line {line}", line=first)
            if by_number
            else Phrase("this row is the same as line {line}", line=first)
        )
        file.sheet.complain(line, column, what)
    coming.drop([line for line, _, _ in repeated])
    read.members -= len(repeated)
    return read


def _refuse(terminal: Terminal, file: MembersFile, read: _Read, options: Options) -> None:
    problems = file.sheet.problems
    problems.sort(key=lambda problem: problem.line or 0)
    if not read.members and not problems:
        file.sheet.complain(1, "", Phrase("the file holds no members"), Phrase("nothing was changed"))
    if problems and not (options.skip_bad and read.members):
        raise MembersError(problems)
    read.skipped = len({problem.line for problem in problems})
    for problem in problems:
        terminal.say("{problem}", problem=problem.say(terminal.language))


def _outcome(
    coming: Incoming, counts: Counts, read: _Read, problems: Iterable[Problem], options: Options
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "dry_run": options.dry_run,
        "members": read.members,
        "added": counts.added,
        "changed": counts.changed,
        "removed": counts.removed if options.remove_missing else 0,
        "missing": counts.removed,
        "unchanged": counts.unchanged,
        "skipped": read.skipped,
        "problems": [problem.say("en") for problem in problems],
    }
    if options.dry_run:
        found["changes"] = [
            {"name": before.name, "column": name, "before": old, "after": new}
            for before, after in coming.changed()
            for name, old, new in differences(before, after)
        ]
    return found


def differences(before: Member, after: Member) -> Iterator[tuple[str, str, str]]:
    """(column, before, after) for what differs; empty for nothing."""
    for name in ("name", "number", "language", "groups", "ranks", "timezone", "paused", "paused_until"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield name, _shown(old), _shown(new)
    for channel in sorted({*before.addresses, *after.addresses}):
        old, new = before.addresses.get(channel), after.addresses.get(channel)
        if old != new:
            yield channel, old or "", new or ""
    for channel in sorted({*before.consents, *after.consents}):
        old, new = before.consents.get(channel), after.consents.get(channel)
        if old != new:
            yield f"consent {channel}", _shown(old), _shown(new)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _print_changes(terminal: Terminal, coming: Incoming, options: Options) -> None:
    _print_names(terminal, "+", (member.name for member in coming.added()))
    _print_names(terminal, "~", (_change(terminal, *pair) for pair in coming.changed()))
    if options.remove_missing:
        _print_names(terminal, "-", (member.name for member in coming.removed()))


def _change(terminal: Terminal, before: Member, after: Member) -> str:
    parts = [
        f"{name} {terminal.text(old) or '∅'} → {terminal.text(new) or '∅'}"
        for name, old, new in differences(before, after)
    ]
    return f"{before.name}: " + ", ".join(parts)


def _print_names(terminal: Terminal, mark: str, names: Iterator[str]) -> None:
    for name in islice(names, LISTED):
        terminal.data(f"{mark} {name}")
    rest = sum(1 for _ in names)
    if rest:
        terminal.data(f"{mark} " + terminal.text("and {count} more", count=rest))


def _print_counts(terminal: Terminal, found: Counts, options: Options) -> None:
    counts = {
        "added": found.added,
        "changed": found.changed,
        "removed": found.removed if options.remove_missing else 0,
        "unchanged": found.unchanged,
    }
    if options.dry_run:
        terminal.data(
            terminal.text(
                "nothing was changed; this would be: added {added}, changed {changed}, removed {removed}, "
                "unchanged {unchanged}",
                **counts,
            )
        )
    else:
        terminal.data(
            terminal.text(
                "added {added}, changed {changed}, removed {removed}, unchanged {unchanged}", **counts
            )
        )
    if found.removed and not options.remove_missing:
        terminal.say("members who are not in the file stay: {count} (--remove-missing)", count=found.removed)
