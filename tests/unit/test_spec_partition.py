"""Days as people write them, and spans that are exact."""

from datetime import date

import pytest

from levada.errors import FixThis
from levada.spec.partition import of_day, parse_day, span, values


def test_a_day_is_read_strictly():
    assert parse_day("2022-08-09") == of_day(date(2022, 8, 9))
    assert parse_day("2024-02-29").key == "2024-02-29"


@pytest.mark.parametrize(
    ("text", "todo"),
    [
        ("2022-8-9", "write 2022-08-09"),
        ("20220809", "write 2022-08-09"),
        ("2022/08/09", "write 2022-08-09"),
        (" 2022-08-09", "write 2022-08-09"),
        ("2022-08-09\n", "write 2022-08-09"),
        ("2022-02-30", "give a day that there is, written as 2022-08-09 (year, month, day)"),
        ("2022-13-01", "give a day that there is"),
        ("0000-01-01", "give a day that there is"),
        ("2022-2-30", "write it as 2022-08-09"),
        ("yesterday", "write it as 2022-08-09"),
        ("", "write it as 2022-08-09"),
        ("٢٠٢٢-٠٨-٠٩", "write it as 2022-08-09"),
        ("9.8.2022", "write it as 2022-08-09"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text, todo):
    with pytest.raises(FixThis) as caught:
        parse_day(text)
    assert text[:40] in caught.value.what
    assert todo in caught.value.todo
    assert caught.value.where == "date"


def test_a_very_long_text_is_cut_in_the_message():
    with pytest.raises(FixThis) as caught:
        parse_day("x" * 10_000)
    assert len(str(caught.value)) < 200


def test_a_span_leaves_its_end_out():
    days = [partition.key for partition in span(date(2022, 12, 30), date(2023, 1, 2))]
    assert days == ["2022-12-30", "2022-12-31", "2023-01-01"]


def test_an_empty_span_is_refused_with_the_span_of_that_day():
    with pytest.raises(FixThis) as caught:
        span(date(2022, 8, 9), date(2022, 8, 9))
    assert "no day" in caught.value.what
    assert caught.value.todo == "for the one day write 2022-08-09 to 2022-08-10"


def test_a_reversed_span_is_refused():
    with pytest.raises(FixThis) as caught:
        span(date(2022, 8, 10), date(2022, 8, 9))
    assert "backwards" in caught.value.what
    assert caught.value.todo == "write 2022-08-09 to 2022-08-10"


def test_the_last_day_there_is_has_no_next():
    with pytest.raises(FixThis):
        span(date.max, date.max)


def test_values_are_all_variables_but_the_page():
    assert dict(values("p", "s", parse_day("2022-08-09"))) == {
        "pipeline": "p",
        "stream": "s",
        "partition": "2022-08-09",
        "date": date(2022, 8, 9),
    }
