"""channels.toml: reading, secrets, errors with file, line and key."""
