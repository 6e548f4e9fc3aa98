"""`telegram`: a channel, a group or members who have started the club's bot (Bot API)."""

from fallback_cast.channels.telegram.channel import Settings, TelegramChannel, build

__all__ = ["Settings", "TelegramChannel", "build"]
