"""What is wrong in the settings, where, and how to mend it: all mistakes together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fallback_cast.model.errors import UserError
from fallback_cast.settings.phrase import Phrase, say


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake or warning. Holds no secret and no address."""

    what: str
    where: str = ""
    hint: str = ""
    line: int | None = None

    def say(self, language: str) -> str:
        """The problem on one line, in `fr` or `en`."""
        sentence = f"{say(language, self.what)}; {say(language, self.hint)}" if self.hint else self.what
        told = sentence if self.hint else say(language, self.what)
        colon = " : " if language == "fr" else ": "
        return f"{say(language, self.where)}{colon}{told}" if self.where else told

    def __str__(self) -> str:
        return self.say("en")


class SettingsError(UserError):
    """Every mistake that was found, in the order of the file. `str` shows them one per line.

    With a single mistake `what`, `where` and `hint` are that mistake's; with several, `what` counts
    them, and `in_language` (or `problems`) has them all.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        if len(problems) == 1:
            super().__init__(first.what, where=first.where, hint=first.hint)
        else:
            super().__init__(Phrase("{count} mistakes in the settings", count=len(problems)))
        self.problems = tuple(problems)

    def in_language(self, language: str) -> str:
        """All mistakes, one per line, in `fr` or `en`."""
        return "\n".join(problem.say(language) for problem in self.problems)

    def __str__(self) -> str:
        return self.in_language("en")


class Mistake(ValueError):
    """A validator's refusal that also knows how to mend it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
