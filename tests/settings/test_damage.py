"""A damaged settings file is refused in words, whatever the damage, and no secret is repeated."""

import re
from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fallback_cast.settings import SettingsError, load_settings
from tests.settings.test_schema import ENVIRONMENT, EXAMPLE

LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()
KEYS = [index for index, line in enumerate(LINES) if re.match(r"[a-z_]+ = ", line)]
HEADERS = [index for index, line in enumerate(LINES) if line.startswith("[")]
JUNK = [
    '""', '"x"', "-1", "0", "1.5", "true", "[]", "[1]", "{}", '{ a = "b" }', "1979-05-27", "inf", "nan",
    '"evn:hush"', '"file:/dev/zero"', '"env:"', "9" * 30, '"\\u0000"', '"https://["', '"' + "x" * 300 + '"',
]  # fmt: skip
PLANTED = {name: f"{value}Planted0" for name, value in ENVIRONMENT.items()}


def refuse_or_load(tmp_path: Path, lines: list[str]) -> None:
    """Loading ends well or with SettingsError; a planted secret is in neither."""
    text = "\n".join(lines) + "\n"
    path = tmp_path / "channels.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    try:
        shown = repr(load_settings(path, PLANTED))
    except SettingsError as error:
        shown = error.in_language("fr") + str(error) + repr(error)
        assert str(error)  # noqa: PT017 - some damage is none, and loads
    assert "Planted" not in shown


def test_the_planted_secrets_load(tmp_path: Path):
    """Else the tests below would only ever see errors."""
    path = tmp_path / "channels.toml"
    path.write_text("\n".join(LINES), encoding="utf-8")
    hook = load_settings(path, PLANTED).webhook[0].secret
    assert hook is not None
    assert hook.reveal().endswith("Planted0")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(JUNK)), min_size=1, max_size=3))
def test_wrong_values(tmp_path: Path, damage: list[tuple[int, str]]):
    lines = list(LINES)
    for index, junk in damage:
        lines[index] = f"{lines[index].split(' = ')[0]} = {junk}"
    refuse_or_load(tmp_path, lines)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sets(st.sampled_from(KEYS + HEADERS), min_size=1, max_size=5))
def test_missing_lines(tmp_path: Path, gone: set[int]):
    refuse_or_load(tmp_path, [line for index, line in enumerate(LINES) if index not in gone])


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(HEADERS),
    st.sampled_from(["[x]", "[[club]]", "[channel]", "[channel.relay]", "[[a.b]]", "x = 1"]),
)
def test_wrong_headers(tmp_path: Path, index: int, header: str):
    refuse_or_load(tmp_path, [*LINES[:index], header, *LINES[index + 1 :]])


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.integers(0, len("\n".join(LINES))),
    st.sampled_from(['"', "'", "[", "=", "\\", "\x00", "\n", "#", "é", "“"]),
)
def test_a_stray_sign(tmp_path: Path, position: int, sign: str):
    text = "\n".join(LINES)
    refuse_or_load(tmp_path, (text[:position] + sign + text[position:]).split("\n"))
