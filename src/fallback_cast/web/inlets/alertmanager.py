"""Alertmanager (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, 2026-11)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fallback_cast.model.announcement import MAX_TITLE
from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.inlets.call import Call, as_markdown, check_bearer
from fallback_cast.web.refusals import Refused, what_is_wrong
from fallback_cast.web.wanted import Wanted


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


def read_alerts(webhook: WebhookSettings, headers: Mapping[str, str], body: bytes) -> Call:
    """It repeats itself every `repeat_interval`: the same alerts with the same status are one call."""
    check_bearer(webhook.token, headers)
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
    return as_markdown(" ".join((text or alert.labels.get("alertname") or alert.status).split())[:500])
