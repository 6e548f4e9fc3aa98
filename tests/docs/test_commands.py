"""Every command of the README is run, in its order, as a newcomer would: in an empty folder, no accounts."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.cli.person import sit_at
from tests.cli.test_demo import run
from tests.counterparts.ports import free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FRENCH, ENGLISH = README.split("## In English")
CODE = "K7F3"  # of the README's announcement; ours has its own

# Answers to `init`: a site, email by a server of one's own, nothing else, no check.
FIRST = ["Europe/Paris", "", "", "", "n", "n", "y", "club@example.org", ""]
RELAY = ["127.0.0.1", "587", "", "geheim", "", "n", "n", "n", "", "n"]

# How a command may end. What is told by the exit code of `check` and its kin is not the README's promise.
# The newcomer's settings have no [[webhook]]: `serve` says so. tests/web lets it serve.
ENDS = {"check": {0, 1, 2, 3}, "health": {0, 1, 2, 3}, "outages": {0}, "serve": {2}}


def shell_lines(text: str) -> list[str]:
    blocks = re.findall(r"^( *)```sh\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE)
    lines = (line.strip() for _, block in blocks for line in block.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


class Taker:
    """A mail server that takes everything."""

    def __init__(self) -> None:
        self.recipients: list[str] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        self.recipients += envelope.rcpt_tos  # type: ignore[attr-defined]
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[int, Taker]]:
    taker, port = Taker(), free_port()
    controller = Controller(taker, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, taker
    finally:
        controller.stop()


@pytest.mark.parametrize(("part", "language"), [(FRENCH, "fr"), (ENGLISH, "en")])
def test_every_command_does_what_is_said(tmp_path: Path, part: str, language: str) -> None:
    members = re.search(r"```csv\n(.*?)```", part, re.DOTALL)
    if members:
        (tmp_path / "membres.csv").write_text(members[1], encoding="utf-8")
    ran: list[str] = []
    with mail_server() as (port, taker):
        for line in shell_lines(part):
            words = shlex.split(line, comments=True)
            if words[0] == "make" or words[:2] == ["pipx", "install"]:
                continue  # below
            assert words[0] == "fallback-cast", f"nobody runs this line: {line}"
            ran.append(words[1])
            if words[1] == "init":
                answer_init(tmp_path, language, port)
            else:
                check_line(tmp_path, words[1:])
    assert {"init", "check", "send", "status", "unreached", "resume"} <= set(ran)
    if members:
        assert "members" in ran
    else:
        assert taker.recipients == [], "there are no members, and no list"


def answer_init(folder: Path, language: str, port: int) -> None:
    answers = [language, "Club", *FIRST, *RELAY]
    seen = sit_at(folder, ["init", "--lang", language], answers)
    assert seen.returncode == 0, seen.screen
    settings = folder / "channels.toml"
    text = settings.read_text()
    tomllib.loads(text)
    # The newcomer's server stands here, where there is neither encryption nor a login.
    text = re.sub(r"^(username|password) = .*\n", "", text, flags=re.MULTILINE)
    text = text.replace("port = 587", f"port = {port}").replace('"starttls"', '"none"')
    text = re.sub(r"^references = .*$", "references = []", text, flags=re.MULTILINE)
    settings.write_text(text)


def check_line(folder: Path, words: list[str]) -> None:
    target = words[words.index(">") + 1] if ">" in words else None
    words = words[: words.index(">")] if ">" in words else words
    done = run(*(newest(folder) if word == CODE else word for word in words), cwd=folder)
    assert done.returncode in ENDS.get(words[0], {0}), f"{words}: {done.stderr}"
    assert "Traceback" not in done.stderr
    if target:
        assert done.stdout.startswith("\ufeff")
    if words[0] == "send" and "--plan" not in words:
        assert len(list((folder / "public").glob("2*.html"))) == 1


def newest(folder: Path) -> str:
    head = run("list", "--limit", "1", cwd=folder).stdout.split()
    assert re.fullmatch(r"[A-Z0-9]{4}", head[1])
    return head[1]


@pytest.mark.parametrize("line", [line for line in shell_lines(README) if line.startswith("make ")])
def test_make_knows_the_readmes_targets(line: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", shlex.split(line, comments=True)[1]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search("fallback-cast demo|pytest", done.stdout)


def test_what_pipx_installs_has_the_command() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["fallback-cast"] == "fallback_cast.cli.app:main"


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_options_named_in_the_readme_exist() -> None:
    from typer.main import get_command

    from fallback_cast.cli.app import app

    command = get_command(app)
    known = {
        option
        for found in [command, *command.commands.values(), *command.commands["members"].commands.values()]  # type: ignore[attr-defined]
        for parameter in found.params
        for option in parameter.opts
    } | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) <= known
