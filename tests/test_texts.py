"""Every text that people read has its French, with the same fields."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallback_cast.model.french import FRENCH
from fallback_cast.model.texts import Phrase, say, translate

SOURCE = Path(__file__).parents[1] / "src" / "fallback_cast"

# Which argument of a call is a text for people.
POSITIONS = {
    "_": 0,
    "_help": 0,
    "Phrase": 0,
    "text": 0,
    "say": 0,
    "translate": 1,
    "UserError": 0,
    "LedgerError": 0,
}
KEYWORDS = {"hint"}


def _texts() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        if path.name == "schema.py" or "migrations" in path.parts:  # SQLAlchemy's text() is SQL
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            position = POSITIONS.get(name)
            if position is None:
                continue
            found = list(node.args[position : position + 1])
            found += [keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS]
            for value in found:
                for text in _literals(value):
                    yield text, f"{path.relative_to(SOURCE)}:{node.lineno}"


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _needs_french(text: str) -> bool:
    return any(word.isalpha() for word in text.replace("{", " {").split() if "{" not in word)


@pytest.mark.parametrize(("text", "place"), sorted(dict(_texts()).items()))
def test_every_text_has_its_french(text: str, place: str) -> None:
    if _needs_french(text):
        assert text in FRENCH, f"{place}: no French for {text!r}"


@pytest.mark.parametrize("text", sorted(FRENCH))
def test_french_has_the_same_fields(text: str) -> None:
    assert _fields(FRENCH[text]) == _fields(text)


def test_a_phrase_stays_translatable_after_it_was_put_together() -> None:
    phrase = Phrase("{day} at {hour}", day="lundi", hour="10 h")
    assert phrase == "lundi at 10 h"
    assert say("fr", phrase) == "lundi à 10 h"
    assert translate("de", "When") == "When"
