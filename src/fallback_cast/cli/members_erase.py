"""`members erase`: a person leaves the ledger, and the past of it."""

from __future__ import annotations

import sys

from fallback_cast.cli.members import find
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.ledger.erase import erase_member
from fallback_cast.model.errors import UserError
from fallback_cast.wiring.app import App, open_app


def run(terminal: Terminal, who: str, yes: bool) -> int:
    """Asks at a terminal. Raises UserError where nobody can answer and --yes was not given."""
    with open_app(terminal.settings()) as app:
        member = find(app, who)
        if not yes and not _confirmed(terminal, member.name):
            terminal.say("nothing was changed")
            return EXIT_OK
        cancelled = erase_member(app.ledger, member, app.clock.now())
        copies = copies_of(app)
    if terminal.json:
        terminal.object({"id": member.id, "cancelled": cancelled, "copies": copies})
        return EXIT_OK
    terminal.data(terminal.text("erased; open deliveries cancelled: {count}", count=cancelled))
    if copies:
        terminal.say(
            "copies of the ledger still hold this person; delete them: {files}", files=", ".join(copies)
        )
    return EXIT_OK


def copies_of(app: App) -> list[str]:
    """What was copied before the schema changed."""
    path = app.ledger.path
    return [] if path is None else sorted(map(str, path.parent.glob(f"{path.name}.before-*")))


def _confirmed(terminal: Terminal, name: str) -> bool:
    if not terminal.somebody_to_ask():
        raise UserError("nobody can be asked here", where="members erase", hint="say --yes if you are sure")
    print(
        terminal.text("Erase {name}, and every trace in past announcements? [y/N]", name=name),
        end=" ",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes", "o", "oui")
