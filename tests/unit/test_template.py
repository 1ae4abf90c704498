"""Templates: what they say, what they refuse, and that values never add a folder."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.spec.template import (
    Hole,
    Template,
    encode_name,
    escape,
    fill,
    page_pattern,
    parse,
    variables,
)

DAY = date(2022, 8, 9)


def test_a_template_is_literal_text_and_holes():
    assert parse("raw/{date:%Y/%m}/x_{page}{{y}}").parts == (
        "raw/",
        Hole("date", "%Y/%m"),
        "/x_",
        Hole("page"),
        "{y}",
    )
    assert parse("").parts == ()
    assert parse("{{{page}}}").parts == ("{", Hole("page"), "}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a{", "{ is not closed"),
        ("a}", "} was not opened"),
        ("{}", "{} names no variable"),
        ("{Date}", "{Date} names no variable"),
        ("{a b}", "names no variable"),
        ("{date:}", "colon but no format"),
        ("{date:%Q}", "%Q in {date:%Q} is no format"),
        ("{date:%-Y}", "%-Y"),
        ("{date:%Y%}", "% in"),
        ("{date:%Y-%}", "% in"),
        ("{date:{page}}", "{ is not closed"),
    ],
)
def test_a_broken_template_is_refused_and_says_why(text, says):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is read below
        parse(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{date}", "2022-08-09"),
        ("{date:%Y/%m/%d}", "2022/08/09"),
        ("{date:%-d.%-m.%Y}", "9.8.2022"),
        ("{date:%Y-%j}", "2022-221"),
        ("{date:%-j}%", "221%"),
        ("{date:%Y%%}", "2022%"),
        ("{page}", "7"),
        ("{stream}", "a%2Fb"),
    ],
)
def test_holes_are_filled(text, filled):
    assert fill(parse(text), {"date": DAY, "page": 7, "stream": "a/b"}, encode_name) == filled


def test_early_years_are_padded_on_every_platform():
    assert fill(parse("{date:%Y}/{date}"), {"date": date(33, 4, 3)}) == "0033/0033-04-03"


def test_literal_text_is_left_as_it_is():
    assert fill(parse("../a b%/{page}"), {"page": 1}, encode_name) == "../a b%/1"


def test_a_variable_without_value_is_a_key_error():
    with pytest.raises(KeyError, match="page"):
        fill(parse("{page}"), {})


def test_only_dates_have_a_format():
    with pytest.raises(TypeError, match="only dates have a format"):
        fill(parse("{page:%Y}"), {"page": 1})


def test_variables_are_the_names_of_the_holes():
    assert variables(parse("{date}/{date:%Y}/{row.id}")) == {"date", "row.id"}


@given(st.text())
def test_escaped_text_says_itself(text):
    assert fill(parse(escape(text)), {}) == text


@given(st.text(), st.text())
def test_an_encoded_name_stays_one_name_and_tells_texts_apart(one, other):
    name = encode_name(one)
    assert "/" not in name
    assert "\\" not in name
    assert not name.startswith(".")
    assert not any(ord(char) < 32 for char in name)
    assert (name == encode_name(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("..", "%2E."),
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("a\x00b\n", "a%00b%0A"),
        ("é x", "é x"),
        ("\ud800", "%ED%A0%80"),
        ("a?b&c=d#e", "a?b&c=d#e"),
    ],
)
def test_what_encoding_does(text, name):
    assert encode_name(text) == name


def test_files_of_a_template_are_found_by_page():
    folder, pattern = page_pattern(parse("raw/{date:%Y/%m}/s.{date}_{page}.json"), {"date": DAY})
    assert folder == "raw/2022/08"
    assert pattern.fullmatch("raw/2022/08/s.2022-08-09_12.json")["page"] == "12"
    for other in (
        "s.2022-08-10_1.json",
        "s.2022-08-09_x.json",
        "sx2022-08-09_1.json",
        "s.2022-08-09_1.json.gz",
        "s.2022-08-09_.json",
    ):
        assert not pattern.fullmatch(f"raw/2022/08/{other}"), other


def test_a_page_that_stands_twice_is_one_page():
    folder, pattern = page_pattern(parse("raw/{page}/{date}_{page}"), {"date": DAY})
    assert folder == "raw"
    assert pattern.fullmatch("raw/3/2022-08-09_3")["page"] == "3"
    assert not pattern.fullmatch("raw/3/2022-08-09_4")


def test_a_template_without_page_matches_its_one_name():
    folder, pattern = page_pattern(parse("{date}.json"), {"date": DAY})
    assert folder == ""
    assert pattern.fullmatch("2022-08-09.json")
    assert "page" not in pattern.groupindex


def test_values_are_encoded_in_the_pattern_too():
    folder, pattern = page_pattern(parse("raw/{stream}/{page}"), {"stream": "a/b"})
    assert (folder, bool(pattern.fullmatch("raw/a%2Fb/1"))) == ("raw/a%2Fb", True)


def test_templates_are_equal_by_value():
    assert parse("{date}") == Template("{date}", (Hole("date"),))
