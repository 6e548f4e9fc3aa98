"""`send --plan`: show what would happen; send nothing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from fallback_cast.channels.kit.names import parse_server
from fallback_cast.cli.check_domains import DomainsFound, unknown_objects
from fallback_cast.cli.plan_text import print_plan, warning_text
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.dispatch.accept import Draft
from fallback_cast.dispatch.preview import ChannelPreview, Preview, preview
from fallback_cast.health.alone import Hanging, domains_of, hanging
from fallback_cast.health.discover import discover, load
from fallback_cast.health.facts import Findings, Role, Subject
from fallback_cast.health.shared import Unknown, unknown
from fallback_cast.model.health import Verdict
from fallback_cast.model.texts import say
from fallback_cast.routing.forecast import Names
from fallback_cast.wiring.app import App
from fallback_cast.wiring.domains import subjects_of
from fallback_cast.workers.local import run as run_loop


@dataclass(frozen=True, slots=True)
class Plan:
    """The preview, who hangs on one domain only, and what is not known about that."""

    preview: Preview
    hanging: Sequence[Hanging]
    unknown: Sequence[Unknown]
    down: Sequence[str]  # channels that are judged down now
    currency: str


def run_plan(terminal: Terminal, app: App, draft: Draft) -> int:
    found = make_plan(app, draft)
    if terminal.json:
        terminal.object(_object(terminal, app, found))
    else:
        print_plan(terminal, app, found)
    return EXIT_OK


def make_plan(app: App, draft: Draft) -> Plan:
    """Count the recipients while the channels' hosts are looked up. Raises UserError."""
    ready = app.check(draft)
    subjects = [s for s in subjects_of(app.channels, app.club) if s.member.role in (Role.CHANNEL, Role.SITE)]
    load()
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(_look, app, subjects)
        policies = app.settings.policies()
        counted = preview(app.ledger, draft, ready, app.channels, policies, app.club.timezone)
        findings = looking.result()
    down = [name for name, verdict in app.verdicts().items() if verdict is Verdict.DOWN]
    return Plan(
        counted,
        hanging(counted.forecast.by_routes, domains_of(subjects, findings)),
        unknown(subjects, findings),
        [name for name in down if name in app.channels],
        app.settings.club.currency,
    )


def _look(app: App, subjects: Sequence[Subject]) -> Findings:
    """DNS, and a handshake with the servers of the settings: nobody gets a message."""
    resolvers = [parse_server(written) for written in app.settings.health.resolvers]
    return run_loop(discover(subjects, resolvers))


def _object(terminal: Terminal, app: App, found: Plan) -> dict[str, Any]:
    forecast = found.preview.forecast
    unreachable = sum(names.count for names in forecast.unreachable.values())
    left_out = forecast.left_out.total()
    return {
        "recipients": {
            "total": forecast.total,
            "reachable": forecast.reached,
            "unreachable": unreachable,
            "left_out": left_out,
        },
        "currency": found.currency,
        "channels": [_channel(share, found) for share in found.preview.channels.values()],
        "unreachable": [
            {"reason": reason, **_names(names)} for reason, names in forecast.unreachable.items()
        ],
        "left_out": [{"reason": reason, "count": count} for reason, count in forecast.left_out.items()],
        "one_domain": [
            {
                "kind": one.domain.kind.value,
                "name": one.domain.name,
                "channels": list(one.channels),
                **_names(one.people),
            }
            for one in found.hanging
        ],
        "unknown_domains": unknown_objects(terminal, DomainsFound([], found.unknown)),
        "warnings": [
            {
                "what": one.what.name.lower().replace("_", "-"),
                "channel": one.channel,
                "recipients": one.count,
                "moment": _moment(one.moment),
                "text": say(terminal.language, warning_text(app, one)),
            }
            for one in found.preview.warnings
        ],
    }


def _channel(share: ChannelPreview, found: Plan) -> dict[str, Any]:
    return {
        "name": share.name,
        "kind": share.kind,
        "down": share.name in found.down,
        "first": share.first,
        "possible": share.possible,
        "no_consent": share.no_consent,
        "messages": share.messages,
        "messages_at_most": share.most,
        "encoding": share.encoding,
        "parts": share.parts,
        "parts_as_written": share.parts_as_written,
        "parts_total": None if share.parts is None else share.parts * share.messages,
        "cost_each": _amount(share.cost, 1),
        "cost": _amount(share.cost, share.messages),
        "cost_at_most": _amount(share.cost, share.most),
        "begins_at": _moment(share.begins_at),
        "seconds": round(share.seconds, 1),
        "refused": share.refused or None,
        "text": share.text,
    }


def _names(names: Names) -> dict[str, Any]:
    """The first names and how many there are."""
    return {"count": names.count, "names": names.first}


def _amount(each: Decimal | None, count: int) -> str | None:
    return None if each is None else str(each * count)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
