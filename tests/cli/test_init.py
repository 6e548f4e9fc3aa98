"""`init` as a secretary meets it: at a terminal, with wrong answers on the way."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from fallback_cast.settings import load_settings
from tests.cli.person import CTRL_C, CTRL_D, ENTER, sit_at
from tests.cli.test_demo import run

NO = "n"
START_FR = ["fr", "Pétanque club", "Europe/Paris"]


def init(folder: Path, answers: list[str], *more: str) -> tuple[str, int]:
    seen = sit_at(folder, ["init", "--lang", "fr", *more], answers)
    return seen.screen, seen.returncode


def test_a_club_with_a_gmail_mailbox(tmp_path: Path) -> None:
    answers = [*START_FR, "o", ENTER, "https://club.example/annonces/", NO, NO]
    answers += ["o", "club@gmail.com", ENTER, "abcd efgh ijkl mnop", ENTER]
    answers += [NO, NO, NO, "claire@example.org", NO]
    screen, code = init(tmp_path, answers)
    assert code == 0, screen
    assert "500 destinataires par jour" in screen
    assert "https://myaccount.google.com/apppasswords" in screen
    assert "site → email" in screen
    assert "send --title … --body … --plan" in screen
    assert "abcd" not in screen, "a password was shown"
    settings = load_settings(tmp_path / "channels.toml", {})
    assert settings.warnings == ()
    written = tomllib.loads((tmp_path / "channels.toml").read_text())
    [relay] = written["channel"][1]["relay"]
    assert (relay["host"], relay["max_per_day"]) == ("smtp.gmail.com", 500)
    assert written["channel"][1]["sender"] == "Pétanque club <club@gmail.com>"
    assert (tmp_path / "secrets" / "email").read_text() == "abcdefghijklmnop\n"
    assert (tmp_path / "secrets" / "email").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "channels.toml").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "public").is_dir()
    assert settings.health.organisers[0].addresses == {"email": "claire@example.org"}


def test_every_channel_with_wrong_answers_on_the_way(tmp_path: Path) -> None:
    answers = ["deutsch", "fr", ENTER, "Club « Été », le", "Paris", "Indian/Reunion"]
    answers += ["peut-être", "o", ".", "public", "club.example", "https://club.example/"]
    answers += ["o", "jeton", "123456789:AAE-x_y", "sainteanne", "@sainteanne", "o"]
    answers += [
        "o",
        "matrix.example.org",
        "https://matrix.example.org",
        "syt x",
        "syt_x",
        "#a:b",
        "!a:b",
        "n",
    ]
    answers += ["o", "personne", "club@hotmail.fr", "club@sainte-anne.example", "aol", ENTER]
    answers += [
        "http://smtp.example.org",
        "smtp.example.org",
        "0",
        "587",
        ENTER,
        "geheim",
        "tous@example.org",
        "o",
    ]
    answers += [
        "o",
        "twilio",
        "smsgate",
        "192.0.2.10:8080",
        "http://192.0.2.10:8080",
        "club",
        "geheim",
        ENTER,
    ]
    answers += ["o", "Discord", "discord", "rien", "jsons://chat.example.org/jeton", "n"]
    answers += ["o", "discord", "facebook", "Coller sur la page", ENTER, NO]
    screen, code = init(tmp_path, answers)
    assert code == 0, screen
    complaints = (
        "fr / en",
        "il faut une réponse ici",
        "Indian/Reunion",
        "répondez oui ou non",
        "un dossier à part",
        "à partir de https://",
        "@BotFather",
        "une adresse Telegram est",
        "un seul mot",
        "l'identifiant d'un salon",
        "ce n'est pas une adresse de courriel",
        "envoyez depuis une autre",
        "seulement le nom du serveur",
        "465 ou 587",
        "des minuscules sans accents",
        "commence par le nom d’un service",
        "ce nom est déjà pris",
    )
    for complaint in complaints:
        assert f"✗ {complaint}" in screen or complaint in screen, complaint
    settings = load_settings(tmp_path / "channels.toml", {})
    assert settings.warnings == ()
    names = [channel.name for channel in settings.channel]
    assert names == ["site", "telegram", "matrix", "email", "sms", "discord", "facebook"]
    assert [c.audience for c in settings.channel][1:4] == ["everyone", "some", "everyone"]


def test_a_domain_of_ones_own_at_a_known_provider(tmp_path: Path) -> None:
    answers = [*START_FR, NO, NO, NO, "o", "club@sainte-anne.example", "OVH", ENTER, "geheim", ENTER]
    screen, code = init(tmp_path, [*answers, NO, NO, NO, ENTER, NO])
    assert code == 0, screen
    assert 'host = "ssl0.ovh.net"' in (tmp_path / "channels.toml").read_text()


def test_the_first_check_can_follow_at_once(tmp_path: Path) -> None:
    screen, code = init(tmp_path, [*START_FR, "o", ENTER, ENTER, NO, NO, NO, NO, NO, NO, "o"])
    assert code == 0, screen
    assert "on peut écrire dans le dossier" in screen


def test_settings_and_secrets_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "email").write_text("another club's\n")
    gmail = ["o", "club@gmail.com", ENTER, "geheim", ENTER, NO, NO, NO, ENTER, NO]
    screen, code = init(tmp_path, [*START_FR, NO, NO, NO, *gmail], "--config", "other.toml")
    assert code == 0, screen
    assert (tmp_path / "secrets" / "email").read_text() == "another club's\n"
    assert "file:secrets/email-2" in (tmp_path / "other.toml").read_text()
    assert "--config other.toml" in screen, "the commands to go on with would not find the settings"
    before = (tmp_path / "other.toml").read_bytes()
    again = run("init", "--config", "other.toml", cwd=tmp_path)
    assert again.returncode == 2
    assert (tmp_path / "other.toml").read_bytes() == before


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
@pytest.mark.parametrize("before", [["fr"], [*START_FR, NO, NO, NO, "o", "club@gmail.com", ENTER]])
def test_whoever_stops_half_way_leaves_nothing(tmp_path: Path, key: str, before: list[str]) -> None:
    """The second place is a password, which is read in another way."""
    screen, code = init(tmp_path, [*before, key])
    assert code == 2
    assert "rien n'a été écrit" in screen
    assert "Traceback" not in screen
    assert list(tmp_path.iterdir()) == []


def test_nothing_chosen_is_no_settings_file(tmp_path: Path) -> None:
    screen, code = init(tmp_path, [*START_FR, *[NO] * 7])
    assert code == 2
    assert "aucun canal" in screen
    assert list(tmp_path.iterdir()) == []


def test_without_a_person_or_a_folder_it_says_so(tmp_path: Path) -> None:
    alone = run("init", cwd=tmp_path)
    assert alone.returncode == 2
    assert "channels.example.toml" in alone.stderr
    lost = run("init", "--config", "no/where.toml", cwd=tmp_path)
    assert lost.returncode == 2
    assert "folder does not exist" in lost.stderr
