"""Templates: what they say, what they refuse, and that values never add a folder."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.spec.template import (
    DIRECTIVES,
    OF_MOMENTS,
    Hole,
    Template,
    Written,
    decode_name,
    encode_name,
    escape,
    fill,
    page_pattern,
    parse,
    typed,
    variables,
)

DAY = date(2022, 8, 9)
LISBON = ZoneInfo("Europe/Lisbon")
NOON = datetime(2022, 1, 3, 13, 4, 5, 6000, LISBON)


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


def test_files_of_a_template_are_found_by_their_own_names():
    folder, pattern = page_pattern(parse("raw/{date}/{file}"), {"date": DAY})
    assert folder == "raw/2022-08-09"
    assert pattern.fullmatch("raw/2022-08-09/a b.csv")["file"] == "a b.csv"
    for other in ("raw/2022-08-09/.a.csv", "raw/2022-08-09/x/a.csv", "raw/2022-08-10/a.csv", "raw/2022-08-09/"):
        assert not pattern.fullmatch(other), other
    _, both = page_pattern(parse("raw/{page}-{file}/{file}"), {})
    assert both.fullmatch("raw/3-4-a.csv/4-a.csv").groupdict() == {"page": "3", "file": "4-a.csv"}


@pytest.mark.parametrize("text", ["a.csv", ".a", "100%", "a/b", "%2E", "\ud800", "", "\x1b", "é"])
def test_what_encoding_does_can_be_undone(text):
    assert decode_name(encode_name(text)) == text


@pytest.mark.parametrize("name", ["100%.csv", "%20.csv", "a%2fb", "%FF"])
def test_a_name_that_no_encoding_gives_is_left_as_it_is(name):
    assert decode_name(name) == name


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


@pytest.mark.parametrize(
    ("form", "filled"),
    [
        ("%Y-%m-%dT%H:%M:%S%z", "2022-01-03T13:04:05+00:00"),
        ("%S.%f", "05.006000"),
        ("%s", "1641215045"),
        ("%G-W%V", "2022-W01"),
        ("%j %-j %-d.%-m", "003 3 3.1"),
    ],
)
def test_moments_have_formats(form, filled):
    assert fill(parse(f"{{start:{form}}}"), {"start": NOON}) == filled
    assert fill(parse(f"{{start:{form}}}"), {"start": Written("as it was", NOON)}) == filled


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2022, 8, 9, tzinfo=UTC), "2022-08-09T00:00:00Z"),
        (datetime(2022, 8, 9, tzinfo=LISBON), "2022-08-09T00:00:00+01:00"),
        (datetime(2022, 8, 9, tzinfo=timezone(-timedelta(hours=3, minutes=30))), "2022-08-09T00:00:00-03:30"),
        (datetime(2022, 8, 9, 1, 2, 3, 450000, UTC), "2022-08-09T01:02:03.450000Z"),
        (datetime(1969, 12, 31, 23, 59, 59, 500000, UTC), "1969-12-31T23:59:59.500000Z"),
    ],
)
def test_a_moment_without_format_has_its_offset(moment, text):
    assert fill(parse("{start}"), {"start": moment}) == text


def test_seconds_before_1970_are_rounded_down_like_all_others():
    assert fill(parse("{t:%s}"), {"t": datetime(1969, 12, 31, 23, 59, 59, 500000, UTC)}) == "-1"


@pytest.mark.parametrize("directive", sorted(OF_MOMENTS))
def test_a_day_has_no_time(directive):
    with pytest.raises(TypeError, match=rf"\{{date:{directive}\}}: a day has no time"):
        fill(parse(f"{{date:{directive}}}"), {"date": DAY})


@pytest.mark.parametrize("directive", sorted(set(DIRECTIVES) - OF_MOMENTS))
def test_a_moment_answers_what_its_day_does(directive):
    template = parse(f"{{date:{directive}}}")
    assert fill(template, {"date": DAY}) == fill(template, {"date": datetime(2022, 8, 9, 23, 59, tzinfo=UTC)})


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (1.5, "1.5"), (7, "7"), (["a", 1, True], "a,1,true"), ((), ""), ("x", "x")],
)
def test_other_values_are_written_as_json_writes_them_without_quotes(value, text):
    assert fill(parse("{row.x}"), {"row.x": value}) == text


@pytest.mark.parametrize(
    ("value", "kind", "says"),
    [
        (None, ValueError, r"\{row.id\} is null here"),
        ([1, None], ValueError, r"\{row.id\} is null here"),
        (float("nan"), ValueError, r"\{row.id\} is no finite number"),
        ({"a": 1}, TypeError, r"\{row.id\} is neither text, number"),
    ],
)
def test_values_that_have_no_text_are_refused_by_name(value, kind, says):
    for made in (fill, typed):
        with pytest.raises(kind, match=says):
            made(parse("{row.id}"), {"row.id": value})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{n}", 5),
        ("{n} ", "5 "),
        ("{{n}}", "{n}"),
        ("{yes}", True),
        ("{half}", 0.5),
        ("{many}", [1, 2]),
        ("a{many}", "a1,2"),
        ("{name}", "5"),
        ("{date}", "2022-08-09"),
        ("{date:%Y}", "2022"),
        ("{start}", "2022-01-03T13:04:05.006000Z"),
        ("{cursor}", "yesterday"),
        ("plain", "plain"),
    ],
)
def test_a_text_of_one_hole_keeps_the_type_of_its_value(text, value):
    given = {"n": 5, "yes": True, "half": 0.5, "many": (1, 2), "name": "5", "date": DAY, "start": NOON}
    said = typed(parse(text), {**given, "cursor": Written("yesterday", NOON)})
    assert (said, type(said)) == (value, type(value))
