"""The gateways of companies on the `sms` channel: each with its emulator, its faults and its table of codes.

What each answer must become stands here once more, by hand, after the providers' pages: the tables of the
source are judged by it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from tests.channels.fake import Fake, Scene
from tests.channels.fake_sms import NUMBER, Answers, channel, origin
from tests.counterparts import brevo_api, ovhcloud_api, twilio_api, vonage_api
from tests.counterparts import http_faults as http
from tests.counterparts.brevo_api import BrevoApi
from tests.counterparts.http_faults import Action, Request, reply
from tests.counterparts.ovhcloud_api import OvhCloudApi
from tests.counterparts.twilio_api import TwilioApi
from tests.counterparts.vonage_api import VonageApi

WRONG = "key-that-nobody-has"
_PAGE = "<html><body><h1>Bad Gateway</h1></body></html>"


class Api(Protocol):
    @property
    def messages(self) -> list[Any]: ...

    def answer(self, request: Request) -> Action: ...


_COMMON: Answers = {
    "too_fast": (reply(429, json={}, headers={"Retry-After": "7"}), Throttled),
    "own_500": (reply(500, json={"message": "no"}), Unavailable),
    "own_503": (reply(503, json={"message": "no"}), Unavailable),
    "proxy_502": (reply(502, _PAGE), OutcomeUnknown),
    "proxy_503": (reply(503, _PAGE), OutcomeUnknown),
    "proxy_504": (reply(504, _PAGE), OutcomeUnknown),
    "busy_proxy": (reply(503, _PAGE, headers={"Retry-After": "7"}), Throttled),
    "portal": (reply(200, _PAGE), OutcomeUnknown),
    "other_json": (reply(200, json={"hello": "world"}), OutcomeUnknown),
    "forbidden": (reply(403, _PAGE), AccessDenied),
    "wrong_path": (reply(404, _PAGE), AccessDenied),
    "moved": (http.redirect("http://127.0.0.1:1/"), AccessDenied),
}


def _ovh(status: int, code: str, message: str) -> Action:
    return ovhcloud_api.error(status, code, message)


def _receivers(valid: list[str], invalid: list[str], ids: list[int]) -> Action:
    counts = {"totalCreditsRemoved": len(valid)}
    return reply(200, json={"ids": ids, "validReceivers": valid, "invalidReceivers": invalid} | counts)


OVHCLOUD: Answers = {
    "invalid_receiver": (_receivers([], [NUMBER], []), AddressRefused),
    "nobody": (_receivers([], [], []), OutcomeUnknown),
    "no_id": (_receivers([NUMBER], [], []), OutcomeUnknown),
    "wrong_time": (_ovh(400, "QUERY_TIME_OUT", "Query out of time"), Unavailable),
    "bad_signature": (_ovh(400, "INVALID_SIGNATURE", "Invalid signature"), AccessDenied),
    "bad_key": (_ovh(403, "INVALID_KEY", "This application key is invalid"), AccessDenied),
    "bad_consumer": (_ovh(403, "INVALID_CREDENTIAL", "This credential is not valid"), AccessDenied),
    "not_granted": (_ovh(403, "NOT_GRANTED_CALL", "This call has not been granted"), AccessDenied),
    "unauthorised": (_ovh(401, "", "You must login first"), AccessDenied),
    "no_service": (_ovh(404, "NOT_FOUND", "This service does not exist"), AccessDenied),
    "sender": (_ovh(400, "BAD_REQUEST", "Sender Petanque is not validated"), AccessDenied),
    "receiver": (_ovh(400, "BAD_REQUEST", f"[receivers] {NUMBER} is not valid"), AddressRefused),
    "text": (_ovh(400, "BAD_REQUEST", "[message] Given data is not valid"), MessageRefused),
    "no_credit_400": (_ovh(400, "BAD_REQUEST", "You do not have enough credits"), AccessDenied),
    "no_credit_402": (_ovh(402, "PAYMENT_REQUIRED", ""), AccessDenied),
    "no_credit_403": (_ovh(403, "FORBIDDEN", "Not enough credits"), AccessDenied),
}


def _brevo(status: int, code: str, message: str) -> Action:
    return brevo_api.error(status, code, message)


BREVO: Answers = {
    "recipient": (_brevo(400, "invalid_parameter", f"Invalid recipient {NUMBER}"), AddressRefused),
    "recipient_406": (
        _brevo(406, "not_acceptable", f"Phone number {NUMBER[1:]} is not acceptable"),
        AddressRefused,
    ),
    "not_acceptable": (_brevo(406, "not_acceptable", "Not acceptable"), MessageRefused),
    "sender": (_brevo(400, "invalid_parameter", "Invalid sender name"), AccessDenied),
    "text": (_brevo(400, "missing_parameter", "content is missing"), MessageRefused),
    "out_of_range": (_brevo(400, "out_of_range", "content is too long"), MessageRefused),
    "no_permission": (_brevo(400, "permission_denied", "SMS is not activated"), AccessDenied),
    "unchecked_account": (_brevo(403, "account_under_validation", "Please wait"), AccessDenied),
    "no_credit": (_brevo(402, "not_enough_credits", "Insufficient balance"), AccessDenied),
    "no_credit_400": (_brevo(400, "not_enough_credits", "Insufficient balance"), AccessDenied),
    "no_id": (reply(201, json={"reference": "x"}), OutcomeUnknown),
}


def _twilio(code: int) -> Action:
    message = f"The number {NUMBER} of {twilio_api.AUTH_TOKEN}"  # what is repeated must not be shown
    return twilio_api.error({20003: 401, 20429: 429}.get(code, 400), code, message)


_TWILIO_CODES: Mapping[int, type[SendError]] = {
    20003: AccessDenied,
    20429: Throttled,
    21211: AddressRefused,
    21212: AccessDenied,
    21408: AccessDenied,
    21602: MessageRefused,
    21603: AccessDenied,
    21606: AccessDenied,
    21608: AccessDenied,
    21610: AddressRefused,
    21611: Throttled,
    21612: AccessDenied,
    21614: AddressRefused,
    21617: MessageRefused,
    21659: AccessDenied,
    30001: Throttled,
    30002: AccessDenied,
    30003: Unavailable,
    30004: AddressRefused,
    30005: AddressRefused,
    30006: AddressRefused,
    30007: MessageRefused,
    30008: Unavailable,
    30034: AccessDenied,
}
TWILIO: Answers = {
    **{f"code_{code}": (_twilio(code), error) for code, error in _TWILIO_CODES.items()},
    "unknown_code": (_twilio(29999), MessageRefused),
    "accepted": (twilio_api.created("accepted"), None),
    "failed_at_once": (twilio_api.created("failed", 30007), MessageRefused),
    "undelivered_at_once": (twilio_api.created("undelivered", 30005), AddressRefused),
    "failed_unexplained": (twilio_api.created("failed", None), Unavailable),
    "no_sid": (reply(201, json={"status": "queued"}), OutcomeUnknown),
}

_VONAGE_CODES: Mapping[str, type[SendError]] = {
    "1": Throttled,
    "2": MessageRefused,
    "3": MessageRefused,
    "4": AccessDenied,
    "5": Unavailable,
    "6": AddressRefused,
    "7": AddressRefused,
    "8": AccessDenied,
    "9": AccessDenied,
    "10": Throttled,
    "11": AccessDenied,
    "12": MessageRefused,
    "14": AccessDenied,
    "15": AccessDenied,
    "29": AccessDenied,
    "33": AddressRefused,
}
VONAGE: Answers = {
    **{
        f"status_{code}": (vonage_api.parts(code, text=f"No {NUMBER}"), error)
        for code, error in _VONAGE_CODES.items()
    },
    "sender_missing": (vonage_api.parts("2", text="Missing from param"), AccessDenied),
    "sender_wrong": (vonage_api.parts("3", text="Invalid value for param: from"), AccessDenied),
    "unknown_status": (vonage_api.parts("77"), MessageRefused),
    "all_parts_refused": (vonage_api.parts("7", "7"), AddressRefused),
    "second_part_refused": (vonage_api.parts("0", "1"), OutcomeUnknown),
    "first_part_refused": (vonage_api.parts("5", "0"), OutcomeUnknown),
    "no_parts": (reply(200, json={"message-count": "0", "messages": []}), OutcomeUnknown),
    "a_part_is_missing": (
        reply(200, json={"message-count": "2", "messages": [{"status": "0", "message-id": "1"}]}),
        OutcomeUnknown,
    ),
    "strange_part": (reply(200, json={"message-count": "1", "messages": ["0"]}), OutcomeUnknown),
    "no_status": (reply(200, json={"message-count": "1", "messages": [{}]}), MessageRefused),
}

_FAULTS: Mapping[str, type[SendError] | None] = {
    "ok": None,
    "refused": Unavailable,
    "silent": OutcomeUnknown,
    "silent_to_the_send": OutcomeUnknown,
    "lost": OutcomeUnknown,
    "unresolvable": Unavailable,
    "bad_login": AccessDenied,
    "cut_in_body": OutcomeUnknown,
    "nonsense": OutcomeUnknown,
}


@dataclass(frozen=True)
class Hosted:
    """What a test must know of one provider."""

    api: Callable[[], Api]
    path: str  # after the host, in `base_url`
    settings: Mapping[str, Any]
    wrong: Mapping[str, str]
    secrets: tuple[str, ...]
    answers: Answers
    faults: Mapping[str, type[SendError] | None] = field(default_factory=lambda: _FAULTS)

    def gateway(self, url: str, /, **changes: Any) -> dict[str, Any]:
        return {"base_url": url + self.path, **self.settings, **changes}


HOSTED: Mapping[str, Hosted] = {
    "ovhcloud": Hosted(
        OvhCloudApi,
        "/1.0",
        {
            "kind": "ovhcloud",
            "service": ovhcloud_api.SERVICE,
            "application_key": ovhcloud_api.APPLICATION_KEY,
            "application_secret": ovhcloud_api.APPLICATION_SECRET,
            "consumer_key": ovhcloud_api.CONSUMER_KEY,
        },
        {"application_secret": WRONG},
        (ovhcloud_api.APPLICATION_KEY, ovhcloud_api.APPLICATION_SECRET, ovhcloud_api.CONSUMER_KEY),
        _COMMON | OVHCLOUD,
        # It is asked for the time first: a fault then is no unknown outcome.
        {**_FAULTS, "silent": Unavailable, "nonsense": Unavailable},
    ),
    "brevo": Hosted(
        BrevoApi,
        "/v3",
        {"kind": "brevo", "sender": "Petanque", "api_key": brevo_api.API_KEY},
        {"api_key": WRONG},
        (brevo_api.API_KEY,),
        _COMMON | BREVO,
    ),
    "twilio": Hosted(
        TwilioApi,
        "",
        {
            "kind": "twilio",
            "sender": "Petanque",
            "account_sid": twilio_api.ACCOUNT_SID,
            "auth_token": twilio_api.AUTH_TOKEN,
        },
        {"auth_token": WRONG},
        (twilio_api.AUTH_TOKEN,),
        _COMMON | TWILIO,
    ),
    "vonage": Hosted(
        VonageApi,
        "",
        {
            "kind": "vonage",
            "sender": "Petanque",
            "api_key": vonage_api.API_KEY,
            "api_secret": vonage_api.API_SECRET,
        },
        {"api_secret": WRONG},
        (vonage_api.API_SECRET,),
        _COMMON | VONAGE,
    ),
}


class HostedFake(Fake):
    """One provider for the contract suite."""

    kind = "sms"

    def __init__(self, hosted: Hosted) -> None:
        self.hosted = hosted
        self.secrets = (*hosted.secrets, WRONG, NUMBER[1:])
        self.cases = {**hosted.faults, **{name: error for name, (_, error) in hosted.answers.items()}}

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        api = self.hosted.api()
        with http.http_faults() as faults, origin(case, faults) as url:
            faults.always(self._script(case, api))
            login = self.hosted.wrong if case == "bad_login" else {}
            yield Scene(
                channel(self.hosted.gateway(url, **login)),
                NUMBER,
                requests=lambda: len([request for request in faults.requests if request.method == "POST"]),
                messages=lambda: len(api.messages),
            )

    def _script(self, case: str, api: Api) -> Action | Callable[[Request], Action]:
        whole = {"silent": http.hang(), "nonsense": http.nonsense()}
        if case in whole:
            return whole[case]
        to_a_send: dict[str, Action] = {
            "silent_to_the_send": http.hang(),
            "lost": http.reset(),
            "cut_in_body": http.cut_in_body(200, b'{"messages": []}', after=1),
            **{name: action for name, (action, _) in self.hosted.answers.items()},
        }

        def script(request: Request) -> Action:
            if request.method != "POST" or case not in to_a_send:
                return api.answer(request)
            if case == "lost":
                api.answer(request)
            return to_a_send[case]

        return script


FAKES: Mapping[str, HostedFake] = {name: HostedFake(hosted) for name, hosted in HOSTED.items()}
