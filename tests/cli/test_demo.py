"""The demo is the README's first command: it runs for real, and what it claims is checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [sys.executable, "-c", "from fallback_cast.cli.app import main; main()", *arguments],
        cwd=cwd,
        env={**environment, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize(
    ("language", "sentence"), [("fr", "personne n'a été prévenu deux fois"), ("en", "twice")]
)
def test_the_story_goes_as_told(tmp_path: Path, language: str, sentence: str) -> None:
    done = run("demo", "--directory", str(tmp_path / "demo"), "--lang", language, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sentence in done.stdout + done.stderr
    [page] = (tmp_path / "demo" / "public").glob("2*.html")
    assert "inondé" in page.read_text() or "flooded" in page.read_text()


def test_the_ledger_tells_the_same_as_the_demo(tmp_path: Path) -> None:
    done = run("demo", "--directory", str(tmp_path / "demo"), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kept"] is True
    status = run("status", "--json", "--config", str(tmp_path / "demo" / "channels.toml"), cwd=tmp_path)
    [found] = json.loads(status.stdout)["announcements"]
    people = found["recipients"]
    assert found["state"] == "settled"
    assert people["total"] == people["reached"] + people["unreached"] + people["excluded"]
    assert found["fallbacks"] > 0
    code = run("status", found["code"], "--config", str(tmp_path / "demo" / "channels.toml"), cwd=tmp_path)
    assert code.returncode == 3  # some unreached: the wrong address, the member without any


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = run("demo", "--directory", str(tmp_path), "--lang", "en", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
