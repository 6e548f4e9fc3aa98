"""OVHcloud's SMS API as an emulator: signatures, times, fields and numbers are checked as there.

docs.ovhcloud.com, "First Steps with the OVHcloud APIs"; the schema of /sms at eu.api.ovh.com/1.0/sms.json.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.counterparts.http_faults import Action, Request, reply
from tests.counterparts.strict import BadBody, json_of

SERVICE = "sms-ab12345-1"
APPLICATION_KEY = "ak-7kbG7Bk7S9Nt7ZSV"
APPLICATION_SECRET = "as-EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF"
CONSUMER_KEY = "ck-MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1"
TOLERANCE_S = 30
_FIELDS = {
    "message": str,
    "receivers": list,
    "noStopClause": bool,
    "charset": str,
    "coding": str,
    "class": str,
    "priority": str,
    "validityPeriod": int,
    "tag": str,
    "sender": str,
    "senderForResponse": bool,
}
_CHOICES = {
    "charset": {"UTF-8"},
    "coding": {"7bit", "8bit"},
    "class": {"flash", "phoneDisplay", "sim", "toolkit"},
    "priority": {"high", "low", "medium", "veryHigh"},
}


def error(status: int, code: str, message: str) -> Action:
    return reply(status, json={"class": f"Client::{code}", "errorCode": code, "message": message})


@dataclass
class OvhCloudApi:
    """Use `answer` as the script of an `HttpFaults`."""

    ahead_s: float = 0.0  # how far its clock is ahead of ours
    credits: float = 100.0
    status: str = "enable"
    senders: Mapping[str, str] = field(default_factory=lambda: {"Petanque": "enable"})
    barred: frozenset[str] = frozenset()
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: Request) -> Action:
        if (request.method, request.target) == ("GET", "/1.0/auth/time"):
            return reply(
                200, str(int(time.time() + self.ahead_s)), headers={"Content-Type": "application/json"}
            )
        if fault := self._unsigned(request):
            return fault
        match request.method, request.target:
            case "GET", path if path == f"/1.0/sms/{SERVICE}":
                return reply(200, json={"name": SERVICE, "status": self.status, "creditsLeft": self.credits})
            case "GET", path if path.startswith(f"/1.0/sms/{SERVICE}/senders/"):
                return self._sender(unquote(path.rpartition("/")[2]))
            case "POST", path if path == f"/1.0/sms/{SERVICE}/jobs":
                return self._take(request)
        return error(404, "NOT_FOUND", "Got an invalid (or empty) URL")

    def _unsigned(self, request: Request) -> Action | None:
        headers = request.headers
        if headers.get("x-ovh-application") != APPLICATION_KEY:
            return error(403, "INVALID_KEY", "This application key is invalid")
        if headers.get("x-ovh-consumer") != CONSUMER_KEY:
            return error(403, "INVALID_CREDENTIAL", "This credential is not valid")
        moment = headers.get("x-ovh-timestamp", "")
        if not moment.isdigit() or abs(int(moment) - time.time() - self.ahead_s) > TOLERANCE_S:
            return error(400, "QUERY_TIME_OUT", "Query out of time")
        url = f"http://{headers['host']}{request.target}"
        text = "+".join(
            (APPLICATION_SECRET, CONSUMER_KEY, request.method, url, request.body.decode(), moment)
        )
        if headers.get("x-ovh-signature") != "$1$" + hashlib.sha1(text.encode()).hexdigest():
            return error(400, "INVALID_SIGNATURE", "Invalid signature")
        return None

    def _sender(self, name: str) -> Action:
        if name not in self.senders:
            return error(404, "NOT_FOUND", "The requested object (sender) does not exist")
        return reply(200, json={"sender": name, "status": self.senders[name], "type": "alpha"})

    def _take(self, request: Request) -> Action:
        try:
            body = json_of(request, _FIELDS)
            self._look_at(body)
        except BadBody as fault:
            return error(400, "BAD_REQUEST", str(fault))
        if self.credits < 1:
            return error(402, "PAYMENT_REQUIRED", "Not enough credits")
        numbers = body["receivers"]
        valid = [one for one in numbers if re.fullmatch(r"\+\d{6,15}", one) and one not in self.barred]
        ids = [1000 + len(self.messages) + n for n, _ in enumerate(valid)]
        if valid:
            self.messages.append(body)
            self.credits -= len(valid)
        return reply(
            200,
            json={
                "ids": ids,
                "validReceivers": valid,
                "invalidReceivers": [one for one in numbers if one not in valid],
                "totalCreditsRemoved": len(valid),
            },
        )

    def _look_at(self, body: dict[str, Any]) -> None:
        if not body.get("message") or not body.get("receivers"):
            raise BadBody("message or receivers missing")
        for name, choices in _CHOICES.items():
            if name in body and body[name] not in choices:
                raise BadBody(f"{name} is none of {sorted(choices)}")
        if not 1 <= body.get("validityPeriod", 2880) <= 2880 or len(body.get("tag", "")) > 20:
            raise BadBody("out of range")
        if body.get("senderForResponse") == ("sender" in body):
            raise BadBody("either sender or senderForResponse")
        if "sender" in body and self.senders.get(body["sender"]) != "enable":
            raise BadBody("Sender is not validated")
