"""`init`: a few questions, and channels.toml is written. Secrets go into files of their own."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import say
from fallback_cast.settings.answers import (
    Answers,
    AppriseAnswers,
    EmailAnswers,
    ManualAnswers,
    MatrixAnswers,
    RelayAnswers,
    SiteAnswers,
    SmsAnswers,
    TelegramAnswers,
)
from fallback_cast.settings.mailboxes import mailbox_of, refusal_of
from fallback_cast.settings.write import write_secret, write_settings

PATH = Path("channels.toml")


def run(terminal: Terminal) -> int:
    path = terminal.config or PATH
    if path.exists():
        raise UserError(
            "these settings exist already; nothing was changed",
            where=str(path),
            hint="edit the file, or give another one with --config",
        )
    if not sys.stdin or not sys.stdin.isatty():
        raise UserError(
            "init asks questions, and nobody is there to answer",
            hint="run it in a terminal, or copy channels.example.toml to channels.toml",
        )
    interview = _Interview(terminal, path)
    answers = interview.answers()
    interview.keep_secrets()
    write_settings(path, answers)
    if answers.site is not None:
        (path.parent / answers.site.directory).mkdir(parents=True, exist_ok=True)
    terminal.say("{path} is written; you can read and change it", path=path)
    if terminal.json:
        terminal.object({"path": str(path)})
    if interview.yes("Check every channel now? Nobody gets a message.", default=True):
        from fallback_cast.cli.check import run as check

        return check(Terminal(path, terminal.json, answers.language, terminal.no_color), [])
    return EXIT_OK


class _Interview:
    """Asks on stderr, reads from the terminal; Enter takes what stands in brackets."""

    def __init__(self, terminal: Terminal, path: Path) -> None:
        self._terminal = terminal
        self._path = path
        self._secrets: dict[str, str] = {}

    # -- asking --------------------------------------------------------------------------------

    def ask(self, question: str, default: str = "", check: Callable[[str], bool] = bool) -> str:
        """A line of text; asked again until `check` takes it."""
        while True:
            shown = f" [{default}]" if default else ""
            print(f"{self._terminal.text(question)}{shown}: ", end="", file=sys.stderr, flush=True)
            line = sys.stdin.readline()
            if not line:
                raise UserError("the answers ended too early; nothing was written")
            answer = line.strip() or default
            if check(answer):
                return answer

    def yes(self, question: str, *, default: bool) -> bool:
        choices = self._terminal.text("[Y/n]") if default else self._terminal.text("[y/N]")
        print(f"{self._terminal.text(question)} {choices} ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline().strip().lower()
        return answer[0] in "yo" if answer else default

    def secret(self, question: str, name: str) -> str:
        """Asked without showing it, kept in a file of its own; returns the reference."""
        while True:
            value = getpass.getpass(f"{self._terminal.text(question)}: ", stream=sys.stderr).strip()
            if value:
                self._secrets[name] = value
                return f"file:secrets/{name}"

    def keep_secrets(self) -> None:
        for name, value in self._secrets.items():
            write_secret(self._path, name, value)

    def everybody_reads(self) -> bool:
        return self.yes("Does everybody read it? If not, the next channel is used too.", default=False)

    # -- the questions -------------------------------------------------------------------------

    def answers(self) -> Answers:
        self._terminal.say("A few questions; Enter takes what stands in brackets.")
        language = self._language()
        self._terminal.lang = language
        club = self.ask("Name of the club")
        site, site_url = self._site()
        return Answers(
            club_name=club,
            language=language,
            timezone=self.ask("Time zone", _system_zone()),
            site_url=site_url,
            site=site,
            telegram=self._telegram(),
            matrix=self._matrix(),
            email=self._email(),
            sms=self._sms(),
            apprise=self._apprise(),
            manual=self._manual(),
        )

    def _language(self) -> Literal["fr", "en"]:
        found = self.ask("Language: fr or en", self._terminal.language, lambda text: text in ("fr", "en"))
        return "fr" if found == "fr" else "en"

    def _site(self) -> tuple[SiteAnswers | None, str | None]:
        if not self.yes(
            "Publish on a site of your own? It goes first, and works when all else is down.", default=True
        ):
            return None, None
        directory = self.ask("Folder that your web server shows", "public")
        url = self.ask("Its address on the web, if it has one (https://…)", "", _web_or_nothing)
        return SiteAnswers(directory=directory), url or None

    def _email(self) -> EmailAnswers | None:
        if not self.yes("Send by email?", default=True):
            return None
        sender = self.ask("Your sending address", "", _address)
        refusal = refusal_of(sender)
        if refusal is not None:
            self._terminal.say("{line}", line=say(self._terminal.language, refusal))
        to = self.ask(
            "Address of your mailing list, if you have one", "", lambda text: not text or _address(text)
        )
        return EmailAnswers(
            sender=sender,
            relays=(self._relay(sender),),
            to=(to,) if to else (),
            everybody_reads=self.everybody_reads() if to else True,
        )

    def _relay(self, sender: str) -> RelayAnswers:
        mailbox = mailbox_of(sender)
        if mailbox is None:
            host = self.ask("Mail server for sending (SMTP)")
            tls = self.ask("Port", "465", str.isdigit)
            user = self.ask("User name there", sender)
            password = self.secret("Password there", "email")
            security: Literal["starttls", "tls"] = "tls" if tls == "465" else "starttls"
            return RelayAnswers(host=host, port=int(tls), security=security, username=user, password=password)
        self._terminal.say("{name}: its server and limits are known", name=mailbox.name)
        if mailbox.per_day:
            self._terminal.say("at most {count} recipients a day", count=mailbox.per_day)
        if mailbox.note is not None:
            self._terminal.say("{line}", line=say(self._terminal.language, mailbox.note))
        user = self.ask("User name there", mailbox.username(sender) or "")
        return RelayAnswers.of(mailbox, user, self.secret("Password there", "email"))

    def _telegram(self) -> TelegramAnswers | None:
        if not self.yes("Send by Telegram?", default=False):
            return None
        token = self.secret("The bot's token, from @BotFather", "telegram")
        chat = self.ask("Channel or group (@name or number), if you have one", "", lambda _: True)
        return TelegramAnswers(
            token=token, chat=chat or None, everybody_reads=self.everybody_reads() if chat else True
        )

    def _matrix(self) -> MatrixAnswers | None:
        if not self.yes("Send by Matrix?", default=False):
            return None
        homeserver = self.ask("Address of the homeserver (https://…)", "", _web)
        token = self.secret("Access token of the club's account", "matrix")
        room = self.ask("Id of the room (it begins with !), if you have one", "", lambda _: True)
        return MatrixAnswers(
            homeserver=homeserver,
            access_token=token,
            room=room or None,
            everybody_reads=self.everybody_reads() if room else True,
        )

    def _sms(self) -> SmsAnswers | None:
        if not self.yes("Send text messages (SMS), by a gateway or an Android phone?", default=False):
            return None
        kind = self.ask(
            "kannel, or smsgate for a phone", "smsgate", lambda text: text in ("kannel", "smsgate")
        )
        gateway: Literal["kannel", "smsgate"] = "kannel" if kind == "kannel" else "smsgate"
        return SmsAnswers(
            gateway=gateway,
            url=self.ask("Address of the gateway (http://…)", "", _web),
            username=self.ask("User name there"),
            password=self.secret("Password there", "sms"),
            local=self.yes(
                "Is it on your own network, and works without the internet?", default=kind == "smsgate"
            ),
        )

    def _apprise(self) -> tuple[AppriseAnswers, ...]:
        if not self.yes("Use another service by its Apprise URL (Discord, Signal, …)?", default=False):
            return ()
        name = self.ask("Your word for it", "apprise")
        return (
            AppriseAnswers(
                name=name, url=self.secret("Apprise URL", name), everybody_reads=self.everybody_reads()
            ),
        )

    def _manual(self) -> tuple[ManualAnswers, ...]:
        if not self.yes("Be shown the text to paste by hand, on a Facebook page for example?", default=False):
            return ()
        name = self.ask("Your word for it", "facebook")
        return (ManualAnswers(name=name, instructions=self.ask("What is to be done there")),)


def _web(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def _web_or_nothing(text: str) -> bool:
    return not text or _web(text)


def _address(text: str) -> bool:
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _system_zone() -> str:
    """This machine's time zone where it tells; most clubs are in France."""
    found = os.environ.get("TZ", "").lstrip(":")
    if not found:
        target = Path("/etc/localtime").resolve()
        found = "/".join(target.parts[-2:]) if "zoneinfo" in target.parts else ""
    return found if "/" in found and not found.startswith("Etc/") else "Europe/Paris"
