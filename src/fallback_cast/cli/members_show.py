"""`members show`: all that is held on a person, for the organiser or, as JSON, for the person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fallback_cast.cli.live import translate_reason
from fallback_cast.cli.members import find
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.ledger.members import Member
from fallback_cast.ledger.person import Dossier, dossier
from fallback_cast.wiring.app import App, open_app

_OF_ATTEMPT = (
    "channel", "provider", "address", "outcome", "error", "reason", "note", "reference",
    "begun_at", "ended_at", "possible_duplicate",
)  # fmt: skip


def run(terminal: Terminal, who: str) -> int:
    with open_app(terminal.settings()) as app:
        found = dossier(app.ledger, find(app, who))
        if terminal.json:
            terminal.object(to_object(found))
        else:
            _print(terminal, app, found)
    return EXIT_OK


def member_object(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "number": member.number,
        "name": member.name,
        "language": member.language,
        "groups": list(member.groups),
        "ranks": list(member.ranks),
        "timezone": member.timezone,
        "paused": member.paused,
        "paused_until": member.paused_until,
        "addresses": dict(member.addresses),
        "consents": dict(member.consents),
    }


def to_object(found: Dossier) -> dict[str, Any]:
    """The export of GDPR article 20: everything, in names that explain themselves."""
    person = {key: list(value) if isinstance(value, tuple) else value for key, value in found.member.items()}
    return {
        "person": person,
        "consents": [_plain(row, ("channel", "given", "since")) for row in found.consents],
        "suppressions": [
            _plain(row, ("channel", "address", "cause", "evidence", "since", "ends_at"))
            for row in found.suppressions
        ],
        "moved_addresses": [_plain(row, ("channel", "address", "moved_to", "at")) for row in found.moved],
        "deliveries": [
            _plain(
                row,
                (
                    "announcement_id",
                    "code",
                    "title",
                    "state",
                    "via",
                    "routes",
                    "reasons",
                    "opened_at",
                    "closed_at",
                ),
            )
            | {"attempts": [_plain(attempt, _OF_ATTEMPT) for attempt in row["attempts"]]}
            for row in found.deliveries
        ],
    }


def _plain(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value := row[name], datetime) else value for name in names}


def _print(terminal: Terminal, app: App, found: Dossier) -> None:
    person = found.member
    number = f", {person['number']}" if person["number"] else ""
    terminal.data(f"{person['name']} (id {person['id']}{number})")
    if person["groups"]:
        terminal.data("  " + terminal.text("groups: {names}", names=" ".join(person["groups"])))
    if person["ranks"]:
        terminal.data("  " + terminal.text("order: {names}", names=" > ".join(person["ranks"])))
    if person["paused"]:
        until = person["paused_until"]
        terminal.data(
            "  " + (terminal.text("paused until {day}", day=until) if until else terminal.text("paused"))
        )
    for channel, address in person["addresses"].items():
        terminal.data(f"  {channel}: {address}")
    for row in found.consents:
        since = app.local(row["since"])
        terminal.data(
            "  "
            + (
                terminal.text("{channel}: consent given, {since}", channel=row["channel"], since=since)
                if row["given"]
                else terminal.text("{channel}: no consent, {since}", channel=row["channel"], since=since)
            )
        )
    for row in found.suppressions:
        _print_suppression(terminal, app, row)
    for delivery in found.deliveries:
        _print_delivery(terminal, app, delivery)


def _print_suppression(terminal: Terminal, app: App, row: dict[str, Any]) -> None:
    facts = {
        "channel": row["channel"],
        "cause": terminal.text(row["cause"]),
        "since": app.local(row["since"]),
    }
    text = (
        terminal.text(
            "{channel}: address not used since {since} ({cause}), until {end}",
            **facts,
            end=app.local(row["ends_at"]),
        )
        if row["ends_at"]
        else terminal.text("{channel}: address not used since {since} ({cause})", **facts)
    )
    terminal.data(f"  ✗ {text}")
    if row["evidence"]:
        terminal.data(f"    {translate_reason(terminal, row['evidence'])}")


def _print_delivery(terminal: Terminal, app: App, row: dict[str, Any]) -> None:
    state = terminal.text("pending" if row["state"] == "open" else row["state"])
    via = f", {row['via']}" if row["via"] else ""
    terminal.data(f"{row['code']}  {app.local(row['opened_at'])}  {row['title']}: {state}{via}")
    for attempt in row["attempts"]:
        outcome = terminal.text(attempt["outcome"])
        line = f"    {app.local(attempt['begun_at'], seconds=True)}  {attempt['channel']}  {outcome}"
        if attempt["reason"]:
            line += f" ({translate_reason(terminal, attempt['reason'])})"
        terminal.data(line)
