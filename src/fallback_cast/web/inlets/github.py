"""GitHub: a release that is published is announced (https://docs.github.com/webhooks, 2026-11)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from fallback_cast.model.announcement import MAX_TITLE
from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.inlets.call import KEY_LENGTH, Call
from fallback_cast.web.refusals import Refused, what_is_wrong
from fallback_cast.web.wanted import Wanted


class Release(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    name: str | None = None
    tag_name: str
    body: str | None = None
    html_url: str
    draft: bool = False


class Repository(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    full_name: str


class Event(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    action: str = ""
    release: Release | None = None
    repository: Repository | None = None


def read_event(webhook: WebhookSettings, headers: Mapping[str, str], body: bytes) -> Call:
    """Raises Refused. Its signature has no time: a call is known by its delivery id, for ever."""
    given = headers.get("x-hub-signature-256", "")
    if not any(
        hmac.compare_digest(given, _signature(secret.reveal(), body))
        for secret in (webhook.secret, webhook.previous_secret)
        if secret is not None
    ):
        raise Refused(401, "the signature does not fit")
    key = headers.get("x-github-delivery", "")[:KEY_LENGTH]
    if not key:
        raise Refused(400, "there is no X-GitHub-Delivery")
    try:
        event = Event.model_validate_json(body)
    except ValidationError as error:
        raise Refused(400, what_is_wrong(error.errors(include_input=False))) from None
    published = headers.get("x-github-event") == "release" and event.action == "published"
    return Call(key, _announce(event) if published else None)


def _signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _announce(event: Event) -> Wanted | None:
    release = event.release
    if release is None or release.draft:
        return None
    name = release.name or release.tag_name
    where = f"{event.repository.full_name}: " if event.repository else ""
    link = release.html_url if release.html_url.startswith("https://") else None
    return Wanted(title=f"{where}{name}"[:MAX_TITLE], body=release.body or name, importance="info", link=link)
