"""When a schedule ticks, and what is missed: decided on moments alone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levada.nouns import Place
from levada.scheduler.ticks import COUNTED, Due, Wait, after, due, settled
from levada.spec.cron import cron
from levada.spec.model import Schedule

HERE = Place("s.yaml", 1, 1)
MINUTELY = Schedule(HERE, every=60.0)
NIGHTLY = Schedule(HERE, cron=cron("0 3 * * *"))


def lined(line):
    return Schedule(HERE, cron=cron(line))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "moment", "tick"),
    [
        (60.0, "2022-08-12T06:00:00", "2022-08-12T06:01:00"),
        (60.0, "2022-08-12T05:59:59.999999", "2022-08-12T06:00:00"),
        (300.0, "2022-08-12T06:01:00", "2022-08-12T06:05:00"),
        (3600.0, "2022-08-12T23:30:00", "2022-08-13T00:00:00"),
        (86400.0, "2022-08-12T06:00:00", "2022-08-13T00:00:00"),
        (1.5, "2022-08-12T06:00:00", "2022-08-12T06:00:01.500000"),
        (7 * 86400.0, "1970-01-01T00:00:00", "1970-01-08T00:00:00"),
    ],
)
def test_intervals_are_counted_from_1970_whenever_the_schedule_began(every, moment, tick):
    assert after(Schedule(HERE, every=every), at(moment)) == at(tick)


@pytest.mark.parametrize(
    ("line", "moment", "tick"),
    [
        ("0 3 * * *", "2022-08-12T02:59:59.999999", "2022-08-12T03:00:00"),
        ("0 3 * * *", "2022-08-12T03:00:00", "2022-08-13T03:00:00"),
        ("*/15 * * * *", "2022-08-12T06:14:00", "2022-08-12T06:15:00"),
        ("0 0 1 jan *", "2022-08-12T06:14:00", "2023-01-01T00:00:00"),
        ("0 0 29 2 *", "2096-03-01T00:00:00", "2104-02-29T00:00:00"),
        ("0 0 31 * *", "2022-08-31T00:00:00", "2022-10-31T00:00:00"),
        # Sunday is the 14th: apscheduler alone would take 0 for Monday.
        ("0 0 * * 0", "2022-08-12T06:00:00", "2022-08-14T00:00:00"),
        ("0 0 * * 7", "2022-08-12T06:00:00", "2022-08-14T00:00:00"),
        ("0 0 * * mon-fri", "2022-08-12T06:00:00", "2022-08-15T00:00:00"),
    ],
)
def test_lines_of_cron(line, moment, tick):
    found = after(lined(line), at(moment))
    assert (found, found.tzinfo) == (at(tick), UTC)


LINES = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["*", "0", "*/7", "5,50", "10-20"]),
    st.sampled_from(["*", "3", "*/6", "8-18"]),
    st.sampled_from(["*", "1", "31", "28-30"]),
    st.sampled_from(["*", "2", "jan-mar", "*/5"]),
    st.just("*"),
) | st.builds("{} {} * * {}".format, st.sampled_from(["*/9", "30"]), st.just("*"), st.sampled_from(["0", "1-5", "sat"]))
MOMENTS = st.integers(0, 5 * 365 * 86400 * 10).map(
    lambda tenths: at("2019-12-01T00:00:00") + tenths * timedelta(0, 0.1)
)


def allowed(line, moment):
    return (
        moment.minute in line.minutes
        and moment.hour in line.hours
        and moment.day in line.days
        and moment.month in line.months
        and moment.weekday() in line.weekdays
    )


@settings(max_examples=60)
@given(LINES, MOMENTS)
def test_no_minute_that_a_line_allows_is_left_out(text, moment):
    try:
        line = cron(text)
    except ValueError:
        return  # the 31st of February
    tick = after(lined(text), moment)
    assert allowed(line, tick)
    assert tick.second == tick.microsecond == 0
    assert tick > moment
    minute = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(3000):
        if minute >= tick:
            break
        assert not allowed(line, minute)
        minute += timedelta(minutes=1)


@pytest.mark.parametrize("schedule", [MINUTELY, NIGHTLY, lined("*/15 * * * *"), lined("30 2 * * *")])
def test_clocks_of_towns_do_not_matter(schedule):
    for hours in (-11, 1, 2):
        there = timezone(timedelta(hours=hours))
        moment = at("2024-10-27T00:45:00")
        assert after(schedule, moment.astimezone(there)) == after(schedule, moment)


def test_where_clocks_are_put_back_a_nightly_tick_comes_once():
    ticks, moment = [], at("2024-10-26T12:00:00")
    while len(ticks) < 3:
        moment = after(lined("30 2 * * *"), moment)
        ticks.append(moment.isoformat())
    assert ticks == ["2024-10-27T02:30:00+00:00", "2024-10-28T02:30:00+00:00", "2024-10-29T02:30:00+00:00"]


@pytest.mark.parametrize(
    ("schedule", "last", "now", "found"),
    [
        (MINUTELY, "2022-08-12T06:00:00", "2022-08-12T06:00:59", Wait(at("2022-08-12T06:01:00"))),
        (MINUTELY, "2022-08-12T06:00:00", "2022-08-12T06:01:00", Due(at("2022-08-12T06:01:00"))),
        (MINUTELY, "2022-08-12T06:00:00", "2022-08-12T06:01:59", Due(at("2022-08-12T06:01:00"))),
        (
            MINUTELY,
            "2022-08-12T06:00:00",
            "2022-08-12T06:03:30",
            Due(at("2022-08-12T06:03:00"), 2, at("2022-08-12T06:01:00")),
        ),
        (NIGHTLY, "2022-08-12T03:00:00", "2022-08-12T23:00:00", Wait(at("2022-08-13T03:00:00"))),
        (NIGHTLY, "2022-08-12T03:00:00", "2022-08-13T09:30:00", Due(at("2022-08-13T03:00:00"))),
        (
            NIGHTLY,
            "2022-08-12T03:00:00",
            "2022-08-16T03:00:00",
            Due(at("2022-08-16T03:00:00"), 3, at("2022-08-13T03:00:00")),
        ),
        (
            lined("0 0 29 2 *"),
            "2022-08-12T03:00:00",
            "2031-01-01T00:00:00",
            Due(at("2028-02-29T00:00:00"), 1, at("2024-02-29T00:00:00")),
        ),
        (lined("0 0 29 2 *"), "2096-03-01T00:00:00", "2104-03-01T00:00:00", Due(at("2104-02-29T00:00:00"))),
    ],
)
def test_the_latest_tick_is_due_and_those_before_it_are_skipped(schedule, last, now, found):
    assert due(schedule, at(last), at(now)) == found


@pytest.mark.parametrize("schedule", [MINUTELY, lined("* * * * *")])
def test_a_clock_that_is_set_years_forward_is_answered_at_once(schedule):
    found = due(schedule, at("1970-01-01T00:00:30"), at("2026-01-01T00:00:30"))
    assert found == Due(at("2026-01-01T00:00:00"), COUNTED, at("1970-01-01T00:01:00"))


@pytest.mark.parametrize(
    ("last", "now", "base"),
    [
        ("2022-08-12T06:00:00", "2022-08-12T06:00:10", "2022-08-12T06:00:00"),
        ("2022-08-12T06:00:00", "2022-08-12T05:59:59.5", "2022-08-12T06:00:00"),
        ("2022-08-12T06:00:00", "2022-08-12T05:59:00", "2022-08-12T06:00:00"),
        ("2022-08-12T06:00:00", "2022-08-12T05:58:00", "2022-08-12T05:58:00"),
        ("2022-08-12T06:00:00", "2021-08-12T06:00:00", "2021-08-12T06:00:00"),
    ],
)
def test_a_clock_that_is_put_back_a_little_is_waited_for_and_else_followed(last, now, base):
    assert settled(at(last), at(now)) == at(base)


@settings(max_examples=60)
@given(MOMENTS, st.integers(0, 10**6), st.sampled_from([MINUTELY, NIGHTLY, lined("*/7 * * * *")]))
def test_what_is_due_accounts_for_every_tick(last, seconds, schedule):
    now, ticks = last + timedelta(seconds=seconds % 90_000), []
    tick = after(schedule, last)
    while tick <= now:
        ticks.append(tick)
        tick = after(schedule, tick)
    found = due(schedule, last, now)
    if isinstance(found, Wait):
        assert ticks == []
        assert found.until == tick
    else:
        skipped = min(COUNTED, len(ticks) - 1)
        assert found == Due(ticks[-1], skipped, ticks[0] if skipped else None)
