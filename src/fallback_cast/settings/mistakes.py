"""A validation's complaints in words for people, each at its key in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fallback_cast.model.texts import Phrase
from fallback_cast.settings.errors import Mistake, Problem, did_you_mean, near_word
from fallback_cast.settings.locate import KeyPath
from fallback_cast.settings.source import Source

_NUMBER = Phrase("a number is wanted, without quotation marks")
_WHOLE = Phrase("a whole number is wanted, without quotation marks")
_YES_NO = Phrase("true or false is wanted, without quotation marks")
_TEXT = Phrase("a text in quotation marks is wanted")
_LIST = Phrase('a list is wanted, such as ["…", "…"]')
_LIST_OF_TABLES = Phrase("this section may stand several times")
_TWO_BRACKETS = Phrase("write its name in two pairs of brackets, such as [[channel]]")
_TABLE = Phrase("a section with keys of its own is wanted")
_WEB_ADDRESS = Phrase("a web address such as https://example.org/ is wanted")

# pydantic's names of errors: https://docs.pydantic.dev/latest/errors/validation_errors/, 2026-11
_WORDS: Mapping[str, str] = {
    "missing": Phrase("this key is missing"),
    "extra_forbidden": Phrase("this key is unknown"),
    "string_type": _TEXT,
    "path_type": _TEXT,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "url_type": _WEB_ADDRESS,
    "url_parsing": _WEB_ADDRESS,
    "url_syntax_violation": _WEB_ADDRESS,
    "url_scheme": _WEB_ADDRESS,
    "string_pattern_mismatch": Phrase("this is not written as wanted"),
    "string_too_short": Phrase("this text is too short"),
    "union_tag_not_found": Phrase("the key kind is missing"),
}
_LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("more than {limit} is wanted", "gt"),
    "greater_than_equal": ("at least {limit} is wanted", "ge"),
    "less_than": ("less than {limit} is wanted", "lt"),
    "less_than_equal": ("at most {limit} is wanted", "le"),
    "too_short": ("there must be at least {limit}", "min_length"),
    "too_long": ("there may be at most {limit}", "max_length"),
    "string_too_long": ("at most {limit} characters are allowed", "max_length"),
}
# Keys of this name are written alike everywhere.
_PATTERN_HINTS = {
    "name": Phrase("small letters without accents, digits, - and _, such as site-2"),
    "colour": Phrase("such as #1f5a4c"),
}
_DURATION_ENDING = "is not a duration; write for example 20s, 10m, 1h or 3d"
_DURATION = Phrase("this is no duration; write for example 20s, 10m, 1h or 3d")
_QUOTED = re.compile(r"'([^']*)'")


def problems_of(
    source: Source, path: KeyPath, model: type[BaseModel], error: ValidationError
) -> list[Problem]:
    """Each complaint about the table at `path` as a problem; the first one for each key."""
    found: dict[KeyPath, Problem] = {}
    for detail in error.errors(include_url=False, include_input=False):
        key, value = _follow(source, path, detail)
        if key not in found:
            table = table_model(model, source.at(path), key[len(path) : -1])
            what, hint = _words(detail, key[-1], value, table)
            found[key] = source.problem(key, what, hint)
    # A list all of whose tables have mistakes counts as too short: one cause, one problem.
    within = {other[:end] for other in found for end in range(len(path) + 1, len(other))}
    return [problem for key, problem in found.items() if key not in within]


def _follow(source: Source, path: KeyPath, detail: ErrorDetails) -> tuple[KeyPath, Any]:
    """The key in the file: pydantic's own path also names members of unions, which no file has."""
    value = source.at(path)
    *_, last = detail["loc"] or ("",)
    for part in detail["loc"]:
        if _holds(value, part):
            value, path = value[part], (*path, part)
    if detail["type"] == "missing":
        path = (*path, last)
    elif detail["type"] == "union_tag_invalid":
        path = (*path, "kind")
    return path, value


def _holds(value: Any, part: str | int) -> bool:
    return part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)


def _words(
    detail: ErrorDetails, key: str | int, value: Any, table: type[BaseModel] | None
) -> tuple[str, str]:
    """What is wrong and how to mend it."""
    kind, context = detail["type"], detail.get("ctx", {})
    match kind:
        case "value_error" | "assertion_error":
            return _own_words(context["error"])
        case "literal_error" | "union_tag_invalid":
            known = _QUOTED.findall(str(context.get("expected") or context.get("expected_tags")))
            meant = value.get("kind") if isinstance(value, dict) else value
            what = Phrase("one of these is wanted: {words}", words=", ".join(known))
            return what, near_word(meant, known) if isinstance(meant, str) else ""
        case "extra_forbidden":
            return _WORDS[kind], did_you_mean(str(key), keys_of(table)) if table else ""
        case "tuple_type" | "list_type" if isinstance(value, dict):
            return _LIST_OF_TABLES, _TWO_BRACKETS
    if kind in _LIMITS:
        template, name = _LIMITS[kind]
        return Phrase(template, limit=context[name]), ""
    hint = _PATTERN_HINTS.get(str(key), "") if kind == "string_pattern_mismatch" else ""
    field = table.model_fields.get(str(key)) if table else None
    if not hint and field and field.description:
        hint = Phrase(field.description)
    return _WORDS.get(kind, detail["msg"]), hint


def _own_words(error: Exception) -> tuple[str, str]:
    if isinstance(error, Mistake):
        return error.what, error.hint
    text: str = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return (_DURATION if text.endswith(_DURATION_ENDING) else _translatable(text)), ""


def _translatable(text: str) -> Phrase:
    return text if isinstance(text, Phrase) else Phrase(text)


def table_model(model: type[BaseModel], value: Any, parts: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that reads the table at `parts` below a table that `model` reads."""
    found: type[BaseModel] | None = model
    for part in parts:
        field = found.model_fields.get(part) if found and isinstance(part, str) else None
        value = value[part]
        if isinstance(part, str):
            choices = list(_models_in(field.annotation)) if field else []
            found = next(iter(choices), None)
        if isinstance(value, dict) and choices:
            found = next((c for c in choices if value.get("kind") in _kinds_of(c)), choices[0])
    return found


def keys_of(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _kinds_of(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field else ()
