"""The jobs that a lake on disk still tells of."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from lakeside import area_in, draft_of, later, run_of, still
from levada.errors import ContractBroken
from levada.lake.area import area_of_folder
from levada.lake.disk import DiskStore
from levada.lake.latest import latest_jobs
from levada.lake.lease import hold
from levada.lake.record import as_json
from levada.lake.runs import Failure
from levada.lake.sweep import sweep
from levada.lake.work import Fingerprints, begin
from levada.nouns import Counts, Run

LONG = f"raw/{'x' * 250}/2022-08-09"


@pytest.fixture
def store(tmp_path):
    return DiskStore(str(tmp_path / "lake"))


@pytest.fixture
def edges():
    return still()


def begun(store, edges, folder, *, fetched=True, pipeline="shop"):
    """A job that is at work; the clock goes on a second, so that the next one comes later."""
    with hold(area_of_folder(store, pipeline, "sales", folder), edges) as lease:
        work = begin(lease, Fingerprints("GET" if fetched else "", ""), edges, 0.0)
    later(edges, seconds=1)
    return work


def ended(store, edges, folder, **how):
    work = begun(store, edges, folder, **how)
    counts = Counts(read=3, kept=2, quarantined=1)
    run = Run("shop", "sales", "2022-08-09", work.run, "done", "landed", counts, 1, 2, 0, (), True, 0.25)
    work.close(run)
    return run


def names(jobs):
    return [job.folder for job in jobs]


def test_a_lake_that_is_not_there_tells_nothing_and_is_not_made(store, tmp_path):
    assert latest_jobs(store, "shop", 50) == []
    assert list(tmp_path.iterdir()) == []


def test_a_job_is_told_whole(store, edges):
    began = edges.clock.now()
    run = ended(store, edges, "raw/sales/2022-08-09")
    (job,) = latest_jobs(store, "shop", 50)
    assert (job.folder, job.fetched, job.began, job.seconds) == ("raw/sales/2022-08-09", True, began, 0.25)
    assert job.end == run


def test_a_job_that_asked_no_api_is_a_stage_job(store, edges):
    ended(store, edges, "stg/x", fetched=False)
    assert [job.fetched for job in latest_jobs(store, "shop", 50)] == [False]


def test_a_failed_job_tells_why_and_how_long_it_took(store, edges):
    work = begun(store, edges, "raw/x")
    later(edges, seconds=2)
    work.failed(ContractBroken("bad rows", where="here", todo="mend them"), Counts(read=3))
    (job,) = latest_jobs(store, "shop", 50)
    assert isinstance(job.end, Failure)
    assert (job.end.what, job.end.counts, job.seconds) == ("bad rows", Counts(read=3), 3.0)


def test_the_latest_come_first_whatever_their_folder(store, edges):
    for folder in ("raw/b", "raw/a", "stg/c", "raw/b"):
        ended(store, edges, folder)
    assert names(latest_jobs(store, "shop", 50)) == ["raw/b", "stg/c", "raw/a", "raw/b"]


def test_partitions_other_pipelines_and_unfinished_jobs_are_not_told(store, edges):
    with hold(area_in(store), edges) as lease:
        work = begin(lease, Fingerprints("GET", ""), edges, 0.0)
        work.close(run_of(draft_of(lease, work, (), ()), work.run, changed=True))
    ended(store, edges, "raw/other", pipeline="other")
    begun(store, edges, "raw/at-work")
    ended(store, edges, "raw/told")
    assert names(latest_jobs(store, "shop", 50)) == ["raw/told"]


def test_only_the_files_of_the_jobs_that_are_told_are_read(tmp_path, edges):
    class Counting(DiskStore):
        reads = 0

        def read(self, key):
            self.reads += 1
            return super().read(key)

    store = Counting(str(tmp_path / "lake"))
    for number in range(20):
        ended(store, edges, f"raw/{number}")
    store.reads = 0
    assert names(latest_jobs(store, "shop", 3)) == ["raw/19", "raw/18", "raw/17"]
    assert store.reads == 6  # run.json and work.json of each


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff{"),
        lambda path: path.write_text('{"pipeline": "shop"}'),
        lambda path: path.with_name("work.json").write_text("[]"),
        lambda path: path.with_name("work.json").unlink(),
    ],
)
def test_what_is_damaged_is_left_out_and_the_next_takes_its_place(store, edges, damage):
    ended(store, edges, "raw/old")
    run = ended(store, edges, "raw/damaged")
    path = writable(store, "raw/damaged", run.run, "run.json")
    writable(store, "raw/damaged", run.run, "work.json")
    damage(path)
    assert names(latest_jobs(store, "shop", 1)) == ["raw/old"]


@pytest.mark.parametrize(("name", "member"), [("work.json", "started"), ("failed.json", "at")])
def test_a_time_without_zone_is_no_time(store, edges, name, member):
    work = begun(store, edges, "raw/x")
    work.failed(ContractBroken("bad rows"))
    path = writable(store, "raw/x", work.run, name)
    path.write_text(json.dumps({**json.loads(path.read_text()), member: "2022-08-12T06:00:00"}))
    assert latest_jobs(store, "shop", 50) == []


def test_a_clock_that_was_put_back_makes_no_negative_seconds(store, edges):
    work = begun(store, edges, "raw/x")
    edges.clock.start -= timedelta(days=1)
    work.failed(ContractBroken("bad rows"))
    assert [job.seconds for job in latest_jobs(store, "shop", 50)] == [0.0]


def test_the_folder_with_a_long_name_is_told_by_its_commit(store, edges):
    area = area_of_folder(store, "shop", "sales", LONG)
    run = ended(store, edges, LONG)
    assert names(latest_jobs(store, "shop", 50)) == [None]
    with hold(area, edges) as lease:
        record = draft_of(lease, begin(lease, Fingerprints("GET", ""), edges, 0.0), (), ())
    made = {**json.loads(as_json(record)), "folder": LONG, "run": run.run}
    store.create(area.commit, json.dumps(made).encode())
    assert names(latest_jobs(store, "shop", 50)) == [LONG]


def test_a_damaged_commit_takes_the_long_name_and_nothing_else(store, edges):
    ended(store, edges, LONG)
    store.create(area_of_folder(store, "shop", "sales", LONG).commit, b"{")
    assert names(latest_jobs(store, "shop", 50)) == [None]


def test_what_sweeping_leaves_of_jobs_is_enough(store, edges):
    ended(store, edges, "raw/x")
    begun(store, edges, "raw/x").failed(ContractBroken("bad rows"))
    later(edges, days=2)
    with hold(area_of_folder(store, "shop", "sales", "raw/x"), edges) as lease:
        sweep(lease, edges, 0.0, 0.0)
    assert [type(job.end) for job in latest_jobs(store, "shop", 50)] == [Failure, Run]


def writable(store, folder, run, name):
    path = Path(store.describe()) / area_of_folder(store, "shop", "sales", folder).run(run, name)
    path.chmod(0o644)
    return path
