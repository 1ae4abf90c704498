"""Reports of a round: asked of what was committed and loaded, written to files, and no word twice."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from levada.cli.reports import parts_for
from levada.edges import Edges, FixedClock
from levada.errors import FixThis, LevadaError
from levada.lake.opening import open_store
from levada.pipeline import Options, Pipeline, answering
from levada.pipeline.answering import answered
from levada.pipeline.choosing import Choice
from levada.pipeline.parts import part_of
from levada.pipeline.rounds import begun
from levada.source.fake import answer
from levada.spec.read import read_text
from shop import Shop, prices

DAY, NEXT, THIRD = "2022-08-09", "2022-08-10", "2022-08-11"
SPEC = """
pipeline: shop
{partition}
source: {{url: "http://api.test", retry: {{attempts: 1}}}}
streams:
  sales:
    request: {{path: /sales, params: {{date: "{{date}}"}}}}
    paging: {{by: page}}
    responses: [{{status: 404, text: no such page, means: end}}, {{status: 404, means: no_data}}]
    contract: {{fields: {{price: int64}}}}
    {kept}
{reports}
history: none
"""
DAILY = "SELECT $date AS date, count(*) AS n, sum(price) AS total FROM sales WHERE _levada_partition = $partition"


class Place:
    """A spec's folder, a lake, a shop; rounds of several days."""

    def __init__(self, folder, lake=None, variables=()):
        self.folder, self.lake, self.variables = folder, lake or str(folder / "lake"), dict(variables)
        self.shop = Shop(prices(1, 2), prices(3))
        self.kept, self.partition = "load: duckdb", ""
        self.now = datetime(2022, 8, 12, 12, tzinfo=UTC)

    def pipeline(self, *reports, text=SPEC, **options):
        said = "\n".join(["reports:", *(f"  {one}" for one in reports)]) if reports else ""
        text = text.format(kept=self.kept, partition=self.partition, reports=said)
        read = read_text(text, str(self.folder / "shop.yaml"), self.variables, lake=self.lake)
        clock = FixedClock(self.now)
        edges = Edges(clock=clock, environment=self.variables, network=self.shop.wire)
        return Pipeline(read, open_store(self.lake, self.variables), edges, Options(**options))

    def round(self, *days, reports, verb="run", **options):
        one = self.pipeline(*reports, **options)
        with begun(one.course, verb, "command") as ongoing:
            for day in days:
                try:
                    ongoing.ran(one.work(verb, one.streams()[0], day))
                except LevadaError as error:
                    ongoing.failed(error, "sales", day)
            return ongoing.close()

    def told(self, *days, reports, verb="run", **options):
        return self.round(*days, reports=reports, verb=verb, **options).reports


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def report(name, sql, **keys):
    return json.dumps(name) + ": " + json.dumps({"sql": sql, **keys})


def rows(told):
    return [(one.partition, [tuple(map(plain, row)) for row in one.rows]) for one in told]


def plain(value):
    return value if isinstance(value, str | date | None) else int(value)


def test_a_report_is_asked_of_each_partition(place):
    told = place.told(DAY, NEXT, reports=[report("daily", DAILY)])
    assert rows(told) == [(DAY, [(date(2022, 8, 9), 3, 6)]), (NEXT, [(date(2022, 8, 10), 3, 6)])]
    assert told[0].columns == ("date", "n", "total")
    assert {one.report for one in told} == {"daily"}


def test_doing_it_again_says_the_same_and_changes_no_file(place):
    keys = {"csv": "reports/{date}.csv", "html": "reports/{date}.html", "chart": "reports/{date}.svg"}
    first = place.told(DAY, reports=[report("daily", DAILY, **keys)])
    files = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (place.folder / "reports").iterdir()}
    assert sorted(path.name for path in files) == [f"{DAY}.csv", f"{DAY}.html", f"{DAY}.svg"]
    assert sorted(first[0].files) == sorted(map(str, files))
    done = place.round(DAY, reports=[report("daily", DAILY, **keys)])
    assert not done.runs[0].changed
    assert done.reports == first
    assert {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (place.folder / "reports").iterdir()
    } == files
    assert (place.folder / "reports" / f"{DAY}.csv").read_bytes() == b"date,n,total\r\n2022-08-09,3,6\r\n"
    assert f"daily {DAY}" in (place.folder / "reports" / f"{DAY}.html").read_text()


def test_a_day_without_data_is_an_answer(place):
    place.told(NEXT, reports=[])
    place.shop.pages = {}
    done = place.round(DAY, reports=[report("daily", DAILY)])
    assert done.runs[0].outcome == "no data"
    assert rows(done.reports) == [(DAY, [(date(2022, 8, 9), 0, None)])]


def test_a_partition_that_failed_is_not_asked_of(place):
    place.told(DAY, reports=[])
    one = place.shop.pages
    place.shop.pages = {1: answer(500, b"broken")}
    done = place.round(NEXT, reports=[report("daily", DAILY)])
    assert (len(done.failures), done.reports) == (1, ())
    place.shop.pages = one
    assert [one.partition for one in place.told(NEXT, reports=[report("daily", DAILY)])] == [NEXT]


def test_pages_that_were_only_landed_are_not_asked_of(place):
    assert place.told(DAY, reports=[report("daily", DAILY)], verb="land") == ()


@pytest.mark.parametrize("verb", ["stage", "replay", "load"])
def test_whatever_commits_or_loads_reports(place, verb):
    place.told(DAY, reports=[])
    assert rows(place.told(DAY, reports=[report("daily", DAILY)], verb=verb)) == [(DAY, [(date(2022, 8, 9), 3, 6)])]


def test_a_report_of_no_partition_is_asked_once(place):
    told = place.told(
        DAY, NEXT, reports=[report("all", "SELECT count(*) AS n, $pipeline AS of FROM sales", csv="all.csv")]
    )
    assert rows(told) == [("", [(6, "shop")])]
    assert (place.folder / "all.csv").read_bytes() == b"n,of\r\n6,shop\r\n"


def test_a_report_has_values_of_its_own(place):
    sql = "SELECT count(*) AS n FROM sales WHERE price >= $least AND _levada_partition = $partition"
    assert rows(place.told(DAY, reports=[report("daily", sql, params={"least": 2})])) == [(DAY, [(2,)])]


def test_sql_may_stand_in_a_file(place):
    (place.folder / "daily.sql").write_text(DAILY)
    told = place.told(DAY, reports=["daily: {sql_file: daily.sql}"])
    assert rows(told) == [(DAY, [(date(2022, 8, 9), 3, 6)])]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        (b"\xff", "it is not UTF-8 text"),
        (b" " * 1100000, "it is longer than 1 MB"),
    ],
)
def test_a_file_of_sql_that_cannot_be_read_is_told(place, content, why):
    if content is not None:
        (place.folder / "daily.sql").write_bytes(content)
    [told] = place.told(DAY, reports=["daily: {sql_file: daily.sql}"])
    assert f"The SQL of report daily, daily.sql, cannot be read: {why}." in told.error.what
    assert told.error.where == str(place.folder / "daily.sql")


def test_a_file_of_sql_that_asks_by_partition_needs_names_that_tell_them_apart(place):
    (place.folder / "daily.sql").write_text(DAILY)
    [told] = place.told(DAY, reports=["daily: {sql_file: daily.sql, csv: daily.csv}"])
    assert "asks by $date, and the name of its csv is the same for all partitions" in told.error.what
    assert told.error.todo == "put {partition} into the name, or leave $date out of the SQL"


def test_one_report_that_fails_keeps_no_other_from_its_work(place):
    done = place.round(
        DAY, reports=[report("wrong", "SELECT nope FROM sales WHERE $date IS NULL"), report("daily", DAILY)]
    )
    wrong, good = done.reports
    assert 'Report wrong: Binder Error: Referenced column "nope" not found' in wrong.error.what
    assert (wrong.error.kind, wrong.error.code, wrong.error.partition) == ("FixThis", 2, DAY)
    assert wrong.error.where.endswith("line 1 of its SQL")
    assert good.error is None
    assert done.ending == "failure"


def test_what_is_no_error_of_levada_ends_no_other_report(place, monkeypatch):
    def broken(*_given):
        raise RuntimeError("boom")

    monkeypatch.setattr(answering, "html_of", broken)  # a bug, of which none is known
    wrong, good = place.told(DAY, reports=[report("wrong", DAILY, html="{date}.html"), report("daily", DAILY)])
    assert (wrong.error.what, wrong.error.kind) == ("Report wrong: RuntimeError: boom", "Bug")
    assert wrong.rows
    assert good.error is None


def test_a_number_that_is_too_large_is_told(place):
    big = report("big", "SELECT $n AS n", params={"n": 10**25})
    [told] = place.told(DAY, reports=[big])
    assert told.error.what == "Report big asks with $n, which is a number of more than 64 bits."
    assert told.error.kind == "FixThis"
    assert "CAST($n AS numeric)" in told.error.todo


def test_null_is_a_value(place):
    [told] = place.told(DAY, reports=[report("none", "SELECT $n AS n", params={"n": None})])
    assert told.rows == ((None,),)


def test_no_file_of_a_report_lies_in_the_lake(place):
    """Where the name says so, the spec is refused; a link is seen when the file is written."""
    (place.folder / "other").symlink_to(place.folder / "lake")
    place.told(DAY, reports=[])
    [told] = place.told(DAY, reports=[report("daily", DAILY, csv="other/{date}.csv")])
    assert told.error.what.startswith(f"Report daily: A report's file cannot be {DAY}.csv here"), told.error.what
    assert "reports/" in told.error.todo
    assert not list(place.folder.glob(f"lake/**/{DAY}.csv"))


def test_no_file_of_a_report_takes_the_place_of_a_database(place):
    place.kept = "load: {duckdb: shop.csv}"
    [told] = place.told(DAY, reports=[report("all", "SELECT count(*) AS n FROM sales", csv="shop.csv")])
    assert "A report's file cannot be shop.csv here: that is where shop.csv is." in told.error.what
    [told] = place.told(DAY, reports=[report("all", "SELECT count(*) AS n FROM sales")])
    assert told.error is None


def test_what_fails_alike_is_told_twice(place):
    told = place.told(DAY, NEXT, THIRD, reports=[report("wrong", "SELECT nope FROM sales WHERE $date IS NULL")])
    assert [one.partition for one in told] == [DAY, NEXT]
    assert told[1].error.what.endswith("; 1 more partitions were not asked of")


def test_a_partition_that_fails_keeps_no_other_from_its_answer(place):
    sql = "SELECT CASE WHEN $partition = '2022-08-09' THEN error('boom') ELSE 'fine' END AS said"
    bad, good = place.told(DAY, NEXT, reports=[report("daily", sql)])
    assert "boom" in bad.error.what
    assert good.rows == (("fine",),)


def test_a_file_that_cannot_be_written_is_told_and_the_others_are(place):
    (place.folder / f"{DAY}.csv").mkdir()
    [told] = place.told(DAY, reports=[report("daily", DAILY, csv="{date}.csv", html="{date}.html")])
    assert "The report could not be written: Is a directory" in told.error.what
    assert told.error.partition == DAY
    assert [path.rpartition("/")[2] for path in told.files] == [f"{DAY}.html"]
    assert rows([told]) == [(DAY, [(date(2022, 8, 9), 3, 6)])]


def test_a_variable_that_is_not_set_fails_the_report_alone(place):
    done = place.round(
        DAY, reports=[report("other", "SELECT 1 AS n", postgres="${REPORTS_URL}"), report("daily", DAILY)]
    )
    assert done.reports[0].error.what == "Report other: Not set: REPORTS_URL."
    assert "reports.other.postgres" in done.reports[0].error.where
    assert "export REPORTS_URL=..." in done.reports[0].error.todo
    assert done.reports[1].error is None


def test_a_database_that_is_away_fails_the_report_alone(place):
    place.variables = {"REPORTS_URL": "postgresql://levada:hunter2secret@127.0.0.1:1/shop"}
    done = place.round(DAY, NEXT, reports=[report("other", "SELECT $date AS d", postgres="${REPORTS_URL}")])
    [told] = done.reports
    assert (told.error.kind, told.error.code, told.partition) == ("TryLater", 75, "")
    assert "could not be reached" in told.error.what
    assert "hunter2secret" not in str(told)
    assert len(done.runs) == 2


def test_postgres_is_asked_where_the_streams_load_to(place, postgres):
    place.variables = {"DATABASE_URL": postgres.database()}
    place.kept = 'load: {postgres: "${DATABASE_URL}"}'
    sql = "SELECT $date AS date, count(*) AS n, sum(price) AS total FROM sales WHERE _levada_partition = $partition"
    told = place.told(DAY, NEXT, reports=[report("daily", sql)])
    assert rows(told) == [(DAY, [(date(2022, 8, 9), 3, 6)]), (NEXT, [(date(2022, 8, 10), 3, 6)])]


def test_a_report_that_writes_changes_nothing(place, postgres):
    place.variables = {"DATABASE_URL": postgres.database()}
    place.kept = 'load: {postgres: "${DATABASE_URL}"}'
    [told] = place.told(DAY, reports=[report("daily", "DELETE FROM sales WHERE $date IS NOT NULL RETURNING price")])
    assert told.error.what == "Report daily: it is DELETE, and reports only read"
    assert rows(place.told(DAY, reports=[report("daily", DAILY)])) == [(DAY, [(date(2022, 8, 9), 3, 6)])]


@pytest.mark.parametrize("where", ["disk", "s3"])
@pytest.mark.parametrize("kept", ['stage: {parquet: "stg/{date}.parquet"}', "load: {duckdb: shop.duckdb}"])
def test_the_lake_is_asked_on_a_disk_and_on_s3(tmp_path, request, where, kept):
    s3 = request.getfixturevalue("s3") if where == "s3" else None
    place = Place(tmp_path, s3.lake() if s3 else None, s3.environment if s3 else ())
    place.kept = kept
    place.told(DAY, reports=[])
    told = place.told(NEXT, reports=[report("daily", DAILY, of="lake")])
    assert rows(told) == [(NEXT, [(date(2022, 8, 10), 3, 6)])]
    every = report(
        "all", "SELECT _levada_partition AS day, sum(price) AS total FROM sales GROUP BY 1 ORDER BY 1", of="lake"
    )
    assert rows(place.told(NEXT, reports=[every])) == [("", [(DAY, 6), (NEXT, 6)])]


def test_a_stream_of_the_lake_without_parquet_is_told(place):
    place.kept = 'stage: {avro: "stg/{date}.avro"}'
    [told] = place.told(DAY, reports=[report("daily", DAILY)])
    assert "Report daily asks stream sales, which has no Parquet in the lake." in told.error.what
    assert told.error.todo == "add stage: {parquet: ...} to the stream, or load: duckdb; then `levada replay`"


def test_partitions_that_are_staged_otherwise_are_told(place):
    place.kept = 'stage: {avro: "stg/{date}.avro"}'
    place.told(DAY, reports=[])
    place.kept = 'stage: {parquet: "stg/{date}.parquet"}'
    [told] = place.told(NEXT, reports=[report("daily", DAILY)])
    assert f"The rows of shop/sales {DAY} are staged, but not as Parquet." in told.error.what
    assert "levada replay" in told.error.todo
    place.told(DAY, reports=[], verb="replay")
    assert rows(place.told(NEXT, reports=[report("daily", DAILY)])) == [(NEXT, [(date(2022, 8, 10), 3, 6)])]


def test_a_file_of_the_lake_that_was_changed_is_never_reported_of(place):
    place.kept = 'stage: {parquet: "stg/{date}.parquet"}'
    place.told(DAY, reports=[])
    [path] = place.folder.glob("lake/_levada/shop/sales/*/runs/*/**/*.parquet")
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    [told] = place.told(NEXT, reports=[report("daily", DAILY)])
    assert "SHA-256" in told.error.what
    assert told.error.where == f"shop/sales {DAY}"
    assert f"levada replay {place.folder}/shop.yaml --date {DAY}" in told.error.todo


def test_a_lake_without_rows_is_asked_too(place):
    place.kept = 'stage: {parquet: "stg/{date}.parquet"}'
    place.shop.pages = {}
    assert rows(place.told(DAY, reports=[report("daily", DAILY)])) == [(DAY, [(date(2022, 8, 9), 0, None)])]


def test_showing_writes_nothing(place):
    place.told(DAY, reports=[])
    one = place.pipeline(report("daily", DAILY, csv="{date}.csv"))
    told = answered(one.course, one.spec.reports[0], [part_of(one.spec, DAY)], tells=False)
    assert rows(told) == [(DAY, [(date(2022, 8, 9), 3, 6)])]
    assert not (place.folder / f"{DAY}.csv").exists()


def test_days_are_those_of_the_partitions_time_zone(place):
    place.partition = "partition: {by: day, timezone: America/New_York}"
    sql = "SELECT $date AS date, CAST($start AS date) AS from_, CAST($end AS date) AS to_, $start AS start"
    [told] = place.told(DAY, reports=[report("daily", sql)])
    assert told.rows == ((date(2022, 8, 9), date(2022, 8, 9), date(2022, 8, 10), datetime(2022, 8, 9, 4, tzinfo=UTC)),)


def test_intervals_have_a_start_and_an_end(place):
    """A report of an incremental stream is asked by them; the days that an interval touches are the SQL's to find."""
    text = SPEC.format(kept=place.kept, partition="", reports="").replace(', params: {date: "{date}"}', "")
    text = text.replace("    load", "    incremental: {cursor: $.at, start: 2022-08-01}\n    load")
    one = read_text(text, "shop.yaml", {})
    key = "2022-08-01T000000--2022-08-12T120000"
    assert part_of(one, key, one.streams[0].incremental).values == {
        "pipeline": "shop",
        "partition": key,
        "start": datetime(2022, 8, 1, tzinfo=UTC),
        "end": datetime(2022, 8, 12, 12, tzinfo=UTC),
    }


def test_a_tick_has_the_day_that_it_lies_in(place):
    place.partition = "partition: {by: tick, every: 15m}"
    part = part_of(place.pipeline().spec, "2022-08-09T231500Z")
    assert part.values["date"] == date(2022, 8, 9)
    assert (part.values["start"].hour, part.values["end"].minute) == (23, 30)


def test_names_of_a_list_are_no_days(place):
    place.partition = "partition: {by: list, names: [north, south]}"
    text = SPEC.format(kept="load: duckdb", partition=place.partition, reports="").replace("{date}", "{partition}")
    assert part_of(read_text(text, "s.yaml", {}), "north").values == {"pipeline": "shop", "partition": "north"}


def test_a_command_asks_of_the_last_interval_or_of_those_that_are_named(place):
    place.kept = "incremental: {cursor: $.at}\n    load: duckdb"
    place.shop = Shop([{"price": 1, "at": "2022-08-09T00:00:00Z"}])
    made = SPEC.replace(', params: {{date: "{{date}}"}}', "")
    one = place.pipeline(report("daily", "SELECT $start AS begun, count(*) AS n FROM sales"), text=made)
    with pytest.raises(FixThis, match="No interval is committed to report of"):
        parts_for(one, Choice())
    first = one.work("run", one.streams()[0], "").partition
    place.now += timedelta(days=1)
    place.shop.pages = Shop([{"price": 2, "at": "2022-08-12T18:00:00Z"}]).pages
    one = place.pipeline(report("daily", "SELECT $start AS begun, count(*) AS n FROM sales"), text=made)
    with begun(one.course, "run", "command") as ongoing:
        ongoing.ran(one.work("run", one.streams()[0], ""))
        [told] = ongoing.close().reports
    assert told.partition > first
    assert told.rows == ((datetime(2022, 8, 9, tzinfo=UTC), 2),)
    assert [part.key for part in parts_for(one, Choice())] == [told.partition]
    assert [part.key for part in parts_for(one, Choice(first))] == [first]
    assert [part.key for part in parts_for(one, Choice(None, "1970-01-01", "2022-08-13"))] == [first, told.partition]
