"""Where an incremental stream begins, what is in its interval, and how far it has come."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.errors import FixThis
from levada.nouns import Cursor, Partition, Place
from levada.spec.instant import Unreadable, instant, shifted
from levada.spec.interval import (
    MOST_SEEN,
    Interval,
    Progress,
    Reach,
    begin,
    between,
    enough,
    interval_of,
    named,
    order,
    partition_of,
    placed,
    values_of,
)
from levada.spec.model import Incremental
from levada.spec.template import fill, parse

PLACE = Place("shop.yaml", 8, 5)
NOW = datetime(2022, 8, 12, 6, 0, 0, 999999, UTC)


def growing(kind="timestamp", **more):
    return Incremental("$.at", PLACE, kind, **more)


def times(**more):
    return growing(**{"start": "2022-08-01", **more})


def numbers(**more):
    return growing("number", **{"start": 0, **more})


def reach(incremental, start, end=None, last=None):
    return Reach(incremental, Interval(start, end), Cursor(last, ()) if last is not None else None)


# -- instants


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2022-08-09T12:30:00Z", "2022-08-09T17:30:00+05:00"),
        ("2022-08-09T12:30:00Z", "2022-08-09t12:30:00.000z"),
        ("2022-08-09T12:30:00Z", "2022-08-09 12:30"),
        ("2022-08-09T12:30:00.500Z", "2022-08-09T12:30:00,5Z"),
        ("2022-08-09T00:00:00-03:30", "2022-08-09T03:30:00+0000"),
        ("2022-08-09", "2022-08-08T23:00:00-01"),
    ],
)
def test_one_instant_in_two_forms_is_one(one, other):
    assert instant(one).order == instant(other).order


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2022-08-09T13:00:00+05:00", "2022-08-09T12:30:00Z"),
        ("2022-08-09T12:30:00Z", "2022-08-09T12:30:00.1Z"),
        ("2022-08-09T12:30:00.09Z", "2022-08-09T12:30:00.1Z"),
        ("2022-08-09T12:30:00.123456788Z", "2022-08-09T12:30:00.123456789Z"),
        ("1969-12-31T23:59:59.1Z", "1969-12-31T23:59:59.9Z"),
        ("1969-12-31T23:59:58.9Z", "1969-12-31T23:59:59Z"),
    ],
)
def test_instants_are_in_order(first, second):
    assert instant(first).order < instant(second).order


@given(st.datetimes(), st.datetimes(), st.sampled_from(["Z", "+05:00", "-11:30"]))
def test_the_order_is_that_of_python(one, other, offset):
    texts = [f"{each.isoformat()}{offset}" for each in (one, other)]
    assert (instant(texts[0]).order < instant(texts[1]).order) == (one < other)


@pytest.mark.parametrize(
    "text", ["", "soon", "2022-02-30", "2022-08-09T25:00Z", "2022-8-9", "٢٠٢٢-٠٨-٠٩", 5, None, True]
)
def test_what_is_no_instant_is_told(text):
    with pytest.raises(Unreadable, match=r"is no instant (such as 2022-08-09T13:45:00Z|of the calendar)"):
        instant(text)


@pytest.mark.parametrize(
    ("text", "seconds", "earlier"),
    [
        ("2022-08-09T12:00:00Z", 3600, "2022-08-09T11:00:00Z"),
        ("2022-08-09T12:00:00+05:00", 1.5, "2022-08-09T11:59:58+05:00"),
        ("2022-08-09 12:00:00.123", 3600, "2022-08-09 11:00:00.123"),
        ("2022-08-09T12:00:00.5 -03", 1, "2022-08-09T11:59:59.5 -03"),
        ("2022-08-09T12:00Z", 90, "2022-08-09T11:58Z"),
        ("2022-08-09", 2 * 86400, "2022-08-07"),
        ("2022-08-09", 3600, "2022-08-08"),
        ("2022-03-01t00:00:00z", 1, "2022-02-28t23:59:59z"),
        ("2022-08-09T12:00:00.123456789+0530", 1, "2022-08-09T11:59:59.123456000+0530"),
    ],
)
def test_an_instant_is_shifted_in_its_own_form(text, seconds, earlier):
    assert shifted(text, seconds) == earlier


def test_before_the_calendar_there_is_nothing():
    with pytest.raises(Unreadable, match="there is no calendar"):
        shifted("0001-01-01", 1)


# -- where a run begins


@pytest.mark.parametrize(
    ("incremental", "last", "interval"),
    [
        (times(), None, ("2022-08-01", "2022-08-12T06:00:00Z")),
        (growing(), None, ("1970-01-01T00:00:00Z", "2022-08-12T06:00:00Z")),
        (times(), "2022-08-09T12:00:00.5+05:00", ("2022-08-09T12:00:00.5+05:00", "2022-08-12T06:00:00Z")),
        (times(lookback=3600.0), "2022-08-09T12:00:00Z", ("2022-08-09T11:00:00Z", "2022-08-12T06:00:00Z")),
        (times(lookback=1.5), "2022-08-09T12:00:00.0Z", ("2022-08-09T11:59:58.5Z", "2022-08-12T06:00:00Z")),
        (times(lookback=86400.0), "2022-08-09", ("2022-08-08", "2022-08-12T06:00:00Z")),
        (times(lookback=864000.0), "2022-08-09T12:00:00Z", ("2022-08-01", "2022-08-12T06:00:00Z")),
        (times(start="2022-08-10"), "2022-08-09T12:00:00Z", ("2022-08-10", "2022-08-12T06:00:00Z")),
        (times(end="2022-08-05"), None, ("2022-08-01", "2022-08-05")),
        (times(end="2022-09-05"), None, ("2022-08-01", "2022-08-12T06:00:00Z")),
        (numbers(), None, (0, None)),
        (numbers(end=100), 7, (7, 100)),
        (numbers(lookback=2.0), 7, (5, None)),
        (numbers(lookback=2), 1, (0, None)),
        (numbers(lookback=0.5), 7, (6.5, None)),
        (numbers(lookback=2.0), 7.5, (5.5, None)),
        (numbers(lookback=2), "0010", ("8", None)),
        (numbers(start=-5), -3, (-3, None)),
        (growing("text"), None, ("", None)),
        (growing("text", start="a"), "b", ("b", None)),
    ],
)
def test_a_run_goes_on_from_the_cursor_less_the_lookback(incremental, last, interval):
    found = begin(incremental, Cursor(last) if last is not None else None, NOW)
    assert (found.start, found.end) == interval
    assert type(found.start) is type(interval[0])


@pytest.mark.parametrize(
    ("incremental", "last", "what"),
    [
        (times(), 7, "7 is no instant"),
        (numbers(), "2022-08-09", "'2022-08-09' is no number"),
        (numbers(end="soon"), None, "'soon' is no number"),
        (growing("text"), 7, "7 is no text"),
    ],
)
def test_values_of_another_type_than_the_cursor_had_are_refused(incremental, last, what):
    with pytest.raises(FixThis) as caught:
        begin(incremental, Cursor(last) if last is not None else None, NOW)
    assert what in caught.value.what
    assert "as the API writes the values" in caught.value.todo
    assert caught.value.where == str(PLACE)


# -- the interval


@pytest.mark.parametrize(
    ("incremental", "start", "end", "key"),
    [
        (times(), "2022-08-01", "2022-08-12T06:00:00+02:00", "2022-08-01T000000--2022-08-12T040000"),
        (times(), "2022-08-01T00:00:00.120Z", "2022-08-12", "2022-08-01T000000.12--2022-08-12T000000"),
        (times(), "0033-04-03", "2022-08-12", "0033-04-03T000000--2022-08-12T000000"),
        (numbers(), 7, None, "00000000000000000007--"),
        (numbers(), "7.50", 12, "00000000000000000007.5--00000000000000000012"),
        (numbers(), -7, 0, "-00000000000000000007--00000000000000000000"),
        (growing("text"), "a-b/ü.", "z", "a%2Db%2F%C3%BC%2E--z"),
    ],
)
def test_an_interval_has_a_key_that_names_it(incremental, start, end, key):
    found = partition_of(incremental, Interval(start, end))
    assert (found.by, found.key) == ("interval", key)
    assert partition_of(incremental, interval_of(incremental, key)) == found
    assert partition_of(incremental, interval_of(incremental, named(incremental, Interval(start, end)))) == found


def test_keys_sort_as_intervals_do():
    starts = ["2022-08-01", "2022-08-01T00:00:00.5Z", "2022-08-01T00:00:01+00:00"]
    keys = [partition_of(times(), Interval(start, "2022-09-01")).key for start in starts]
    assert keys == sorted(keys)
    keys = [partition_of(numbers(), Interval(start)).key for start in (0, 0.5, 9, 10, 10**18)]
    assert keys == sorted(keys)


def test_only_instants_have_moments():
    assert partition_of(times(), Interval("2022-08-01", "2022-08-02T00:00:00+01:00")) == Partition(
        "interval", "2022-08-01T000000--2022-08-01T230000",
        datetime(2022, 8, 1, tzinfo=UTC), datetime(2022, 8, 1, 23, tzinfo=UTC),
    )  # fmt: skip
    assert partition_of(numbers(), Interval(1, 2)).start is None


@pytest.mark.parametrize(
    ("key", "what", "where"),
    [
        ("2022-08-09", "is no interval", "date"),
        ("--2022-08-09", "is no interval", "date"),
        ("soon--2022-08-09", '"soon" is no instant', "from"),
        ("2022-08-09--soon", '"soon" is no instant', "to"),
        ("2022-08-09--2022-08-09T00:00:00Z", "holds nothing", "from, to"),
        ("2022-08-09--2022-08-08", "holds nothing", "from, to"),
    ],
)
def test_what_is_no_interval_is_refused(key, what, where):
    with pytest.raises(FixThis) as caught:
        interval_of(times(), key)
    assert what in caught.value.what
    assert caught.value.where == where
    assert caught.value.todo


def test_numbers_that_a_person_names_are_numbers():
    assert between(numbers(), "7", "12.5") == Interval(7, "12.5")
    with pytest.raises(FixThis, match="'x' is no number"):
        between(numbers(), "7", "x")


def test_start_and_end_fill_templates_as_they_were_written_and_instants_have_formats():
    filled = values_of(times(), Interval("2022-08-01T01:00:00+01:00", "2022-08-12"))
    assert fill(parse("{start} {end} {start:%s} {end:%Y%m%d}"), filled) == (
        "2022-08-01T01:00:00+01:00 2022-08-12 1659312000 20220812"
    )
    assert values_of(numbers(), Interval(7)) == {"start": 7}


# -- records


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("2022-08-08T23:59:59.999Z", "before"),
        ("2022-08-09T00:00:00Z", "inside"),
        ("2022-08-09T02:00:00+02:00", "inside"),
        ("2022-08-09T11:00:00.0+01:00", "last"),
        ("2022-08-09T23:59:59Z", "inside"),
        ("2022-08-10", "after"),
        ("2022-08-09T20:00:00-05:00", "after"),
    ],
)
def test_a_record_lies_before_in_or_after_the_interval(value, where):
    assert placed(reach(times(), "2022-08-09", "2022-08-10", "2022-08-09T10:00:00Z"), value) == where


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (4, "before"),
        (4.9, "before"),
        (5, "last"),
        ("5.0", "last"),
        ("10", "inside"),
        (9.99, "inside"),
        (10**20, "after"),
    ],
)
def test_numbers_are_compared_as_numbers_however_they_are_written(value, where):
    assert placed(reach(numbers(), 5, 100, 5), value) == where


def test_numbers_too_long_for_a_float_are_told_apart():
    assert order("number", 2**53) != order("number", 2**53 + 1)
    assert order("number", "0.1") == order("number", 0.1) == Decimal("0.1")


@pytest.mark.parametrize("value", [True, None, "x", "1e99999", "", [], "NaN", float("inf")])
def test_what_is_no_number_is_told(value):
    with pytest.raises(Unreadable, match="is no number"):
        order("number", value)


def test_texts_are_compared_as_texts_where_the_spec_says_so():
    assert placed(reach(growing("text"), "10"), "9") == "inside"
    assert placed(reach(growing("text"), "9"), "10") == "before"


@pytest.mark.parametrize(
    ("order", "values", "found"),
    [
        ("desc", [9, 7, 5], False),
        ("desc", [9, 4], True),
        ("desc", [10, 9], False),
        ("asc", [5, 9], False),
        ("asc", [9, 10], True),
        ("asc", [4, 5], False),
        (None, [4, 10], False),
        ("desc", [None, "x"], False),
        ("desc", [], False),
    ],
)
def test_reading_may_stop_where_an_ordered_api_leaves_the_interval(order, values, found):
    assert enough(reach(numbers(order=order), 5, 10), values) is found


def test_progress_keeps_the_highest_value_and_the_records_that_have_it():
    progress = Progress(reach(times(), "2022-08-01", None, "2022-08-09T10:00:00Z"))
    assert progress.cursor == Cursor("2022-08-09T10:00:00Z")
    for value, name in [
        ("2022-08-09T11:30:00+01:00", "b"),
        ("2022-08-09T10:30:00Z", "a"),
        ("2022-08-09T10:20:00Z", "c"),
    ]:
        progress.take(value, lambda name=name: name)
    assert progress.cursor == Cursor("2022-08-09T11:30:00+01:00", ("a", "b"))
    assert Progress(reach(times(), "2022-08-01")).cursor is None


def test_records_at_the_last_value_join_those_that_were_seen():
    progress = Progress(Reach(numbers(), Interval(3), Cursor(3, ("c", "d"))))
    progress.take(3, lambda: "e")
    assert progress.cursor == Cursor(3, ("c", "d", "e"))
    assert progress.notes == ()


def test_more_records_at_one_value_than_a_commit_holds_are_told():
    progress = Progress(reach(numbers(), 0))
    for number in range(MOST_SEEN + 2):
        progress.take(7, lambda number=number: f"{number:06}")
    assert len(progress.cursor.seen) == MOST_SEEN
    (note,) = progress.notes
    assert note.startswith("10002 records have the cursor's highest value 7; the next run knows 10000 of them again")
