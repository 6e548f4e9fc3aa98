"""What the commands say to a person and ask of them, and what they leave out."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fallback_cast.cli.terminal import Terminal
from tests.cli.person import sit_at
from tests.cli.test_commands import SEND, settings
from tests.cli.test_demo import run
from tests.counterparts.http_faults import HttpFaults, hang, reply
from tests.counterparts.processes import wait_for

MANUAL = '[[channel]]\nname = "facebook"\nkind = "manual"\ninstructions = "Paste it"\naudience = "some"\n'
EMAIL = (
    '[[channel]]\nname = "email"\nkind = "email"\nsender = "Club <club@example.org>"\n'
    '[[channel.relay]]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'
)


def posts(server: HttpFaults) -> int:
    return sum(request.method == "POST" for request in server.requests)


def test_a_person_is_asked_once_and_may_say_no(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url)
    no = sit_at(tmp_path, SEND, ["n"])
    assert no.returncode == 4, "nobody was reached"
    assert "site 1, hook1 1" in no.screen
    assert "nothing is stored" in no.screen
    assert posts(http_faults) == 0
    assert "no announcement yet" in run("list", cwd=tmp_path).stderr
    yes = sit_at(tmp_path, SEND, [""])
    assert yes.returncode == 0, yes.screen
    assert posts(http_faults) == 1
    unasked = sit_at(tmp_path, [*SEND, "--again", "--yes"], [])
    assert unasked.returncode == 0, unasked.screen
    assert posts(http_faults) == 2


def test_the_question_of_a_manual_channel_stands_alone(tmp_path: Path, http_faults: HttpFaults) -> None:
    """Nothing is drawn over it, and what happened meanwhile is said after it."""
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url, extra=MANUAL)
    seen = sit_at(tmp_path, [*SEND, "--yes"], ["y"])
    assert seen.returncode == 0, seen.screen
    question = seen.screen[seen.screen.index("please post this text") :]
    until_answered = question[: question.index("Posted? [y/N]")]
    assert "The pitch is flooded." in until_answered
    for noise in ("reached by", "settled", "✓"):
        assert noise not in until_answered
    assert "facebook: published" in question
    assert "[green]" not in seen.screen


def test_without_a_person_a_manual_channel_is_passed_by_and_not_blamed(tmp_path: Path) -> None:
    settings(tmp_path, extra=MANUAL)
    done = run(*SEND, "--json", "--recipients", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 3
    assert {c["name"]: c["verdict"] for c in found["channels"]}["facebook"] != "down"
    assert "nobody is there to post it by hand" in done.stdout


def test_what_begins_later_is_not_waited_for_and_sends_nothing_else(
    tmp_path: Path, http_faults: HttpFaults
) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url)
    assert run("send", "-t", "Other", "-b", "text", "--detach", cwd=tmp_path).returncode == 5
    done = run(*SEND, "--at", "2h", cwd=tmp_path)
    assert done.returncode == 5
    assert "keep this machine on" in done.stderr
    assert posts(http_faults) == 0


def test_who_was_left_out_on_purpose_is_not_to_be_telephoned(tmp_path: Path) -> None:
    settings(tmp_path, extra=EMAIL)
    (tmp_path / "m.csv").write_text(
        "nom;courriel;groupes\nAnn;a@example.org;\nBob;;bureau\nCid;c@example.org;x\n"
    )
    assert run("members", "import", "m.csv", cwd=tmp_path).returncode == 0
    unknown = run(*SEND, "--group", "burau", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "did you mean bureau?" in unknown.stderr
    plan = run(*SEND, "--group", "bureau", "--plan", cwd=tmp_path).stdout
    assert "left out: 2 (not in the group)" in plan
    assert "cannot be reached: 1 (no address on any channel)\n  Bob" in plan
    assert "Ann" not in plan
    run(*SEND, "--group", "bureau", cwd=tmp_path)
    newest = run("list", cwd=tmp_path).stdout.split()[1]
    listed = run("unreached", newest, cwd=tmp_path).stdout
    assert listed.splitlines() == ["[ ] Bob: no address on any channel (excluded)"]
    run("send", "-t", "Site", "-b", "only", "--channel", "site", cwd=tmp_path)
    newest = run("list", cwd=tmp_path).stdout.split()[1]
    assert run("unreached", newest, cwd=tmp_path).stdout == ""


def test_the_list_to_telephone_opens_in_a_french_spreadsheet(tmp_path: Path) -> None:
    settings(tmp_path, extra=EMAIL)
    (tmp_path / "m.csv").write_text("nom;courriel\n'=Ann;\nBéa;\n")
    assert run("members", "import", "m.csv", cwd=tmp_path).returncode == 0
    run(*SEND, cwd=tmp_path)
    newest = run("list", cwd=tmp_path).stdout.split()[1]
    done = run("unreached", newest, "--csv", "--lang", "fr", cwd=tmp_path)
    assert done.stdout.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(done.stdout.removeprefix("\ufeff")), delimiter=";"))
    assert rows == [
        ["destinataire", "téléphone", "courriel", "autres adresses", "état", "raisons"],
        ["'=Ann", "", "", "", "exclu", "aucune adresse sur aucun canal"],
        ["Béa", "", "", "", "exclu", "aucune adresse sur aucun canal"],
    ]


def test_ctrl_c_says_what_is_so_and_resume_goes_on(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(lambda request: hang() if request.method == "POST" else reply(200))
    settings(tmp_path, http_faults.url)
    process = subprocess.Popen(
        [sys.executable, "-c", "from fallback_cast.cli.app import main; main()", *SEND],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: posts(http_faults) == 1, "the request", 30)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 5
    assert "interrupted, not cancelled" in said
    assert "may have gone out" in said
    assert "fallback-cast resume" in said
    assert "Traceback" not in said


def test_an_expired_banner_leaves_when_somebody_looks_in(tmp_path: Path) -> None:
    settings(tmp_path)
    assert run(*SEND, cwd=tmp_path).returncode == 0
    banner, kept = tmp_path / "public" / "banner.html", tmp_path / "public" / ".fallback-cast.json"
    assert "Contest cancelled" in banner.read_text()
    run("status", cwd=tmp_path)
    assert "Contest cancelled" in banner.read_text()
    manifest = json.loads(kept.read_text())
    now = datetime.now(UTC)
    manifest["built_at"] = (now - timedelta(hours=2)).isoformat()
    manifest["records"][0]["announcement"]["expires_at"] = (now - timedelta(hours=1)).isoformat()
    kept.write_text(json.dumps(manifest))
    assert run("status", cwd=tmp_path).returncode == 0
    assert "Contest cancelled" not in banner.read_text()


def test_commands_that_are_named_work_when_they_are_copied(tmp_path: Path) -> None:
    settings(tmp_path)
    (tmp_path / "channels.toml").rename(tmp_path / "my club.toml")
    done = run("send", "-t", "x", "-b", "y", "--detach", "--config", "my club.toml", cwd=tmp_path)
    assert "`fallback-cast resume --config 'my club.toml'`" in done.stderr


def test_a_command_that_has_its_path_already_is_left_as_it_is() -> None:
    terminal = Terminal(config=Path("club.toml"))
    whole = "/opt/club/bin/fallback-cast members import --help explains"
    assert terminal.copyable(whole) == whole
    assert "correct --config club.toml" in terminal.copyable("run `fallback-cast correct ID`")
