"""Values of the trade, frozen and typed, and the errors of a send. No I/O, no clock."""
