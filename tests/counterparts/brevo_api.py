"""Brevo's transactional SMS as an emulator: key, fields, sender and number are checked as there.

developers.brevo.com, "SMS | Send a transactional message", and the codes of its API reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.counterparts.http_faults import Action, Request, reply
from tests.counterparts.strict import BadBody, json_of

API_KEY = "xkeysib-81a36fc4b57e-QlKvhJ1MBfRS7yW4"
_FIELDS = {
    "sender": str,
    "recipient": str,
    "content": str,
    "type": str,
    "unicodeEnabled": bool,
    "tag": str,
    "webUrl": str,
    "organisationPrefix": str,
}


def error(status: int, code: str, message: str) -> Action:
    return reply(status, json={"code": code, "message": message})


@dataclass
class BrevoApi:
    """Use `answer` as the script of an `HttpFaults`."""

    credits: float | None = 82.5  # None: the account has no SMS plan that is counted
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: Request) -> Action:
        if request.headers.get("api-key") != API_KEY:
            return error(401, "unauthorized", "Key not found")
        match request.method, request.target:
            case "GET", "/v3/account":
                return reply(200, json={"email": "club@example.org", "plan": self._plans()})
            case "POST", "/v3/transactionalSMS/sms":
                return self._take(request)
        return error(404, "document_not_found", "There is nothing here")

    def _plans(self) -> list[dict[str, Any]]:
        free = {"type": "free", "creditsType": "sendLimit", "credits": 0}
        sms = {"type": "sms", "creditsType": "sendLimit", "credits": self.credits}
        return [free] if self.credits is None else [free, sms]

    def _take(self, request: Request) -> Action:
        try:
            body = json_of(request, _FIELDS)
        except BadBody as fault:
            return error(400, "bad_request", str(fault))
        for name in ("sender", "recipient", "content"):
            if not body.get(name):
                return error(400, "missing_parameter", f"{name} is missing")
        if not re.fullmatch(r"[A-Za-z0-9 ]{3,11}|\d{1,15}", body["sender"]):
            return error(400, "invalid_parameter", "Invalid sender name")
        if not re.fullmatch(r"\d{6,15}", body["recipient"]):
            return error(400, "invalid_parameter", "Invalid telephone number of the recipient")
        if body.get("type") not in ("transactional", "marketing"):
            return error(400, "invalid_parameter", "Invalid type")
        if self.credits is not None and self.credits < 1:
            return error(402, "not_enough_credits", "Insufficient balance")
        self.messages.append(body)
        sent = {"messageId": 1511882900176220 + len(self.messages), "reference": "ab1cde2fgh3i4jklmno"}
        return reply(201, json=sent | {"smsCount": 1, "usedCredits": 0.7, "remainingCredits": 81.8})
