"""Reports as a person meets them: rows in the database, files beside the spec, a line in the sheet, once each."""

import csv
import json

import pytest
from click.testing import CliRunner

from levada.cli.door import closing
from levada.cli.main import levada
from levada.simulate.sales import make_app
from levada.simulate.server import running
from sheetside import sheets_served
from simulated import TOKEN

DAYS = ("2022-08-09", "2022-08-10", "2022-08-11")
SPEC = """
pipeline: sales
partition: {by: day}
source: {url: "${SALES_API_URL}", auth: {header: Authorization, key: "${AUTH_TOKEN}"}}
streams:
  sales:
    request: {path: /sales, params: {date: "{date}"}}
    paging: {by: page}
    responses:
      - {status: 404, text: "requested page that doesn't exist", means: end}
      - {status: 404, text: "No data found", means: no_data}
    contract:
      fields: {client: string, purchase_date: {type: date, equals: "{date}"}, product: string, price: int32}
    load: {postgres: "${DATABASE_URL}"}
reports:
  daily:
    sql: |
      SELECT $date AS date, count(*) AS sales, sum(price) AS total, count(DISTINCT client) AS clients
      FROM sales WHERE purchase_date = $date
    csv: "reports/{date}.csv"
    google_sheet: {id: "${SHEET_ID}", key: date}
  history:
    sql: SELECT purchase_date AS date, count(*) AS sales FROM sales GROUP BY 1 ORDER BY 1
    html: reports/all.html
    chart: {file: reports/all.svg, kind: bar}
"""


class Home:
    """A folder with the spec, a database, a worksheet, and the command line."""

    def __init__(self, folder, environment, sheets):
        self.spec, self.environment, self.sheets = folder / "sales.yaml", environment, sheets
        self.spec.write_text(SPEC)
        self.reports = folder / "reports"

    def do(self, *arguments, code=0, spec=True):
        line = [arguments[0], *([str(self.spec)] if spec else []), *arguments[1:]]

        def work():
            with closing("--json" in line):
                levada.main(line, prog_name="levada", standalone_mode=False)

        runner = CliRunner(env=self.environment)
        with runner.isolation() as streams:
            try:
                work()
                left = 0
            except SystemExit as end:
                left = end.code or 0
            said = (streams[0].getvalue() + streams[1].getvalue()).decode()
        assert left == code, said
        return said

    def files(self):
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(self.reports.iterdir())}

    def grid(self):
        return self.sheets.grid("daily")


@pytest.fixture(scope="module")
def servers():
    with running(make_app()) as sales, sheets_served() as sheets:
        yield sales, sheets


@pytest.fixture
def home(tmp_path, servers, postgres):
    sales, sheets = servers
    sheets.anew()
    variables = {"SALES_API_URL": sales.url, "AUTH_TOKEN": TOKEN, "DATABASE_URL": postgres.database()}
    return Home(tmp_path, {**variables, "SHEET_ID": sheets.book, **sheets.environment}, sheets)


def test_a_day_that_is_run_twice_adds_no_second_line(home):
    said = home.do("run", "--from", DAYS[0], "--to", DAYS[2])
    assert f"report daily {DAYS[1]}" in said
    sheet, files = home.grid(), home.files()
    assert sheet[0] == ["date", "sales", "total", "clients"]
    assert [line[1] for line in sheet[1:]] == [338, 338]
    assert sorted(files) == ["2022-08-09.csv", "2022-08-10.csv", "all.html", "all.svg"]
    writes = [path for method, path, _ in home.sheets.log() if method == "POST" and path.endswith(":batchUpdate")]
    home.do("run", "--date", DAYS[0])
    assert home.grid() == sheet
    assert home.files() == files
    again = [path for method, path, _ in home.sheets.log() if method == "POST" and path.endswith(":batchUpdate")]
    assert again == writes, "nothing was written to the sheet the second time"


def test_the_rows_of_several_days_go_to_the_sheet_at_once(home):
    home.do("run", "--from", DAYS[0], "--to", "2022-08-12")
    assert [line[1] for line in home.grid()[1:]] == [338, 338, 239]
    requests = len(home.sheets.log())
    home.do("report", "daily", "--from", DAYS[0], "--to", "2022-08-12")
    assert len(home.sheets.log()) - requests < 6
    assert len(home.grid()) == 4


def test_reports_can_be_shown_and_change_nothing(home):
    home.do("run", "--date", DAYS[0])
    files, requests = home.files(), len(home.sheets.log())
    (home.reports / "all.html").unlink()
    said = home.do("report", "--date", DAYS[0], "--show")
    assert "daily 2022-08-09\ndate        sales   total  clients\n2022-08-09    338" in said
    assert "history\ndate        sales\n2022-08-09    338\n" in said
    assert len(home.sheets.log()) == requests
    assert not (home.reports / "all.html").exists()
    assert f"written: {home.reports / 'all.html'}" in home.do("report", "history")
    assert (home.reports / "all.html").read_bytes() == files["all.html"][0]


def test_reports_are_told_as_json(home):
    home.do("run", "--date", DAYS[0])
    told = json.loads(home.do("report", "--date", DAYS[0], "--json"))
    daily, history = told["reports"]
    assert (daily["report"], daily["partition"], daily["columns"]) == (
        "daily", DAYS[0], ["date", "sales", "total", "clients"])  # fmt: skip
    assert daily["rows"][0][:2] == [DAYS[0], 338]
    assert (daily["added"], daily["updated"], daily["unchanged"], daily["error"]) == (0, 0, 1, None)
    assert history["partition"] == ""
    with (home.reports / f"{DAYS[0]}.csv").open(newline="") as file:
        assert [str(value) for value in daily["rows"][0]] == next(iter([*csv.reader(file)][1:]))


def test_a_sheet_that_is_not_to_be_had_fails_the_report_and_not_the_data(home):
    del home.environment["SHEET_ID"]
    said = home.do("run", "--date", DAYS[0], code=2)
    assert "Report daily: Not set: SHEET_ID." in said
    assert "338 rows into" in said
    assert (home.reports / f"{DAYS[0]}.csv").exists()
    assert (home.reports / "all.html").exists()
    home.environment["SHEET_ID"] = home.sheets.book
    home.do("run", "--date", DAYS[0])
    assert len(home.grid()) == 2


def test_what_cannot_be_reported_is_told(home):
    assert "There is no report dayly in this spec." in home.do("report", "dayly", code=2)
    assert "choose among: daily, history" in home.do("report", "dayly", code=2)
    assert "`levada report` is not told which partition to work on." in home.do("report", "daily", code=2)
    said = home.do("report", "--date", DAYS[0], "--show", code=2)
    assert 'Report daily: relation "sales" does not exist' in said
    assert "line 2 of its SQL" in said
    home.spec.write_text(SPEC.partition("reports:")[0])
    assert "This spec has no reports." in home.do("report", code=2)
