"""Twilio's Messages and Account resources as an emulator: login, fields and codes as there.

www.twilio.com/docs/messaging/api/message-resource and /docs/api/errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.counterparts.http_faults import Action, Request, reply
from tests.counterparts.strict import BadBody, form_of, logged_in

ACCOUNT_SID = "AC" + "0a1b2c3d" * 4
AUTH_TOKEN = "tok-5f6e7d8c9b0a1f2e3d4c5b6a"
SERVICE_SID = "MG" + "9f8e7d6c" * 4
_FIELDS = frozenset({"To", "From", "MessagingServiceSid", "Body", "ValidityPeriod", "StatusCallback"})
_ACCOUNT = f"/2010-04-01/Accounts/{ACCOUNT_SID}"


def error(status: int, code: int, message: str = "see the dictionary") -> Action:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return reply(status, json={"code": code, "message": message, "more_info": more, "status": status})


def created(status: str = "queued", error_code: int | None = None, number: int = 1) -> Action:
    body = {
        "sid": f"SM{number:032x}",
        "status": status,
        "error_code": error_code,
        "error_message": None,
        "price": None,
        "num_segments": "1",
    }
    return reply(201, json=body)


@dataclass
class TwilioApi:
    """Use `answer` as the script of an `HttpFaults`."""

    status: str = "active"
    type: str = "Full"
    senders: frozenset[str] = frozenset({"Petanque"})
    stopped: frozenset[str] = frozenset()
    messages: list[dict[str, str]] = field(default_factory=list)

    def answer(self, request: Request) -> Action:
        if not logged_in(request, ACCOUNT_SID, AUTH_TOKEN):
            return error(401, 20003, "Authenticate")
        match request.method, request.target:
            case "GET", path if path == f"{_ACCOUNT}.json":
                return reply(200, json={"sid": ACCOUNT_SID, "status": self.status, "type": self.type})
            case "POST", path if path == f"{_ACCOUNT}/Messages.json":
                return self._take(request)
        return error(404, 20404, "The requested resource was not found")

    def _take(self, request: Request) -> Action:
        try:
            form = form_of(request, _FIELDS)
        except BadBody as fault:
            return error(400, 20001, str(fault))
        if code := self._code(form):
            return error(400, code)
        self.messages.append(form)
        return created(number=len(self.messages))

    def _code(self, form: dict[str, str]) -> int | None:
        validity = form.get("ValidityPeriod", "36000")
        service = form.get("MessagingServiceSid")
        if not re.fullmatch(r"\+\d{6,15}", form.get("To", "")):
            return 21211
        if not form.get("Body"):
            return 21602
        if len(form["Body"]) > 1600:
            return 21617
        if not validity.isdigit() or not 1 <= int(validity) <= 36000:
            return 21624
        if service is None and not form.get("From"):
            return 21603
        if service not in (None, SERVICE_SID):
            return 21701
        if service is None and form["From"] not in self.senders:
            return 21606
        return 21610 if form["To"] in self.stopped else None
