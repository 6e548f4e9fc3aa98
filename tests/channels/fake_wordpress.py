"""A small WordPress on loopback: posts by short name, accounts with rights; and its faults."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from fallback_cast.channels import wordpress
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.wordpress.channel import WordPressChannel
from fallback_cast.channels.wordpress.post import PostMessage
from fallback_cast.model.errors import (
    AccessDenied,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.message import Message
from tests.channels.fake import CLUB, Fake, Scene
from tests.counterparts import http_faults as http

USER = "secretariat"
PASSWORD = "abcd EFGH 1234 ijkl MNOP 5678"
NO_HOST = f"{'x' * 64}.invalid"  # a label longer than DNS allows: fails without asking anybody
_API = "/wp-json/wp/v2"
_LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def no(status: int, code: str, headers: Mapping[str, str] | None = None, /, **details: Any) -> http.Action:
    """WordPress's own refusal; its words may name people and posts."""
    message = f"Sorry, {USER} with {PASSWORD}: terrain inondé."
    body = {"code": code, "message": message, "data": {"status": status, "details": details}}
    return http.reply(status, json=body, headers=headers)


class Blog:
    """Use an instance as the script of an `HttpFaults`."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.rights = {"publish_posts": True, "edit_published_posts": True}
        self.url = ""

    def __call__(self, request: http.Request) -> http.Action:
        if not request.path.startswith("/wp-json/"):
            return self._page(request.path)
        if request.headers.get("authorization") != _LOGIN:
            return no(401, "incorrect_password")
        path = request.path.removeprefix(_API)
        if path == "/wp-json/":
            return http.reply(json={"namespaces": ["wp/v2"], "authentication": {"application-passwords": {}}})
        if path == "/users/me":
            return http.reply(json={"id": 2, "capabilities": self.rights})
        if path == "/posts" and request.method == "GET":
            slugs = request.query["slug"].split(",")
            return http.reply(json=[post for post in self.posts if post["slug"] in slugs])
        if path.startswith("/posts") and request.method == "POST":
            return self._write(path.removeprefix("/posts").strip("/"), request.json())
        return no(404, "rest_no_route")

    def write(self, number: str, body: dict[str, Any]) -> dict[str, Any]:
        """Creates or, by its number, overwrites; a short name that is taken gets another ending."""
        if number:
            post = next(post for post in self.posts if post["id"] == int(number))
        else:
            taken = sum(post["slug"] == body["slug"] for post in self.posts)
            post = {"id": len(self.posts) + 1, "slug": body["slug"] + (f"-{taken + 1}" if taken else "")}
            self.posts.append(post)
        post |= {k: v for k, v in body.items() if k not in ("slug", "content")}
        post |= {"link": f"{self.url}/{post['slug']}/", "content": {"raw": body["content"]}}
        return post

    def hold(self, message: Message) -> None:
        assert isinstance(message, PostMessage)
        self.write("", {"slug": message.slug, "title": message.title, "content": message.content})

    def _write(self, number: str, body: dict[str, Any]) -> http.Action:
        return http.reply(200 if number else 201, json=self.write(number, body))

    def _page(self, path: str) -> http.Action:
        for post in self.posts:
            if post["slug"] == path.strip("/"):
                html = f"<!DOCTYPE html><title>Club</title>{post['content']['raw']}"
                return http.reply(body=html, headers={"Content-Type": "text/html; charset=UTF-8"})
        return http.reply(404, "<html>404</html>")


# case → (the answer to the write, the error agreed)
WRITES: Mapping[str, tuple[http.Action, type[SendError] | None]] = {
    "throttled": (http.reply(429, "slow down", headers={"Retry-After": "7"}), Throttled),
    "busy": (http.reply(503, "later", headers={"Retry-After": "7"}), Unavailable),
    "cannot_create": (no(403, "rest_cannot_create"), AccessDenied),
    "cannot_publish": (no(403, "rest_cannot_publish"), AccessDenied),
    "cannot_edit": (no(403, "rest_cannot_edit"), AccessDenied),
    "not_logged_in": (no(401, "rest_not_logged_in"), AccessDenied),
    "bad_parameter": (no(400, "rest_invalid_param"), MessageRefused),
    "empty": (no(400, "empty_content"), MessageRefused),
    "gone": (no(404, "rest_post_invalid_id"), MessageRefused),
    "not_stored": (no(500, "db_insert_error"), Unavailable),
    "died": (no(500, "internal_server_error"), OutcomeUnknown),
    "own_code": (no(403, "some_plugin_says_no"), AccessDenied),
    "own_code_400": (no(400, "some_plugin_says_no"), MessageRefused),
    "odd_code": (no(302, "some_plugin_says_no"), AccessDenied),
    "firewall": (http.reply(403, "<html>403</html>"), MessageRefused),
    "too_large": (http.reply(413, "<html>413</html>"), MessageRefused),
    "proxy_error": (http.reply(500, "<html>500</html>"), OutcomeUnknown),
    "bad_gateway": (http.reply(502, "<html>502</html>"), OutcomeUnknown),
    "gateway_timeout": (http.reply(504), OutcomeUnknown),
    "challenge": (http.reply(200, "<html>Are you a robot?</html>"), OutcomeUnknown),
    "other_json": (http.reply(201, json={"status": "fine"}), OutcomeUnknown),
    "list": (http.reply(201, json=[]), OutcomeUnknown),
    "cut_in_answer": (http.cut_in_body(201, b'{"id": 7, "slug": "fc"}', after=5), OutcomeUnknown),
    "no_http": (http.nonsense(), OutcomeUnknown),
}
# case → (the answer to every read of the interface, the error agreed): nothing is written after it
READS: Mapping[str, tuple[http.Action, type[SendError] | None]] = {
    "password": (no(401, "incorrect_password"), AccessDenied),
    "no_such_user": (no(401, "invalid_username"), AccessDenied),
    "stranger": (no(401, "rest_forbidden_context"), AccessDenied),
    "no_rights": (no(400, "rest_invalid_param", status={"data": {"status": 403}}), AccessDenied),
    "nobody": (no(400, "rest_invalid_param", status={"data": {"status": 401}}), AccessDenied),
    "odd_refusal": (no(400, "rest_invalid_param", status=[401]), AccessDenied),
    "rest_off": (no(403, "rest_disabled"), AccessDenied),
    "no_route": (no(404, "rest_no_route"), AccessDenied),
    "not_wordpress": (http.reply(404, "<html>404</html>"), AccessDenied),
    "elsewhere": (http.redirect("https://elsewhere.example/", 301), AccessDenied),
    "maintenance": (no(503, "wp_die", {"Retry-After": "600"}), Unavailable),
    "database_down": (no(500, "wp_die"), Unavailable),
    "database_down_as_page": (http.reply(500, "<html>database</html>"), Unavailable),
    "read_throttled": (http.reply(429, headers={"Retry-After": "3"}), Throttled),
    "read_firewall": (http.reply(403, "<html>403</html>"), Unavailable),
    "read_gateway": (http.reply(504), Unavailable),
    "read_portal": (http.reply(200, "<html>Welcome to the hotel</html>"), Unavailable),
    "read_json": (http.reply(200, json={"posts": 0}), Unavailable),
    "read_odd_posts": (http.reply(200, json=[{"id": "one"}]), Unavailable),
    "read_cut": (http.cut_in_body(200, b"[]        ", after=2), Unavailable),
    "read_reset": (http.reset(), Unavailable),
    "cut_at_once": (http.cut_before_reading(), Unavailable),
}
TRANSPORT: Mapping[str, type[SendError]] = {
    "refused": Unavailable,
    "unresolvable": Unavailable,
    "silent": Unavailable,  # the look-up comes first, and has written nothing
    "lost": OutcomeUnknown,
}
# The answer was lost, or was no answer, but the post is there: looking again tells.
STORED = ("lost_but_stored", "died_but_stored")
CASES: Mapping[str, type[SendError] | None] = {
    "ok": None,
    **TRANSPORT,
    **dict.fromkeys(STORED),
    **{case: wanted for table in (WRITES, READS) for case, (_, wanted) in table.items()},
}


def build(url: str, **keys: Any) -> WordPressChannel:
    values = {
        "name": "blog",
        "kind": "wordpress",
        "url": url,
        "username": USER,
        "password": PASSWORD,
        "timeout": "0.5s",
        **keys,
    }
    settings = wordpress.Settings.model_validate(values)
    return WordPressChannel(settings, BuildContext(club=CLUB), read_back_s=0.5)


class WordPressFake(Fake):
    kind = "wordpress"
    edits = True
    secrets = (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(), USER)
    cases = CASES

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        with ExitStack() as stack:
            faults = stack.enter_context(http.http_faults())
            blog = Blog()
            blog.url = faults.url
            faults.always(_script(case, blog))
            yield Scene(
                build(_origin(case, stack, faults)),
                "posts",
                requests=lambda: len([r for r in faults.requests if r.method == "POST"]),
                messages=lambda: len(blog.posts),
                hold=blog.hold,
            )


def _script(case: str, blog: Blog) -> http.Script:
    if case == "cut_at_once":  # an action that does not read cannot look at the path
        return READS[case][0]
    if case in READS:
        return READS[case][0]
    if case in STORED:
        return _stores_and(
            http.reset() if case == "lost_but_stored" else no(500, "internal_server_error"), blog
        )
    action = http.reset() if case == "lost" else WRITES[case][0] if case in WRITES else None
    if action is None:
        return blog
    return lambda request: action if request.method == "POST" else blog(request)


def _stores_and(action: http.Action, blog: Blog) -> http.Script:
    def answer(request: http.Request) -> http.Action:
        usual = blog(request)
        return action if request.method == "POST" else usual

    return answer


def _origin(case: str, stack: ExitStack, faults: http.HttpFaults) -> str:
    match case:
        case "refused":
            return f"http://127.0.0.1:{stack.enter_context(http.refused_port())}"
        case "silent":
            return f"http://127.0.0.1:{stack.enter_context(http.silent_server()).port}"
        case "unresolvable":
            return f"https://{NO_HOST}"
        case _:
            return faults.url


FAKE = WordPressFake()
