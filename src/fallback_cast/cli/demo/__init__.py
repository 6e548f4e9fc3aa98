"""`demo`: the whole story on this machine; a platform goes down in the middle of a broadcast.

Nothing here is acted: servers, settings file, ledger and dispatch are those of a real broadcast.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from fallback_cast.cli.demo import club
from fallback_cast.cli.demo.narrator import Narrator, shorter
from fallback_cast.cli.demo.proof import Evidence, Promise, gather, promises
from fallback_cast.cli.demo.servers import Servers, running
from fallback_cast.cli.live import LiveProgress
from fallback_cast.cli.terminal import EXIT_INTERNAL, EXIT_OK, EXIT_OPEN, Terminal
from fallback_cast.ledger.members import replace_members
from fallback_cast.ledger.progress import count
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase
from fallback_cast.settings import load_settings
from fallback_cast.wiring.app import App, open_app
from fallback_cast.workers.local import run as run_loop


def run(terminal: Terminal, directory: Path | None) -> int:
    """Exit code 0 if the story went as promised, else 1."""
    folder = _new_folder(directory)
    narrator = Narrator(terminal)
    passwords = club.new_passwords()
    narrator.opening()
    try:
        with running(folder / "public", club.guests(passwords)) as servers:
            path = club.write_settings(folder, passwords, servers.ports, terminal.language)
            terminal.config = Path(shorter(path))  # commands that are named find these settings
            with open_app(load_settings(path, os.environ)) as app:
                return _play(terminal, narrator, app, servers)
    except KeyboardInterrupt:
        terminal.say("the demo was stopped; its files are in {folder}", folder=folder)
        return EXIT_OPEN


def _new_folder(directory: Path | None) -> Path:
    """A folder of the demo's own. Raises UserError if it is in use or cannot be made."""
    folder = (directory or Path(f"demo-{datetime.now():%Y%m%d-%H%M%S}")).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            "this folder is in use; the demo wants a new one",
            where=str(folder),
            hint="give another --directory",
        )
    try:
        (folder / "public").mkdir(parents=True)
    except OSError as error:
        raise UserError(
            Phrase("the folder cannot be made: {why}", why=Phrase(error.strerror or "")),
            where=str(folder),
            hint="give another --directory",
        ) from None
    return folder


def _play(terminal: Terminal, narrator: Narrator, app: App, servers: Servers) -> int:
    replace_members(app.ledger, club.members(app.channels, terminal.language), app.clock.now())
    narrator.cast(app)
    draft = club.draft(terminal.language, app.clock.now())
    began_s = time.monotonic()
    stored = app.accept(draft)
    narrator.broadcast(stored.code, draft.title)
    total = count(app.ledger, stored.id).total
    with LiveProgress(terminal, total, quiet=terminal.json) as progress:
        run_loop(app.dispatch([stored.id], narrator.listening(progress, servers)))
    elapsed_s = time.monotonic() - began_s
    found = app.report(stored.id, recipients=terminal.json)
    seen = gather(app, stored.id, servers, app.settings.base_dir / "public")
    checked = promises(seen)
    kept = all(promise.kept for promise in checked)
    if terminal.json:
        terminal.object(_outcome(terminal, app.settings.path, found, seen, checked))
    else:
        narrator.result(app, found)
        narrator.unreached(seen)
        narrator.figures(seen, elapsed_s)
        narrator.promises(checked)
        narrator.goodbye(app, seen)
        narrator.keep_serving(seen)
    return EXIT_OK if kept else EXIT_INTERNAL


def _outcome(
    terminal: Terminal, settings: Path, found: dict[str, Any], seen: Evidence, checked: list[Promise]
) -> dict[str, Any]:
    """What `demo --json` prints."""
    return {
        "kept": all(promise.kept for promise in checked),
        "promises": [
            {"promise": terminal.text(p.what.template, **p.what.fields), "kept": p.kept} for p in checked
        ],
        "settings": str(settings),
        "page": str(seen.page) if seen.page else None,
        "platform_died_at": seen.died_at.isoformat() if seen.died_at else None,
        "longest_switch_s": seen.longest_switch_s(),
        "messages": {
            server: sum(taken.server == server for taken in seen.taken)
            for server in ("telegram", "email", "sms")
        },
        "announcement": found,
    }
