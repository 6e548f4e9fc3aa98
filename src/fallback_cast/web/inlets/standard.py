"""Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks, 2026-11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.inlets.call import KEY_LENGTH, Call
from fallback_cast.web.refusals import Refused, what_is_wrong
from fallback_cast.web.wanted import Enveloped, Wanted

if TYPE_CHECKING:
    from standardwebhooks import Webhook


def read_standard(webhook: WebhookSettings, headers: Mapping[str, str], body: bytes) -> Call:
    """Raises Refused."""
    from standardwebhooks import Webhook

    for secret in (webhook.secret, webhook.previous_secret):
        if secret is not None and _is_genuine(Webhook(secret.reveal()), headers, body):
            return Call(headers["webhook-id"][:KEY_LENGTH], _wanted(body))
    raise Refused(401, "the signature does not fit, or is older than five minutes")


def _is_genuine(verifier: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    from standardwebhooks import WebhookVerificationError

    try:
        verifier.verify(body, dict(headers))
    except WebhookVerificationError:
        return False
    except (ValueError, RecursionError):  # genuine, and no JSON: that is said as 400
        return True
    return True


def _wanted(body: bytes) -> Wanted:
    try:
        return _WANTED.validate_json(body) if not _is_enveloped(body) else _unwrap(body)
    except ValidationError as error:
        raise Refused(400, what_is_wrong(error.errors(include_input=False))) from None


_WANTED: TypeAdapter[Wanted] = TypeAdapter(Wanted)


def _is_enveloped(body: bytes) -> bool:
    try:
        found = from_json(body)
    except ValueError:
        return False
    return isinstance(found, dict) and {"type", "data"} <= found.keys()


def _unwrap(body: bytes) -> Wanted:
    return Enveloped.model_validate_json(body).data
