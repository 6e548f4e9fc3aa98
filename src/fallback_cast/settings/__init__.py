"""channels.toml: reading, secrets, errors with file, line and key.

The rest of the program needs four names: find_settings, load_settings, Settings and SettingsError.
"""

from fallback_cast.settings.errors import Problem, SettingsError
from fallback_cast.settings.load import find_settings, load_settings
from fallback_cast.settings.models import Settings

__all__ = ["Problem", "Settings", "SettingsError", "find_settings", "load_settings"]
