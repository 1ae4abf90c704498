"""Status, told from records, run folders and locks."""

import dataclasses

import pytest

from lakeside import FINGERPRINTS, FOUR, RAW, STAGED, area_in, carry, land_all, later, page_of, run_of, still
from levada.errors import FixThis, TryLater
from levada.lake.area import Area, areas
from levada.lake.lease import hold, read_record
from levada.lake.memory import MemoryStore
from levada.lake.record import as_json
from levada.lake.status import PartitionStatus, status
from levada.lake.sweep import sweep
from levada.lake.work import Fingerprints, begin
from levada.nouns import Counts, Gap


def begun(store, edges, bodies=()):
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        for number, body in enumerate(bodies, 1):
            work.land(page_of(number, body))
        return work


def only(store):
    (found,) = status(store)
    return found


def test_a_run_that_ended_without_a_commit_found_no_data():
    store, edges = MemoryStore(), still()
    elsewhere = carry(MemoryStore(), edges=still())
    work = begun(store, edges)
    assert only(store).state == "unfinished"
    work.close(dataclasses.replace(run_of(elsewhere, work.run, changed=False), level=None))
    assert (only(store).state, only(store).unfinished_pages) == ("no data", 0)


def changed_record(store, **changes):
    record, tag = read_record(area_in(store))
    store.replace(area_in(store).commit, as_json(dataclasses.replace(record, **changes)), tag)


def test_an_empty_lake_has_no_partitions():
    store = MemoryStore()
    store.create("raw/mine.json", b"")
    store.create("_levada/notes", b"")
    store.create("_levada/shop/sales/2022-08-09/lock", b"")
    assert status(store) == []


def test_done_with_quarantine_tells_all_of_the_commit():
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    assert only(store) == PartitionStatus(
        pipeline="shop",
        stream="sales",
        partition="2022-08-09",
        state="done with quarantine",
        level="staged",
        counts=Counts(read=5, kept=4, quarantined=1),
        pages=4,
        files=tuple(sorted([RAW.format(n) for n in range(1, 5)] + [STAGED.format(n) for n in range(1, 5)])),
        committed=edges.clock.now(),
        run=record.run,
    )


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"counts": Counts(read=4, kept=4)}, "done"),
        ({"counts": Counts(), "no_data": True, "files": ()}, "no data"),
        ({"gaps": (Gap("page 3", "no"),)}, "partial"),
        ({"shown": False}, "not shown"),
        ({"gaps": (Gap("page 3", "no"),), "shown": False}, "not shown"),
    ],
)
def test_state_of_a_commit(changes, state):
    store = MemoryStore()
    carry(store, edges=still())
    changed_record(store, **changes)
    assert only(store).state == state


def test_running_tells_the_holder_and_what_stands():
    store, edges = MemoryStore(), still()
    carry(store, edges=edges)
    with hold(area_in(store), edges) as lease:
        found = only(store)
    assert (found.state, found.holder, found.pages) == ("running", lease.holder, 4)
    assert only(store).state == "done with quarantine"


def test_a_partition_that_was_just_taken_is_running():
    store = MemoryStore()
    store.create("_levada/shop/sales/2022-08-09/lock", b"")  # on a disk the lock is a file
    with store.lock("_levada/shop/sales/2022-08-09/lock", b"?"):
        assert (only(store).state, only(store).holder, only(store).run) == ("running", None, None)


def test_failed_tells_why_and_keeps_what_stands():
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    later(edges, hours=2)
    begun(store, edges).failed(TryLater("the server is away", where="page 3", todo="run again"), Counts(read=2))
    found = only(store)
    assert (found.state, found.run, found.pages, found.counts.read) == ("failed", record.run, 4, 5)
    assert found.error == "the server is away\n  where: page 3\n  to do: run again"


def test_failed_without_a_commit_tells_its_own_counts():
    store, edges = MemoryStore(), still()
    work = begun(store, edges)
    work.failed(FixThis("wrong token"), Counts(read=2, kept=2))
    found = only(store)
    assert (found.state, found.run, found.level, found.counts.kept) == ("failed", work.run, None, 2)


def test_unfinished_counts_pages_of_all_its_runs():
    store, edges = MemoryStore(), still()
    begun(store, edges, FOUR[:2])
    second = begun(store, edges)
    second.land(page_of(3, FOUR[2]))
    found = only(store)
    assert (found.state, found.unfinished_pages, found.run, found.error) == ("unfinished", 3, second.run, "")


@pytest.mark.parametrize(
    ("error", "fetch", "stage"), [(None, "unfinished", "unfinished"), (TryLater("away"), "failed", "unfinished")]
)
def test_unfinished_work_is_told_behind_a_staging_run(error, fetch, stage):
    store, edges = MemoryStore(), still()
    carry(store, edges=edges)
    later(edges, minutes=1)
    work = begun(store, edges, FOUR[:2])
    if error:
        work.failed(error)
    assert (only(store).state, only(store).unfinished_pages) == (fetch, 2)
    with hold(area_in(store), edges) as lease:
        staging = begin(lease, Fingerprints("", "contract"), edges, 0, fresh=True)
    staging.close(run_of(read_record(area_in(store))[0], staging.run, changed=False))
    assert (only(store).state, only(store).unfinished_pages, only(store).pages) == (stage, 2, 4)


def test_pages_that_are_swept_are_not_told():
    store, edges = MemoryStore(), still()
    carry(store, edges=edges)
    later(edges, minutes=1)
    begun(store, edges, FOUR[:2])
    begun(store, edges).failed(TryLater("the server is away"))
    assert only(store).unfinished_pages == 2
    later(edges, hours=2)
    with hold(area_in(store), edges) as lease:
        sweep(lease, edges, 3600, 3600)
    assert (only(store).state, only(store).unfinished_pages) == ("failed", 0)


def test_a_failure_before_the_commit_is_history():
    store, edges = MemoryStore(), still()
    begun(store, edges).failed(TryLater("the server is away"))
    later(edges, minutes=1)
    carry(store, edges=edges)
    assert (only(store).state, only(store).error) == ("done with quarantine", "")


def test_a_damaged_record_is_told_with_its_name():
    store, edges = MemoryStore(), still()
    carry(store, edges=edges)
    tag = store.head(area_in(store).commit).tag
    store.replace(area_in(store).commit, b"{", tag)
    found = only(store)
    assert (found.state, found.level) == ("damaged", None)
    assert "the commit record is damaged" in found.error
    assert "memory/_levada/shop/sales/2022-08-09/commit.json" in found.error


def test_partitions_are_sorted_and_names_come_back_as_written():
    store, edges = MemoryStore(), still()
    for names in [("b", "s", "2"), ("a", "s/t", "2"), ("a", "s/t", "1"), ("tmp", "é %", "..x")]:
        with hold(Area(store, *names), edges) as lease:
            land_all(begin(lease, FINGERPRINTS, edges, 3600), FOUR)
    found = [(each.pipeline, each.stream, each.partition) for each in status(store)]
    assert found == [("a", "s/t", "1"), ("a", "s/t", "2"), ("b", "s", "2"), ("tmp", "é %", "..x")]
    assert len(areas(store)) == 4
