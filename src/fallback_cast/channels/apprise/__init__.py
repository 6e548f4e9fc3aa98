"""`apprise`: one Apprise URL, for the many services that have no channel of their own here.

Apprise 2 answers yes or no, never why; its yes means "handed over". So: one URL and one place for each
channel, a yes is accepted but unconfirmed, a no without an HTTP status is OutcomeUnknown.

The package is named after its kind; `import apprise` means the library, here as everywhere.
"""

from fallback_cast.channels.apprise.channel import build
from fallback_cast.channels.apprise.settings import Settings

__all__ = ["Settings", "build"]
