"""The strict Bot API of telegram_emulator.py, and the faults of a network and a front-end before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from fallback_cast.channels import telegram
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
from tests.channels.telegram_emulator import BOT_ID, TOKEN, Chat, Telegram
from tests.counterparts import http_faults as http

MEMBER = 48151623
PLACE = "@sainteanne"
PLACE_ID = -1001234567890
NO_HOST = f"{'x' * 64}.invalid"  # a label longer than DNS allows: fails without asking anybody


def no(
    status: int, description: str, headers: Mapping[str, str] | None = None, **parameters: int
) -> http.Action:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return http.reply(status, json=body, headers=headers)


def _ok(result: Any) -> http.Action:
    return http.reply(json={"ok": True, "result": result})


# case → (the answer to sendMessage for a member's chat, the error agreed)
ANSWERS: Mapping[str, tuple[http.Action, type[SendError] | None]] = {
    "chat_not_found": (no(400, "Bad Request: chat not found"), AddressRefused),
    "private_chat_not_found": (no(400, "Bad Request: private chat not found"), AddressRefused),
    "chat_id_is_empty": (no(400, "Bad Request: chat_id is empty"), AddressRefused),
    "peer_id_invalid": (no(400, "Bad Request: PEER_ID_INVALID"), AddressRefused),
    "no_thread": (no(400, "Bad Request: message thread not found"), AccessDenied),
    "topic_closed": (no(400, "Bad Request: TOPIC_CLOSED"), AccessDenied),
    "entities": (no(400, f"Bad Request: can't parse entities: terrain inondé {TOKEN}"), MessageRefused),
    "too_long": (no(400, "Bad Request: message is too long"), MessageRefused),
    "empty": (no(400, "Bad Request: message text is empty"), MessageRefused),
    "no_rights": (no(400, "Bad Request: not enough rights to send text messages to the chat"), AccessDenied),
    "have_no_rights": (no(400, "Bad Request: have no rights to send a message"), AccessDenied),
    "no_admin": (no(400, "Bad Request: need administrator rights in the channel chat"), AccessDenied),
    "capitals": (no(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), AccessDenied),
    "other_bad_request": (no(400, "Bad Request: something new"), MessageRefused),
    "unauthorized": (no(401, "Unauthorized"), AccessDenied),
    "invalid_token": (no(401, "Unauthorized: invalid token specified"), AccessDenied),
    "blocked": (no(403, "Forbidden: bot was blocked by the user"), AddressRefused),
    "deactivated": (no(403, "Forbidden: user is deactivated"), AddressRefused),
    "kicked": (no(403, "Forbidden: bot was kicked from the supergroup chat"), AddressRefused),
    "not_a_member": (no(403, "Forbidden: bot is not a member of the channel chat"), AddressRefused),
    "deleted": (no(403, "Forbidden: the group chat was deleted"), AddressRefused),
    "not_started": (no(403, "Forbidden: bot can't initiate conversation with a user"), AddressRefused),
    "other_forbidden": (no(403, "Forbidden: bots can't send messages to bots"), AddressRefused),
    "not_found": (no(404, "Not Found"), AccessDenied),
    "no_method": (no(404, "Not Found: method not found"), AccessDenied),
    "conflict": (no(409, "Conflict: terminated by other getUpdates request"), AccessDenied),
    "too_large": (no(413, "Request Entity Too Large"), MessageRefused),
    "misdirected": (no(421, "Misdirected Request: unallowed token specified"), AccessDenied),
    "throttled": (no(429, "Too Many Requests: retry after 7", retry_after=7), Throttled),
    "throttled_by_header": (no(429, "Too Many Requests", {"Retry-After": "7"}), Throttled),
    "throttled_by_proxy": (http.reply(429, "slow down", headers={"Retry-After": "7"}), Throttled),
    "throttled_for_ever": (no(429, "Too Many Requests", retry_after=10**9), Throttled),
    "restart": (no(500, "Internal Server Error: restart"), OutcomeUnknown),
    "bad_gateway": (no(502, "Bad Gateway"), OutcomeUnknown),
    "gateway_timeout": (http.reply(504, "<html>504</html>"), OutcomeUnknown),
    "proxy_error": (http.reply(500, "<html>500</html>"), OutcomeUnknown),
    "proxy_busy": (http.reply(503, "<html>503</html>"), OutcomeUnknown),
    "own_503": (no(503, "Service Unavailable"), Unavailable),
    "other_server": (http.reply(404, "<html>404</html>"), AccessDenied),
    "plain_to_tls": (http.reply(400, "<html>plain HTTP to HTTPS port</html>"), AccessDenied),
    "redirected": (http.redirect("https://elsewhere.example/"), AccessDenied),
    "portal": (http.reply(200, "<html>Welcome to the hotel</html>"), OutcomeUnknown),
    "other_json": (http.reply(200, json={"status": "fine"}), OutcomeUnknown),
    "no_message": (_ok({"chat": {"id": MEMBER}}), OutcomeUnknown),
    "not_an_object": (_ok(True), OutcomeUnknown),
    "deep_nonsense": (http.reply(200, b"[" * 100_000), OutcomeUnknown),
    "cut_at_once": (http.cut_before_reading(), OutcomeUnknown),
    "cut_in_answer": (http.cut_in_body(200, b'{"ok":true,"result":{}}', after=8), OutcomeUnknown),
    "no_http": (http.nonsense(), OutcomeUnknown),
    "dripping": (http.drip(200, b" " * 500, step=1, every=0.05), OutcomeUnknown),
}
TRANSPORT: Mapping[str, type[SendError]] = {
    "refused": Unavailable,
    "unresolvable": Unavailable,
    "silent": OutcomeUnknown,
    "lost": OutcomeUnknown,
}
CASES = {
    "ok": None,
    "migrated": AddressRefused,
    **TRANSPORT,
    **{case: wanted for case, (_, wanted) in ANSWERS.items()},
}


METHODS = ("sendMessage", "editMessageText")


def build(url: str, **keys: Any) -> telegram.TelegramChannel:
    values = {
        "name": "telegram",
        "kind": "telegram",
        "token": TOKEN,
        "chat": PLACE,
        "base_url": url,
        "timeout": "0.5s",
        **keys,
    }
    return telegram.build(telegram.Settings.model_validate(values), BuildContext(club=CLUB))


def club_telegram() -> Telegram:
    """The club's channel, where the bot is an administrator, and one member who has started the bot."""
    admin = {"status": "administrator", "can_post_messages": True}
    return Telegram(Chat(PLACE_ID, "channel", PLACE, admin), Chat(MEMBER, "private"))


class TelegramFake(Fake):
    kind = "telegram"
    edits = True
    secrets = (TOKEN, TOKEN.removeprefix(f"{BOT_ID}:"))
    cases = CASES

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        with ExitStack() as stack:
            faults = stack.enter_context(http.http_faults())
            server = club_telegram()
            if case == "migrated":
                server.chats[1].moved_to = -1009
            faults.always(server)
            _arrange(case, faults)
            yield Scene(
                build(_origin(case, stack, faults)),
                str(MEMBER),
                requests=lambda: sum(request.path.endswith(METHODS) for request in faults.requests),
                messages=lambda: len(server.sent),
            )


def _arrange(case: str, faults: http.HttpFaults) -> None:
    if case == "lost":
        _always(faults, http.reset())
    elif case == "cut_at_once":
        faults.always(ANSWERS[case][0])
    elif case in ANSWERS:
        _always(faults, ANSWERS[case][0])


def _always(faults: http.HttpFaults, action: http.Action) -> None:
    for method in METHODS:
        faults.always(action, path=f"/bot{TOKEN}/{method}")


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


FAKE = TelegramFake()
