"""Partitions as people write them, spans that are exact, the ones that come before now."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from levada.errors import FixThis
from levada.nouns import Partition
from levada.spec.model import Partitioning
from levada.spec.partition import default, last, of_day, parse, parse_day, span, tick, values, windows

DAILY = Partitioning()
LISBON = ZoneInfo("Europe/Lisbon")
NOW = datetime(2022, 8, 10, 13, 47, 5, 250000, UTC)  # a Wednesday


def by(kind, timezone="UTC", **more):
    return Partitioning(kind, timezone, **more)


def keys(partitions):
    return [partition.key for partition in partitions]


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


@pytest.mark.parametrize(
    ("partitioning", "key", "start", "end"),
    [
        (by("hour"), "2022-08-09T13", "2022-08-09T13:00:00+00:00", "2022-08-09T14:00:00+00:00"),
        (by("day", "Europe/Lisbon"), "2022-08-09", "2022-08-09T00:00:00+01:00", "2022-08-10T00:00:00+01:00"),
        (by("week"), "2022-W32", "2022-08-08T00:00:00+00:00", "2022-08-15T00:00:00+00:00"),
        (by("week"), "2020-W53", "2020-12-28T00:00:00+00:00", "2021-01-04T00:00:00+00:00"),
        (by("week", "Europe/Lisbon"), "2025-W01", "2024-12-30T00:00:00+00:00", "2025-01-06T00:00:00+00:00"),
        (by("month"), "2024-02", "2024-02-01T00:00:00+00:00", "2024-03-01T00:00:00+00:00"),
        (by("month", "Europe/Lisbon"), "2022-03", "2022-03-01T00:00:00+00:00", "2022-04-01T00:00:00+01:00"),
        (by("month"), "2022-12", "2022-12-01T00:00:00+00:00", "2023-01-01T00:00:00+00:00"),
        (by("month"), "9999-12", "9999-12-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"),
        (by("day", "Asia/Kolkata"), "2022-08-09", "2022-08-09T00:00:00+05:30", "2022-08-10T00:00:00+05:30"),
    ],
)
def test_a_key_names_a_span_of_its_calendar(partitioning, key, start, end):
    found = parse(key, partitioning)
    assert found == Partition(partitioning.by, key, datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    ("partitioning", "text", "what", "todo"),
    [
        (by("hour"), "2022-08-09", "is no hour", "write 2022-08-09T00"),
        (by("hour"), "2022-08-09T13:30", "is no hour", "write 2022-08-09T13"),
        (by("hour"), "2022-08-09 13", "is no hour", "write 2022-08-09T13"),
        (by("hour"), "2022-08-09T24", "is no hour of the calendar", "give an hour that there is"),
        (by("hour"), "2022-08-09T13A", "is no hour of the calendar", "give an hour that there is"),
        (by("hour", "Europe/Lisbon"), "2022-03-27T01", "no hour of the calendar of Europe/Lisbon", "give an hour"),
        (by("hour", "Europe/Lisbon"), "2022-10-30T01", "comes twice", "write 2022-10-30T01A for the first of the two"),
        (by("week"), "2022-08-09", "is no ISO week", "write 2022-W32"),
        (by("week"), "2021-W53", "is no ISO week of the calendar", "written as 2022-W32 (year, W, ISO week)"),
        (by("week"), "2022-W00", "is no ISO week of the calendar", "give an ISO week"),
        (by("week"), "2022W32", "is no ISO week", "write it as 2022-W32"),
        (by("month"), "2022-08-09", "is no month", "write 2022-08"),
        (by("month"), "2022-13", "is no month of the calendar", "give a month that there is"),
        (by("month"), "August", "is no month", "write it as 2022-08 (year, month)"),
        (by("day", "Pacific/Apia"), "2011-12-30", "is no day of the calendar of Pacific/Apia", "give a day"),
        (by("day", "Mars/Olympus"), "2011-12-30", 'no time zone "Mars/Olympus"', "IANA name"),
        (by("day", "../passwd"), "2011-12-30", "no time zone", "IANA name"),
        (by("list", names=("pt", "es")), "fr", '"fr" is no partition of this spec', "choose among: pt, es"),
        (by("tick", every=60), "now", '"now" is no tick', "write it as 2022-08-09T134500Z"),
        (by("tick", every=60), "2022-08-09T13:45:07Z", "between two ticks", "write 2022-08-09T134500Z"),
        (by("interval"), "x", "a start and an end", "--from and --to"),
    ],
)
def test_what_is_no_key_of_the_kind_is_refused_with_what_to_write(partitioning, text, what, todo):
    with pytest.raises(FixThis) as caught:
        parse(text, partitioning)
    assert what in caught.value.what
    assert todo in caught.value.todo


def test_days_have_the_hours_that_clocks_show():
    hours = by("hour", "Europe/Lisbon")
    spring = keys(span("2022-03-27T00", "2022-03-28T00", hours))
    autumn = span("2022-10-30T00", "2022-10-31T00", hours)
    assert (len(spring), spring[:3]) == (23, ["2022-03-27T00", "2022-03-27T02", "2022-03-27T03"])
    assert keys(autumn)[:4] == ["2022-10-30T00", "2022-10-30T01A", "2022-10-30T01B", "2022-10-30T02"]
    assert len(autumn) == 25
    assert keys(autumn) == sorted(keys(autumn))
    assert {hour.end.astimezone(UTC) - hour.start.astimezone(UTC) for hour in autumn} == {timedelta(hours=1)}
    assert [hour.start.utcoffset().seconds for hour in autumn[:4]] == [3600, 3600, 0, 0]


@pytest.mark.parametrize(
    ("kind", "zone", "start", "end"),
    [
        ("hour", "Europe/Lisbon", "2022-10-29T22", "2022-10-31T02"),
        ("hour", "Australia/Lord_Howe", "2022-04-02T22", "2022-04-04T02"),  # clocks change by half an hour
        ("hour", "America/St_Johns", "2010-11-06T20", "2010-11-08T02"),  # at 00:01, back into the day before
        ("day", "Pacific/Apia", "2011-12-27", "2012-01-02"),  # a day is left out
        ("day", "America/Havana", "2022-03-10", "2022-11-10"),  # clocks change at midnight
        ("week", "Africa/Cairo", "2010-W30", "2011-W02"),
        ("month", "America/Sao_Paulo", "2017-09", "2018-03"),
    ],
)
def test_partitions_leave_nothing_between_them(kind, zone, start, end):
    found = span(start, end, by(kind, zone))
    bounds = [(one.start.astimezone(UTC), one.end.astimezone(UTC)) for one in found]
    assert all(first < stop for first, stop in bounds)
    assert [stop for _, stop in bounds[:-1]] == [first for first, _ in bounds[1:]]
    assert keys(found) == sorted(set(keys(found)))
    assert [parse(one.key, by(kind, zone)) for one in found] == list(found)


def test_a_span_leaves_its_end_out():
    assert keys(span("2022-12-30", "2023-01-02", DAILY)) == ["2022-12-30", "2022-12-31", "2023-01-01"]
    assert keys(span("2020-W52", "2021-W02", by("week"))) == ["2020-W52", "2020-W53", "2021-W01"]
    assert keys(span("2022-11", "2023-02", by("month"))) == ["2022-11", "2022-12", "2023-01"]
    assert len(span("2024-01-01", "2025-01-01", DAILY)) == 366


@pytest.mark.parametrize(
    ("start", "end", "kind", "what", "todo"),
    [
        ("2022-08-09", "2022-08-09", "day", "holds no day: the end", "for the one day write 2022-08-09 to 2022-08-10"),
        ("2022-08", "2022-08", "month", "holds no month", "for the one month write 2022-08 to 2022-09"),
        ("2022-08-10", "2022-08-09", "day", "runs backwards", "write 2022-08-09 to 2022-08-10"),
        ("9999-12-31", "9999-12-31", "day", "holds no day", "for the one day write --date 9999-12-31"),
        ("a", "b", "list", "by list have no spans", "--date"),
        ("a", "b", "tick", "by tick have no spans", "--date"),
    ],
)
def test_spans_that_hold_nothing_are_refused(start, end, kind, what, todo):
    with pytest.raises(FixThis) as caught:
        span(start, end, by(kind))
    assert what in caught.value.what
    assert todo in caught.value.todo


@pytest.mark.parametrize(
    ("partitioning", "seconds", "found"),
    [
        (DAILY, 3 * 86400, ["2022-08-07", "2022-08-08", "2022-08-09"]),
        (DAILY, 2.5 * 86400, ["2022-08-08", "2022-08-09"]),
        (by("hour"), 2 * 3600, ["2022-08-10T11", "2022-08-10T12"]),
        (by("week"), 14 * 86400, ["2022-W30", "2022-W31"]),
        (by("month"), 61 * 86400, ["2022-06", "2022-07"]),
        (by("month"), 60 * 86400, ["2022-07"]),
    ],
)
def test_the_last_whole_partitions(partitioning, seconds, found):
    assert keys(last(seconds, NOW, partitioning)) == found


def test_the_last_days_are_those_of_the_calendar_and_the_last_hours_those_of_the_clock():
    morning = datetime(2022, 10, 31, 6, tzinfo=UTC)
    assert keys(last(2 * 86400, morning, by("day", "Europe/Lisbon"))) == ["2022-10-29", "2022-10-30"]
    monday = datetime(2022, 10, 31, 0, 30, tzinfo=UTC)
    assert len(last(24 * 3600, monday, by("hour", "Europe/Lisbon"))) == 24


@pytest.mark.parametrize(
    ("partitioning", "what", "todo"),
    [
        (DAILY, "No whole day is that short", "write 1d or more"),
        (by("week"), "No whole ISO week is that short", "write 7d or more"),
        (by("month"), "No whole month is that short", "write 31d or more"),
        (by("list"), "by list have no last ones", "--date"),
        (by("tick"), "by tick have no last ones", "--date"),
    ],
)
def test_a_time_that_holds_no_whole_partition_is_refused(partitioning, what, todo):
    with pytest.raises(FixThis) as caught:
        last(3600, NOW, partitioning)
    assert what in caught.value.what
    assert todo in caught.value.todo


def test_the_last_ones_begin_with_the_calendar():
    assert last(10 * 86400, datetime(1, 1, 3, tzinfo=UTC), DAILY)[0].key == "0001-01-01"


@pytest.mark.parametrize(
    ("partitioning", "found"),
    [
        (by("day", default="today"), ["2022-08-10"]),
        (by("day", default="yesterday"), ["2022-08-09"]),
        (by("day", default="this"), ["2022-08-10"]),
        (by("day", default="last"), ["2022-08-09"]),
        (by("day", "Pacific/Auckland", default="today"), ["2022-08-11"]),
        (by("hour", default="last"), ["2022-08-10T12"]),
        (by("week", default="this"), ["2022-W32"]),
        (by("week", default="last"), ["2022-W31"]),
        (by("month", default="last"), ["2022-07"]),
        (by("list", names=("pt", "es")), ["pt", "es"]),
        (by("tick", every=60), ["2022-08-10T134700Z"]),
        (DAILY, []),
    ],
)
def test_what_a_command_without_a_date_means(partitioning, found):
    assert keys(default(NOW, partitioning)) == found


def test_days_are_no_default_of_other_partitions():
    with pytest.raises(FixThis, match=r"`default: yesterday` names a day, and the partitions are weeks"):
        default(NOW, by("week", default="yesterday"))


@pytest.mark.parametrize(
    ("every", "key"),
    [(None, "134705"), (60, "134700"), (900, "134500"), (3600, "130000"), (0.5, "134705")],
)
def test_a_tick_is_the_instant_rounded_down(every, key):
    found = tick(NOW, by("tick", every=every))
    assert found.key == f"2022-08-10T{key}Z"
    assert found.start <= NOW
    assert parse(found.key, by("tick", every=every)) == found
    assert parse(found.start.isoformat(), by("tick", every=every)) == found


def test_values_are_all_variables_but_pages_and_rows():
    assert dict(values("p", "s", parse_day("2022-08-09"))) == {
        "pipeline": "p",
        "stream": "s",
        "partition": "2022-08-09",
        "date": date(2022, 8, 9),
        "start": datetime(2022, 8, 9, tzinfo=UTC),
        "end": datetime(2022, 8, 10, tzinfo=UTC),
    }
    assert set(values("p", "s", Partition("list", "pt"))) == {"pipeline", "stream", "partition"}
    assert values("p", "s", tick(NOW, by("tick", every=60)))["tick"] == datetime(2022, 8, 10, 13, 47, tzinfo=UTC)


def lengths(partition, hours):
    found = windows(partition, hours * 3600)
    assert found[0][0] == partition.start
    assert found[-1][1] == partition.end
    assert [end for _, end in found[:-1]] == [start for start, _ in found[1:]]
    return [(end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() / 3600 for start, end in found]


@pytest.mark.parametrize(
    ("day", "hours", "found"),
    [
        ("2022-08-09", 6, [6, 6, 6, 6]),
        ("2022-08-09", 10, [10, 10, 4]),
        ("2022-08-09", 48, [24]),
        ("2022-03-27", 6, [6, 6, 6, 5]),
        ("2022-10-30", 6, [6, 6, 6, 6, 1]),
    ],
)
def test_windows_divide_a_partition_without_a_gap(day, hours, found):
    assert lengths(parse(day, by("day", "Europe/Lisbon")), hours) == found


def test_windows_are_shown_in_the_partitions_own_zone():
    found = windows(parse("2022-10-30", by("day", "Europe/Lisbon")), 3600)
    assert [start.isoformat() for start, _ in found[:3]] == [
        "2022-10-30T00:00:00+01:00",
        "2022-10-30T01:00:00+01:00",
        "2022-10-30T01:00:00+00:00",
    ]


def test_a_name_has_no_windows():
    with pytest.raises(ValueError, match="pt has no start and end"):
        windows(Partition("list", "pt"), 60)
