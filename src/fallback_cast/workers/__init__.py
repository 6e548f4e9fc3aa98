"""Who drives dispatch, on one machine."""
