"""`apprise`: one Apprise URL, for the many services that have no channel of their own here.

Apprise 2 answers yes or no, never why; its yes means "handed over". So: one URL and one place for each
channel, a yes is accepted but unconfirmed, a no without an HTTP status is OutcomeUnknown.

The package is named after its kind; `import apprise` means the library, here as everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fallback_cast.channels.apprise.settings import Settings

if TYPE_CHECKING:
    from fallback_cast.channels.apprise.channel import AppriseChannel
    from fallback_cast.channels.kit.settings import BuildContext

__all__ = ["Settings", "build"]


def build(settings: Settings, context: BuildContext) -> AppriseChannel:
    """The channel; Apprise itself loads only when somebody sends."""
    from fallback_cast.channels.apprise.channel import AppriseChannel

    return AppriseChannel(settings, context)
