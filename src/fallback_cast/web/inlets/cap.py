"""CAP 1.2: an authority's alert becomes an announcement (OASIS, CAP-v1.2-os, 2010)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from pydantic import ValidationError

from fallback_cast.model.announcement import MAX_TITLE
from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.inlets.call import Call, as_markdown, check_bearer
from fallback_cast.web.refusals import Refused, what_is_wrong
from fallback_cast.web.wanted import Wanted

NAMESPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"
NOW = frozenset({"Immediate", "Expected"})
GRAVE = frozenset({"Extreme", "Severe"})


def read_alert(webhook: WebhookSettings, headers: Mapping[str, str], body: bytes) -> Call:
    """Raises Refused. Exercises, tests and drafts are announced to nobody, nor is what is over."""
    check_bearer(webhook.token, headers)
    alert = _parse(body)
    named = [_text(alert, name) for name in ("sender", "identifier", "sent")]
    if not all(named):
        raise Refused(400, "an alert has a sender, an identifier and the moment it was sent")
    key = hashlib.sha256("\x1f".join(named).encode()).hexdigest()
    # Cancel, Ack and Error tell of an earlier alert: whoever reads only this one would not understand.
    actual = _text(alert, "status") == "Actual" and _text(alert, "msgType") in ("Alert", "Update")
    public = _text(alert, "scope") in ("", "Public")
    info = _best_info(alert)
    if not (actual and public) or info is None or _is_over(info):
        return Call(key, None)
    try:
        return Call(key, _announce(info))
    except ValidationError as error:
        raise Refused(400, what_is_wrong(error.errors(include_input=False))) from None


def _parse(body: bytes) -> Element:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        alert: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Refused(400, "this is no XML that is taken here") from None
    if alert.tag != f"{NAMESPACE}alert":
        raise Refused(400, "this is no alert of CAP 1.2")
    return alert


def _text(element: Element, name: str) -> str:
    return (element.findtext(f"{NAMESPACE}{name}") or "").strip()


def _best_info(alert: Element) -> Element | None:
    """In French if there is one, as most of our readers are; else the first."""
    found = alert.findall(f"{NAMESPACE}info")
    return next((info for info in found if _language(info) == "fr"), found[0] if found else None)


def _language(info: Element) -> Literal["fr", "en"]:
    return "fr" if _text(info, "language").lower().startswith("fr") else "en"


def _moment(info: Element, name: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(info, name))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _is_over(info: Element) -> bool:
    expires = _moment(info, "expires")
    return _text(info, "urgency") == "Past" or (expires is not None and expires <= datetime.now(UTC))


def _announce(info: Element) -> Wanted:
    areas = [_text(area, "areaDesc") for area in info.findall(f"{NAMESPACE}area")]
    texts = [_text(info, "description"), _text(info, "instruction"), ", ".join(filter(None, areas))]
    title = _text(info, "headline") or _text(info, "event")
    body = "\n\n".join(as_markdown(text) for text in texts if text) or as_markdown(title)
    link = _text(info, "web")
    return Wanted(
        title=" ".join(title.split())[:MAX_TITLE],
        body=body,
        importance=_importance(info),
        language=_language(info),
        link=link if link.startswith(("https://", "http://")) else None,
        event_at=_moment(info, "onset"),
        expires_at=_moment(info, "expires"),
    )


def _importance(info: Element) -> Literal["info", "normal", "urgent"]:
    """The webhook's max_importance has the last word."""
    severity, urgency = _text(info, "severity"), _text(info, "urgency")
    if severity in GRAVE and urgency in NOW:
        return "urgent"
    return "info" if severity == "Minor" else "normal"
