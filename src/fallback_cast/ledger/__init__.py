"""The durable record; SQL by name."""
