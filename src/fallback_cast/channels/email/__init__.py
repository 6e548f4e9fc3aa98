"""`email`: one message for each address, over ranked SMTP relays."""

from fallback_cast.channels.email.channel import EmailChannel, build
from fallback_cast.channels.email.settings import Settings

__all__ = ["EmailChannel", "Settings", "build"]
