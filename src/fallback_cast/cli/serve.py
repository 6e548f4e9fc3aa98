"""`serve`: webhooks and the interface for programs, with the dispatcher."""

from __future__ import annotations

from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.model.errors import UserError
from fallback_cast.workers.local import run as run_loop


def run(terminal: Terminal) -> int:
    try:
        from fallback_cast.web.serve import serve
    except ImportError:
        raise UserError(
            "serving needs the packages of the extra `web`", hint="pip install 'fallback-cast[web]'"
        ) from None
    settings = terminal.settings()

    def ready(address: str) -> None:
        terminal.say("listening on {address}; Ctrl-C ends it, and loses nothing", address=address)

    run_loop(serve(settings, ready))
    return EXIT_OK
