"""Partitions of every kind as users choose them: the command line against a small API."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from simulated import Levada
from webserver import WebServer

SPEC = """
pipeline: shop
partition: {partition}
source: {{url: "{url}", limits: {{concurrency: 1}}}}
streams:
  sales:
    {more}
    request: {{path: "/{{partition}}", params: {params}}}
    raw: "raw/{{partition}}/{name}.json"
    contract: {{fields: {{at: string}}}}
    stage: {{avro: "stg/{{partition}}.avro"}}
"""
SPAN = '{from: "{start}", to: "{end}"}'
LISBON = "{by: KIND, timezone: Europe/Lisbon}"


class Book(WebServer):
    """Says back what it was asked for."""

    def __init__(self):
        super().__init__(lambda asked: [{"at": asked.target}])


@pytest.fixture
def api():
    with Book() as book:
        yield book


@pytest.fixture
def levada(tmp_path):
    return Levada({}, tmp_path)


def write(levada, api, partition, *, params="{}", more="format: json", name="{page}"):
    text = SPEC.format(url=api.url, partition=partition, params=params, more=more, name=name)
    (levada.folder / "shop.yaml").write_text(text)


def ran(levada, *options):
    done = levada("run", "shop.yaml", "--json", *options)
    assert done.returncode == 0, done.stderr
    return [run["partition"] for run in json.loads(done.stdout)["runs"]]


def files(levada):
    lake = levada.folder / "lake"
    found = (path.relative_to(lake) for path in lake.rglob("*") if path.is_file())
    return {str(path) for path in found if path.parts[0] != "_levada"}


ONE = [
    ("{by: hour}", "2022-08-09T13"),
    ("{by: day}", "2022-08-09"),
    ("{by: week}", "2020-W53"),
    ("{by: month}", "2022-02"),
    ("{by: list, names: [pt, es]}", "es"),
    ("{by: tick, every: 15m}", "2022-08-09T134500Z"),
]


@pytest.mark.parametrize(("partition", "date"), ONE)
def test_one_partition_of_each_kind_and_again_nothing_changes(levada, api, partition, date):
    write(levada, api, partition)
    assert ran(levada, "--date", date) == [date]
    assert api.targets == [f"/{date}"]
    assert files(levada) == {f"raw/{date}/1.json", f"stg/{date}.avro"}
    again = levada("run", "shop.yaml", "--date", date, "--again")
    assert (again.returncode, "nothing changed" in again.stdout) == (0, True)
    assert levada("replay", "shop.yaml").returncode == 0
    assert len(api.seen) == 2
    assert date in levada("status").stdout


def test_a_tick_that_is_committed_is_asked_for_again_only_where_one_says_so(levada, api):
    write(levada, api, "{by: tick, every: 15m}")
    run = ("run", "shop.yaml", "--date", "2022-08-09T134500Z")
    assert ran(levada, *run[2:]) == ["2022-08-09T134500Z"]
    assert "complete already, skipped" in levada(*run).stdout
    assert len(api.seen) == 1
    assert levada(*run, "--again").returncode == 0
    assert len(api.seen) == 2


SPANS = [
    ("day", ("2022-03-26", "2022-03-29"), ["2022-03-26", "2022-03-27", "2022-03-28"]),
    ("week", ("2020-W52", "2021-W02"), ["2020-W52", "2020-W53", "2021-W01"]),
    ("month", ("2021-12", "2022-02"), ["2021-12", "2022-01"]),
    ("hour", ("2022-08-09T23", "2022-08-10T01"), ["2022-08-09T23", "2022-08-10T00"]),
]


@pytest.mark.parametrize(("kind", "span", "found"), SPANS)
def test_a_span_takes_its_start_and_leaves_its_end(levada, api, kind, span, found):
    write(levada, api, LISBON.replace("KIND", kind))
    assert ran(levada, "--from", span[0], "--to", span[1]) == found
    assert api.targets == [f"/{key}" for key in found]


@pytest.mark.parametrize(
    ("day", "after", "hours"), [("2022-03-27", "2022-03-28", 23), ("2022-10-30", "2022-10-31", 25)]
)
def test_the_hours_of_a_day_on_which_clocks_change_leave_nothing_out(levada, api, day, after, hours):
    write(levada, api, LISBON.replace("KIND", "hour"), params='{from: "{start:%s}", to: "{end:%s}"}')
    assert len(ran(levada, "--from", f"{day}T00", "--to", f"{after}T00")) == hours
    spans = [(asked.number("from", 0), asked.number("to", 0)) for asked in api.seen]
    assert {end - start for start, end in spans} == {3600}
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]
    assert len({asked.path for asked in api.seen}) == hours


def test_an_hour_that_comes_twice_has_two_names(levada, api):
    write(levada, api, LISBON.replace("KIND", "hour"), params=SPAN)
    told = levada("run", "shop.yaml", "--date", "2022-10-30T01")
    assert (told.returncode, api.seen) == (2, [])
    assert "write 2022-10-30T01A for the first" in told.stderr
    assert ran(levada, "--date", "2022-10-30T01B") == ["2022-10-30T01B"]
    assert api.targets == ["/2022-10-30T01B?from=2022-10-30T01:00:00Z&to=2022-10-30T02:00:00Z"]


@pytest.mark.parametrize(
    ("date", "span"),
    [
        ("2022-03-27", ("2022-03-27T00:00:00Z", "2022-03-28T00:00:00+01:00")),
        ("2022-10-30", ("2022-10-30T00:00:00+01:00", "2022-10-31T00:00:00Z")),
    ],
)
def test_a_day_begins_and_ends_by_the_clocks_of_its_zone(levada, api, date, span):
    write(levada, api, LISBON.replace("KIND", "day"), params=SPAN)
    ran(levada, "--date", date)
    assert api.targets == [f"/{date}?from={span[0]}&to={span[1]}"]


@pytest.mark.parametrize(
    ("date", "edges"),
    [
        ("2022-08-09", ["00:00:00+01:00", "06:00:00+01:00", "12:00:00+01:00", "18:00:00+01:00"]),
        ("2022-03-27", ["00:00:00Z", "07:00:00+01:00", "13:00:00+01:00", "19:00:00+01:00"]),
        ("2022-10-30", ["00:00:00+01:00", "05:00:00Z", "11:00:00Z", "17:00:00Z", "23:00:00Z"]),
    ],
)
def test_windows_fill_requests_and_names_and_leave_nothing_between(levada, api, date, edges):
    write(levada, api, LISBON.replace("KIND", "day"), params=SPAN, more="window: 6h", name="{start:%H}-{page}")
    ran(levada, "--date", date)
    spans = [(asked.value("from"), asked.value("to")) for asked in api.seen]
    assert [start for start, _ in spans] == [f"{date}T{edge}" for edge in edges]
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    names = {f"raw/{date}/{edge[:2]}-{number}.json" for number, edge in enumerate(edges, start=1)}
    assert files(levada) == {*names, f"stg/{date}.avro"}
    before = {name: (levada.folder / "lake" / name).read_bytes() for name in files(levada)}
    api.forget()
    assert levada("replay", "shop.yaml", "--date", date).returncode == 0
    assert {name: (levada.folder / "lake" / name).read_bytes() for name in files(levada)} == before
    assert api.seen == []


def test_the_last_days_are_whole_and_end_before_today(levada, api):
    write(levada, api, "{by: day}")
    before = datetime.now(UTC).date()
    found = ran(levada, "--last", "7d")
    days = [[str(day - timedelta(days=back)) for back in range(7, 0, -1)] for day in (before, datetime.now(UTC).date())]
    assert found in days


@pytest.mark.parametrize(
    ("partition", "found"),
    [
        ("{by: day, default: yesterday}", lambda now: [f"{now - timedelta(days=1):%Y-%m-%d}"]),
        ("{by: day, default: today}", lambda now: [f"{now:%Y-%m-%d}"]),
        ("{by: month, default: this}", lambda now: [f"{now:%Y-%m}"]),
        ("{by: week, default: last}", lambda now: [f"{now - timedelta(days=7):%G-W%V}"]),
        ("{by: hour, default: last}", lambda now: [f"{now - timedelta(hours=1):%Y-%m-%dT%H}"]),
        ("{by: list, names: [pt, es]}", lambda _: ["pt", "es"]),
        ("{by: tick, every: 24h}", lambda now: [f"{now:%Y-%m-%dT000000Z}"]),
    ],
)
def test_without_a_date_the_default_is_worked_on(levada, api, partition, found):
    write(levada, api, partition)
    before = datetime.now(UTC)
    keys = ran(levada)
    assert keys in (found(before), found(datetime.now(UTC)))
    assert api.targets == [f"/{key}" for key in keys]


@pytest.mark.parametrize(
    ("partition", "options", "what"),
    [
        ("{by: day}", (), "is not told which partition to work on"),
        ("{by: week}", ("--date", "2022-08-09"), "write 2022-W32"),
        ("{by: list, names: [pt]}", ("--date", "fr"), "choose among: pt"),
        ("{by: list, names: [pt]}", ("--last", "7d"), "Partitions by list have no last ones"),
        ("{by: tick, every: 1h}", ("--from", "2022-08-09T130000Z", "--to", "2022-08-09T150000Z"), "have no spans"),
        ("{by: tick, every: 1h}", ("--date", "2022-08-09T134500Z"), "write 2022-08-09T130000Z"),
        ("{by: day}", ("--from", "2022-08-09", "--to", "2022-08-09"), "the end is not included"),
        ("{by: day}", ("--from", "2022-08-10", "--to", "2022-08-09"), "runs backwards"),
    ],
)
def test_what_names_no_partition_says_what_to_write_and_asks_nothing(levada, api, partition, options, what):
    write(levada, api, partition)
    told = levada("run", "shop.yaml", *options)
    assert (told.returncode, api.seen) == (2, [])
    assert what in told.stderr
