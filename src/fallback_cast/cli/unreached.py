"""`unreached`: who was not reached, by name, with reasons and what else is known to reach them by hand.

Names, addresses and telephone numbers go to standard output or to the file that was asked for, nowhere else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from fallback_cast.cli.live import recipient_name, translate_reason
from fallback_cast.cli.show import find
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.dispatch.report import delivery_object
from fallback_cast.ledger.contacts import addresses_of
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.progress import open_deliveries
from fallback_cast.ledger.view import DeliveryView, each_delivery
from fallback_cast.model.delivery import RecipientKind, Route
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase
from fallback_cast.routing.plan import LEFT_OUT
from fallback_cast.wiring.app import App, open_app

FORMATS = ("text", "csv", "html")
STATES = ("unreached", "expired", "excluded")
PAGE = 500
PLACE = "place"  # an address that is none of the member's own


@dataclass(frozen=True, slots=True)
class Contact:
    """An address as people write it; `kind` is the kind of its channel."""

    channel: str
    kind: str
    address: str
    shown: str


@dataclass(frozen=True, slots=True)
class Missed:
    """One who was not reached, in the reader's language."""

    view: DeliveryView
    name: str
    state: str
    reasons: str
    contacts: Sequence[Contact]


@dataclass(slots=True)
class Register:
    """Those who were not reached, one by one; `count` grows as they are read."""

    app: App
    terminal: Terminal
    id: str
    count: int = 0

    @property
    def pending(self) -> int:
        return open_deliveries(self.app.ledger, self.id)

    def __iter__(self) -> Iterator[Missed]:
        kinds = {channel.name: channel.kind for channel in self.app.settings.channel}
        views = (
            view
            for view in each_delivery(self.app.ledger, self.id, STATES)
            if not LEFT_OUT.intersection(view.reasons)
        )
        for view, routes in _with_addresses(self.app.ledger, views):
            self.count += 1
            yield self._missed(view, [_contact(route, kinds) for route in routes])

    def _missed(self, view: DeliveryView, contacts: Sequence[Contact]) -> Missed:
        reasons = translate_reason(self.terminal, "; ".join(view.reasons))
        # A telephone is the quickest, then what a person can type.
        order = {"sms": 0, "email": 1}
        contacts = sorted(contacts, key=lambda contact: order.get(contact.kind, 2))
        name = recipient_name(self.terminal, view.recipient)
        return Missed(view, name, self.terminal.text(view.state), reasons, contacts)


def run(terminal: Terminal, given: str, wanted: str, output: Path | None) -> int:
    if wanted not in FORMATS:
        raise UserError(
            Phrase("{text!r} is no format", text=wanted), where="--format", hint=", ".join(FORMATS)
        )
    with open_app(terminal.settings()) as app:
        register = Register(app, terminal, find(app.ledger, given))
        pieces = _written(register, "json" if terminal.json else wanted, output)
        if output is None:
            sys.stdout.writelines(pieces)
            sys.stdout.flush()
        else:
            from fallback_cast.cli.atomic import write_file

            write_file(output, pieces, "--output", mode=0o600)
            terminal.say("{count} people are listed in {file}", count=register.count, file=output)
        if register.count == 0:
            _say_nobody(terminal, register.pending)
        return EXIT_OK


def _written(register: Register, wanted: str, output: Path | None) -> Iterable[str]:
    from fallback_cast.cli import unreached_formats as formats

    match wanted:
        case "json":
            return [json.dumps(_object(register), ensure_ascii=False, indent=2) + "\n"]
        case "csv":
            marked = output is not None or not sys.stdout.isatty()
            return formats.to_csv(register, marked=marked)
        case "html":
            return formats.to_html(register)
        case _:
            return formats.to_text(register)


def _say_nobody(terminal: Terminal, pending: int) -> None:
    if pending:
        terminal.say("nobody so far; {count} still pending", count=pending)
    else:
        terminal.say("everybody was reached")


def _object(register: Register) -> dict[str, Any]:
    return {
        "id": register.id,
        "unreached": [
            {
                **delivery_object(one.view),
                "addresses": [
                    {"channel": contact.channel, "kind": contact.kind, "address": contact.address}
                    for contact in one.contacts
                ],
            }
            for one in register
        ],
    }


def _with_addresses(
    ledger: Ledger, views: Iterator[DeliveryView]
) -> Iterator[tuple[DeliveryView, Sequence[Route]]]:
    """With today's addresses of each member; of one who has left, those that were tried."""
    while page := list(islice(views, PAGE)):
        known = addresses_of(ledger, {view.member_id for view in page if view.member_id is not None})
        for view in page:
            if view.kind == RecipientKind.MEMBER.value:
                theirs = known.get(view.member_id or 0, list(view.routes))
                yield view, [route for route in theirs if route.address != PLACE]
            else:
                yield view, []  # a place, or everyone: nobody can be telephoned


def _contact(route: Route, kinds: Mapping[str, str]) -> Contact:
    kind = kinds.get(route.channel, "")
    shown = _telephone(route.address) if kind == "sms" else route.address
    return Contact(route.channel, kind, route.address, shown)


def _telephone(number: str) -> str:
    """`+33 1 99 00 00 01`: in groups, as it is read out and dialled."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
