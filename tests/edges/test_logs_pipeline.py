"""What a pipeline at work writes into its log files: the stages in their order, what failed, and nothing secret."""

import json
import logging
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from levada.backfill import each
from levada.edges import Edges, FixedClock, WireFault
from levada.errors import ContractBroken, FixThis, LevadaError, TryLater
from levada.lake.area import Area
from levada.lake.disk import DiskStore
from levada.lake.lease import hold
from levada.lake.memory import MemoryStore
from levada.pipeline import Options, Pipeline, load
from levada.pipeline.choosing import Choice
from levada.pipeline.rounds import begun
from levada.round import Reported, failure_of
from levada.secret import remember
from levada.source.fake import answer
from levada.spec.read import read_text
from patience import PATIENCE
from shop import SALES, Shop, prices
from webserver import WebServer

DAY = "2022-08-09"
NOON = datetime(2022, 8, 12, 12, tzinfo=UTC)
LOGS = "\nlogs: {form: json}\n"
TOKEN = "open-sesame-4711"
DOCS = Path(__file__).parents[2] / "docs/logs.md"


class Place:
    """A spec in a folder, its shop, and what its log files say."""

    def __init__(self, folder, store=None):
        self.folder, self.store = folder, store or MemoryStore()
        self.shop = Shop(prices(1, 2), prices(3))
        self.clock, self.environment = FixedClock(NOON), {}

    def pipeline(self, spec=SALES, logs=LOGS, **options):
        read = read_text(spec + logs, str(self.folder / "shop.yaml"), self.environment, lake="lake")
        edges = Edges(clock=self.clock, environment=self.environment, network=self.shop.wire)
        return Pipeline(read, self.store, edges, Options(**options))

    def do(self, verb="run", spec=SALES, date=DAY, **options):
        one = self.pipeline(spec, **options)
        return one.work(verb, one.streams()[0], date)

    @property
    def text(self):
        return "".join(path.read_text(encoding="utf-8") for path in sorted((self.folder / "logs").glob("*.txt")))

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def events(self):
        return [line.get("event", line["words"]) for line in self.lines]

    def line(self, event):
        (found,) = [line for line in self.lines if line.get("event") == event]
        return found


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


STAGES = ["download started", "download finished", "checking finished", "committed", "done"]


def test_the_stages_of_a_run_stand_in_their_order(place):
    place.do()
    assert place.events == STAGES
    assert {(line["pipeline"], line["stream"], line["partition"]) for line in place.lines} == {("shop", "sales", DAY)}
    finished = place.line("download finished")
    assert (finished["pages"], finished["requests"], finished["rows"]) == (2, len(place.shop.urls), 3)
    assert finished["bytes"] == len(json.dumps(prices(1, 2))) + len(json.dumps(prices(3)))
    assert finished["words"].startswith("download finished: 2 pages, ")
    assert place.line("committed")["files"] == 4
    assert place.line("done")["words"] == "done, 2 pages, 3 rows, 0.00 s"


def test_a_run_that_changes_nothing_says_so(place):
    place.do()
    place.do()
    assert place.events == [*STAGES, "download started", "download finished", "checking finished", "done"]
    assert place.lines[-1]["words"] == "done (nothing changed), 2 pages, 3 rows, 0.00 s"


def test_landing_alone_checks_nothing_and_staging_downloads_nothing(place):
    place.do("land")
    assert place.events == ["download started", "download finished", "committed", "done"]
    place.do("stage")
    assert place.events[4:] == ["checking finished", "committed", "done"]
    place.do("replay")
    assert place.events[7:] == ["done"]


def test_bad_rows_are_told_by_rule(place):
    place.shop = Shop([{"price": "x"}, {"price": 1}, {"price": None}, {"price": "y"}, {}])
    done = place.do()
    assert done.counts.quarantined == 4
    line = place.line("checking finished")
    assert line["rules"] == {"price: type": 2, "price: nullable": 1, "price: required": 1}
    assert (line["read"], line["kept"], line["quarantined"]) == (5, 1, 4)
    assert "5 rows read, 1 kept, 4 quarantined (price: type 2, price: " in line["words"]


def test_rules_of_keys_without_end_are_counted_together(place):
    place.shop = Shop([{"price": 1, f"k{number}": 1} for number in range(300)] + prices(1))
    place.do(spec=SALES.replace("fields:", "unknown: refuse\n      fields:"))
    line = place.line("checking finished")
    assert len(line["rules"]) == 101
    assert sum(line["rules"].values()) == 300
    assert line["words"].endswith(", ...)")
    assert line["words"].partition("quarantined (")[2].count(", ") == 10


def test_a_failure_is_told_with_what_and_where_and_what_to_do_and_is_raised(place):
    place.shop.pages[2] = answer(200, b"no json")
    with pytest.raises(ContractBroken):
        place.do()
    assert place.events == ["download started", "again", "failed"]
    line = place.line("failed")
    assert (line["level"], line["kind"], line["partition"]) == ("ERROR", "ContractBroken", DAY)
    assert line["what"]
    assert "page 2" in line["where"]
    for part in (line["what"], line["where"], line["todo"]):
        assert part in line["words"]
    assert place.line("again")["words"].startswith("page 2 is asked for again in ")


def test_the_cause_of_a_failure_is_told_and_a_key_of_several_lines_is_in_neither(place):
    key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7bq\nPq3nTz0\n-----END KEY-----"
    remember(key)
    with pytest.raises(FixThis), begun(place.pipeline().course, "run", "python"):
        raise FixThis(f"The key {key} fits nothing.", where="a\n b") from ValueError(f"no PEM:\n{key}")
    assert place.line("failed")["words"] == (
        "failed: The key [secret] fits nothing.; where: a; b; cause: no PEM:; [secret]"
    )


def test_of_many_failures_the_first_are_named_at_the_end(place):
    with begun(place.pipeline().course, "run", "python") as ongoing:
        for number in range(7):
            ongoing.failed(TryLater("away"), "sales", f"2022-08-0{number + 1}")
        ongoing.close()
    named = place.lines[-1]["words"].partition(" s: ")[2]
    assert named == ", ".join([*(f"sales 2022-08-0{number} (TryLater)" for number in range(1, 6)), "..."])


def test_work_that_is_taken_up_again_says_so(place):
    place.shop.pages[3] = WireFault("reset", "gone")
    with pytest.raises(TryLater):
        place.do()
    place.shop.pages[3] = answer(404, b"no such page")
    place.do()
    again = [line for line in place.lines if line.get("event") == "download started"][1]
    assert again["words"] == "download started: 2 pages of an interrupted run are there"
    assert again["resumed"] == 2


def test_a_bug_is_told_with_its_traceback(place, monkeypatch):
    def broken(*_):
        raise KeyError("oops")

    monkeypatch.setattr("levada.pipeline.closing._draft", broken)
    with pytest.raises(KeyError):
        place.do()
    line = place.line("failed")
    assert (line["kind"], line["words"]) == ("Bug", "failed: this is a bug of Levada")
    assert "in broken" in line["error"]


def test_waits_are_told_when_they_are_long_and_tries_only_so_often(place):
    patient = SALES.replace("attempts: 2, wait: 1ms", "attempts: 30, wait: 1ms, cap: 1ms")
    place.shop.pages[2] = answer(503, b"", {"retry-after": "6"})
    with pytest.raises(TryLater):
        place.do(spec=patient)
    again = [line for line in place.lines if line.get("event") == "again"]
    assert len(again) == 29
    assert again[0]["seconds"] >= 6
    place.shop.pages[2] = answer(503, b"")
    with pytest.raises(TryLater):
        place.do(spec=patient, date="2022-08-10")
    assert len([line for line in place.lines if line.get("event") == "again"]) == 29 + 10


def test_who_waited_for_another_run_says_so(place):
    one = place.pipeline()
    with hold(Area(place.store, "shop", "sales", DAY), one.edges) as held:
        clock, release = place.clock, threading.Event()
        del held
        thread = threading.Thread(target=lambda: (place.do(wait=1000), release.set()))
        thread.start()
        while clock.monotonic() < 10 and thread.is_alive():
            release.wait(0.01)
    thread.join(PATIENCE)
    assert place.events[0] == "waited"
    assert place.events[1:] == STAGES
    assert "for another run of it" in place.lines[0]["words"]


def test_the_filling_of_a_table_is_told(tmp_path):
    place = Place(tmp_path, DiskStore(str(tmp_path / "lake")))
    loading = SALES + "    load: {duckdb: w.duckdb, mode: merge, key: price}\n"
    place.do(spec=loading)
    assert place.events == [*STAGES[:-1], "filling started", "filling finished", "done"]
    line = place.line("filling finished")
    assert (line["rows"], line["inserted"], line["updated"]) == (3, 3, 0)
    assert line["words"].startswith("filling finished: table ")
    assert "took 3 rows, 3 inserted, " in line["words"]
    place.do("load", spec=loading)
    assert place.events[-3:] == ["filling started", "filling finished", "done"]
    assert "has them already" in place.lines[-2]["words"]


def test_a_table_that_does_not_take_rows_is_told_after_the_commit(tmp_path):
    place = Place(tmp_path, DiskStore(str(tmp_path / "lake")))
    (tmp_path / "w.duckdb").write_text("no database")
    with pytest.raises(LevadaError):
        place.do(spec=SALES + "    load: {duckdb: w.duckdb}\n")
    assert "filling finished" not in place.events
    assert place.events[-1] == "failed"


def test_a_run_with_gaps_warns(place):
    place.shop.pages[2] = answer(418, b"teapot")
    spec = SALES.replace("responses:", "responses:\n      - {status: 418, means: skip}")
    place.shop.pages[3] = answer(200, json.dumps(prices(9)).encode())
    assert place.do(spec=spec).outcome == "partial"
    line = place.line("done")
    assert (line["level"], line["gaps"]) == ("WARNING", 1)
    assert line["words"].startswith("partial, 1 gap, ")


def test_hooks_and_rooms_are_heard_with_the_partition(place):
    one = place.pipeline()
    watched = one.observed(lambda _: logging.getLogger("levada.hooks").info("seen"))
    watched.work("run", one.streams()[0], DAY)
    seen = next(line for line in place.lines if line["words"] == "seen")
    assert (seen["from"], seen["stream"], seen["partition"]) == ("levada.hooks", "sales", DAY)


def test_a_secret_that_the_api_sends_back_is_in_no_line(place):
    remember(TOKEN)
    place.shop.pages[2] = answer(400, f"wrong key {TOKEN}".encode(), {"x-key": TOKEN})
    with pytest.raises(FixThis):
        place.do()
    assert TOKEN not in place.text
    assert "wrong key [secret]" in place.text


HOOK = """\
import logging, os
logging.getLogger("levada.mine").warning("imported with %s", os.environ["UNREVEALED_TOKEN"])
raise RuntimeError(os.environ["UNREVEALED_TOKEN"])
"""


def test_the_hook_of_the_docs_says_what_it_does(tmp_path):
    [code] = re.findall(r"```python\n(import logging.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "hook_of_the_docs.py").write_text(code)
    place = Place(tmp_path)
    place.environment = {"KEY": "open-sesame-4712"}
    auth = "auth: {class: 'hook_of_the_docs:Signer', secrets: {key: '${KEY}'}}"
    place.do(spec=SALES.replace("source: {", f"source: {{{auth}, "))
    signed = [line for line in place.lines if line["words"] == "signed"]
    assert len(signed) == len(place.shop.urls)
    assert {(line["from"], line["key"], line["hour"], line["partition"]) for line in signed} == {
        ("levada.mine", "first", 12, DAY)
    }


def test_a_secret_that_a_hook_tells_before_levada_used_it_is_in_no_line(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("UNREVEALED_TOKEN", "wide-open-0815")
    (tmp_path / "hook_that_tells.py").write_text(HOOK)
    auth = "auth: {class: 'hook_that_tells:Signer', secrets: {key: '${UNREVEALED_TOKEN}'}}"
    (tmp_path / "shop.yaml").write_text(SALES.replace("source: {", f"source: {{{auth}, ") + LOGS)
    with pytest.raises(FixThis) as caught:
        load(tmp_path / "shop.yaml", lake=str(tmp_path / "lake")).run(date=DAY)
    written = Place(tmp_path).text
    assert "imported with [secret]" in written
    assert "RuntimeError: [secret]" in str(caught.value)
    assert "wide-open-0815" not in f"{written}{caught.value}"


def test_a_disk_that_is_full_fails_no_run(place, caplog):
    (place.folder / "logs").write_text("no folder")
    with begun(place.pipeline().course, "run", "python") as ongoing:
        ongoing.ran(place.do())
        done = ongoing.close()
    assert done.ending == "success"
    (note,) = done.notes
    assert note.startswith("lines of the log are lost: ")
    assert note.endswith(": Not a directory")
    assert [record.getMessage() for record in caplog.records if record.name == "levada.logs"] == [
        f"levada: {note}; the work goes on"
    ]


def test_a_round_tells_its_begin_its_reports_and_its_end(place, monkeypatch):
    broken = failure_of(FixThis("no table", where="daily.sql", todo="make it"))
    made = (
        Reported("daily", DAY, rows=((1,), (2,)), files=("/r/daily.csv",), sheet="https://sheet/1", added=1, updated=1),
        Reported("weekly", DAY, error=broken),
    )
    monkeypatch.setattr("levada.pipeline.rounds.reported", lambda _, done: replace(done, reports=made))
    with begun(place.pipeline().course, "run", "command") as ongoing:
        stream = place.pipeline().streams()[0]
        ongoing.meant([(DAY, stream), ("2022-08-10", stream), ("2022-08-11", stream)])
        ongoing.ran(place.do())
        ongoing.failed(TryLater("away"), stream.name, "2022-08-10")
        done = ongoing.close()
    assert place.events == ["round began", *STAGES, "report", "report", "round ended"]
    assert {line["round"] for line in place.lines} == {done.id}
    begin, end = place.lines[0], place.lines[-1]
    assert begin["words"] == "run began, by a command"
    assert (end["level"], end["ending"], end["done"], end["failed"], end["not_tried"]) == ("ERROR", "failure", 1, 1, 1)
    assert end["words"] == "run ended: failure, 1 done, 1 failed, 1 not tried, 0.00 s: sales 2022-08-10 (TryLater)"
    good, bad = (line for line in place.lines if line["event"] == "report")
    assert good["words"] == (f"report daily of {DAY}: 2 rows; /r/daily.csv; sheet https://sheet/1: 1 added, 1 updated")
    assert (bad["level"], bad["words"]) == (
        "ERROR", f"report weekly of {DAY} failed: no table; daily.sql; make it",
    )  # fmt: skip


def test_an_error_of_the_round_is_told_once(place):
    with pytest.raises(FixThis), begun(place.pipeline().course, "run", "command"):
        raise FixThis("nothing to do", where="--date", todo="name one")
    place.shop.pages[1] = answer(400, b"no")
    with pytest.raises(FixThis), begun(place.pipeline().course, "run", "python"):
        place.do()
    assert place.events == [
        "round began", "failed", "round ended", "round began", "download started", "failed", "round ended",
    ]  # fmt: skip
    assert place.lines[1]["words"] == "failed: nothing to do; where: --date; to do: name one"


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_a_round_that_a_signal_ends_says_so(place, signal):
    with pytest.raises(signal), begun(place.pipeline().course, "run", "command"):
        raise signal
    assert place.events == ["round began", "round ended"]
    assert place.lines[-1]["level"] == "WARNING"
    assert place.lines[-1]["words"].startswith("run ended: stopped by a signal")


def test_specs_that_work_at_once_write_to_their_own_files(tmp_path):
    both, places = threading.Barrier(2), []

    def work(place, name):
        def meet(_):
            if not place.met:
                place.met = True
                both.wait(PATIENCE)

        one = place.pipeline(spec=SALES.replace("pipeline: shop", f"pipeline: {name}"))
        one.observed(meet).work("run", one.streams()[0], DAY)

    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        places.append(Place(folder))
        places[-1].met = False
    threads = [threading.Thread(target=work, args=pair) for pair in zip(places, ("a", "b"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for place, name in zip(places, ("a", "b"), strict=True):
        assert place.events == STAGES
        assert {line["pipeline"] for line in place.lines} == {name}


def test_jobs_that_fill_folders_are_told(tmp_path):
    place = Place(tmp_path, DiskStore(str(tmp_path / "lake")))
    one, lake = place.pipeline(spec=SALES), tmp_path / "lake"
    jobs = replace(one, spec=replace(one.spec, lake=str(lake)))
    jobs.land_into(f"{lake}/raw/x", date=DAY)
    jobs.stage_into(f"{lake}/stg/x", raw_dir=f"{lake}/raw/x")
    with pytest.raises(FixThis):
        jobs.stage_into(f"{lake}/stg/x", raw_dir=f"{lake}/raw/nothing")
    assert place.events == [
        "download started", "download finished", "committed", "done", "checking finished", "committed", "done",
        "failed",
    ]  # fmt: skip


def test_processes_that_share_the_work_write_to_one_file(tmp_path):
    place = Place(tmp_path, DiskStore(str(tmp_path / "lake")))
    days = ["2022-08-09", "2022-08-10", "2022-08-11"]
    for day in days:
        place.do(date=day)
    (tmp_path / "shop.yaml").write_text(SALES.replace("int32", "int64") + LOGS)
    (tmp_path / "logs").rename(tmp_path / "before")
    one = load(tmp_path / "shop.yaml")
    work = one.chosen("replay", Choice()).work
    with begun(one.course, "replay", "command") as ongoing:
        assert [ended.run.outcome for ended in each(one, "replay", work, jobs=2)] == ["done"] * 3
        done = ongoing.close()
    assert {line["round"] for line in place.lines} == {done.id}
    assert (place.events[0], place.events[-1]) == ("round began", "round ended")
    for day in days:
        told = [line["event"] for line in place.lines if line.get("partition") == day]
        assert told == ["checking finished", "committed", "done"]


def test_a_notice_that_was_sent_is_told(place):
    with WebServer(lambda _: "ok") as web:
        place.environment = {"HOOK_URL": f"{web.url}/hook/a-secret-path"}
        one = place.pipeline(logs=LOGS + 'notify: {webhook: "${HOOK_URL}"}\n')
        one.run(date=DAY)
        assert len(web.seen) == 1
    notice, end = place.lines[-2:]
    assert (notice["event"], notice["channel"], end["event"]) == ("notice", "webhook", "round ended")
    assert notice["words"].endswith(" was sent")
    assert "a-secret-path" not in place.text


def test_without_log_files_nothing_is_written_and_stages_go_to_whoever_set_up_logging(place, caplog):
    caplog.set_level(logging.INFO, logger="levada")
    one = place.pipeline(logs="")
    one.work("run", one.streams()[0], DAY)
    assert list(place.folder.iterdir()) == []
    assert [record.event for record in caplog.records] == STAGES
    first = caplog.records[0]
    assert first.getMessage() == f"shop/sales {DAY}: download started"
    assert (first.pipeline, first.stream, first.partition) == ("shop", "sales", DAY)


def test_who_asks_for_more_is_told_each_page(place, caplog):
    caplog.set_level(logging.DEBUG, logger="levada")
    place.do()
    pages = [line["words"] for line in place.lines if line.get("event") == "page"]
    assert pages[:2] == ["page 1: 2 rows, 28 bytes", "page 2: 1 row, 14 bytes"]
