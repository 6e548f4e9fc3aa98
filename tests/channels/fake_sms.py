"""Gateways for the `sms` channel: a strict SMSGate phone, Kannel's answers, the folders of Gammu SMSD."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.sms import Settings, SmsChannel, build
from fallback_cast.model.announcement import Club
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from tests.channels import gammu_spool
from tests.channels.fake import CLUB, Fake, Scene
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import Action, HttpFaults, Request, reply

NUMBER = "+33612345678"
USERNAME = "club-gateway"
PASSWORD = "pw-mot-de-passe-sms"
WRONG_PASSWORD = "pw-not-this-one"


_BRIEFLY = {"timeout": "0.5s"}


def channel(*gateways: dict[str, Any], club: Club = CLUB, **settings: Any) -> SmsChannel:
    """A channel over these gateways that waits only briefly for answers."""
    common = {
        "name": "sms",
        "kind": "sms",
        "gateway": [gateway if gateway["kind"] == "gammu" else _BRIEFLY | gateway for gateway in gateways],
    }
    return build(Settings.model_validate(common | settings), BuildContext(club=club))


def smsgate(url: str, **settings: Any) -> dict[str, Any]:
    return {"kind": "smsgate", "url": url, "username": USERNAME, "password": PASSWORD} | settings


def kannel(url: str, **settings: Any) -> dict[str, Any]:
    return {
        "kind": "kannel",
        "url": url,
        "username": USERNAME,
        "password": PASSWORD,
        "sender": "Club",
    } | settings


_TYPES: Mapping[str, type] = {
    "id": str,
    "textMessage": dict,
    "phoneNumbers": list,
    "ttl": int,
    "priority": int,
    "withDeliveryReport": bool,
    "simNumber": int,
    "deviceId": str,
}


@dataclass
class Phone:
    """An SMSGate app as version 1.6x behaves: wrong types, unknown keys and bad logins are refused.

    `forgiving`: like older apps it answers 202 to an id that it knows already.
    """

    device_id: str = "Phone-0123456789abcde"
    forgiving: bool = False
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    checks: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"battery:level": {"observedValue": 94, "status": "pass"}}
    )

    def answer(self, request: Request) -> Action:
        if request.path == "/health":
            failed = any(check["status"] == "fail" for check in self.checks.values())
            status = "fail" if failed else "pass"
            return reply(500 if failed else 200, json={"status": status, "checks": self.checks})
        login = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            return reply(401, headers={"WWW-Authenticate": "Basic"})
        if request.method == "POST" and request.path == "/messages":
            return self._take(request)
        if request.method == "GET" and request.path.startswith("/messages/"):
            message = self.messages.get(request.path.rpartition("/")[2])
            return reply(200, json=self._state(message)) if message else reply(404)
        return reply(404)

    def _take(self, request: Request) -> Action:
        if request.headers.get("content-type") != "application/json":
            return reply(415)
        body = request.json()
        if fault := self._fault(body):
            return reply(400, json={"message": fault})
        self.keys.append(body["id"])
        known = body["id"] in self.messages
        if known and not self.forgiving:
            return reply(409, json={"message": "Message with the same ID already exists"})
        self.messages.setdefault(body["id"], body)
        return reply(202, json=self._state(body))

    def _fault(self, body: Any) -> str | None:
        wrong = [key for key, value in body.items() if type(value) is not _TYPES.get(key)]
        if wrong:
            return f"cannot read {wrong}"
        if set(body["textMessage"]) != {"text"} or not isinstance(body["textMessage"]["text"], str):
            return "Text message is empty"
        if not body["phoneNumbers"]:
            return "Empty phone numbers list"
        if not 1 <= len(body["id"]) <= 36 or body["ttl"] < 5 or not -128 <= body["priority"] <= 127:
            return "out of range"
        if body.get("deviceId", self.device_id) != self.device_id:
            return "Invalid device ID"
        return None

    def _state(self, body: dict[str, Any]) -> dict[str, Any]:
        recipients = [{"phoneNumber": number, "state": "Pending"} for number in body["phoneNumbers"]]
        return {"id": body["id"], "deviceId": self.device_id, "state": "Pending", "recipients": recipients}


@dataclass
class KannelBox:
    """Smsbox as 1.4.5 answers; the real one stands in tests/channels/test_sms_kannel.py."""

    messages: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Action:
        headers = request.headers
        login = headers.get("x-kannel-username"), headers.get("x-kannel-password")
        if request.method != "POST" or login != (USERNAME, PASSWORD):
            return reply(403, "Authorization failed for sendsms")
        if not headers.get("x-kannel-to"):
            return reply(400, "Missing receiver(s) number(s), rejected")
        self.messages.append(request)
        return reply(202, "0: Accepted for delivery")


_PROXY_PAGE = "<html><body><h1>Bad Gateway</h1></body></html>"
Script = Action | Callable[[Request], Action]


Answers = Mapping[str, tuple[Action, type[SendError] | None]]

_FAULTS: Mapping[str, type[SendError] | None] = {
    "ok": None,
    "refused": Unavailable,
    "silent": OutcomeUnknown,
    "lost": OutcomeUnknown,
    "unresolvable": Unavailable,
    "bad_login": AccessDenied,
    "cut_in_body": OutcomeUnknown,
    "nonsense": OutcomeUnknown,
}
_SMSGATE: Answers = {
    "already_there": (reply(409, json={"message": "exists"}), None),
    "no_such_phone": (reply(400, json={"message": "Invalid device ID"}), AccessDenied),
    "no_phone_at_all": (reply(400, json={"message": "record not found"}), AccessDenied),
    "bad_number": (reply(400, json={"message": "failed to parse phone: +33"}), AddressRefused),
    "bad_text": (reply(400, json={"message": "Text message is empty"}), MessageRefused),
    "expired": (reply(400, json={"message": "message already expired"}), MessageRefused),
    "forbidden": (reply(403, json={"message": "Forbidden"}), AccessDenied),
    "wrong_path": (reply(404), AccessDenied),
    "conflict_of_a_proxy": (reply(409, _PROXY_PAGE), AccessDenied),
    "too_fast": (reply(429, headers={"Retry-After": "7"}), Throttled),
    "own_error": (reply(500, json={"message": "no"}), OutcomeUnknown),
    "queue_full": (reply(503, json={"message": "queue limits exceeded"}), Unavailable),
    "proxy_502": (reply(502, _PROXY_PAGE), OutcomeUnknown),
    "proxy_503": (reply(503, _PROXY_PAGE), OutcomeUnknown),
    "portal": (reply(200, _PROXY_PAGE), OutcomeUnknown),
    "someone_elses_id": (reply(202, json={"id": "another"}), OutcomeUnknown),
    "moved": (http.redirect("http://127.0.0.1:1/"), AccessDenied),
}
_DENIED = "Number(s) has/have been denied by white- and/or black-lists."
_KANNEL: Answers = {
    "queued": (reply(202, "3: Queued for later delivery"), None),
    "sent_at_once": (reply(202, "Sent."), None),
    "denied_number": (reply(400, _DENIED), AddressRefused),
    "no_sender": (reply(400, "Sender missing and no global set, rejected"), AccessDenied),
    "bad_charset": (reply(400, "Charset or body misformed, rejected"), MessageRefused),
    "not_routable": (reply(403, "Not routable. Do not try again."), AccessDenied),
    "wrong_path": (reply(404, "Unknown request."), AccessDenied),
    "too_fast": (reply(429, headers={"Retry-After": "7"}), Throttled),
    "sending_failed": (reply(500, "Sending failed."), OutcomeUnknown),
    "temporal": (reply(503, "Temporal failure, try again later."), Unavailable),
    "proxy_502": (reply(502, _PROXY_PAGE), OutcomeUnknown),
    "proxy_503": (reply(503, _PROXY_PAGE), OutcomeUnknown),
    "portal": (reply(200, _PROXY_PAGE), OutcomeUnknown),
    "strange_202": (reply(202, _PROXY_PAGE), OutcomeUnknown),
    "moved": (http.redirect("http://127.0.0.1:1/"), AccessDenied),
}


def _expected(answers: Answers, prefix: str = "") -> dict[str, type[SendError] | None]:
    errors = {**_FAULTS, **{name: error for name, (_, error) in answers.items()}}
    return {prefix + name: error for name, error in errors.items()}


class SmsFake(Fake):
    """Cases of SMSGate, and with a prefix: `kannel_` the same and others of Kannel, `gammu_` of a spool."""

    kind = "sms"
    secrets = (PASSWORD, WRONG_PASSWORD, NUMBER[1:])
    key_on_wire = True
    cases: ClassVar[Mapping[str, type[SendError] | None]] = {
        **_expected(_SMSGATE),
        **_expected(_KANNEL, "kannel_"),
        **{f"gammu_{name}": error for name, error in gammu_spool.CASES.items()},
    }

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        if case.startswith("gammu_"):
            with _spool_scene(case.removeprefix("gammu_")) as scene:
                yield scene
            return
        is_kannel, name = case.startswith("kannel_"), case.removeprefix("kannel_")
        box, phone = KannelBox(), Phone()
        usual = box.answer if is_kannel else phone.answer
        with http.http_faults() as faults, origin(name, faults) as url:
            faults.always(_script(name, usual, _KANNEL if is_kannel else _SMSGATE))
            login = {"password": WRONG_PASSWORD} if name == "bad_login" else {}
            gateway = kannel(f"{url}/cgi-bin/sendsms", **login) if is_kannel else smsgate(url, **login)
            yield Scene(
                channel(gateway),
                NUMBER,
                requests=lambda: len([request for request in faults.requests if _is_send(request)]),
                keys=lambda: list(phone.keys),
                messages=lambda: len(box.messages) + len(phone.messages),
            )


@contextmanager
def _spool_scene(case: str) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory() as base, gammu_spool.scene(case, Path(base)) as folders:
        waiting = len(folders.files())

        def put() -> int:
            return len(folders.files()) - waiting

        yield Scene(channel(folders.settings), NUMBER, requests=put, messages=put)


def _is_send(request: Request) -> bool:
    return request.method == "POST" and (request.path == "/messages" or "x-kannel-to" in request.headers)


@contextmanager
def origin(name: str, faults: HttpFaults) -> Iterator[str]:
    if name == "refused":
        with http.refused_port() as port:
            yield f"http://127.0.0.1:{port}"
    else:
        yield f"http://{'x' * 64}.invalid" if name == "unresolvable" else faults.url


def _script(name: str, usual: Callable[[Request], Action], answers: Answers) -> Script:
    def lost(request: Request) -> Action:
        return http.reset() if usual(request) and _is_send(request) else usual(request)

    faults: dict[str, Script] = {
        "silent": http.hang(),
        "lost": lost,
        "cut_in_body": http.cut_in_body(202, b"0: Accepted for delivery", after=1),
        "nonsense": http.nonsense(),
    }
    return answers[name][0] if name in answers else faults.get(name, usual)


FAKE = SmsFake()
