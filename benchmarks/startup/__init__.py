"""How long commands take from their start to their exit."""
