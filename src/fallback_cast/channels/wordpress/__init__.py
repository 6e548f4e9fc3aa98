"""`wordpress`: each announcement is a post of the club's WordPress site, written over its REST interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fallback_cast.channels.wordpress.settings import Settings

if TYPE_CHECKING:
    from fallback_cast.channels.kit.settings import BuildContext
    from fallback_cast.channels.wordpress.channel import WordPressChannel

__all__ = ["Settings", "build"]


def build(settings: Settings, context: BuildContext) -> WordPressChannel:
    """The channel; it loads only when somebody sends or probes."""
    from fallback_cast.channels.wordpress.channel import WordPressChannel

    return WordPressChannel(settings, context)
