"""`site`: one page per announcement, an index, feeds and a banner, in a folder that a web server shows."""

from fallback_cast.channels.site.channel import SiteChannel, build
from fallback_cast.channels.site.settings import Settings

__all__ = ["Settings", "SiteChannel", "build"]
