"""`members export`: a CSV that import reads back as it was."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fallback_cast.cli.members_file import guarded
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.ledger.members import Member, each_member
from fallback_cast.wiring.app import open_app

_HEAD = ("number", "name", "language", "groups", "order", "timezone", "pause")


def run(terminal: Terminal, output: Path | None) -> int:
    """On stdout, or to a file that is its owner's alone; with --json one object."""
    settings = terminal.settings()
    names = [channel.name for channel in settings.channel]
    with open_app(settings) as app:
        if terminal.json:
            from fallback_cast.cli.members_show import member_object

            terminal.object({"members": [member_object(member) for member in each_member(app.ledger)]})
        elif output is None:
            for line in lines(each_member(app.ledger), names):
                sys.stdout.write(line)
        else:
            from fallback_cast.cli.atomic import write_file

            text = "".join(lines(each_member(app.ledger), names))
            write_file(output, text, "--output", mode=0o600)
    return EXIT_OK


def lines(members: Iterable[Member], channels: Sequence[str]) -> Iterator[str]:
    """The rows as text. Of channels that are no longer in the settings nothing is written."""
    yield _line([*_HEAD, *channels, *(f"consent {name}" for name in channels)])
    for member in members:
        yield _line(
            [
                member.number or "",
                member.name,
                member.language or "",
                " ".join(member.groups),
                " ".join(name for name in member.ranks if name in channels),
                member.timezone or "",
                (member.paused_until or "yes") if member.paused else "",
                *(member.addresses.get(name, "") for name in channels),
                *(_word(member.consents.get(name)) for name in channels),
            ]
        )


def _word(consent: bool | None) -> str:
    return "" if consent is None else "yes" if consent else "no"


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([guarded(cell) for cell in cells])
    return out.getvalue()
