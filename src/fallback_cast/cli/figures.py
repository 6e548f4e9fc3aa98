"""Money and spans of time as people read them."""

from __future__ import annotations

from decimal import Decimal

from fallback_cast.cli.terminal import Terminal

_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


def money(terminal: Terminal, amount: Decimal, currency: str) -> str:
    """`1.50 €`, in French `1,50 €`: two digits, more only if cents are not exact."""
    cents = amount.quantize(Decimal("0.01"))
    digits = f"{cents}" if cents == amount else f"{amount.normalize():f}"
    if terminal.language == "fr":
        digits = digits.replace(".", ",")
    return f"{digits} {_SIGNS.get(currency, currency)}"


def roughly(seconds: float) -> str:
    """`40 s`, `5 min`, `3 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
