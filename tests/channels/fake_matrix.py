"""A small homeserver on loopback: one account, some rooms, transaction ids remembered; and its faults."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from urllib.parse import unquote

from fallback_cast.channels import matrix
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from tests.channels.fake import CLUB, Fake, Scene
from tests.counterparts import http_faults as http

TOKEN = "syt_Y2x1Yg_QbJHtqDkLrXwzVnPsTfM_3xKp9a"
PLACE = "!72g0q7I-uj6MplGvYc8Hn1xZ0eRdW4tBaKsJfO2mQhE"  # room version 12: no server name
MEMBER = "!dKfJsLaPoQwErTyUiO:matrix.example.org"
ALIAS = "#annonces:matrix.example.org"
USER = "@club:matrix.example.org"
NO_HOST = f"{'x' * 64}.invalid"  # a label longer than DNS allows: fails without asking anybody
_API = "/_matrix/client/v3"


def no(status: int, errcode: str, headers: Mapping[str, str] | None = None, **more: Any) -> http.Action:
    """A homeserver's own refusal; its words name people and rooms, as real ones do."""
    body = {"errcode": errcode, "error": f"User {USER} not in room {PLACE}, {MEMBER}", **more}
    return http.reply(status, json=body, headers=headers)


class Homeserver:
    """Use an instance as the script of an `HttpFaults`."""

    def __init__(self) -> None:
        self.rooms = {PLACE, MEMBER}
        self.encrypted: set[str] = set()
        self.events: dict[tuple[str, str], dict[str, Any]] = {}  # by room and transaction id
        self.guest = False
        self.power: dict[str, Any] | None = None

    def __call__(self, request: http.Request) -> http.Action:
        if request.path == "/_matrix/client/versions":
            return http.reply(json={"versions": ["v1.1", "v1.18"]})
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return no(401, "M_UNKNOWN_TOKEN", soft_logout=False)
        path = request.path.removeprefix(_API)
        if path == "/account/whoami":
            return http.reply(json={"user_id": USER, "device_id": "CLUB", "is_guest": self.guest})
        if unquote(path) == f"/directory/room/{ALIAS}":
            return http.reply(json={"room_id": PLACE, "servers": []})
        if state := re.fullmatch(r"/rooms/([^/]+)/state/m\.room\.(\w+)(?:/[^/]+)?", path):
            return self._state(unquote(state[1]), state[2])
        if sent := re.fullmatch(r"/rooms/([^/]+)/send/m\.room\.message/([^/]+)", path):
            return self._event(request, unquote(sent[1]), unquote(sent[2]))
        return no(404, "M_UNRECOGNIZED")

    def _state(self, room: str, kind: str) -> http.Action:
        if room not in self.rooms:
            return no(403, "M_FORBIDDEN")
        if kind == "member":
            return http.reply(json={"membership": "join"})
        if kind == "encryption" and room in self.encrypted:
            return http.reply(json={"algorithm": "m.megolm.v1.aes-sha2"})
        if kind == "power_levels" and self.power is not None:
            return http.reply(json=self.power)
        if kind == "create":
            return http.reply(json={"sender": "@other:matrix.example.org", "content": {}})
        return no(404, "M_NOT_FOUND")

    def _event(self, request: http.Request, room: str, transaction: str) -> http.Action:
        if request.method != "PUT":
            return no(405, "M_UNRECOGNIZED")
        if room not in self.rooms:
            return no(403, "M_FORBIDDEN")
        if len(request.body) > 60_000:
            return no(413, "M_TOO_LARGE")
        self.events.setdefault((room, transaction), request.json())
        number = list(self.events).index((room, transaction))
        return http.reply(json={"event_id": f"$event{number}"})


# case → (the answer to sending into a member's room, the error agreed)
ANSWERS: Mapping[str, tuple[http.Action, type[SendError] | None]] = {
    "throttled": (no(429, "M_LIMIT_EXCEEDED", retry_after_ms=1841), Throttled),
    "throttled_by_header": (no(429, "M_LIMIT_EXCEEDED", {"Retry-After": "2"}, retry_after_ms=9), Throttled),
    "throttled_by_proxy": (http.reply(429, "slow down"), Throttled),
    "busy": (http.reply(503, "later", headers={"Retry-After": "5"}), Throttled),
    "unknown_token": (no(401, "M_UNKNOWN_TOKEN", soft_logout=True), AccessDenied),
    "missing_token": (no(401, "M_MISSING_TOKEN"), AccessDenied),
    "forbidden": (no(403, "M_FORBIDDEN"), AddressRefused),
    "not_found": (no(404, "M_NOT_FOUND"), AddressRefused),
    "unrecognized": (no(404, "M_UNRECOGNIZED"), AccessDenied),
    "unrecognized_method": (no(405, "M_UNRECOGNIZED"), AccessDenied),
    "bad_json": (no(400, "M_BAD_JSON"), MessageRefused),
    "not_json": (no(400, "M_NOT_JSON"), MessageRefused),
    "invalid_param": (no(400, "M_INVALID_PARAM"), MessageRefused),
    "too_large": (no(413, "M_TOO_LARGE"), MessageRefused),
    "too_large_for_proxy": (http.reply(413, "<html>413</html>"), MessageRefused),
    "resource_limit": (
        no(403, "M_RESOURCE_LIMIT_EXCEEDED", admin_contact="mailto:a@b.example"),
        AccessDenied,
    ),
    "user_limit": (no(403, "M_USER_LIMIT_EXCEEDED"), AccessDenied),
    "locked": (no(401, "M_USER_LOCKED", soft_logout=True), AccessDenied),
    "suspended": (no(403, "M_USER_SUSPENDED"), AccessDenied),
    "deactivated": (no(403, "M_USER_DEACTIVATED"), AccessDenied),
    "code_over_status": (no(500, "M_FORBIDDEN"), AddressRefused),
    "unknown_400": (no(400, "M_UNKNOWN"), MessageRefused),
    "unknown_403": (no(403, "M_UNKNOWN"), AccessDenied),
    "unknown_500": (no(500, "M_UNKNOWN"), Unavailable),
    "unknown_502": (no(502, "M_UNKNOWN"), OutcomeUnknown),
    "unknown_504": (no(504, "M_UNKNOWN"), OutcomeUnknown),
    "own_code": (no(403, "ORG.EXAMPLE.NO"), AccessDenied),
    "proxy_error": (http.reply(500, "<html>500</html>"), OutcomeUnknown),
    "bad_gateway": (http.reply(502, "<html>502</html>"), OutcomeUnknown),
    "other_server": (http.reply(404, "<html>404</html>"), AccessDenied),
    "other_json_server": (http.reply(500, json={"error": "database"}), OutcomeUnknown),
    "redirected": (http.redirect("https://elsewhere.example/", 308), AccessDenied),
    "portal": (http.reply(200, "<html>Welcome to the hotel</html>"), OutcomeUnknown),
    "other_json": (http.reply(200, json={"status": "fine"}), OutcomeUnknown),
    "cut_at_once": (http.cut_before_reading(), OutcomeUnknown),
    "cut_in_answer": (http.cut_in_body(200, b'{"event_id":"$1"}', after=8), OutcomeUnknown),
    "no_http": (http.nonsense(), OutcomeUnknown),
}
TRANSPORT: Mapping[str, type[SendError]] = {
    "refused": Unavailable,
    "unresolvable": Unavailable,
    "silent": OutcomeUnknown,
    "lost": OutcomeUnknown,
}
CASES = {"ok": None, **TRANSPORT, **{case: wanted for case, (_, wanted) in ANSWERS.items()}}


def build(url: str, **keys: Any) -> matrix.MatrixChannel:
    values = {
        "name": "matrix",
        "kind": "matrix",
        "homeserver": url,
        "access_token": TOKEN,
        "room": PLACE,
        "timeout": "0.5s",
        **keys,
    }
    return matrix.build(matrix.Settings.model_validate(values), BuildContext(club=CLUB))


class MatrixFake(Fake):
    kind = "matrix"
    edits = True
    secrets = (TOKEN,)
    key_on_wire = True
    cases = CASES

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        with ExitStack() as stack:
            faults = stack.enter_context(http.http_faults())
            server = Homeserver()
            faults.always(_script(case, server))
            yield Scene(
                build(_origin(case, stack, faults)),
                MEMBER,
                requests=lambda: len(_sends(faults)),
                keys=lambda: [request.path.rpartition("/")[2] for request in _sends(faults)],
                messages=lambda: len(server.events),
            )


def _sends(faults: http.HttpFaults) -> list[http.Request]:
    return [request for request in faults.requests if "/send/" in request.path]


def _script(case: str, server: Homeserver) -> http.Script:
    if case == "cut_at_once":  # an action that does not read cannot look at the path
        return ANSWERS[case][0]
    action = http.reset() if case == "lost" else ANSWERS[case][0] if case in ANSWERS else None
    if action is None:
        return server
    return lambda request: action if "/send/" in request.path else server(request)


def _origin(case: str, stack: ExitStack, faults: http.HttpFaults) -> str:
    match case:
        case "refused":
            return f"http://127.0.0.1:{stack.enter_context(http.refused_port())}"
        case "silent":
            return f"http://127.0.0.1:{stack.enter_context(http.silent_server()).port}"
        case "unresolvable":
            return f"http://{NO_HOST}"
        case _:
            return faults.url


FAKE = MatrixFake()
