"""When a spec runs by itself: lines of cron read strictly, and what is said of wrong ones."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.spec.cron import Unreadable, closest, cron, shared
from levada.spec.read import read_text
from levada.spec.words import words
from mistakes import told

SPEC = """\
pipeline: sales
partition: {by: day, default: yesterday}
source: {url: https://api.example.com}
streams: {sales: {request: {path: /sales}}}
schedule: {every: 1m}
"""
ALL = {
    "minutes": tuple(range(60)), "hours": tuple(range(24)), "days": tuple(range(1, 32)),
    "months": tuple(range(1, 13)), "weekdays": tuple(range(7)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "field", "numbers"),
    [
        ("5 * * * *", "minutes", (5,)),
        ("*/15 * * * *", "minutes", (0, 15, 30, 45)),
        ("10-20/5,50,12 * * * *", "minutes", (10, 12, 15, 20, 50)),
        ("* 0-23/6 * * *", "hours", (0, 6, 12, 18)),
        ("* * 1,31 * *", "days", (1, 31)),
        ("* * * jan,JUN-aug *", "months", (1, 6, 7, 8)),
        ("* * * * mon-fri", "weekdays", (0, 1, 2, 3, 4)),
        ("* * * * 0", "weekdays", (6,)),
        ("* * * * 7", "weekdays", (6,)),
        ("* * * * sun", "weekdays", (6,)),
        ("* * * * fri-sun", "weekdays", (4, 5, 6)),
        ("* * * * 5-7", "weekdays", (4, 5, 6)),
        ("* * * * sun-tue", "weekdays", (0, 1, 6)),
        ("* * * * */2", "weekdays", (1, 3, 5, 6)),
        ("* * * * */3", "weekdays", (2, 5, 6)),
    ],
)
def test_a_line_of_cron(line, field, numbers):
    found = cron(line)
    assert {name: getattr(found, name) for name in ALL} == {**ALL, field: numbers}


def test_blanks_mean_nothing():
    assert cron("  0   3 *  * *\t") == cron("0 3 * * *")
    assert cron("0 3 * * *").text == "0 3 * * *"


@pytest.mark.parametrize(
    ("line", "what", "todo"),
    [
        ("", "has 0 fields instead of 5", '"0 3 * * *"'),
        ("0 3 * *", "has 4 fields instead of 5", "minute, hour, day, month and weekday"),
        ("0 0 3 * * *", "has 6 fields instead of 5: there are no seconds", "minute, hour"),
        ("@daily", '"@daily" has no meaning here', 'write "0 0 * * *"'),
        ("@HOURLY", '"@hourly" has no meaning here', 'write "0 * * * *"'),
        ("60 * * * *", '"60" is no minute', "0 to 59"),
        ("* 24 * * *", '"24" is no hour', "0 to 23"),
        ("* * 0 * *", '"0" is no day of the month', "1 to 31"),
        ("* * * 13 *", '"13" is no month', "1 to 12, or jan, feb"),
        ("* * * * 8", '"8" is no day of the week', "0 to 7, or sun, mon"),
        ("* * * * monday", '"monday" is no day of the week', "sun, mon"),
        ("-5 * * * *", '"-5" is no minute', "0 to 59"),
        ("1,,2 * * * *", '"" is no minute', "0 to 59"),
        ("*-5 * * * *", '"*-5" is no minute', "0 to 59"),
        ("? * * * *", '"?" is no minute', "* for all"),
        ("5/10 * * * *", '"5/10" is a step without a range', 'write "5-59/10"'),
        ("*/0 * * * *", '"*/0" is a step of 0', "the numbers one by one"),
        ("20-10 * * * *", '"20-10" is a range that runs backwards', "two ranges"),
        ("* * * * fri-mon", '"fri-mon" is a range that runs backwards', "two ranges"),
        ("0 0 30 2 *", "no such month has a day 30", "a day that comes"),
        ("0 0 31 4,6 *", "no such month has a day 31", "a day that comes"),
        ("0 0 1 * mon", "the day of the month and the day of the week are both told", "two specs"),
        ("0 0 */2 * 1-5", "which some crons take as or, some as and", "write * for one"),
    ],
)
def test_a_line_that_is_none(line, what, todo):
    with pytest.raises(Unreadable) as caught:
        cron(line)
    assert what in caught.value.args[0]
    assert todo in caught.value.args[1]


@given(st.text(alphabet="0123456789*/-,? abcdefgijlmnorstuvy@", max_size=30))
def test_any_text_is_a_line_or_refused(text):
    try:
        found = cron(text)
    except Unreadable:
        return
    assert all(set(getattr(found, name)) <= set(numbers) and getattr(found, name) for name, numbers in ALL.items())


def test_the_29th_of_february_comes():
    assert cron("0 0 29 2 *").days == (29,)


def with_schedule(schedule, partition="{by: day, default: yesterday}"):
    return SPEC.replace("{every: 1m}", schedule).replace("{by: day, default: yesterday}", partition)


def test_a_spec_without_a_schedule_has_none():
    assert read_text(SPEC.rpartition("schedule")[0], "s.yaml", {}).schedule is None


@pytest.mark.parametrize(
    ("schedule", "line"),
    [("{every: 1m}", "every 1m"), ("{every: 36h}", "every 36h"), ('{cron: "0  3 * * *"}', "at 0 3 * * * (UTC)")],
)
def test_the_plan_in_words_tells_it(schedule, line):
    assert f"  Schedule: {line}, while the scheduler works." in words(read_text(with_schedule(schedule), "s.yaml", {}))


@pytest.mark.parametrize(
    ("schedule", "at", "what", "todo"),
    [
        ("{}", "5:11", "the schedule does not say when", "write every: 1m"),
        ('{every: 1m, cron: "0 3 * * *"}', "5:29", "every and cron are two schedules", "keep one"),
        ("{every: 0.5s}", "5:19", "once a second at most", "1s or more"),
        ("{every: 0}", "5:19", "no time at all", "above 0"),
        ("{every: often}", "5:19", "no duration", "with its unit"),
        ('{cron: "@daily"}', "5:18", "has no meaning here", '"0 0 * * *"'),
        ("{interval: 1m}", "5:12", 'unknown key "interval" in schedule', "did you mean every?"),
        ('{crontab: "0 3 * * *"}', "5:12", 'unknown key "crontab" in schedule', "did you mean cron?"),
        ("{every: 1m, timezone: UTC}", "5:23", 'unknown key "timezone" in schedule', "schedules are in UTC"),
    ],
)
def test_what_a_wrong_schedule_is_told(schedule, at, what, todo):
    told(with_schedule(schedule), at, what, todo)


@pytest.mark.parametrize(("by", "default"), [("day", "yesterday"), ("hour", "last"), ("month", "last")])
def test_a_run_must_know_its_partition(by, default):
    what, todo = f"does not know which {by} a run is for", f"{{by: {by}, default: {default}}}"
    told(with_schedule("{every: 1m}", f"{{by: {by}}}"), "5:11", what, todo)


def test_without_a_partition_it_is_a_day():
    text = SPEC.replace("partition: {by: day, default: yesterday}\n", "")
    told(text, "4:11", "does not know which day a run is for", "{by: day, default: yesterday}")


def test_incremental_streams_need_no_partition():
    text = SPEC.replace("partition: {by: day, default: yesterday}\n", "")
    incremental = "request: {path: /sales}, incremental: {cursor: $.id, type: number, start: 0}"
    assert read_text(text.replace("request: {path: /sales}", incremental), "s.yaml", {}).schedule.every == 60


def test_two_runs_never_mean_one_tick():
    ticks = "{by: tick, every: 5m}"
    told(
        with_schedule("{every: 1m}", ticks), "5:19", "runs come more often than the ticks of partition (line 2)", "same"
    )
    assert read_text(with_schedule("{every: 5m}", ticks), "s.yaml", {}).schedule.every == 300
    told(
        with_schedule('{cron: "*/2 * * * *"}', ticks),
        "5:18",
        "two runs that are 2m apart fall into one tick of partition (line 2): two have one name",
        "write every: 2m there",
    )
    assert read_text(with_schedule('{cron: "*/5 * * * *"}', ticks), "s.yaml", {}).schedule.cron
    assert read_text(with_schedule('{cron: "${WHEN}"}', ticks), "s.yaml", {}).schedule.cron is None
    told(
        with_schedule('{cron: "* 3 * * mon"}', ticks),
        "5:18",
        "two runs that are 1m apart",
        "one run in each of its ticks",
    )


def test_runs_that_are_closer_than_a_tick_may_fall_into_two():
    ticks = "{by: tick, every: 5m}"
    assert read_text(with_schedule('{cron: "3,7 * * * *"}', ticks), "s.yaml", {}).schedule.cron
    told(with_schedule('{cron: "4,5,10,13 * * * *"}', ticks), "5:18", "two runs that are 3m apart", "write every: 1m")


@pytest.mark.parametrize(
    ("line", "tick", "minutes"),
    [
        ("3,7 * * * *", 5, None),
        ("0,4 * * * *", 5, 4),
        ("* * * * *", 1, None),
        ("* * * * *", 1.5, 1),
        ("59 23,0 * * *", 24 * 60, 23 * 60),
        ("0 0,23 * * *", 12 * 60, None),
        ("59 11,12 * * *", 12 * 60, None),
        # Ticks that begin at another time each day: every pair of runs meets in one of them sooner or later,
        ("0 0,6 * * *", 7 * 60, 6 * 60),
        ("3,8 * * * *", 7, 5),
        ("0 3 * * *", 36 * 60, 24 * 60),
        # but not where dates begin 0 or 4.8 hours into a tick of 9.6.
        ("0 1,10 * * *", 576, None),
        ("0 0,9 * * *", 576, 9 * 60),
        # Sixteen ticks are a week: on Mondays they begin at one time.
        ("30 1,11 * * mon", 10.5 * 60, None),
        # On weekdays alone: ticks of a week begin on Thursday.
        ("0 0 * * wed,thu", 7 * 24 * 60, 6 * 24 * 60),
        ("0 0 * * mon", 7 * 24 * 60, None),
    ],
)
def test_two_runs_in_one_tick(line, tick, minutes):
    assert shared(cron(line), timedelta(minutes=tick)) == minutes


@given(st.sets(st.integers(0, 59), min_size=1, max_size=4), st.sampled_from([1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 60]))
def test_two_runs_in_one_tick_are_those_of_one_name(minutes, tick):
    line = cron(f"{','.join(map(str, sorted(minutes)))} * * * *")
    of_hours = [hour * 60 + minute for hour in range(tick + 1) for minute in sorted(minutes)]  # they repeat then
    assert (shared(line, timedelta(minutes=tick)) is None) == (
        len({moment // tick for moment in of_hours}) == len(of_hours)
    )


@pytest.mark.parametrize(
    ("line", "minutes"),
    [
        ("* * * * *", 1),
        ("*/25 * * * *", 10),
        ("0,58 * * * *", 2),
        ("30 0,23 * * *", 60),
        ("0 3 * * *", 24 * 60),
        ("0 3 * * mon,fri", 3 * 24 * 60),
        ("59 23 1 * *", 28 * 24 * 60),
        ("0 0 31 * *", 31 * 24 * 60),
        ("0 0 29 2 *", (4 * 365 + 1) * 24 * 60),
    ],
)
def test_how_close_two_runs_of_a_line_come(line, minutes):
    assert closest(cron(line)) == minutes


def test_a_variable_that_is_not_set_is_told_later():
    spec = read_text(with_schedule("{every: '${OFTEN}'}"), "s.yaml", {})
    assert [(gap.names, gap.used_in) for gap in spec.missing] == [(("OFTEN",), "schedule.every")]
    assert read_text(with_schedule("{every: '${OFTEN}'}"), "s.yaml", {"OFTEN": "2m"}).schedule.every == 120
