"""The question before `send` sends: asked at a terminal only, once, with whom it reaches and its price."""

from __future__ import annotations

import sys

from fallback_cast.cli.figures import money
from fallback_cast.cli.terminal import Terminal
from fallback_cast.dispatch.accept import Draft
from fallback_cast.dispatch.preview import ChannelPreview, preview
from fallback_cast.wiring.app import App


def confirmed(terminal: Terminal, app: App, draft: Draft) -> bool:
    """What a person at the terminal says; Enter is yes. Raises UserError for a draft that is none."""
    policies, timezone = app.settings.policies(), app.club.timezone
    found = preview(app.ledger, draft, app.check(draft), app.channels, policies, timezone)
    shares = [share for share in found.channels.values() if share.first]
    first = ", ".join(f"{share.name} {share.first}" for share in shares)
    terminal.say("recipients by the channel that is tried first: {first}", first=first or "0")
    for share in found.channels.values():
        _say_price(terminal, share, app.settings.club.currency)
    print(terminal.text("Send it now? [Y/n]"), end=" ", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    return bool(answer) and answer.strip().lower() in ("", "y", "yes", "o", "oui")


def _say_price(terminal: Terminal, share: ChannelPreview, currency: str) -> None:
    if share.cost and share.most:
        terminal.say(
            "{channel} costs {first}; at most {most} if all other channels fail",
            channel=share.name,
            first=money(terminal, share.cost * share.messages, currency),
            most=money(terminal, share.cost * share.most, currency),
        )
