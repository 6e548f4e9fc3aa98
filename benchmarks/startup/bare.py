"""The bare twin of our command line: the same commands and options, written out for typer alone, with empty bodies."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo, TyperInfo

_HEAD = "import pathlib\nfrom typing import Annotated\n\nimport typer\n\n"
_ELSEWHERE = {"callback", "typer_instance", "cls", "rich_markup_mode", "param_decls", "default"}
_TAIL = "def main():\n    app()\n"


def source(app: typer.Typer) -> str:
    """A module with `main`, whose help is the same text as that of `app`."""
    return _HEAD + "\n".join(_group(app, "app")) + "\n" + _TAIL


def _group(app: typer.Typer, name: str) -> Iterator[str]:
    yield f"{name} = typer.Typer({_given(app.info, TyperInfo())}{_face(app)})\n"
    for command in app.registered_commands:
        yield f"@{name}.command({_given(command, type(command)())})"
        yield _function(command.callback)
    if app.registered_callback is not None and app.registered_callback.callback is not None:
        yield f"@{name}.callback({_given(app.registered_callback, TyperInfo())})"
        yield _function(app.registered_callback.callback)
    for number, group in enumerate(app.registered_groups):
        assert group.typer_instance is not None
        inner = f"{name}_group{number}"
        yield from _group(group.typer_instance, inner)
        yield f"{name}.add_typer({inner}, name={group.name!r})\n"


def _face(app: typer.Typer) -> str:
    """What a Typer keeps outside its `info`."""
    return (
        f"add_completion={app._add_completion!r}, rich_markup_mode={app.rich_markup_mode!r}, "
        f"pretty_exceptions_enable={app.pretty_exceptions_enable!r}"
    )


def _given(info: Any, untouched: Any) -> str:
    """The arguments that somebody set, as source."""
    words = []
    for key, value in vars(info).items():
        value = getattr(value, "value", value)  # typer wraps what it fills in by itself
        usual = getattr(getattr(untouched, key, None), "value", getattr(untouched, key, None))
        if key not in _ELSEWHERE and value != usual:
            words.append(f"{key}={value!r}, ")
    return "".join(words)


def _function(callback: Any) -> str:
    hints = get_type_hints(callback, include_extras=True)
    parameters = [
        f"    {p.name}: {_annotation(hints[p.name])}" + ("" if p.default is p.empty else f" = {p.default!r}")
        for p in inspect.signature(callback).parameters.values()
    ]
    listed = ",\n".join(parameters)
    return f"def {callback.__name__}(\n{listed}\n):\n    pass\n"


def _annotation(hint: Any) -> str:
    kind, info = get_args(hint)
    is_option = isinstance(info, OptionInfo)
    assert is_option or isinstance(info, ArgumentInfo)
    # In an Annotated, typer takes what stands where a default would for the first name.
    first = (info.default,) if isinstance(info.default, str) else ()
    names = "".join(f"{name!r}, " for name in (*first, *(info.param_decls or ())))
    untouched = typer.Option() if is_option else typer.Argument()
    shown = kind.__name__ if isinstance(kind, type) and kind.__module__ == "builtins" else _type(kind)
    return (
        f"Annotated[{shown}, typer.{'Option' if is_option else 'Argument'}({names}{_given(info, untouched)})]"
    )


def _type(kind: Any) -> str:
    return "pathlib.Path" if isinstance(kind, type) else str(kind)
