"""What each kind of webhook sends: who it is, which call this is, and what it wants announced.

A new kind: its file, and its line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.inlets.alertmanager import read_alerts
from fallback_cast.web.inlets.call import Call
from fallback_cast.web.inlets.cap import read_alert
from fallback_cast.web.inlets.github import read_event
from fallback_cast.web.inlets.standard import read_standard

__all__ = ["INLETS", "Call", "read_call"]

Inlet = Callable[[WebhookSettings, Mapping[str, str], bytes], Call]

INLETS: Mapping[str, Inlet] = {
    "standard": read_standard,
    "wordpress": read_standard,  # what our plugin sends
    "alertmanager": read_alerts,
    "github": read_event,
    "cap": read_alert,
}


def read_call(webhook: WebhookSettings, headers: Mapping[str, str], body: bytes) -> Call:
    """Raises Refused: 401 for who is not known, 400 for what cannot be read."""
    return INLETS[webhook.kind](webhook, headers, body)
