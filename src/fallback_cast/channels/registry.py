"""Every kind of channel by name. A new channel: its file, one line here, its fake, its docs row."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from fallback_cast.channels.kit.settings import BuildContext, ChannelSettings
from fallback_cast.model.channel import Channel

MODULES = {
    "apprise": "fallback_cast.channels.apprise",
    "email": "fallback_cast.channels.email",
    "manual": "fallback_cast.channels.manual",
    "matrix": "fallback_cast.channels.matrix",
    "site": "fallback_cast.channels.site",
    "sms": "fallback_cast.channels.sms",
    "telegram": "fallback_cast.channels.telegram",
    "webhook": "fallback_cast.channels.webhook",
    "wordpress": "fallback_cast.channels.wordpress",
}


class ChannelModule(Protocol):
    """What each module of a kind offers."""

    Settings: type[ChannelSettings]

    def build(self, settings: ChannelSettings, context: BuildContext) -> Channel: ...


def load_kind(kind: str) -> ChannelModule:
    """The module of a kind; only the kinds in use are imported. Raises KeyError for an unknown one."""
    return cast(ChannelModule, import_module(MODULES[kind]))
