"""`members import` and `members list`: who is told, as the ledger knows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fallback_cast.cli.members_file import read_members
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.ledger.members import Member, each_member
from fallback_cast.ledger.roster import RosterChange, change_members
from fallback_cast.wiring.app import open_app

LISTED = 20  # names of each sort that a dry run shows


@dataclass(frozen=True, slots=True)
class Comparison:
    """A file against the ledger. `changed` pairs a member as it is with what the file says."""

    added: Sequence[Member]
    changed: Sequence[tuple[Member, Member]]
    removed: Sequence[Member]
    unchanged: int

    def change(self) -> RosterChange:
        return RosterChange(self.added, [after for _, after in self.changed], self.removed)


def run_import(terminal: Terminal, file: Path, dry_run: bool) -> int:
    """Make the members of a file the members. Raises MembersError with every mistake of the file."""
    with open_app(terminal.settings()) as app:
        wanted = read_members(file, app.channels)
        found = compare(each_member(app.ledger), wanted)
        if found.change() and not dry_run:
            change_members(app.ledger, found.change(), app.clock.now())
    if terminal.json:
        terminal.object(_outcome(found, len(wanted), dry_run))
        return EXIT_OK
    if dry_run:
        _print_names(terminal, found)
    _print_counts(terminal, found, dry_run)
    without = sum(not member.addresses for member in wanted)
    if without:
        terminal.say("members without any address: {count}", count=without)
    return EXIT_OK


def compare(known: Iterable[Member], wanted: Iterable[Member]) -> Comparison:
    """Who is new, other than before, gone, or the same. People are known by their names.

    Where several have one name, those who stay the same are found first; the others are taken in order.
    """
    waiting: dict[str, list[Member]] = defaultdict(list)
    for member in known:
        waiting[member.name].append(member)
    left: list[Member] = []
    unchanged = 0
    for member in wanted:
        same = next((old for old in waiting[member.name] if _facts(old) == _facts(member)), None)
        if same is None:
            left.append(member)
        else:
            waiting[member.name].remove(same)
            unchanged += 1
    added: list[Member] = []
    changed: list[tuple[Member, Member]] = []
    for member in left:
        if waiting[member.name]:
            old = waiting[member.name].pop(0)
            changed.append((old, replace(member, id=old.id, paused=old.paused)))
        else:
            added.append(member)
    removed = [member for members in waiting.values() for member in members]
    return Comparison(added, changed, removed, unchanged)


def _facts(member: Member) -> tuple[Any, ...]:
    return member.name, dict(member.addresses), member.language, member.groups


def _differences(before: Member, after: Member) -> list[str]:
    """The names of what differs: columns, never addresses."""
    names = sorted({*before.addresses, *after.addresses})
    found = [name for name in names if before.addresses.get(name) != after.addresses.get(name)]
    if before.language != after.language:
        found.append("language")
    if before.groups != after.groups:
        found.append("groups")
    return found


def _outcome(found: Comparison, members: int, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "members": members,
        "added": len(found.added),
        "changed": len(found.changed),
        "removed": len(found.removed),
        "unchanged": found.unchanged,
    }


def _print_names(terminal: Terminal, found: Comparison) -> None:
    changes = [
        terminal.text("{head}: {rest}", head=before.name, rest=", ".join(_differences(before, after)))
        for before, after in found.changed
    ]
    lists = (
        ("+", [member.name for member in found.added]),
        ("~", changes),
        ("-", [member.name for member in found.removed]),
    )
    for mark, names in lists:
        for name in names[:LISTED]:
            terminal.data(f"{mark} {name}")
        if len(names) > LISTED:
            terminal.data(f"{mark} " + terminal.text("and {count} more", count=len(names) - LISTED))


def _print_counts(terminal: Terminal, found: Comparison, dry_run: bool) -> None:
    counts = {
        "added": len(found.added),
        "changed": len(found.changed),
        "removed": len(found.removed),
        "unchanged": found.unchanged,
    }
    if dry_run:
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


def run_list(terminal: Terminal) -> int:
    """Names, groups and channels. Addresses stay in the ledger."""
    settings = terminal.settings()
    ranks = [channel.name for channel in settings.channel]
    with open_app(settings) as app:
        members = list(each_member(app.ledger))
    if terminal.json:
        terminal.object({"members": [_member_object(member, ranks) for member in members]})
        return EXIT_OK
    if not members:
        terminal.say("there are no members; `fallback-cast members import FILE` brings them in")
    width = max((len(member.name) for member in members), default=0)
    for member in members:
        terminal.data(f"{member.name:<{width}}  {_line(terminal, member, ranks)}".rstrip())
    return EXIT_OK


def _line(terminal: Terminal, member: Member, ranks: Sequence[str]) -> str:
    parts = [", ".join(_channels(member, ranks)) or terminal.text("no address on any channel")]
    parts += [f"[{' '.join(member.groups)}]"] if member.groups else []
    parts += [terminal.text("paused")] if member.paused else []
    return "  ".join(parts)


def _channels(member: Member, ranks: Sequence[str]) -> list[str]:
    """Those of the settings in rank order; addresses on channels that are gone are of no use."""
    return [name for name in ranks if name in member.addresses]


def _member_object(member: Member, ranks: Sequence[str]) -> dict[str, Any]:
    return {
        "name": member.name,
        "language": member.language,
        "groups": list(member.groups),
        "paused": member.paused,
        "channels": _channels(member, ranks),
    }
