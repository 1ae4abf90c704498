"""The example that loads what learners tried: every oddity of the API, with the count that it must give."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from graded import COLUMNS, DAY, EXAMPLE, Graded, as_row
from levada.edges import FixedClock, SystemClock
from levada.errors import ContractBroken, FixThis, TryLater
from levada.simulate.grader import DEMO_KEY, SEED, make_app
from levada.simulate.grader_made import BAD, Amounts, attempts
from levada.simulate.server import running
from levada.spec.read import read
from patience import PATIENCE, settles
from refusals import public
from simulated import Api, Levada
from terminals import Terminal
from warehouse import Warehouse

README = (EXAMPLE / "README.md").read_text()
AMOUNTS = Amounts(rows=400, odd=3, bad=2)
NEXT = "2024-10-09"
USER = "0123456789abcdef0123456789abcdef"
#: What the contract says of each kind of bad row: field and rule.
WRONG = {
    "an attempt of no known type": [("attempt_type", "enum")],
    "a run that was right": [("is_correct", "null_exactly_when")],
    "handed in, neither right nor wrong": [("is_correct", "null_exactly_when")],
    "handed in, and 2": [("is_correct", "type")],
    "a user of 31 characters": [("user_id", "pattern")],
    "a time that is none": [("created_at", "type")],
    "params that are code": [(name, "decode") for name in COLUMNS[1:4]],
    "params of 200,000 characters": [(name, "decode") for name in COLUMNS[1:4]],
    "params nested 40,000 deep": [(name, "decode") for name in COLUMNS[1:4]],
}


def at(kind, place, folder):
    """A database of this kind that nothing lies in."""
    return Warehouse(kind, place.database() if kind == "postgres" else str(folder / "warehouse.duckdb"))


def of(day=DAY, amounts=AMOUNTS):
    """What the API has of a day."""
    return [dict(one.record) for one in attempts(date.fromisoformat(day), SEED, amounts)]


def one(**changes):
    """A good record."""
    record = {
        "lti_user_id": USER,
        "passback_params": "{'oauth_consumer_key': '', 'lis_result_sourcedid': 's', 'lis_outcome_service_url': 'u'}",
        "is_correct": None,
        "attempt_type": "run",
        "created_at": f"{DAY} 12:00:00.000001",
    }
    return {**record, **changes}


@pytest.fixture(scope="module")
def _api():
    with running(make_app(amounts=AMOUNTS, environment={})) as server:
        yield Api(server.url)


@pytest.fixture
def api(_api):
    _api.forget()
    return _api


@pytest.fixture
def graded(api, warehouse, tmp_path):
    return Graded(api, warehouse, tmp_path)


@pytest.fixture
def alone(api, tmp_path):
    """The example on DuckDB: for what no database has to do with."""
    return Graded(api, Warehouse("duckdb", str(tmp_path / "warehouse.duckdb")), tmp_path)


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def day(request, _api, tmp_path_factory):
    """A day that is loaded, with all that is odd and bad, and its run."""
    folder = tmp_path_factory.mktemp("day")
    place = request.getfixturevalue("postgres") if request.param == "postgres" else None
    done = Graded(_api, at(request.param, place, folder), folder)
    return done, done()


def test_what_is_read_is_kept_or_quarantined_and_what_is_kept_is_loaded(day):
    _, run = day
    assert run.outcome == "done with quarantine"
    assert (run.counts.read, run.counts.kept, run.counts.quarantined) == (400, 379, 21)
    [receipt] = run.loads
    assert (receipt.rows, receipt.inserted, receipt.removed) == (379, 379, 0)


def test_the_table_has_the_seven_columns_and_no_other(day):
    graded, _ = day
    sql = "SELECT column_name AS c, data_type AS t FROM information_schema.columns WHERE table_name = 'attempts'"
    mine = " AND table_schema = current_schema() ORDER BY ordinal_position"
    kinds = {"text", "varchar", "boolean", "timestamp with time zone"}
    found = {each["c"]: each["t"].lower() for each in graded.warehouse.ask(sql + mine)}
    assert tuple(found) == COLUMNS
    assert set(found.values()) <= kinds
    assert [found[name] for name in ("is_correct", "created_at")] == ["boolean", "timestamp with time zone"]


def test_every_value_is_what_the_api_said(day):
    graded, _ = day
    good = [record for record in of() if not (record["lti_user_id"] is None or bad(record))]
    assert len(good) == 379
    rows = graded.rows()
    assert [(*row[:-1], row[-1].astimezone(UTC)) for row in rows] == [as_row(record) for record in good]
    assert {type(row[4]) for row in rows} == {bool, type(None)}


def bad(record):
    return any(said.items() <= record.items() for said in BAD.values())


def test_no_user_is_quarantined(day):
    graded, _ = day
    found = [each for each in graded.refused() if json.loads(each.raw)["lti_user_id"] is None]
    assert [[(v.path, v.rule) for v in each.violations] for each in found] == [[("user_id", "nullable")]] * 3
    assert graded.count("user_id IS NULL") == 0


def test_null_missing_and_none_params_give_nulls(day):
    graded, _ = day
    three = " AND ".join(f"{name} IS NULL" for name in COLUMNS[1:4])
    assert graded.count(three) == 9
    without = [record for record in of() if record.get("passback_params") in (None, "None")]
    assert Counter("passback_params" in record and record["passback_params"] for record in without) == {
        None: 3,
        False: 3,
        "None": 3,
    }


def test_params_without_the_outcome_url_give_null_for_it_alone(day):
    graded, _ = day
    assert graded.count("lis_outcome_service_url IS NULL AND lis_result_sourcedid LIKE 'course-v1:%'") == 30
    assert graded.count("lis_outcome_service_url IS NULL") == 39


def test_the_consumer_key_is_empty_and_not_null(day):
    graded, _ = day
    assert graded.count("oauth_consumer_key = ''") == 370
    assert graded.count("oauth_consumer_key IS NULL") == 9


def test_is_correct_is_null_for_runs_and_for_no_other(day):
    graded, _ = day
    said = Counter(
        (record["attempt_type"], record["is_correct"]) for record in of() if record["lti_user_id"] and not bad(record)
    )
    told = {
        ("run", None): graded.count("attempt_type = 'run' AND is_correct IS NULL"),
        ("submit", 1): graded.count("attempt_type = 'submit' AND is_correct = true"),
        ("submit", 0): graded.count("attempt_type = 'submit' AND is_correct = false"),
    }
    assert told == said
    assert sum(told.values()) == 379
    assert told["run", None] > 4 * (379 - told["run", None])


def test_times_without_a_fraction_are_whole_seconds(day):
    graded, _ = day
    assert graded.count("created_at = date_trunc('second', created_at)") == 3
    assert graded.count(f"created_at = TIMESTAMPTZ '{DAY} 00:00:00+00:00'") == 1


def test_the_last_moment_of_the_day_is_not_lost(day):
    graded, _ = day
    assert graded.count(f"created_at = TIMESTAMPTZ '{DAY} 23:59:59.999999+00:00'") == 1


def test_users_come_again(day):
    graded, _ = day
    [found] = graded.warehouse.ask("SELECT count(DISTINCT user_id) AS n FROM attempts")
    assert 40 < found["n"] <= 100


@pytest.mark.parametrize(("kind", "wrong"), WRONG.items())
def test_bad_rows_are_quarantined_with_what_is_wrong(day, kind, wrong):
    graded, _ = day
    found = [each for each in graded.refused() if BAD[kind].items() <= json.loads(each.raw).items()]
    assert [[(v.path, v.rule) for v in each.violations] for each in found] == [wrong] * 2
    assert all(len(v.reason) < 300 for each in found for v in each.violations)


def test_every_kind_of_bad_row_is_looked_at(day):
    graded, _ = day
    assert set(WRONG) == set(BAD)
    assert len(graded.refused()) == 3 + 2 * len(BAD)
    assert not Path("levada-was-here").exists()


def test_the_window_is_the_day_to_its_last_microsecond(alone):
    alone()
    [asked] = alone.api.log()
    assert asked["path"] == "/api/statistics"
    assert {name: asked[name] for name in ("status",)} == {"status": 200}
    asked_for = "client=Skillfactory&start=2024-10-08%2000:00:00&end=2024-10-08%2023:59:59.999999&client_key="
    assert asked["query"].replace("+", "%20").replace("%3A", ":").startswith(asked_for)
    assert DEMO_KEY not in json.dumps(asked)


def test_a_second_run_changes_nothing_and_doubles_nothing(graded):
    graded()
    before = (graded.rows(), public(graded.lake))
    again = graded()
    assert (again.changed, again.counts.read, again.counts.quarantined) == (False, 400, 21)
    assert [receipt.before for receipt in again.loads] == [True]
    assert (graded.rows(), public(graded.lake)) == before


def test_days_are_apart_and_what_the_api_mends_replaces_its_own_day_alone(graded):
    graded()
    graded(day=NEXT)
    assert graded.count("true") == 2 * 379
    first, last = f"{NEXT} 00:00:00", f"{NEXT} 23:59:59.999999"
    graded.api.fail({"fault": {"body": [one(created_at=first), one(created_at=last)]}})
    [receipt] = graded(day=NEXT).loads
    assert (receipt.removed, receipt.inserted) == (379, 2)
    assert graded.count("true") == 379 + 2
    assert graded.count(f"created_at < TIMESTAMPTZ '{NEXT} 00:00:00+00'") == 379


def test_attempts_of_other_days_are_quarantined(graded):
    others = ["2024-10-07 23:59:59.999999", f"{NEXT} 00:00:00"]
    graded.api.fail({"fault": {"body": [one(), *(one(created_at=other) for other in others)]}})
    run = graded()
    assert (run.counts.read, run.counts.kept, run.loads[0].inserted) == (3, 1, 1)
    assert [[(v.path, v.rule) for v in each.violations] for each in graded.refused()] == [
        [("created_at", "within")]
    ] * 2
    said = "expected a value from 2024-10-08T00:00:00+00:00 on, before 2024-10-09T00:00:00+00:00, found "
    assert graded.refused()[0].violations[0].reason == f'{said}"{others[0]}"'


def test_days_of_another_zone_have_other_attempts(api, tmp_path):
    zone = ("default: yesterday}", "default: yesterday, timezone: Europe/Lisbon}")
    times = [f"2024-10-07 22:59:59.{'9' * 6}", "2024-10-07 23:00:00", f"{DAY} 22:59:59.999999", f"{DAY} 23:00:00"]
    graded = Graded(api, at("duckdb", None, tmp_path), tmp_path, (zone,))
    graded.api.fail({"fault": {"body": [one(created_at=time) for time in times]}})
    graded()
    assert [str(row[-1].astimezone(UTC))[:-6] for row in graded.rows()] == times[1:3]


def test_attempts_of_other_days_that_were_committed_before_they_were_found_by_time(graded):
    by = "rows_by: created_at # a day's rows are found by it, so the table has these seven columns and no other"
    graded.api.fail({"fault": {"body": [one(), one(created_at=f"{NEXT} 00:00:00")]}})
    before = replace(graded, changes=((by, "table: before"),))
    assert before().loads[0].rows == 2
    with pytest.raises(ContractBroken) as told:
        graded("load")
    assert "1 rows of grader/attempts 2024-10-08 lie outside of the partition by created_at." in str(told.value)
    assert "`levada replay` sends them to quarantine" in str(told.value)
    run = graded("replay")
    assert (run.counts.kept, run.counts.quarantined, run.loads[0].rows) == (1, 1, 1)


#: What a record says besides what a good one says, and the row that comes of it, but for its time.
GOOD = [
    ({}, (USER, "", "s", "u", None, "run")),
    ({"is_correct": 1, "attempt_type": "submit"}, (USER, "", "s", "u", True, "submit")),
    ({"is_correct": 0, "attempt_type": "submit"}, (USER, "", "s", "u", False, "submit")),
    ({"passback_params": "{}"}, (USER, None, None, None, None, "run")),
    ({"passback_params": "{'lis_result_sourcedid': None}"}, (USER, None, None, None, None, "run")),
    ({"passback_params": """{"oauth_consumer_key": "it's"}"""}, (USER, "it's", None, None, None, "run")),
    ({"passback_params": r"{'oauth_consumer_key': 'a\'b\\\n\u0436'}"}, (USER, "a'b\\\nж", None, None, None, "run")),
    ({"more": {"unknown": [1]}}, (USER, "", "s", "u", None, "run")),
]
#: The same of records that are refused, and for which fields and rules.
REFUSED = [
    ({"passback_params": '{"lis_result_sourcedid": null}'}, [(name, "decode") for name in COLUMNS[1:4]]),
    ({"passback_params": {"oauth_consumer_key": ""}}, [(name, "decode") for name in COLUMNS[1:4]]),
    ({"passback_params": ""}, [(name, "decode") for name in COLUMNS[1:4]]),
    ({"passback_params": "['lis_result_sourcedid']"}, [(name, "type") for name in COLUMNS[1:4]]),
    ({"passback_params": "{'oauth_consumer_key': 5}"}, [("oauth_consumer_key", "type")]),
    ({"lti_user_id": USER.upper()}, [("user_id", "pattern")]),
    ({"lti_user_id": 5}, [("user_id", "type")]),
    ({"is_correct": "yes", "attempt_type": "submit"}, [("is_correct", "type")]),
    ({"is_correct": 0.5, "attempt_type": "submit"}, [("is_correct", "type")]),
    ({"attempt_type": None}, [("attempt_type", "nullable")]),
    ({"created_at": None}, [("created_at", "nullable")]),
    ({"created_at": 1728388800}, [("created_at", "type")]),
    ({"created_at": f"{DAY} 24:00:00"}, [("created_at", "type")]),
]


@pytest.fixture(scope="module")
def page(_api, tmp_path_factory):
    """A page of all of these, each at a second of its own unless it says another time, and its run."""
    folder = tmp_path_factory.mktemp("page")
    said = [changes for changes, _ in (*GOOD, *REFUSED)]
    records = [one(**{"created_at": f"{DAY} 12:00:{place:02}", **changes}) for place, changes in enumerate(said)]
    _api.fail({"fault": {"body": records}})
    done = Graded(_api, at("duckdb", None, folder), folder)
    return done, done()


def test_a_page_of_good_and_bad_records(page):
    _, run = page
    counts = (run.counts.read, run.counts.kept, run.counts.quarantined)
    assert counts == (len(GOOD) + len(REFUSED), len(GOOD), len(REFUSED))


@pytest.mark.parametrize("place", range(len(GOOD)))
def test_records_that_are_good(page, place):
    graded, _ = page
    assert graded.rows()[place][:-1] == GOOD[place][1]


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_records_that_are_not(page, place):
    graded, _ = page
    refused = graded.refused()[place]
    assert refused.index == len(GOOD) + place
    assert sorted((v.path, v.rule) for v in refused.violations) == sorted(REFUSED[place][1])


def test_a_day_without_attempts(graded):
    graded.api.fail({"fault": {"body": []}})
    run = graded()
    assert (run.outcome, run.counts.read) == ("no data", 0)


def test_errors_with_200_fail_in_the_words_of_the_api(graded):
    graded()
    before = graded.rows()
    graded.api.forget()
    graded.api.fail({"times": None, "fault": {"body": {"errors": f"busy; you are {DEMO_KEY}"}}})
    with pytest.raises(FixThis) as told:
        graded()
    assert "busy; you are " in str(told.value)
    assert DEMO_KEY not in str(told.value)
    assert DEMO_KEY not in repr(told.value.facts())
    assert len(graded.api.log()) == 1
    assert graded.rows() == before


def test_an_object_that_tells_of_no_error_is_no_list_either(alone):
    alone.api.fail({"times": None, "fault": {"body": {"errors": [], "data": []}}})
    with pytest.raises(ContractBroken) as told:
        alone()
    assert "list" in str(told.value)
    assert len(alone.api.log()) == 5
    assert not alone.lake.joinpath("raw").exists()


def test_a_wrong_key_is_told_and_never_shown(alone):
    shell = Levada({**alone.environment, "GRADER_CLIENT_KEY": "wr0nGk"}, alone.folder)
    done = shell("run", alone.spec, "--date", DAY)
    assert (done.returncode, done.stdout) == (2, "")
    assert "client or client_key is wrong" in done.stderr
    assert "GRADER_CLIENT_KEY" in done.stderr
    assert "wr0nGk" not in done.stderr
    assert [path for path in alone.folder.rglob("*") if path.is_file() and b"wr0nGk" in path.read_bytes()] == []


class Held(FixedClock):
    """A clock by which nothing is over until the test says so."""

    over = False

    async def sleep(self, seconds):
        await super().sleep(seconds)
        while not self.over:
            await SystemClock().sleep(0.01)


def test_a_slow_answer_is_shown_to_be_waited_for(alone):
    clock = Held(datetime(2024, 10, 20, tzinfo=UTC))
    with running(make_app(slow=30, clock=clock, environment={})) as server:
        slow = Graded(Api(server.url), alone.warehouse, alone.folder)
        terminal = Terminal(Levada(slow.environment, slow.folder), "run", slow.spec, "--date", DAY)
        terminal.until(lambda: clock.slept and "grader/attempts 2024-10-08: asking" in terminal.text)
        drawn = terminal.raw.count("asking")
        terminal.until(lambda: terminal.raw.count("asking") > drawn + 5)
        clock.over = True
        assert terminal.end() == 0, terminal.text
    assert "1000 rows read" in terminal.text
    assert clock.slept == [30]


def test_an_answer_has_two_minutes_and_one_that_takes_longer_is_asked_for_later(alone):
    assert read(EXAMPLE / "pipeline.yaml", {}).source.timeout == 120
    with running(make_app(slow=PATIENCE, environment={})) as server:
        changes = (("timeout: 120s", "timeout: 50ms\n  retry: {attempts: 2}"),)
        slow = Graded(Api(server.url), alone.warehouse, alone.folder, changes)
        with pytest.raises(TryLater) as told:
            slow()
        assert settles(lambda: len(slow.api.log()) == 2)
    assert "No whole answer within 0.05 s" in str(told.value)


COURSE = """CREATE TABLE attempts (id SERIAL PRIMARY KEY, user_id TEXT NOT NULL, oauth_consumer_key TEXT,
    lis_result_sourcedid TEXT, lis_outcome_service_url TEXT, is_correct BOOLEAN, attempt_type VARCHAR NOT NULL
    CHECK (attempt_type IN ('run', 'submit')), created_at TIMESTAMPTZ NOT NULL, UNIQUE (user_id, created_at))"""


def test_a_table_with_numbers_and_rules_of_its_own_is_filled(api, postgres, tmp_path):
    graded = Graded(api, Warehouse("postgres", postgres.database()), tmp_path)
    graded.warehouse.do(COURSE)
    for _ in range(2):
        assert graded().loads[0].rows == 379
    assert graded.count("id IS NOT NULL") == 379


def test_a_table_whose_columns_are_too_narrow_is_refused_by_name(api, postgres, tmp_path):
    graded = Graded(api, Warehouse("postgres", postgres.database()), tmp_path)
    graded.warehouse.do(COURSE.replace("TIMESTAMPTZ", "TIMESTAMP").replace("user_id TEXT", "user_id VARCHAR(32)"))
    with pytest.raises(FixThis) as told:
        graded()
    assert "user_id is character varying(32), and the contract gives text" in str(told.value)
    said = "created_at is timestamp without time zone, and the contract gives timestamp with time zone"
    assert said in str(told.value)
    assert graded.count("true") == 0
    [mends] = re.findall("`(ALTER TABLE .*)`", README)
    graded.warehouse.do(mends)
    assert graded().loads[0].rows == 379


def test_the_query_of_the_readme(api, postgres, tmp_path):
    graded = Graded(api, Warehouse("postgres", postgres.database()), tmp_path)
    graded()
    [query] = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    found = {each["attempt_type"]: (each["count"], each["avg"]) for each in graded.warehouse.ask(query)}
    assert found["run"] == (graded.count("attempt_type = 'run'"), None)
    assert 0.3 < float(found["submit"][1]) < 0.5


def test_the_sample_of_variables_names_those_of_the_spec():
    named = re.findall(r"^# ([A-Z_]+)=", (EXAMPLE / ".env.example").read_text(), re.MULTILINE)
    used = re.findall(r"\$\{([A-Z_]+)", (EXAMPLE / "pipeline.yaml").read_text())
    assert sorted(named) == sorted({*used, "GOOGLE_APPLICATION_CREDENTIALS"})


def test_the_command_serves_a_day():
    command = [sys.executable, "-m", "levada", "simulate", "grader", "--port", "0"]
    options = ["--rows", "60", "--odd", "1", "--bad", "2", "--seed", "5", "--slow", "0.2"]
    environment = {**os.environ, "GRADER_CLIENT_KEY": "Another"}
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            line = process.stdout.readline()
            url = line.split()[4].rstrip(";")
            assert line == f"Simulated grader API on {url}; key: GRADER_CLIENT_KEY. Ctrl-C ends it.\n"
            window = "client=Skillfactory&client_key=Another&start=2024-10-08&end=2024-10-08T23:59:59.999999"
            began = time.monotonic()
            with urllib.request.urlopen(f"{url}/statistics?{window}", timeout=PATIENCE) as answer:
                found = json.load(answer)
            assert time.monotonic() - began >= 0.2
        finally:
            process.terminate()
    assert found == [dict(one.record) for one in attempts(date(2024, 10, 8), 5, Amounts(60, 1, 2))]
