"""What is wrong in the settings, where, and how to mend it: all mistakes together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase, say


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake or warning. Holds no secret and no address; `line` puts problems in order."""

    what: str
    where: str = ""
    hint: str = ""
    line: int = 0

    def phrase(self) -> Phrase:
        match bool(self.where), bool(self.hint):
            case True, True:
                return Phrase("{where}: {what}; {hint}", where=self.where, what=self.what, hint=self.hint)
            case True, False:
                return Phrase("{where}: {what}", where=self.where, what=self.what)
            case False, True:
                return Phrase("{what}; {hint}", what=self.what, hint=self.hint)
        return Phrase("{what}", what=self.what)

    def say(self, language: str) -> str:
        """The problem on one line, in `fr` or `en`."""
        return say(language, self.phrase())

    def __str__(self) -> str:
        return str(self.phrase())


class SettingsError(UserError):
    """Every mistake that was found, in the order of the file. `str` shows them one per line.

    With a single mistake `what`, `where` and `hint` are that mistake's; with several, `what` counts
    them, and `in_language` (or `problems`) has them all.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        first, *others = self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        if others:
            super().__init__(Phrase("{count} mistakes in the settings", count=len(problems)))
        else:
            super().__init__(first.what, where=first.where, hint=first.hint)

    def in_language(self, language: str) -> str:
        """All mistakes, one per line, in `fr` or `en`."""
        return "\n".join(problem.say(language) for problem in self.problems)

    def __str__(self) -> str:
        return self.in_language("en")


class Mistake(ValueError):
    """A validator's refusal that also knows how to mend it. Holds no secret."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def near_word(word: str, known: Sequence[str]) -> str:
    """A question with the nearest known word, or nothing."""
    spelled = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), spelled, n=1, cutoff=0.65)
    return Phrase("did you mean {word}?", word=spelled[near[0]]) if near else ""


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A question with the nearest known word, else all known words."""
    return near_word(word, known) or Phrase("known are: {words}", words=", ".join(sorted(known)))
