"""Reports in the words of `levada check`."""

from levada.spec.read import read_text
from levada.spec.words import words

SPEC = """
pipeline: shop
source: {url: "http://api.test"}
streams:
  sales:
    request: {path: /sales}
    contract: {fields: {price: int64}}
    load: {postgres: "${DATABASE_URL}"}
reports:
  daily:
    sql: SELECT $date AS date, $least AS least
    params: {least: 5}
    csv: "reports/{date}.csv"
    chart: "reports/{date}.svg"
    google_sheet: {id: "${SHEET_ID}", key: date}
  all: {sql: SELECT 1, of: lake, google_sheet: {id: x, worksheet: every, mode: replace}}
  some: {sql_file: some.sql, duckdb: some.duckdb, google_sheet: {id: x, mode: append, key: [a, b]}}
  other: {sql: SELECT 1, postgres: "${OTHER_URL}"}
"""
PLAN = """\
Report daily, asked of each partition that was worked on
  Asks   PostgreSQL at DATABASE_URL with $date and $least
  Writes reports/{date}.csv and reports/{date}.svg
  Tells  worksheet daily of Google Sheets: rows are put in their place by date
Report all, asked once, of all rows
  Asks   the lake's Parquet without parameters
  Tells  worksheet every of Google Sheets: its rows are replaced
Report some, asked once for each partition if its SQL names one, else once
  Asks   DuckDB, some.duckdb, by some.sql
  Tells  worksheet some of Google Sheets: rows are added once by a and b
Report other, asked once, of all rows
  Asks   PostgreSQL at OTHER_URL without parameters
  Reports are asked after each run, and only read; `levada report` shows them.
"""


def test_each_report_is_told():
    said = words(read_text(SPEC, "shop.yaml", {}))
    start = said.index(PLAN.splitlines()[0])
    assert said[start : start + len(PLAN.splitlines())] == PLAN.splitlines()
    [warning] = [line for line in said if line.startswith("Warning") and "OTHER_URL" in line]
    assert "OTHER_URL is not set (reports.other.postgres, shop.yaml:18:36); the report fails, and the data" in warning


def test_a_report_of_a_file_of_the_lake_says_so():
    text = SPEC.replace('{postgres: "${DATABASE_URL}"}', "duckdb")
    assert "  Asks   DuckDB, a file in the lake, with $date and $least" in words(read_text(text, "shop.yaml", {}))
    text = SPEC.replace('    load: {postgres: "${DATABASE_URL}"}\n', "")
    assert "  Asks   the lake's Parquet with $date and $least" in words(read_text(text, "shop.yaml", {}))
