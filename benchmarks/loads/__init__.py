"""What is measured: each load is a process that sends, times its own sending, and prints one JSON line."""
