"""`send --plan`: show what would happen; send nothing."""

from __future__ import annotations

from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.dispatch.accept import Draft
from fallback_cast.dispatch.preview import ChannelPreview, Preview, preview
from fallback_cast.routing.plan import LEFT_OUT
from fallback_cast.wiring.app import App


def run_plan(terminal: Terminal, app: App, draft: Draft) -> int:
    ready = app.check(draft)
    found = preview(app.ledger, draft, ready, app.channels, app.settings.policies())
    if terminal.json:
        terminal.object(_object(found))
    else:
        _print(terminal, found)
    return EXIT_OK


def _object(found: Preview) -> dict[str, object]:
    return {
        "recipients": {"total": found.total, "excluded": sum(found.excluded.values())},
        "channels": [
            {
                "name": share.name,
                "kind": share.kind,
                "first": share.first,
                "possible": share.possible,
                "no_consent": share.no_consent,
                "parts": share.parts,
                "encoding": share.encoding,
                "cost_each": None if share.cost is None else str(share.cost),
                "cost_first": None if share.cost is None else str(share.cost * share.first),
                "seconds": round(share.seconds, 1),
                "refused": share.refused or None,
                "text": share.text,
            }
            for share in found.channels.values()
        ],
        "unreachable": [{"recipient": name, "reason": reason} for name, reason in found.unreachable],
    }


def _print(terminal: Terminal, found: Preview) -> None:
    text = terminal.text
    terminal.print(text("plan: {total} recipients; nothing is sent", total=found.total))
    for share in found.channels.values():
        terminal.print(f"\n[bold]{share.name}[/] ({share.kind})  {_figures(terminal, share)}")
        if share.refused:
            terminal.print(f"  ✗ {text(share.refused)}", markup=False)
        for line in share.text.splitlines():
            terminal.print(f"  │ {line}", markup=False)
    if found.excluded:
        terminal.print("")
    for reason, count in found.excluded.items():
        what = (
            "left out: {count} ({reason})" if reason in LEFT_OUT else "cannot be reached: {count} ({reason})"
        )
        terminal.print(text(what, count=count, reason=text(reason)))
        for name in (name for name, why in found.unreachable if why == reason):
            terminal.print(f"  {name}", markup=False)


def _figures(terminal: Terminal, share: ChannelPreview) -> str:
    text = terminal.text
    parts = [
        text("first choice of {count}", count=share.first),
        text("possible for {count}", count=share.possible),
    ]
    if share.no_consent:
        parts.append(text("not used for {count}, who do not consent", count=share.no_consent))
    if share.parts is not None:
        parts.append(text("parts of each message: {count}", count=share.parts))
    if share.cost is not None:
        parts.append(text("price for the first: {cost}", cost=share.cost * share.first))
    if share.seconds >= 1:
        parts.append(text("at least {time}", time=_roughly(share.seconds)))
    return ", ".join(parts)


def _roughly(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
