"""What is written into a worksheet, decided: whatever is there, doing it again does nothing."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levada.report.model import SheetTarget
from levada.report.sheets.changes import portions
from levada.report.sheets.check import check
from levada.report.sheets.header import letters
from levada.report.sheets.patience import Trouble, Waits, retry_after
from levada.report.sheets.plan import Rows, State, decide
from levada.report.sheets.values import Entry, entry, identity, recogniser, same

NOON = datetime(2024, 10, 8, 12, tzinfo=UTC)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=20),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.times(),
)


def rows_of(columns, lines):
    return Rows(tuple(columns), tuple(tuple(entry(value, "") for value in line) for line in lines))


def applied(state, requests):
    """The worksheet after the requests: what a server does with updateCells and appendCells."""
    values = {(row, column): cell for row, line in enumerate(state.values) for column, cell in enumerate(line)}
    for request in requests:
        for row in request.get("appendCells", {}).get("rows", ()):
            top = max((row for (row, _), cell in values.items() if cell != ""), default=-1) + 1
            for right, cell in enumerate(row["values"]):
                values[top, right] = next(iter(cell.get("userEnteredValue", {"": ""}).values()))
        update = request.get("updateCells", {})
        start = update.get("start")
        if start:
            for down, row in enumerate(update["rows"]):
                for right, cell in enumerate(row["values"]):
                    at = (start["rowIndex"] + down, start["columnIndex"] + right)
                    values[at] = next(iter(cell.get("userEnteredValue", {"": ""}).values()))
        elif update:
            top = update["range"].get("startRowIndex", 0)
            left = update["range"].get("startColumnIndex", 0)
            values = {at: cell for at, cell in values.items() if not (at[0] >= top and at[1] >= left)}
    return State(1, _trimmed(values), 1000, 26)


def _trimmed(values):
    full = {at: cell for at, cell in values.items() if cell != ""}
    lines = []
    for row in range(max((row for row, _ in full), default=-1) + 1):
        width = max((column + 1 for at, column in full if at == row), default=0)
        lines.append([full.get((row, column), "") for column in range(width)])
    return lines


@settings(max_examples=50)
@given(
    st.lists(st.tuples(VALUES, VALUES), max_size=6),
    st.lists(st.tuples(VALUES, VALUES), max_size=6),
    st.sampled_from(["append", "upsert", "replace"]),
    st.integers(200, 2000),
)
def test_doing_it_again_does_nothing(before, after, mode, size):
    target = SheetTarget("x", "y", mode, () if mode == "replace" else ("n",))
    state = State(1, (), 1000, 26)
    for lines in (before, after):
        rows = rows_of(("n", "a", "b"), [(number, *line) for number, line in enumerate(lines)])
        plan = decide(rows, target, state)
        state = applied(state, [one for part in portions(plan, state, 1, "y", size) for one in part])
        check(rows, plan.lines, target, state)
        again = decide(rows, target, state)
        assert again.is_nothing
        assert again.unchanged == len(lines)
        assert plan.added + plan.updated + plan.unchanged == len(lines)


@given(VALUES)
def test_what_is_written_is_what_is_read(value):
    cell = entry(value, "")
    assert same(json.loads(json.dumps(cell.value)), cell)
    assert identity(cell.value) == recogniser([cell])(json.loads(json.dumps(cell.value)))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (-0.0, Entry(0.0)),
        (float("inf"), Entry("Infinity")),
        (Decimal("-Infinity"), Entry("-Infinity")),
        (Decimal("0.123456789012345"), Entry(0.123456789012345)),
        (Decimal("0.1234567890123456"), Entry("0.1234567890123456")),
        (Decimal("1E+400"), Entry("1" + "0" * 400)),
        (10**400, Entry(str(10**400))),
        (date(1899, 12, 31), Entry("1899-12-31")),
        (date(1900, 1, 1), Entry(2, ("DATE", "yyyy-mm-dd"))),
        (datetime(1899, 1, 1, 5, tzinfo=UTC), Entry("1899-01-01 05:00:00")),
        (NOON, Entry(45573.5, ("DATE_TIME", "yyyy-mm-dd hh:mm:ss"))),
        (NOON.replace(microsecond=400), Entry(45573.5, ("DATE_TIME", "yyyy-mm-dd hh:mm:ss"))),
        (time(6), Entry(0.25, ("TIME", "hh:mm:ss"))),
        (timedelta(hours=30), Entry("1 day, 6:00:00")),
        (UUID(int=1), Entry("00000000-0000-0000-0000-000000000001")),
        ({"a": NOON}, Entry('{"a": "2024-10-08 12:00:00+00:00"}')),
        ("\ud800", Entry("\ufffd")),
    ],
)
def test_values_of_their_own(value, wanted):
    made = entry(value, "")
    assert made == wanted
    assert type(made.value) is type(wanted.value)


@pytest.mark.parametrize(
    ("cell", "own", "wanted"),
    [
        ("2024-10-08", [date(2024, 10, 8)], 45573),
        ("2024-10-08T12:00:00Z", [NOON], 45573.5),
        ("2024-10-08", ["2024-10-08"], "2024-10-08"),
        ("2024-10-08", [date(2024, 10, 8), "all"], 45573),
        (45573, ["2024-10-08"], "2024-10-08"),
        (45573.5, ["2024-10-08 12:00:00"], "2024-10-08 12:00:00"),
        (45573, ["2024-10-08", "all"], "2024-10-08"),
        (45573, [date(2024, 10, 8)], 45573),
        ("5", [5], 5),
        ("5", [5, "x"], 5),
        ("5", [5, "5"], "5"),
        (5, ["5", 7], "5"),
        (1, ["001", "1"], "1"),
        (1, ["001"], 1),
        (1, [True], 1),
        ("x", [date(2024, 10, 8)], "x"),
        ("45573", [date(2024, 10, 8)], "45573"),
    ],
)
def test_keys_that_people_take_for_the_same(cell, own, wanted):
    assert recogniser([entry(value, "") for value in own])(cell) == identity(wanted)
    assert identity(True) != identity(1)


def test_numbers_of_a_key_are_not_mixed_up():
    told = {identity(number) for number in (2**53, 2**53 - 1, str(2**53), 0.1 + 0.2)}
    assert len(told) == 4
    assert identity(0.1 + 0.2) == identity(0.3)  # fifteen digits is what a sheet is sure to keep


def test_rows_are_cut_between_each_other_alone():
    lines = [(date(2024, 1, 1) + timedelta(days=number), number) for number in range(50)]
    rows, state = (
        rows_of(("d", "n"), lines),
        State(1, [["d", "n"], *([day, 0] for day in range(45292, 45342))], 1000, 26),
    )
    plan = decide(rows, SheetTarget("x", "y", "replace"), state)
    parts = list(portions(plan, state, 1, "y", 1000))
    assert len(parts) > 3
    for part in parts:
        spans = [one["updateCells"] for one in part if "start" in one["updateCells"]]
        starts = {(span["start"]["rowIndex"], len(span["rows"])) for span in spans}
        assert len(spans) - len(starts) in (0, len(starts) - (part is parts[0]))
    appended = decide(rows, SheetTarget("x", "y", "append", ("d",)), State(1, [["d", "n"]], 1000, 26))
    parts = list(portions(appended, state, 1, "y", 1000))
    assert len(parts) > 3
    assert [list(one) for one in parts[1]] == [["appendCells"], ["repeatCell"]]
    assert sum(len(part[0]["appendCells"]["rows"]) for part in parts) == 50


def test_letters():
    assert [letters(number) for number in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_waits_grow_and_end():
    waits = Waits(lambda _low, high: high)
    trouble = Trouble("")
    seconds = []
    while (wait := waits.after(trouble)) is not None:
        seconds.append(wait)
        waits.ease()
    assert seconds[:8] == [1, 2, 4, 8, 16, 32, 64, 64]
    assert sum(seconds) <= 300
    assert Waits(lambda low, _high: low).after(trouble) == 0.5
    assert Waits(lambda low, _high: low).after(Trouble("", 90)) == 90


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("7", 7),
        ("Tue, 08 Oct 2024 12:01:00 GMT", 60),
        ("Tue, 08 Oct 2024 11:00:00 GMT", 0),
        ("9" * 5000, 0),
    ],
)
def test_retry_after(text, seconds):
    assert retry_after(text, NOON) == seconds
