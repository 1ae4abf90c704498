"""Reports: what is asked after the work, and where the rows go."""

from collections.abc import Iterator
from typing import get_args

from levada.spec.engine import Each, Free, Given, Key, Reading, Rule, Section, Value
from levada.spec.telling import Chart, ChartKind, Report, Sheet, SheetMode
from levada.spec.tree import Mistake, Word
from levada.spec.values import choice, constant, field_name, text
from levada.spec.values_template import template
from levada.spec.values_web import secret

__all__ = ["REPORT"]

_FILE = template("pipeline", "partition", "date", "start", "end", "tick")
_ASKED = ("of", "postgres", "duckdb")
_TOLD = ("csv", "html", "chart", "google_sheet")


def _column(word: Word) -> str:
    return word.text


_COLUMN = Value(_column, "the name of a column")
_SQL = Value(lambda word: word.text, "a query such as SELECT count(*) FROM sales", fills=False)


def _chart(given: Given) -> Chart:
    return Chart(place=given.place, **given.values)


def _picture(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.values["file"].text.endswith((".png", ".svg")):
        yield given.mistake("file", "a chart is a .png or a .svg file", "let its name end so")


CHART = Section(
    "chart",
    "A picture of the rows.",
    (
        Key(
            "file", _FILE, "the file, .png or .svg, relative to the spec's folder", required=True, example="file: a.svg"
        ),
        Key("kind", choice(*get_args(ChartKind)), "`line` or `bar`", "line", example="kind: bar, file: a.svg"),
        Key("x", _COLUMN, "the column along the bottom", "the first", example="x: date, file: a.svg"),
        Key(
            "y",
            Each(_COLUMN, single=True),
            "the columns that are drawn",
            "the others that are numbers",
            example="y: [attempts, users], file: a.svg",
        ),
    ),
    _chart,
    rules=(Rule(("file",), _picture),),
    short="file",
    around="",
)


def _sheet(given: Given) -> Sheet:
    return Sheet(place=given.place, **given.values)


def _keyed(given: Given, _: Reading) -> Iterator[Mistake]:
    mode = given.get("mode", "upsert")
    if mode != "replace" and not given.get("key"):
        what = f"{mode} needs a key, which tells rows apart: a second run must not add them again"
        yield given.mistake("key" if "key" in given.places else "mode", what, "add key: date, or write mode: replace")
    if mode == "replace" and "key" in given.places:
        yield given.mistake("key", "key has no meaning with mode replace", "leave key out, or write mode: upsert")


SHEET = Section(
    "google_sheet",
    "A worksheet of Google Sheets.",
    (
        Key(
            "id",
            text(),
            "the long name in the spreadsheet's address",
            required=True,
            example='id: "${SHEET_ID}", key: date',
        ),
        Key(
            "worksheet",
            text(),
            "the worksheet; made if it is not there",
            "the report's name",
            example="worksheet: daily, id: x, key: date",
        ),
        Key(
            "credentials",
            secret,
            "the variable with a service account's JSON, or with the path of its file",
            '`"${GOOGLE_APPLICATION_CREDENTIALS}"`',
            example='credentials: "${SHEETS_ACCOUNT}", id: x, key: date',
        ),
        Key(
            "mode",
            choice(*get_args(SheetMode)),
            "`append`: rows whose key is there already stay as they are; `upsert`: they are replaced; `replace`: the"
            " worksheet holds these rows and no others",
            "upsert",
            example="mode: append, id: x, key: date",
        ),
        Key(
            "key",
            Each(_COLUMN, single=True),
            "columns that tell rows apart",
            "none",
            example="key: [date, product], id: x",
        ),
    ),
    _sheet,
    rules=(Rule(("mode", "key"), _keyed),),
    around="",
)


def _report(given: Given) -> Report:
    found = dict(given.values)
    params, of = found.pop("params", {}), found.pop("of", None)
    return Report(name=given.path[-1], place=given.place, params=tuple(params.items()), lake=of == "lake", **found)


def _one_question(given: Given, _: Reading) -> Iterator[Mistake]:
    if not {"sql", "sql_file"} & given.places.keys():
        yield Mistake(given.place, "the report asks nothing", "add sql: SELECT ..., or sql_file: daily.sql")
    elif {"sql", "sql_file"} <= given.places.keys():
        yield given.mistake("sql_file", "sql_file stands beside sql", "keep one of them")
    named = [key for key in _ASKED if key in given.places]
    for key in named[1:]:
        yield given.mistake(key, f"{key} stands beside {named[0]}: a report asks one", f"leave {key} out")


REPORT = Section(
    "report",
    "A question in SQL for each partition that was worked on; `levada report` shows its rows.",
    (
        Key(
            "sql",
            _SQL,
            "what is asked, with $date, $start, $end, $partition and `params` as values",
            "none",
            example="sql: SELECT count(*) FROM sales",
        ),
        Key(
            "sql_file",
            text(),
            "a file with the SQL instead, relative to the spec's folder",
            "none",
            example="sql_file: daily.sql",
        ),
        Key(
            "params",
            Free(constant, field_name, mapping=True),
            "values of its own, `$name` in the SQL",
            "none",
            example="params: {least: 5}, sql: SELECT $least",
        ),
        Key(
            "of",
            choice("lake"),
            "`lake`: the committed Parquet files, each stream a table",
            "the database that the streams load to, else the lake",
            example="of: lake, sql: SELECT 1",
        ),
        Key(
            "postgres",
            secret,
            "the variable with the URL of a PostgreSQL database, instead",
            "none",
            example='postgres: "${DATABASE_URL}", sql: SELECT 1',
        ),
        Key(
            "duckdb",
            text(),
            "a DuckDB file, relative to the spec's folder, instead",
            "none",
            example="duckdb: sales.duckdb, sql: SELECT 1",
        ),
        Key(
            "csv",
            _FILE,
            "a CSV file, relative to the spec's folder",
            "none",
            example='csv: "reports/{date}.csv", sql: SELECT 1',
        ),
        Key(
            "html",
            _FILE,
            "an HTML page, relative to the spec's folder",
            "none",
            example='html: "reports/{date}.html", sql: SELECT 1',
        ),
        Key("chart", CHART, "a picture of the rows", "none", example="chart: attempts.svg, sql: SELECT 1 AS a"),
        Key(
            "google_sheet",
            SHEET,
            "a worksheet of Google Sheets",
            "none",
            example='google_sheet: {id: "${SHEET_ID}", key: date}, sql: SELECT 1 AS date',
        ),
    ),
    _report,
    rules=(Rule((), _one_question),),
    short="sql",
    around="sql: SELECT 1",
)
