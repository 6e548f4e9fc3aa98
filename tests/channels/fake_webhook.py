"""A receiver of Standard Webhooks on loopback: checks the signature, drops repeated ids."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from fallback_cast.channels import webhook
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.model.errors import (
    AccessDenied,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from tests.channels.fake import CLUB, Fake, Scene
from tests.counterparts import http_faults as http

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the example of the specification
PATH_SECRET = "hook-7d1f0c52"
NO_HOST = f"{'x' * 64}.invalid"  # a label longer than DNS allows: fails without asking anybody


class Receiver:
    """What a well-written receiver does with a request."""

    def __init__(self) -> None:
        self.seen: dict[str, bytes] = {}

    def __call__(self, request: http.Request) -> http.Action:
        if request.method == "HEAD":
            return http.reply(405)
        try:
            Webhook(SECRET).verify(request.body, dict(request.headers))
        except WebhookVerificationError:
            return http.reply(401)
        self.seen.setdefault(request.headers["webhook-id"], request.body)
        return http.reply(202)


# case → (how the receiver answers a POST, the error agreed)
ANSWERS: Mapping[str, tuple[http.Action, type[SendError] | None]] = {
    "created": (http.reply(201, "made"), None),
    "no_content": (http.reply(204), None),
    "bad_request": (http.reply(400), MessageRefused),
    "unauthorized": (http.reply(401), AccessDenied),
    "forbidden": (http.reply(403, json={"secret": SECRET}), AccessDenied),
    "gone": (http.reply(410), AccessDenied),
    "too_large": (http.reply(413), MessageRefused),
    "unprocessable": (http.reply(422), MessageRefused),
    "redirected": (http.redirect("/elsewhere"), AccessDenied),
    "throttled": (http.reply(429, headers={"Retry-After": "7"}), Throttled),
    "throttled_nonsense": (http.reply(429, headers={"Retry-After": "²"}), Throttled),
    "busy": (http.reply(503, headers={"Retry-After": "7"}), Throttled),
    "own_error": (http.reply(500, json={"error": "database"}), Unavailable),
    "proxy_error": (http.reply(500, "<html>500</html>"), OutcomeUnknown),
    "bad_gateway": (http.reply(502, json={"error": "upstream"}), OutcomeUnknown),
    "gateway_timeout": (http.reply(504), OutcomeUnknown),
    "cut_at_once": (http.cut_before_reading(), OutcomeUnknown),
    "cut_in_answer": (http.cut_in_body(202, b"accepted"), OutcomeUnknown),
    "no_http": (http.nonsense(), OutcomeUnknown),
}
TRANSPORT: Mapping[str, type[SendError]] = {
    "refused": Unavailable,
    "unresolvable": Unavailable,
    "silent": OutcomeUnknown,
    "lost": OutcomeUnknown,
}
CASES = {"ok": None, **TRANSPORT, **{case: wanted for case, (_, wanted) in ANSWERS.items()}}


def build(url: str, **keys: Any) -> webhook.WebhookChannel:
    values = {"name": "hook", "kind": "webhook", "url": url, "secret": SECRET, "timeout": "0.5s", **keys}
    return webhook.build(webhook.Settings.model_validate(values), BuildContext(club=CLUB))


class WebhookFake(Fake):
    kind = "webhook"
    secrets = (SECRET, SECRET.removeprefix("whsec_"), PATH_SECRET)
    key_on_wire = True
    cases = CASES

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        with ExitStack() as stack:
            faults = stack.enter_context(http.http_faults())
            receiver = Receiver()
            faults.always(_script(case, receiver))
            origin = _origin(case, stack, faults)
            channel = build(f"{origin}/in/{PATH_SECRET}?club=1")
            yield Scene(
                channel,
                "receiver",
                requests=lambda: len(_posts(faults)),
                keys=lambda: [request.headers["webhook-id"] for request in _posts(faults)],
                messages=lambda: len(receiver.seen),
            )


def _posts(faults: http.HttpFaults) -> list[http.Request]:
    return [request for request in faults.requests if request.method == "POST"]


def _script(case: str, receiver: Receiver) -> http.Action | Callable[[http.Request], http.Action]:
    if case == "lost":
        return lambda request: http.reset() if request.method == "POST" else http.reply()
    action = ANSWERS[case][0] if case in ANSWERS else None
    return action or receiver


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


FAKE = WebhookFake()
