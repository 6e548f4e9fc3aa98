"""Vonage's SMS API as an emulator: 200 to everything understood, with a status for each part.

developer.vonage.com, "SMS API reference" and "Troubleshooting SMS".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import smsutil

from tests.counterparts.http_faults import Action, Request, reply
from tests.counterparts.strict import BadBody, form_of, logged_in

API_KEY = "a1b2c3d4"
API_SECRET = "sec-Zx9Yw8Vu7Ts6Rq5P"
PRICE = "0.0333"
_FIELDS = frozenset({"from", "to", "text", "type", "ttl", "client-ref", "callback", "status-report-req"})


def parts(*statuses: str, text: str = "see the table") -> Action:
    """One answer with a status for each part; `text` is said of those that are refused."""
    return reply(
        200,
        json={
            "message-count": str(len(statuses)),
            "messages": [_part(status, number, text) for number, status in enumerate(statuses)],
        },
    )


def _part(status: str, number: int, text: str) -> dict[str, str]:
    if status != "0":
        return {"status": status, "error-text": text}
    return {
        "to": "33612345678",
        "message-id": f"0C000000217B7F{number:02X}",
        "status": "0",
        "remaining-balance": "15.53590000",
        "message-price": PRICE + "0000",
        "network": "20801",
    }


@dataclass
class VonageApi:
    """Use `answer` as the script of an `HttpFaults`."""

    balance: float = 15.5
    reloads: bool = False
    barred: frozenset[str] = frozenset()
    messages: list[dict[str, str]] = field(default_factory=list)

    def answer(self, request: Request) -> Action:
        known = logged_in(request, API_KEY, API_SECRET)
        match request.method, request.target:
            case "GET", "/account/get-balance":
                return self._balance() if known else reply(401, json={"error-code": "401"})
            case "POST", "/sms/json":
                return self._take(request) if known else parts("4", text="Bad Credentials")
        return reply(404, "<html>not found</html>")

    def _balance(self) -> Action:
        answer: dict[str, Any] = {"value": self.balance, "autoReload": self.reloads}
        return reply(200, json=answer)

    def _take(self, request: Request) -> Action:
        try:
            form = form_of(request, _FIELDS)
            self._look_at(form)
        except BadBody as fault:
            return parts("3", text=f"Invalid value for param: {fault}")
        for name in ("from", "to", "text"):
            if not form.get(name):
                return parts("2", text=f"Missing {name} param")
        if form["to"] in self.barred:
            return parts("7", text="Number barred")
        if self.balance <= 0 and not self.reloads:
            return parts("9", text="Quota Exceeded - rejected")
        self.messages.append(form)
        return parts(*["0"] * len(smsutil.split(form["text"]).parts))

    def _look_at(self, form: dict[str, str]) -> None:
        if not re.fullmatch(r"\d{6,15}", form.get("to", "0" * 6)):
            raise BadBody("to")
        if not re.fullmatch(r"[A-Za-z0-9 ]{3,11}|\d{1,15}", form.get("from", "000")):
            raise BadBody("from")
        if form.get("type", "text") != ("text" if smsutil.is_valid_gsm(form.get("text", "")) else "unicode"):
            raise BadBody("type")
        if (
            not 20_000 <= int(form.get("ttl", "20000")) <= 604_800_000
            or len(form.get("client-ref", "")) > 100
        ):
            raise BadBody("ttl")
