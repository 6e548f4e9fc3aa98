"""Services of Apprise on loopback: its JSON service before a server that answers as the case says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from fallback_cast.channels import apprise
from fallback_cast.channels.apprise.channel import AppriseChannel
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.model.errors import AccessDenied, MessageRefused, OutcomeUnknown, SendError, Throttled
from tests.channels.fake import CLUB, Fake, Scene
from tests.counterparts import http_faults as http

PASSWORD = "hush-4f9d1c7e"
PATH_SECRET = "hook-7d1f0c52"
NO_HOST = f"{'x' * 64}.invalid"  # a label longer than DNS allows: fails without asking anybody

# case → (how the service answers a POST, the error agreed)
ANSWERS: Mapping[str, tuple[http.Action, type[SendError] | None]] = {
    "created": (http.reply(201, "made"), None),
    "no_content": (http.reply(204), None),
    "bad_request": (http.reply(400, json={"echo": PASSWORD}), MessageRefused),
    "unauthorized": (http.reply(401), AccessDenied),
    "unpaid": (http.reply(402), AccessDenied),
    "forbidden": (http.reply(403), AccessDenied),
    "not_found": (http.reply(404), AccessDenied),
    "timed_out": (http.reply(408), OutcomeUnknown),
    "too_large": (http.reply(413), MessageRefused),
    "unprocessable": (http.reply(422), MessageRefused),
    "throttled": (http.reply(429, headers={"Retry-After": "7"}), Throttled),
    "redirected": (http.redirect("/elsewhere"), AccessDenied),
    "own_error": (http.reply(500, json={"error": "database"}), OutcomeUnknown),
    "bad_gateway": (http.reply(502), OutcomeUnknown),
    "busy": (http.reply(503, headers={"Retry-After": "7"}), OutcomeUnknown),
    "gateway_timeout": (http.reply(504), OutcomeUnknown),
    "cut_at_once": (http.cut_before_reading(), OutcomeUnknown),
    "cut_after": (http.cut_after_request(), OutcomeUnknown),
    "no_http": (http.nonsense(), OutcomeUnknown),
    "hangs": (http.hang(), OutcomeUnknown),
    "drips": (http.drip(200, "x" * 400, every=0.05), OutcomeUnknown),
}
# Apprise says "a connection error" of all of them: whether the message went out is not told.
TRANSPORT = dict.fromkeys(("refused", "unresolvable", "silent", "lost"), OutcomeUnknown)


def settings(url: str, **keys: Any) -> apprise.Settings:
    values = {"name": "other", "kind": "apprise", "url": url, "timeout": "0.5s", **keys}
    return apprise.Settings.model_validate(values)


def build(url: str, **keys: Any) -> AppriseChannel:
    return apprise.build(settings(url, **keys), BuildContext(club=CLUB))


class AppriseFake(Fake):
    kind = "apprise"
    secrets = (PASSWORD, PATH_SECRET)
    cases: Mapping[str, type[SendError] | None] = {
        "ok": None,
        **TRANSPORT,
        **{case: wanted for case, (_, wanted) in ANSWERS.items()},
    }

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        with ExitStack() as stack:
            faults = stack.enter_context(http.http_faults())
            if case == "lost":
                faults.always(lambda request: http.reset() if request.method == "POST" else http.reply())
            elif case in ANSWERS:
                faults.always(ANSWERS[case][0])
            yield Scene(
                build(_url(case, stack, faults)),
                "configured",
                requests=lambda: len(posts(faults)),
                messages=lambda: len(posts(faults)) if self.cases[case] is None else 0,
            )


def posts(faults: http.HttpFaults) -> list[http.Request]:
    return [request for request in faults.requests if request.method == "POST"]


def _url(case: str, stack: ExitStack, faults: http.HttpFaults) -> str:
    if case == "unresolvable":  # the JSON service takes no such name, this one does
        return f"signal://club:{PASSWORD}@{NO_HOST}/+33199001234/+33199001235"
    port = faults.port
    if case == "refused":
        port = stack.enter_context(http.refused_port())
    elif case == "silent":
        port = stack.enter_context(http.silent_server()).port
    return f"json://club:{PASSWORD}@127.0.0.1:{port}/in/{PATH_SECRET}"


FAKE = AppriseFake()
