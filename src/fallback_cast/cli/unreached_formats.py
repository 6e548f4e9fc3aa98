"""The list of people to telephone as text, as CSV for a spreadsheet, and as a page to print."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fallback_cast.ledger.announce import load_announcement

if TYPE_CHECKING:
    from fallback_cast.cli.unreached import Missed, Register


def to_text(register: Register) -> Iterator[str]:
    """A line for each person to tick, and below it how to reach them."""
    for one in register:
        line = register.terminal.text(
            "[ ] {name}: {reasons} ({state})", name=one.name, reasons=one.reasons, state=one.state
        )
        yield f"{line}\n"
        contacts = dict.fromkeys(contact.shown for contact in one.contacts)
        if contacts:
            yield f"    {' · '.join(contacts)}\n"


class _Line:
    """What csv.writer writes to: each row comes back as text."""

    def write(self, text: str) -> str:
        return text


def to_csv(register: Register, *, marked: bool) -> Iterator[str]:
    """French spreadsheets want semicolons; `marked`: with the sign by which they all see that it is UTF-8."""
    terminal = register.terminal
    writer: Any = csv.writer(_Line(), delimiter=";" if terminal.language == "fr" else ",")
    titles = ("recipient", "telephone", "email address", "other addresses", "state", "reasons")
    yield ("\ufeff" if marked else "") + writer.writerow([terminal.text(title) for title in titles])
    for one in register:
        yield writer.writerow([_cell(text) for text in _cells(one)])


def _cells(one: Missed) -> list[str]:
    by_kind: dict[str, list[str]] = {"sms": [], "email": [], "": []}
    for contact in one.contacts:
        if contact.kind in ("sms", "email"):
            by_kind[contact.kind].append(contact.shown)
        else:
            by_kind[""].append(f"{contact.channel} {contact.shown}")
    addresses = [", ".join(dict.fromkeys(texts)) for texts in by_kind.values()]
    return [one.name, *addresses, one.state, one.reasons]


def _cell(text: str) -> str:
    """Spreadsheets run cells that begin like formulas (OWASP CSV injection): quote them."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def to_html(register: Register) -> Iterator[str]:
    """One page with everything in it: prints in black on white, large, a box to tick for each person."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from fallback_cast.channels.kit import markup, wording

    app, terminal = register.app, register.terminal
    announcement = load_announcement(app.ledger, register.id)
    assert announcement is not None, "callers take ids from the ledger"
    environment = Environment(
        loader=PackageLoader("fallback_cast.cli"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    yield from environment.get_template("unreached.html").generate(
        language=terminal.language,
        text=terminal.text,
        club=app.club.name,
        announcement=announcement,
        facts=wording.facts(announcement, app.club, None),
        body=markup.to_plain(announcement.body),
        pending=register.pending,
        printed_at=app.local(app.clock.now()),
        register=register,
    )
