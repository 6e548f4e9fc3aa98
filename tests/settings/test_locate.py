"""The line of every key, whatever TOML allows around it."""

import tomllib
from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.settings.locate import line_of, locate
from fallback_cast.settings.write import toml_value

DOCUMENT = dedent(
    """\
    # a comment with [brackets] = "and" signs
    top = 1
    [club]  # why not
    name = "Pétanque # no comment"
    "quoted key" = 'c:\\dir'
    text = \"\"\"
    [not.a.table]
    key = "no key" \"\"\"\"
    a.dotted.'key' = true

    [[channel]]
    name = "site"
    [[channel]]
    name = "email"
    to = [
      "a@example.org",  # ] not the end
      "b@example.org",
    ]
    [[channel.relay]]
    host = "one"
    [[channel.relay]]
    port = 25
    inline = { a = "}", b = [1, 2] }
    [channel.inbox]
    host = "imap"
    [ policy . "urgent" ]
    patience = "20s"
    """
)


def test_every_key_has_its_line():
    lines = locate(DOCUMENT)
    expected = {
        ("top",): 2,
        ("club",): 3,
        ("club", "name"): 4,
        ("club", "quoted key"): 5,
        ("club", "text"): 6,
        ("club", "a", "dotted", "key"): 9,
        ("channel", 0): 11,
        ("channel", 0, "name"): 12,
        ("channel", 1): 13,
        ("channel", 1, "to"): 15,
        ("channel", 1, "relay", 0, "host"): 20,
        ("channel", 1, "relay", 1): 21,
        ("channel", 1, "relay", 1, "port"): 22,
        ("channel", 1, "relay", 1, "inline"): 23,
        ("channel", 1, "inbox", "host"): 25,
        ("policy", "urgent", "patience"): 27,
    }
    assert {path: lines[path] for path in expected} == expected


def test_a_missing_key_has_the_line_of_what_should_hold_it():
    lines = locate(DOCUMENT)
    assert line_of(lines, ("channel", 1, "relay", 0, "port")) == 19
    assert line_of(lines, ("channel", 1, "to", 1)) == 15
    assert line_of(lines, ("channel", 1, "relay", 1, "inline", "b")) == 23
    assert line_of(lines, ("health", "references")) is None


VALUES = [
    "1979-05-27T07:32:00Z",
    "[]",
    "{}",
    '"""\n]] [x] = \' # y\n"" \\"" z\n"""',
    '"""""two quotes on each side"""""',
    "'''\n[[no]] = \"\"\" #\n''''",
    '[1, [2, 3], # ] "\n  "a]", \'b"\', """\n]\n""",\n]',
    '{ a = 1, "b = c" = "}#", d = [ "]" ] }',
    "true # = [",
]
KEYS = ["k{}", '"k {} = # ] \\" [x]"', "'k{} \"[='", 'k{}.dotted . "x.y"', '"é{}"']
values = st.one_of(st.sampled_from(VALUES), st.text(st.characters(exclude_categories=["Cs"])).map(toml_value))
entries = st.lists(st.tuples(st.sampled_from(KEYS), values), max_size=3)
sections = st.lists(
    st.tuples(
        st.sampled_from(["[{}]", "[[{}]]"]),
        entries,
        st.lists(st.tuples(st.sampled_from(["relay", '"a b"']), entries), max_size=3),
    ),
    max_size=4,
)
fillers = st.sampled_from(["", "\n", "# [x] = \"'\n", "   \n\t\n"])


@given(sections, fillers, st.sampled_from(["", "  "]), st.booleans())
def test_generated_files(sections, filler, indent, windows):
    """Each key is written once, and `expected` notes on which line; the reader must agree."""
    text, expected, count = "", {}, 0

    def write(path, entries):
        nonlocal text, count
        for key, value in entries:
            count += 1
            key = key.format(count)
            parts, inner = [], tomllib.loads(f"{key} = 0")
            while isinstance(inner, dict):
                ((name, inner),) = inner.items()
                parts.append(name)
            text += filler
            expected[(*path, *parts)] = text.count("\n") + 1
            text += f"{indent}{key} = {value}\n"

    arrays = 0
    for index, (header, entries, nested) in enumerate(sections):
        name, path = (f"t{index}", (f"t{index}",)) if header == "[{}]" else ("array", ("array", arrays))
        arrays += header != "[{}]"
        text += filler
        expected[path] = text.count("\n") + 1
        text += f"{indent}{header.format(name)} # [[no]]\n"
        write(path, entries)
        seen = {}
        for inner, entries in nested:
            inner_path = (*path, inner.strip('"'), seen.setdefault(inner, 0))
            seen[inner] += 1
            expected[inner_path] = text.count("\n") + 1
            text += f"[[{name}.{inner}]]\n"
            write(inner_path, entries)

    if windows:
        text = text.replace("\n", "\r\n")
    data = tomllib.loads(text)
    for path in expected:
        value = data
        for part in path:
            value = value[part]
    lines = locate(text)
    assert {path: lines.get(path) for path in expected} == expected
    assert line_of(lines, ("not there",)) is None
