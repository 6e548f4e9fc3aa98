"""Whatever is wrong with what a person gives: one clear message, exit code 2, nothing sent, nothing lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fallback_cast.model.french import FRENCH
from tests.cli.test_commands import SEND, settings
from tests.cli.test_demo import run


def refused(folder: Path, *words: str, arguments: tuple[str, ...] = SEND) -> str:
    """What a command says that refuses; in both languages it is short and without a trace of Python."""
    french = run(*arguments, "--lang", "fr", cwd=folder)
    english = run(*arguments, "--lang", "en", cwd=folder)
    for done in (french, english):
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) <= 3, done.stderr
        assert done.stdout == ""
    for word in words:
        assert word in english.stderr, english.stderr
    assert french.stderr != english.stderr, "French is missing"
    public = folder / "public"
    assert not public.is_dir() or not list(public.glob("2*.html"))
    return english.stderr


TELEGRAM = '[[channel]]\nname = "t"\nkind = "telegram"\ntoken = "{token}"\n'


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("colour = 3\n", ("line 8", "key colour")),
        ("dirctory = 3\n", ("line 8", "dirctory", "did you mean directory?")),
        ("[[chanel]]\n", ("line 8", "did you mean channel?")),
        ('kind = "x', ("line 8", "column")),
        (TELEGRAM.format(token="file:none"), ("line 11", "channel t", "token", "does not exist")),
        (TELEGRAM.format(token="file:open"), ("line 11", "chmod")),
        (TELEGRAM.format(token="env:NOT_SET_ANYWHERE"), ("line 11", "NOT_SET_ANYWHERE")),
        ('[ledger]\nurl = "sqlite:///public/x.db"\n', ("line 9", "[ledger]", "published")),
        ('[ledger]\nurl = "sqlite:///none/x.db"\n', ("none", "folder of the ledger does not exist")),
        ('[policy.urgent]\npatience = "soon"\n', ("line 9", "patience")),
    ],
)
def test_mistakes_in_the_settings(tmp_path: Path, extra: str, words: tuple[str, ...]) -> None:
    path = settings(tmp_path)
    path.write_text(path.read_text() + extra)
    path.chmod(0o600)
    (tmp_path / "open").write_text("123456789:AAE-x_y")
    (tmp_path / "open").chmod(0o644)
    said = refused(tmp_path, "channels.toml" if "none/x.db" not in extra else "", *words)
    assert "AAE-x_y" not in said


def test_settings_that_are_not_there_or_no_file(tmp_path: Path) -> None:
    refused(tmp_path, "channels.toml", "fallback-cast init")
    (tmp_path / "channels.toml").mkdir()
    refused(tmp_path, "channels.toml", "cannot be read")
    refused(tmp_path, "other.toml", arguments=(*SEND, "--config", "other.toml"))


def test_settings_that_are_no_text(tmp_path: Path) -> None:
    path = settings(tmp_path)
    path.write_bytes(path.read_bytes() + b'x = "\xff"\n')
    refused(tmp_path, "line 8", "UTF-8")


@pytest.mark.parametrize(
    "content", [b"this is a letter to the treasurer, not a ledger", b"SQLite format 3\0 but"]
)
def test_a_file_that_is_no_ledger_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    settings(tmp_path)
    (tmp_path / "fallback-cast.db").write_bytes(content)
    refused(tmp_path, "fallback-cast.db", "not a ledger")
    assert (tmp_path / "fallback-cast.db").read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--title", "x", "--body", "y", "--at", "2020-01-01 10:00"), ("--at", "past")),
        (("--title", "x", "--body", "y", "--expires", "2020-01-01 10:00"), ("--expires", "past")),
        (("--title", "x", "--body", "y", "--timeout", "soon"), ("--timeout", "duration")),
        (("--title", "x", "--body", "y", "--group", "jeun"), ("--group", "members import")),
        (("--title", "x", "--file", "."), ("cannot be read",)),
        (("--title", "x", "--body", "y", "--file", "z"), ("both",)),
        (("--title", "x" * 300, "--body", "y"), ("--title", "300")),
        (("--title", "x"), ("--body", "empty")),
        ((), ("--title is missing", "send --help")),
        (("--bdy", "x"), ("--bdy", "did you mean --body?")),
    ],
)
def test_mistakes_on_the_command_line(
    tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    settings(tmp_path)
    refused(tmp_path, *words, arguments=("send", *arguments))


def test_a_command_that_is_none(tmp_path: Path) -> None:
    refused(tmp_path, "sned", "--help", arguments=("sned",))


_ON_A_FULL_DISK = """
import os, subprocess, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.cli.test_commands import SEND, settings
from tests.cli.test_demo import run
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", folder], check=True)
settings(folder)
run("list", cwd=folder)
filling = folder / "filling"
with filling.open("wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(1024))
    except OSError:
        pass
def pages():
    return len(list((folder / "public").glob("2*")))
done = run(*SEND, cwd=folder)
print(done.returncode, done.stderr.count("disk is full"), "Traceback" in done.stderr, pages())
filling.unlink()
print(run(*SEND, cwd=folder).returncode, pages())
"""


def test_a_full_disk_refuses_and_later_goes_on(tmp_path: Path) -> None:
    private = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*private, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no private mounts here")
    root = str(Path(__file__).parents[2])
    command = [*private, sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path), root]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=root)
    assert done.stdout.splitlines() == ["2 1 False 0", "0 1"], done.stdout + done.stderr


def test_a_site_folder_that_is_not_there_keeps_the_announcement(tmp_path: Path) -> None:
    settings(tmp_path)
    (tmp_path / "public").rmdir()
    done = run(*SEND, "--timeout", "1s", cwd=tmp_path)
    assert done.returncode == 5
    assert "the folder does not exist" in done.stderr
    (tmp_path / "public").mkdir()
    assert run("resume", cwd=tmp_path).returncode in (0, 5)


def test_what_the_system_says_has_its_french() -> None:
    import errno
    import os

    for code in (errno.EISDIR, errno.EACCES, errno.ENOENT, errno.ENOSPC, errno.EROFS, errno.ENOTDIR):
        assert os.strerror(code) in FRENCH
