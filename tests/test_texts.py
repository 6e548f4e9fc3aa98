"""Every text that people read has its French, with the same fields."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallback_cast.cli.live import translate_reason
from fallback_cast.cli.terminal import Terminal
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


# What channels find is stored in English and put into French when it is shown.
EVIDENCE_CALLS = {
    "Unavailable",
    "AccessDenied",
    "MessageRefused",
    "Throttled",
    "AddressRefused",
    "OutcomeUnknown",
    "Check",
}


def _evidence() -> Iterator[tuple[str, str]]:
    for path in sorted((SOURCE / "channels").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in EVIDENCE_CALLS:
                for value in [*node.args, *(k.value for k in node.keywords if k.arg in ("detail", "reason"))]:
                    for text in _sentences(value):
                        yield text, f"{path.relative_to(SOURCE)}:{node.lineno}"


def _sentences(node: ast.expr) -> Iterator[str]:
    """The text of an argument, with {} for what is put in."""
    if isinstance(node, ast.IfExp):
        yield from _sentences(node.body)
        yield from _sentences(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)


@pytest.mark.parametrize(("text", "place"), sorted(dict(_evidence()).items()))
def test_evidence_has_its_french(text: str, place: str) -> None:
    known = {re.sub(r"\{\w+\}", "{}", english) for english in FRENCH}
    if re.search(r"[a-z]{3}", text.replace("{}", "")):
        assert text in known, f"{place}: no French for {text!r}"


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("index.html is there and is not ours: choose a folder of its own", "index.html existe déjà et"),
        (
            "site: access denied (only a part could be written: the disk is full)",
            "site : accès refusé (une partie seulement a pu être écrite : le disque est plein)",
        ),
        ("address suppressed; sms: down (connection refused)", "adresse écartée ; sms : en panne (connexion"),
        ("sms: unavailable (said (as it is; so)", "sms : indisponible (said (as it is; so)"),
    ],
)
def test_stored_evidence_is_read_in_french(english: str, french: str) -> None:
    assert translate_reason(Terminal(lang="fr"), english).startswith(french)
    assert translate_reason(Terminal(lang="en"), english) == english
