"""What an outage costs: the first message over command lines, and crowds in mid-broadcast."""
