"""`matrix`: a room, or members' rooms, on any homeserver (client-server API)."""

from fallback_cast.channels.matrix.channel import MatrixChannel, Settings, build

__all__ = ["MatrixChannel", "Settings", "build"]
