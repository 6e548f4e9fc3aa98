"""The thin face at the terminal."""
