"""Reports in a spec: what is refused, and what is told to do about it."""

import pytest

from levada.spec.read import read_text
from mistakes import refused, told

SPEC = """\
pipeline: shop
{partition}
source: {{url: "http://api.test"}}
streams:
  sales:
    request: {{path: /sales}}
    contract: {{fields: {{price: int64, at: timestamp}}}}
    load: duckdb
{stream}
reports:
  daily:
    {report}
"""


def spec(report, partition="partition: {by: day}", stream=""):
    lines = "\n    ".join(report.split("\n"))
    return SPEC.format(report=lines, partition=partition, stream=stream)


def wrong(what, todo, report, **more):
    error = refused(spec(report, **more))
    assert what in str(error), error
    assert todo in str(error), error
    assert "\n" not in error.what, "one mistake, told once"


@pytest.mark.parametrize(
    ("sql", "what", "todo"),
    [
        ("SELECT $dat", "$dat has no value", "did you mean $date?"),
        ("SELECT $1", "$1 has no value", "known here: $date, $start, $end, $partition, $pipeline; others under params"),
    ],
)
def test_a_parameter_without_a_value_is_refused(sql, what, todo):
    told(spec(f"sql: {sql}"), "12:10", what, todo)


def test_texts_and_comments_have_no_parameters():
    read_text(spec("sql: \"SELECT '$dat', $least -- $x\"\nparams: {least: 5}"), "s.yaml", {})


def test_own_parameters_are_names():
    wrong("$date is the partition's own value", "give it another name", "sql: SELECT 1\nparams: {date: x}")
    wrong('"a b" cannot be written as $name', "use letters, digits and _", "sql: SELECT 1\nparams: {a b: x}")


def test_partitions_without_days_have_no_date():
    wrong("$date has no value: the partitions are names of a list", "known here: $partition, $pipeline",
          "sql: SELECT $date", partition="partition: {by: list, names: [a]}")  # fmt: skip
    wrong("$date has no value: the partitions are intervals", "known here: $start, $end, $partition, $pipeline",
          "sql: SELECT $date", partition="", stream="    incremental: {cursor: $.at}")  # fmt: skip


@pytest.mark.parametrize(
    ("report", "what", "todo"),
    [
        ("csv: /etc/{date}.csv", "csv gives no name in the spec's folder", "reports/{partition}.csv"),
        ("html: ../{date}.html", "html gives no name in the spec's folder", "reports/{partition}.html"),
        ("csv: lake/{date}.csv", "csv lies in the lake", "name a folder of its own: reports/"),
        ("chart: lake/a.svg", "chart lies in the lake", "name a folder of its own: reports/"),
        ("csv: pipeline.yaml", "csv is no name of a CSV file", "let it end in .csv"),
        ("html: page.txt", "html is no name of a HTML file", "let it end in .html"),
        ("chart: a.jpg", "a chart is a .png or a .svg file", "let its name end so"),
        ("csv: a.csv\nsql: SELECT $date", "two would share this name", "put {partition} into it; or leave $date"),
        ("chart: a.svg\nsql: SELECT $end", "chart: the report is asked of each partition", "put {partition} into it"),
        ('csv: "{date:%Y-%m}.csv"', "csv: the report is asked of each partition", "put {partition} into it"),
        ('csv: "{tick}.csv"', "{tick} in csv has no value: a partition is one day", "put {partition} into it"),
    ],
)
def test_a_name_of_a_file_that_cannot_be_is_refused(report, what, todo):
    wrong(what, todo, report if "sql:" in report else f"{report}\nsql: SELECT 1")


@pytest.mark.parametrize(
    "report",
    [
        "csv: all.csv\nsql: SELECT 1",
        'csv: "{date}.csv"\nsql: SELECT 1',
        'csv: "{start:%Y/%m/%d}.csv"\nhtml: "{partition}.html"\nsql: SELECT $date',
        'chart: {file: "{date}.png", kind: bar}\nsql: SELECT $date',
        "chart: all.svg\nsql_file: daily.sql",
    ],
)
def test_names_that_tell_partitions_apart_or_need_not_are_fine(report):
    read_text(spec(report), "s.yaml", {})


def test_no_two_answers_share_a_name():
    two = spec('sql: SELECT 1\ncsv: "{date}.csv"') + '  other: {sql: SELECT 1, csv: "{date:%Y-%m-%d}.csv"}\n'
    told(two, "14:31", "csv of other can give the same name as csv of daily (line 13)", "let them differ")


@pytest.mark.parametrize("book", ["abc", '"${SHEET_ID}"'])
def test_no_two_reports_share_a_worksheet(book):
    sheet = f"google_sheet: {{id: {book}, worksheet: x, mode: replace}}"
    two = spec(f"sql: SELECT 1\n{sheet}") + f"  other: {{sql: SELECT 1, {sheet}}}\n"
    error = refused(two)
    assert "reports daily and other write into one worksheet, x" in str(error)
    assert "give it one of its own" in str(error)


def test_a_worksheet_that_is_replaced_is_of_no_partition():
    wrong("mode replace would leave the rows of the last partition alone: the SQL asks by $date",
          "write mode: upsert and a key", "sql: SELECT $date\ngoogle_sheet: {id: x, mode: replace}")  # fmt: skip
    read_text(spec("sql: SELECT '$date'\ngoogle_sheet: {id: x, mode: replace}"), "s.yaml", {})


def test_a_variable_that_is_not_set_fails_no_reading():
    text = spec('sql: SELECT 1\npostgres: "${DATABASE_URL}"\ngoogle_sheet: {id: "${SHEET_ID}", key: date}')
    missing = read_text(text, "s.yaml", {}).missing
    assert {gap.used_in for gap in missing} == {"reports.daily.postgres", "reports.daily.google_sheet.id"}
