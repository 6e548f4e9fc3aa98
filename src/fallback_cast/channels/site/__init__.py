"""`site`: one page per announcement, an index, feeds and a banner, in a folder that a web server shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fallback_cast.channels.site.settings import Settings

if TYPE_CHECKING:
    from fallback_cast.channels.kit.settings import BuildContext
    from fallback_cast.channels.site.channel import SiteChannel

__all__ = ["Settings", "build"]


def build(settings: Settings, context: BuildContext) -> SiteChannel:
    """The channel; its templates load only when somebody sends."""
    from fallback_cast.channels.site.channel import SiteChannel

    return SiteChannel(settings, context)
