"""`init`: a few questions, and channels.toml is written. Secrets go into files of their own."""

from __future__ import annotations

from pathlib import Path

from fallback_cast.cli.interview import Interview
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase
from fallback_cast.settings.answers import Answers
from fallback_cast.settings.write import channel_names, write_secret, write_settings

PATH = Path("channels.toml")


def run(terminal: Terminal) -> int:
    path = terminal.config or PATH
    _refuse(terminal, path)
    interview = Interview(terminal, path.parent)
    try:
        answers = interview.answers()
    except KeyboardInterrupt:
        raise UserError("stopped; nothing was written") from None
    if not channel_names(answers):
        raise UserError(
            "no channel was chosen: nobody could be told anything", hint="nothing was written; run init again"
        )
    _make_site(path, answers)
    for name, value in interview.secrets.items():
        write_secret(path, name, value)
    write_settings(path, answers)
    terminal.say("{path} is written; you can read and change it", path=path)
    if terminal.json:
        terminal.object({"path": str(path)})
    try:
        return _first_check(terminal, interview, path, answers)
    except (UserError, KeyboardInterrupt):  # no answer to the last question
        return EXIT_OK


def _refuse(terminal: Terminal, path: Path) -> None:
    if path.exists():
        raise UserError(
            "these settings exist already; nothing was changed",
            where=str(path),
            hint="edit the file, or give another one with --config",
        )
    if not path.parent.is_dir():
        raise UserError("the folder does not exist", where=str(path.parent), hint="create it first")
    if not terminal.somebody_to_ask():
        raise UserError(
            "init asks questions, and nobody is there to answer",
            hint="run it in a terminal, or copy channels.example.toml to channels.toml",
        )


def _make_site(path: Path, answers: Answers) -> None:
    if answers.site is None:
        return
    folder = path.parent / answers.site.directory
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            Phrase("the folder cannot be made: {why}", why=Phrase(error.strerror or "")),
            where=str(folder),
            hint="nothing was written; run init again with another folder",
        ) from None


def _first_check(terminal: Terminal, interview: Interview, path: Path, answers: Answers) -> int:
    names = channel_names(answers)
    order = " → ".join(names)
    terminal.say("channels are tried in this order: {order}; the file's order decides", order=order)
    code = EXIT_OK
    if interview.yes("Check every channel now? Nobody gets a message.", default=True):
        from fallback_cast.cli.check import run as check

        config = terminal.config and path
        code = check(Terminal(config, terminal.json, answers.language, terminal.no_color), [])
    terminal.say("What next:")
    terminal.say("  `fallback-cast members import FILE` if members have addresses of their own")
    if answers.organiser:
        terminal.say("  `fallback-cast send --title … --body … --test` sends to you alone")
    terminal.say(
        "  `fallback-cast send --title … --body … --plan` shows who would get what, and sends nothing"
    )
    return code
