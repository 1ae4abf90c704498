"""Bad answers of the API: waited out where waiting helps, else refused before anything of them is published."""

import json
import shlex
import time
from datetime import UTC, datetime, timedelta

import pytest

from levada.nouns import Run
from patience import PATIENCE
from refusals import DAY, Careful, attempt, durable, public, quick, state, told, told_as_json
from simulated import SPEC

MIXED = "2022-08-11"
PLACE = f"stream sales, {DAY}, page 2, http://"
NOTHING = {"times": None, "fault": {"status": 404, "body": {"message": "No data found"}}}


@pytest.fixture
def levada(levada):
    return Careful(levada.environment, levada.folder)


@pytest.fixture
def spec(tmp_path):
    return quick(tmp_path)


def on_page_2(fault: dict, times: int | None = None) -> dict:
    return {"match": {"page": 2}, "times": times, "fault": fault}


# -- what passes


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        ({"status": 429}, 2),
        ({"status": 503}, 2),
        ({"status": 503, "retry_after": 0}, 2),
        ({"status": 429, "retry_after": {"date_in": -5}}, 1),
        ({"cut_body": 100}, 1),
        ({"wrong_length": True}, 1),
        ({"reset": True}, 1),
        ({"gzip_truncated": True}, 1),
        ({"invalid_json": True}, 1),
        ({"html": True}, 1),
        ({"body": {"data": []}}, 1),
    ],
)
def test_trouble_that_passes_is_waited_out(api, spec, tmp_path, fault, times):
    undisturbed, lake = tmp_path / "undisturbed", tmp_path / "lake"
    assert attempt(spec, undisturbed, api).counts.kept == 338
    api.forget()
    api.fail(on_page_2(fault, times))
    done = attempt(spec, lake, api)
    assert isinstance(done, Run), done
    assert (done.outcome, done.pages, done.counts.read, done.counts.kept) == ("done", 4, 338, 338)
    assert api.pages_asked().count(2) == times + 1
    assert public(lake) == public(undisturbed)


# -- what stays


@pytest.mark.parametrize(
    ("fault", "code", "what", "todo"),
    [
        ({"body": {"data": []}}, 3, "an object with the keys data, not a list of records", "add a rule"),
        ({"html": True}, 3, "The body is HTML or XML, not JSON (byte 0): <!doctype html>", "Open the URL"),
        ({"invalid_json": True}, 3, "The body is no JSON: Input data was truncated", "Look at what the API sends"),
        ({"body": "[{'price': 1}]", "status": 200}, 3, "The body is no JSON", "Look at what the API sends"),
        ({"status": 503}, 75, "The API answers 503 Service Unavailable", "again later; the pages that came are kept"),
        ({"cut_body": 100}, 75, "The answer was cut short", "again later"),
        ({"wrong_length": True}, 75, "The answer was cut short", "again later"),
        ({"reset": True}, 75, "The connection broke off", "again later"),
        ({"gzip_truncated": True}, 75, "the gzip body stops before its end", "again later"),
    ],
)
def test_trouble_that_stays_ends_the_run_after_the_retries(api, spec, lake, fault, code, what, todo):  # noqa: PLR0917 - a table
    api.fail(on_page_2(fault))
    error = attempt(spec, lake, api)
    assert (error.exit_code, what in error.what, todo in error.todo) == (code, True, True), error
    assert error.what.endswith("(asked 3 times)")
    assert error.where.startswith(PLACE)
    assert api.pages_asked().count(2) == 3
    assert public(lake) == {}


@pytest.mark.parametrize(
    ("fault", "code", "what", "todo"),
    [
        ({"repeat_page": 1}, 3, "Page 2 is byte for byte page 1: the API repeats itself", "leave `paging` out"),
        ({"status": 404}, 2, "404 Not Found, and no rule says what that means", "add a rule to `responses`"),
        ({"status": 400}, 2, "400 Bad Request, and no rule says what that means", "Check the request of stream sales"),
    ],
)
def test_trouble_that_no_waiting_mends_ends_the_run_at_once(api, spec, lake, fault, code, what, todo):  # noqa: PLR0917 - a table
    api.fail(on_page_2(fault))
    error = attempt(spec, lake, api)
    assert (error.exit_code, what in error.what, todo in error.todo) == (code, True, True), error
    assert error.where.startswith(PLACE)
    assert api.pages_asked().count(2) == 1
    assert public(lake) == {}


def test_a_page_that_is_an_object_on_the_command_line(levada, api, spec, lake):
    assert attempt(spec, lake, api).outcome == "done"
    before = public(lake)
    api.fail(on_page_2({"body": {"message": "come back tomorrow"}}))
    done = levada("run", spec, "--date", DAY, "--lake", lake)
    told(done, 3, what='says: "come back tomorrow"', where=PLACE, todo="If it means the end of the pages or no data")
    assert public(lake) == before
    assert state(lake) == "failed"
    assert "of an interrupted run" not in levada("status", "--lake", lake).stdout, "the next run starts anew"
    api.forget()
    assert attempt(spec, lake, api).outcome == "done"
    assert state(lake) == "done"


# -- waits


@pytest.mark.parametrize("retry_after", [3600, {"date_in": 3600}])
def test_a_wait_that_is_too_long_ends_the_run_at_once_and_keeps_its_pages(levada, api, spec, lake, retry_after):
    api.fail(on_page_2({"status": 429, "retry_after": retry_after}))
    began = time.monotonic()
    done = levada("run", spec, "--date", DAY, "--lake", lake)
    assert time.monotonic() - began < PATIENCE
    told(done, 75, what="`max_wait` is 3 s", where=PLACE, todo="Try again later (from ")
    at = told_as_json(levada("run", spec, "--date", DAY, "--lake", lake, "--json"), 75, "TryLater")["at"]
    assert timedelta(minutes=58) < datetime.fromisoformat(str(at)) - datetime.now(UTC) < timedelta(minutes=61)
    assert public(lake) == {}
    assert "of an interrupted run is kept for the next one" in levada("status", "--lake", lake).stdout
    had = durable(lake)
    api.forget()
    assert attempt(spec, lake, api).resumed == len(had) == 1
    assert not had & set(api.pages_asked())


# -- no data


def test_a_date_without_data_is_an_empty_commit(levada, spec, lake):
    done = levada("run", spec, "--date", "2022-08-08", "--lake", lake)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no data, 0 pages, 0 rows read" in done.stdout
    assert "No data found for date 2022-08-08" in done.stdout, "the API's own words"
    assert public(lake) == {}
    assert state(lake, "2022-08-08") == "no data"


def test_data_that_vanished(levada, api, spec, lake):
    assert attempt(spec, lake, api).outcome == attempt(spec, lake, api, "2022-08-10").outcome == "done"
    before = public(lake)
    api.fail(NOTHING)
    done = levada("run", spec, "--date", DAY, "--lake", lake)
    told(done, 3, what="338 rows were committed before", where=f"sales/sales {DAY}", todo="run with --allow-empty")
    assert public(lake) == before
    allowed = levada("run", spec, "--date", DAY, "--lake", lake, "--allow-empty")
    assert (allowed.returncode, allowed.stderr) == (0, "")
    assert public(lake) == {name: data for name, data in before.items() if DAY not in name}
    assert state(lake) == "no data"


# -- bad rows


def test_more_bad_rows_than_max_bad(levada, api, tmp_path, lake):
    assert attempt(SPEC, lake, api, MIXED).counts.quarantined == 99
    before = public(lake)
    spec = quick(tmp_path, ("    contract:", "    contract:\n      max_bad: 5"))
    done = levada("run", spec, "--date", MIXED, "--lake", lake)
    told(
        done,
        3,
        what="`max_bad` allows 5",
        where=f"sales/sales {MIXED}",
        todo=f"levada quarantine sales/sales/{MIXED} --lake",
    )
    assert public(lake) == before
    assert "the latest run, which failed" in levada("quarantine", "--lake", lake).stdout
    shown = done.stderr.partition("levada quarantine ")[2].partition(";")[0]
    rows = levada("quarantine", *shlex.split(shown), "--limit", "200", "--json")
    assert len(json.loads(rows.stdout)) == 99
    assert {broken["rule"] for row in json.loads(rows.stdout) for broken in row["violations"]} == {"equals"}


def test_a_bad_row_that_is_not_allowed_at_all(levada, tmp_path, lake):
    spec = quick(tmp_path, ("    contract:", "    contract:\n      on_bad: fail"))
    done = levada("run", spec, "--date", MIXED, "--lake", lake)
    what = f'Page 1, record 1 (from 0), `purchase_date`: expected "{MIXED}", found "{DAY}"'
    told(done, 3, what=what, where=f"sales/sales {MIXED}", todo="`on_bad: quarantine`")
    assert public(lake) == {}


def test_no_good_row_at_all(levada, api, tmp_path, lake):
    error = attempt(quick(tmp_path, ("min: 0", "min: 100000")), lake, api)
    assert error.exit_code == 3
    assert "338 of 338 records are bad" in error.what
    assert public(lake) == {}
    rows = levada("quarantine", f"sales/sales/{DAY}", "--lake", lake, "--limit", "2")
    assert "expected at least 100000" in rows.stdout
    assert "2 of 338 rows" in rows.stdout
    api.forget_requests()
    assert attempt(SPEC, lake, api).counts.kept == 338, "with a mended contract"
    assert api.pages_asked() == [], "the pages that had come are good enough"


def test_days_that_break_the_contract_do_not_stop_the_others(levada, tmp_path, lake):
    spec = quick(tmp_path, ("    contract:", "    contract:\n      max_bad: 5"))
    done = levada("run", spec, "--from", "2022-08-10", "--to", "2022-08-13", "--lake", lake)
    assert done.returncode == 3
    assert [line.split(": ")[1].split(",")[0] for line in done.stdout.splitlines()] == ["done", "no data"]
    assert {name.split("/")[2] for name in public(lake)} == {"2022-08-10"}
