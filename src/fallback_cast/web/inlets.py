"""What each kind of webhook sends: who it is, which call this is, and what it wants announced."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fallback_cast.model.announcement import MAX_TITLE
from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.refusals import Refused, what_is_wrong
from fallback_cast.web.wanted import Enveloped, Wanted

if TYPE_CHECKING:
    from standardwebhooks import Webhook

KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One genuine call; the same `key` again is the same call. Nothing is `wanted` by some."""

    key: str
    wanted: Wanted | None


Inlet = Callable[[WebhookSettings, Mapping[str, str], bytes], Call]


def read_call(webhook: WebhookSettings, headers: Mapping[str, str], body: bytes) -> Call:
    """Raises Refused: 401 for who is not known, 400 for what cannot be read."""
    return INLETS[webhook.kind](webhook, headers, body)


# -- Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks, 2026-11) ----


def _standard(webhook: WebhookSettings, headers: Mapping[str, str], body: bytes) -> Call:
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
    except ValueError:  # genuine, and no JSON: that is said as 400
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
        found = json.loads(body)
    except ValueError:
        return False
    return isinstance(found, dict) and {"type", "data"} <= found.keys()


def _unwrap(body: bytes) -> Wanted:
    return Enveloped.model_validate_json(body).data


# -- Alertmanager (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config) ------


class Alert(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    status: str
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    startsAt: str = ""
    fingerprint: str = ""


class Alerts(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    version: str
    groupKey: str
    status: str
    alerts: list[Alert] = Field(max_length=10_000)
    commonLabels: dict[str, str] = Field(default_factory=dict)
    commonAnnotations: dict[str, str] = Field(default_factory=dict)


def _alertmanager(webhook: WebhookSettings, headers: Mapping[str, str], body: bytes) -> Call:
    """It repeats itself every `repeat_interval`: the same alerts with the same status are one call."""
    check_bearer(webhook.token.reveal() if webhook.token else "", headers)
    try:
        found = Alerts.model_validate_json(body)
    except ValidationError as error:
        raise Refused(400, what_is_wrong(error.errors(include_input=False))) from None
    alerts = sorted(f"{alert.fingerprint}{alert.startsAt}{alert.status}" for alert in found.alerts)
    named = "\x1f".join([found.groupKey, found.status, *alerts])
    return Call(hashlib.sha256(named.encode()).hexdigest(), _announce_alerts(found))


def _announce_alerts(found: Alerts) -> Wanted | None:
    if not found.alerts:
        return None
    summary = found.commonAnnotations.get("summary") or found.commonLabels.get("alertname") or "Alert"
    over = found.status == "resolved"
    lines = [f"- {_alert_line(alert)}" for alert in found.alerts[:20]]
    if len(found.alerts) > len(lines):
        lines.append(f"- … {len(found.alerts) - len(lines)}")
    critical = found.commonLabels.get("severity") == "critical" and not over
    return Wanted(
        title=(f"{'✓ ' if over else ''}{summary}")[:MAX_TITLE],
        body="\n".join(lines),
        importance="urgent" if critical else "info" if over else "normal",
    )


def _alert_line(alert: Alert) -> str:
    text = alert.annotations.get("description") or alert.annotations.get("summary")
    return " ".join((text or alert.labels.get("alertname") or alert.status).split())[:500]


def check_bearer(token: str, headers: Mapping[str, str]) -> None:
    """Raises Refused unless the caller knows the token (RFC 6750)."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    known = scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    if not (token and known):
        raise Refused(401, "a bearer token is wanted", {"WWW-Authenticate": "Bearer"})


INLETS: Mapping[Any, Inlet] = {
    "standard": _standard,
    "wordpress": _standard,  # what our plugin sends
    "alertmanager": _alertmanager,
}
