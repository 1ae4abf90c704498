"""Literals of Python in texts: what Python prints is read as Python reads it, all else is refused, nothing is run."""

import ast
import json
import pprint
import subprocess
import sys
import tracemalloc
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from levada.contract.check import check_record, prepare
from levada.contract.model import Contract, Field
from levada.contract.packed import DEPTH, LIMIT, TOKENS, literal, unpacked

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
keys = st.text(st.characters(exclude_categories=["Cs"])) | st.integers()
printed = st.recursive(
    plain,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def in_json(value):
    """A value as JSON has it: tuples are lists, keys are texts. Raises ValueError for what it has no value for."""
    if isinstance(value, dict):
        made = {str(key): in_json(each) for key, each in value.items()}
        if len(made) != len(value) or any(type(key) not in (str, int) for key in value):
            raise ValueError
        return made
    if isinstance(value, list | tuple):
        return [in_json(each) for each in value]
    if isinstance(value, set | bytes | complex) or value is ...:
        raise ValueError
    return value


def of_python(text):
    """What Python itself reads, with its warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.literal_eval(text.strip())


@given(printed)
def test_what_python_prints_is_read(value):
    try:
        expected = in_json(value)
    except ValueError:  # {1: ..., "1": ...}
        return
    for text in (repr(value), pprint.pformat(value, width=20, sort_dicts=False)):
        found = literal(text)
        assert (found, repr(found)) == (expected, repr(expected))


PIECES = [
    *("'", '"', "'''", "\\", "\n", " ", "[", "]", "(", ")", "{", "}", ",", ":", "-", "+", ".", "#", "\0", "\r", "\f"),
    *("a", "é", "0", "1", "12", "007", "1.5", "1e5", "1e999", "1_0", "0x1", "1j", "None", "True", "x", "*", "**"),
    *("r'", "b'", "f'", "u'", 'R"', "'a'", '"b"', "r'\\d'", "b'a'", "f'{1}'", "rb'a'", "''", "...", "if", "@"),
    *("\\d", "\\n", "\\x41", "\\x4", "\\u00e9", "\\ud800", "\\U0001f600", "\\U00110000", "\\101", "\\777", "\\N{DOT}"),
    *("{'a': 1}", "[1, 2]", "(1,)", "{1, 2}", "'a': ", "\u00a0", "\u2028", "\ufeff", "٣", "Ⅷ"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=12))
@example("'''a' 'b'''")
@example("'a'\n'b'")
@example("r''''")
@example("[1 -2]")
@example("r'\\''")
@example("('a'\n'b')")
@example("'\\\n'")
def test_what_is_read_is_what_python_reads(text):
    try:
        found = literal(text)
    except ValueError:
        return
    expected = in_json(of_python(text))
    assert (found, repr(found)) == (expected, repr(expected))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': None, 'b': [1, -2.5, True], \"c\": ('x',)}", {"a": None, "b": [1, -2.5, True], "c": ["x"]}),
        ("'it\\'s \\d'", "it's \\d"),
        ("{1: 'a', -1: 'b'}", {"1": "a", "-1": "b"}),
        (" None ", None),
        ("''", ""),
        ("()", []),
        ("(1)", 1),
        ("[[], {}, ()]", [[], {}, []]),
        ("('a ' \n 'b')", "a b"),
        (r"r'\d\n'", r"\d\n"),
        (r"R'\''", r"\'"),
        ("u'é'", "é"),
        (r"'\x41\101\u00e9\U0001f600\t\\\0'", "AAé\U0001f600\t\\\0"),
        ("-1e+16", -1e16),
        ("'" + "[" * 1000 + "'", "[" * 1000),
        ("'" + "-" * 1000 + "'", "-" * 1000),
        ("[" * DEPTH + "]" * DEPTH, None),
        ("'" + "a" * (LIMIT - 2) + "'", "a" * (LIMIT - 2)),
    ],
    ids=range(18),
)
def test_literals_of_python(text, value):
    assert literal(text) == value or value is None


REFUSED = [
    "",
    " ",
    "'a",
    "[1",
    "{'a'",
    "{'a':",
    "(",
    "[1 2]",
    "[,]",
    "[1,,2]",
    "[1)",
    "__import__('os').system('true')",
    "open('x')",
    "[x for x in (1,)]",
    "a",
    "1 + 1",
    "'a'*9**9",
    "9**9**9",
    "{1, 2}",
    "b'a'",
    "rb'a'",
    "1e999",
    "[-1e999]",
    "1j",
    "...",
    "f'{1}'",
    "f'{open(1)}'",
    "{'a': 1, 'a': 2}",
    "{1: 1, '1': 2}",
    "{None: 1}",
    "{True: 1}",
    "{1.0: 1}",
    "{(): 1}",
    "{**{}}",
    "[*[1]]",
    "'\\777'",
    "'\\x4'",
    "'\\u12'",
    "'\\U00110000'",
    "'\\N{DOT}'",
    "'\\ud800'",
    "'\\ud83d\\ude00'",
    "'\ud800'",
    "[" * (DEPTH + 1) + "]" * (DEPTH + 1),
    "[" * LIMIT,
    "{1:" * 1000,
    "-" * 100 + "1",
    "--1",
    "- 1",
    "~1",
    "not 1",
    "'a'\x00",
    "'\x00'",
    "'a\nb'",
    "'a\r'",
    "1\n2",
    "'a'\n'b'",
    "1 # one",
    "'''a'''",
    "'''a' 'b'''",
    "7" * 5000,
    "007",
    "٣",
    "-True",
    "lambda: 1",
    "'" + "a" * (LIMIT - 1) + "'",
]


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_plain_literal_is_refused_and_never_run(text):
    with pytest.raises(ValueError):  # noqa: PT011 - any text; what is told is the record path's
        literal(text)


@given(st.text(max_size=40))
def test_what_is_unpacked_is_json(text):
    raw = json.dumps(text).encode()
    try:
        found = unpacked("python_literal", raw)
    except ValueError:
        return
    assert json.loads(bytes(found)) == literal(text)


def test_nothing_is_said_on_standard_error():
    code = (
        "from levada.contract.packed import literal\n"
        "for text in (r\"'\\d'\", \"1if 2else 3\", r\"'\\777'\", '1is 1'):\n"
        "    try: literal(text)\n"
        "    except ValueError: pass\n"
    )
    run = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")


def test_a_text_that_looks_like_code_is_a_bad_value_and_no_more(tmp_path):
    witness = tmp_path / "run"
    field = Field("x", "json", decode="python_literal")
    raw = json.dumps({"x": f"open({str(witness)!r}, 'w')"}).encode()
    (violation,) = check_record(prepare(Contract((field,))), raw)
    assert (violation.path, violation.rule) == ("x", "decode")
    assert not witness.exists()


@pytest.mark.parametrize("text", ["[" * 49_999 + "]" * 49_999, "{1:" * 33_000, "[" * LIMIT, "(" * 10 + "[" * 90_000])
def test_what_is_nested_too_deeply_is_not_read_to_its_end(text):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"^$"):
            literal(text)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(text) + 50_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["[%s]", "{%s}"])
def test_of_many_small_things_no_more_are_read_than_a_literal_may_hold(form):
    many = form % (("''," if "[" in form else "1:1,") * (LIMIT // 4 - 1))
    assert len(many) <= LIMIT
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"^$"):
            literal(many)
        assert tracemalloc.get_traced_memory()[1] < 200 * TOKENS  # all of them take four times that
    finally:
        tracemalloc.stop()
    half = (TOKENS - 2) // 2
    fits = "''," * half
    assert literal(f"[{fits}]") == [""] * half
    with pytest.raises(ValueError, match=r"^$"):
        literal(f"[{fits}'']")
