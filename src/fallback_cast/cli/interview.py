"""The questions of `init`, and what is wrong with an answer."""

from __future__ import annotations

import getpass
import os
import re
import sys
from itertools import chain, count
from pathlib import Path
from typing import Literal

from fallback_cast.cli import wrong
from fallback_cast.cli.terminal import Terminal
from fallback_cast.cli.wrong import Check
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase, say
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
from fallback_cast.settings.mailboxes import MAILBOXES, Mailbox, mailbox_of, refusal_of
from fallback_cast.settings.models import NAME


class Interview:
    """Asks on stderr, reads from the terminal; Enter takes what stands in brackets."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self._terminal = terminal
        self._folder = folder
        self._names = {"site", "telegram", "matrix", "email", "sms"}
        self.secrets: dict[str, str] = {}  # by the name of their file

    # -- asking --------------------------------------------------------------------------------

    def ask(self, question: str, default: str = "", check: Check = wrong.missing) -> str:
        """A line of text; asked again, saying why, until nothing is wrong with it."""
        while True:
            shown = f" [{default}]" if default else ""
            answer = self._line(f"{self._terminal.text(question)}{shown}{self._terminal.text(':')} ")
            answer = answer or default
            problem = check(answer)
            if not problem:
                return answer
            self._complain(problem)

    def choose(self, question: str, default: str, choices: tuple[str, ...]) -> str:
        """One of some words; its beginning is enough."""

        def chosen(answer: str) -> str:
            return next((choice for choice in choices if answer and choice.startswith(answer.lower())), "")

        words = " / ".join(choices)
        found = self.ask(question, default, lambda answer: "" if chosen(answer) else words)
        return chosen(found)

    def yes(self, question: str, *, default: bool) -> bool:
        choices = self._terminal.text("[Y/n]") if default else self._terminal.text("[y/N]")
        while True:
            answer = self._line(f"{self._terminal.text(question)} {choices} ").lower()
            if not answer:
                return default
            if answer in ("y", "yes", "o", "oui", "n", "no", "non"):
                return answer[0] in "yo"
            self._complain(Phrase("answer yes or no"))

    def secret(self, question: str, name: str, check: Check = wrong.missing) -> str:
        """Asked without showing it, kept in a file of its own; returns the reference."""
        while True:
            prompt = f"{self._terminal.text(question)} {self._terminal.text('(not shown)')}"
            try:
                value = getpass.getpass(f"{prompt}{self._terminal.text(':')} ", stream=sys.stderr).strip()
            except EOFError:
                raise _ended() from None
            value = _app_password(value)
            problem = check(value)
            if not problem:
                break
            self._complain(problem)
        free = self._free(name)
        self.secrets[free] = value
        return f"file:secrets/{free}"

    def _free(self, name: str) -> str:
        """A name that no secret has yet: those of other settings in this folder stay."""
        names = chain((name,), (f"{name}-{number}" for number in count(2)))
        return next(n for n in names if not (n in self.secrets or (self._folder / "secrets" / n).exists()))

    def _line(self, prompt: str) -> str:
        print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            print(file=sys.stderr)
            raise _ended()
        return line.strip()

    def _complain(self, problem: str) -> None:
        print(f"  ✗ {say(self._terminal.language, problem)}", file=sys.stderr, flush=True)

    def everybody_reads(self) -> bool:
        return self.yes("Does everybody read it? If not, the next channel is used too.", default=False)

    # -- the questions -------------------------------------------------------------------------

    def answers(self) -> Answers:
        self._terminal.say("A few questions; Enter takes what stands in brackets, Ctrl-C stops.")
        language: Literal["fr", "en"] = (
            "fr" if self.choose("Language: fr or en", self._terminal.language, ("fr", "en")) == "fr" else "en"
        )
        self._terminal.lang = language
        club = self.ask("Name of the club")
        zone = self.ask("Time zone", _system_zone(), wrong.no_zone)
        site, site_url = self._site()
        telegram, matrix, email = self._telegram(), self._matrix(), self._email(club)
        return Answers(
            club_name=club,
            language=language,
            timezone=zone,
            site_url=site_url,
            site=site,
            telegram=telegram,
            matrix=matrix,
            email=email,
            sms=self._sms(),
            apprise=self._apprise(),
            manual=self._manual(),
            organiser=self._organiser() if email else None,
        )

    def _site(self) -> tuple[SiteAnswers | None, str | None]:
        if not self.yes(
            "Publish on a site of your own? It goes first, and works when all else is down.", default=True
        ):
            return None, None
        directory = self.ask("Folder that your web server shows", "public", self._no_folder)
        url = self.ask(
            "Its address on the web, if it has one (https://…)", "", wrong.or_nothing(wrong.no_web_address)
        )
        return SiteAnswers(directory=directory), url or None

    def _no_folder(self, text: str) -> str:
        if not text:
            return wrong.missing(text)
        folder = (self._folder / text).resolve()
        if self._folder.resolve().is_relative_to(folder):
            return Phrase("a folder of its own, please: passwords and the ledger will lie in this one")
        return "" if folder.is_dir() or not folder.exists() else Phrase("the path is not a folder")

    def _email(self, club: str) -> EmailAnswers | None:
        if not self.yes("Send by email?", default=True):
            return None
        address = self.ask(
            "Your sending address", "", lambda text: wrong.no_address(text) or refusal_of(text) or ""
        )
        relay = self._relay(address)
        to = self.ask("Address of your mailing list, if you have one", "", wrong.or_nothing(wrong.no_address))
        return EmailAnswers(
            sender=_sender(club, address),
            relays=(relay,),
            to=(to,) if to else (),
            everybody_reads=self.everybody_reads() if to else True,
        )

    def _relay(self, address: str) -> RelayAnswers:
        mailbox = mailbox_of(address) or self._asked_mailbox()
        if mailbox is None:
            return self._own_relay(address)
        self._terminal.say("{name}: its server and limits are known", name=mailbox.name)
        if mailbox.per_day:
            self._terminal.say("at most {count} recipients a day", count=mailbox.per_day)
        if mailbox.note is not None:
            self._terminal.say("{line}", line=mailbox.note)
        user = self.ask("User name there", mailbox.username(address) or "")
        return RelayAnswers.of(mailbox, user, self.secret("Password there", "email"))

    def _asked_mailbox(self) -> Mailbox | None:
        """An address of the club's own domain does not tell who runs its mailbox."""
        known = ", ".join(MAILBOXES)
        self._terminal.say("Known providers of mailboxes: {known}", known=known)
        name = self.ask(
            "Which one is yours? Enter if none",
            "",
            lambda text: "" if not text or text.lower() in MAILBOXES else known,
        )
        return MAILBOXES[name.lower()] if name else None

    def _own_relay(self, address: str) -> RelayAnswers:
        host = self.ask("Mail server for sending (SMTP)", "", wrong.no_host)
        port = int(self.ask("Port", "465", wrong.no_port))
        user = self.ask("User name there", address)
        password = self.secret("Password there", "email")
        security: Literal["starttls", "tls"] = "tls" if port == 465 else "starttls"
        return RelayAnswers(host=host, port=port, security=security, username=user, password=password)

    def _organiser(self) -> str | None:
        question = "Your own email address, for rehearsals (`send --test`) and warnings"
        return self.ask(question, "", wrong.or_nothing(wrong.no_address)) or None

    def _telegram(self) -> TelegramAnswers | None:
        if not self.yes("Send by Telegram?", default=False):
            return None
        token = self.secret("The bot's token, from @BotFather", "telegram", wrong.no_bot_token)
        chat = self.ask(
            "Channel or group (@name or number), if you have one", "", wrong.or_nothing(wrong.no_chat)
        )
        return TelegramAnswers(
            token=token, chat=chat or None, everybody_reads=self.everybody_reads() if chat else True
        )

    def _matrix(self) -> MatrixAnswers | None:
        if not self.yes("Send by Matrix?", default=False):
            return None
        homeserver = self.ask("Address of the homeserver (https://…)", "", wrong.no_web_address)
        token = self.secret("Access token of the club's account", "matrix", wrong.no_word)
        room = self.ask(
            "Id of the room (it begins with !), if you have one", "", wrong.or_nothing(wrong.no_room)
        )
        return MatrixAnswers(
            homeserver=homeserver,
            access_token=token,
            room=room or None,
            everybody_reads=self.everybody_reads() if room else True,
        )

    def _sms(self) -> SmsAnswers | None:
        if not self.yes("Send text messages (SMS), by a gateway or an Android phone?", default=False):
            return None
        kind = self.choose("kannel, or smsgate for a phone", "smsgate", ("smsgate", "kannel"))
        gateway: Literal["kannel", "smsgate"] = "kannel" if kind == "kannel" else "smsgate"
        return SmsAnswers(
            gateway=gateway,
            url=self.ask("Address of the gateway (http://…)", "", wrong.no_web_address),
            username=self.ask("User name there"),
            password=self.secret("Password there", "sms"),
            local=self.yes(
                "Is it on your own network, and works without the internet?", default=kind == "smsgate"
            ),
        )

    def _apprise(self) -> tuple[AppriseAnswers, ...]:
        if not self.yes("Use another service by its Apprise URL (Discord, Signal, …)?", default=False):
            return ()
        name = self._name("discord")
        url = self.secret("Apprise URL", name, wrong.no_apprise_url)
        return (AppriseAnswers(name=name, url=url, everybody_reads=self.everybody_reads()),)

    def _manual(self) -> tuple[ManualAnswers, ...]:
        if not self.yes("Be shown the text to paste by hand, on a Facebook page for example?", default=False):
            return ()
        name = self._name("facebook")
        return (ManualAnswers(name=name, instructions=self.ask("What is to be done there")),)

    def _name(self, default: str) -> str:
        def unfit(name: str) -> str:
            if not re.fullmatch(NAME, name):
                return Phrase("small letters without accents, digits, - and _")
            return Phrase("this name is taken") if name in self._names else ""

        name = self.ask("Your word for it", default, unfit)
        self._names.add(name)
        return name


def _ended() -> UserError:
    return UserError("the answers ended too early; nothing was written")


# -- small things --------------------------------------------------------------------------------


def _app_password(text: str) -> str:
    """Google shows app passwords in four groups of four letters; the spaces are not part of them."""
    return text.replace(" ", "") if re.fullmatch(r"[a-z]{4}( [a-z]{4}){3}", text) else text


def _sender(club: str, address: str) -> str:
    """`Club <address>`; the name in quotes if it has a sign that means something there (RFC 5322 §3.2.3)."""
    if re.search(r'[()<>@,:;.\\"\[\]]', club):
        escaped = club.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{club} <{address}>"


def _system_zone() -> str:
    """This machine's time zone where it tells; most clubs are in France."""
    found = os.environ.get("TZ", "").lstrip(":")
    if not found:
        target = Path("/etc/localtime").resolve()
        found = "/".join(target.parts[-2:]) if "zoneinfo" in target.parts else ""
    return found if "/" in found and not found.startswith("Etc/") else "Europe/Paris"
