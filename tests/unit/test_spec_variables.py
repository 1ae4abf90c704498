"""`${VAR}` in all its forms."""

import pytest

from levada.nouns import Place
from levada.spec.tree import Word
from levada.spec.variables import Variable, pieces, resolve, secret_names


def word(text):
    return Word(text, Place("x", 1, 1))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("a$b", ("a$b",)),
        ("${A}", (Variable("A", "${A}"),)),
        ("x${A:-}y", ("x", Variable("A", "${A:-}", ""), "y")),
        ("${A:-b:c/d}", (Variable("A", "${A:-b:c/d}", "b:c/d"),)),
        ("${A:-${B}}", (Variable("A", "${A:-${B}}", Variable("B", "${B}")),)),
        ("$${A}", (Variable("", "${A}", "${A}"),)),
        ("a$${A:-b}", ("a", Variable("", "${A:-b}", "${A:-b}"))),
    ],
)
def test_a_text_is_literals_and_variables(text, found):
    assert pieces(text) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("${", "not followed by the name"),
        ("${}", "not followed by the name"),
        ("${1}", "not followed by the name"),
        ("${A", "${A is not closed"),
        ("${A b}", "${A is not closed"),
        ("${A-b}", "${A:-default}"),
        ("${A:-b", "the default of ${A}"),
        ("${A:-{b}}", "without braces"),
        ("${A:-x${B}}", "one ${OTHER}, or text"),
        ("${A:-${B}x}", "one ${OTHER}, or text"),
    ],
)
def test_a_malformed_variable_is_refused(text, says):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is read below
        pieces(text)
    assert says in str(caught.value)


def test_what_is_filled_in_is_known_by_its_origin():
    found = resolve(word("a${A}${B:-b}"), {"A": "{x}"}).word
    assert (found.text, found.literal, found.origin) == ("a{x}b", "a{{x}}b", ("A",))
    assert found.shown == "the value of A"
    assert found.written == "a${A}${B:-b}"


def test_what_is_missing_stays_as_written():
    found = resolve(word("a${A:-${B}}-${C}"), {})
    assert found.word.text == "a${A:-${B}}-${C}"
    assert found.missing == (("A", "B"), ("C",))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("${A}", ("A",)),
        ("${A:-${B}}", ("A", "B")),
        ("${A:-${B:-${C}}}", ("A", "B", "C")),
        ("${A:-}", None),
        ("${A:-b}", None),
        ("${A:-${B:-c}}", None),
        ("x${A}", None),
        ("${A}${B}", None),
        ("$${A}", None),
        ("abc", None),
        ("", None),
    ],
)
def test_a_secret_is_variables_alone(text, names):
    assert secret_names(text) == names
