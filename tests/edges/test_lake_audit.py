"""Real damage of every kind, found and put right: on disk, in memory and on an object store."""

import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from lakeside import FINGERPRINTS, FOUR, RAW, STAGED, START, area_in, carry, public_tree, run_of, still
from levada.edges import Edges
from levada.errors import FixThis, LeaseHeld
from levada.lake.area import Area
from levada.lake.audit import Audit, chosen
from levada.lake.beside import top_of
from levada.lake.disk import DiskStore
from levada.lake.lease import hold, read_record
from levada.lake.memory import MemoryStore
from levada.lake.opening import open_store
from levada.lake.record import FORMAT, as_json, public_names
from levada.lake.repair import repair
from levada.lake.status import status
from levada.lake.work import begin

EDGES = Edges(environment={})


@pytest.fixture(params=["disk", "memory", "s3"])
def store(request, tmp_path):
    """A lake with one partition: four pages, four staged files, one quarantine."""
    if request.param == "s3":
        s3 = request.getfixturevalue("s3")
        made = open_store(s3.lake(), s3.environment)
    else:
        made = DiskStore(tmp_path / "lake") if request.param == "disk" else MemoryStore()
    carry(made)
    return made


@pytest.fixture
def area(store):
    return area_in(store)


@pytest.fixture
def disk(tmp_path):
    made = DiskStore(tmp_path / "lake")
    carry(made)
    return made


def files(area):
    return read_record(area)[0].files


def page(area, number=1):
    return next(file for file in files(area) if file.kind == "page" and file.page == number)


def put(store, key, data):
    """Other bytes under a key, as a new file."""
    store.delete(key)
    store.create(key, data)


def verified(area, **how):
    return Audit(area.store, **how).one(area)


def extras(store, areas, **how):
    audit = Audit(store, **how)
    for area in areas:
        audit.one(area)
    return audit.extras()


def told(area, **how):
    return [(finding.kind, finding.key) for finding in verified(area, **how).findings]


def unshown(area, *stale):
    """The record as a run leaves it that was killed between its commit and its end."""
    record, tag = read_record(area)
    area.store.replace(area.commit, as_json(replace(record, shown=False, stale=stale)), tag)


def test_a_lake_as_it_was_committed_has_no_findings(area, store):
    one = verified(area)
    assert one.findings == ()
    assert (one.files, one.size) == (9, sum(file.size for file in files(area)))
    assert extras(store, [area]) == []


def test_a_public_name_that_is_gone_is_missing_and_made_again(area, store):
    before = public_tree(store)
    store.delete(RAW.format(2))
    assert told(area) == [("missing", RAW.format(2))]
    done = repair(area, EDGES)
    assert len(done) == 1
    assert RAW.format(2) in done[0]
    assert "written again" in done[0]
    assert told(area) == []
    assert public_tree(store) == before


def test_a_public_name_that_was_changed_is_told_by_size_or_hash_and_made_again(area, store):
    before = public_tree(store)
    longer, other = RAW.format(1), STAGED.format(2)
    put(store, longer, b"[1, 2, 3, 4, 5, 6, 7]")
    put(store, other, store.read(other).swapcase())
    size, digest = verified(area).findings
    assert (size.kind, size.key, size.found_size, size.found) == ("changed", longer, 21, None)
    assert (digest.kind, digest.key, digest.found_size) == ("changed", other, digest.size)
    assert digest.found not in (None, digest.sha256)
    assert told(area, quick=True) == [("changed", longer)], "sizes alone cannot tell the other"
    assert len(repair(area, EDGES)) == 2
    assert told(area) == []
    assert public_tree(store) == before


def test_kept_bytes_come_back_from_the_public_name(area, store):
    gone, changed = page(area, 1), page(area, 3)
    store.delete(gone.key)
    put(store, changed.key, b"[0]")
    assert told(area) == [("missing", gone.key), ("changed", changed.key)]
    assert len(repair(area, EDGES)) == 2
    assert told(area) == []
    assert store.read(gone.key) == FOUR[0]


def test_what_has_no_copy_is_left_and_told_with_what_makes_it_again(area, store):
    lost = page(area, 2)
    store.delete(lost.key)
    put(store, lost.public, b"[0]")
    quarantine = next(file for file in files(area) if file.kind == "quarantine")
    store.delete(quarantine.key)
    assert repair(area, EDGES) == ()
    raw, public, rows = verified(area).findings
    assert [(each.kind, each.key) for each in (raw, public, rows)] == [
        ("missing", lost.key),
        ("changed", lost.public),
        ("missing", quarantine.key),
    ]
    assert raw.todo.startswith("`levada run` for this partition")
    assert rows.todo.startswith("`levada stage` for this partition")
    assert store.read(lost.public) == b"[0]"


def test_kept_bytes_come_back_from_another_file_of_the_commit(store):
    twin = Area(store, "shop", "sales", "2022-08-09")
    carry(store, [b'["a"]', b'["c"]', b'["a"]'])
    first = page(twin, 1)
    store.delete(first.key)
    store.delete(first.public)
    assert len(repair(twin, EDGES)) == 2
    assert told(twin) == []
    assert store.read(first.public) == b'["a"]'


def test_a_commit_that_was_not_shown_is_finished(area, store):
    before = public_tree(store)
    unshown(area, "raw/sales/2022-08-09/sales_2022-08-09_5.json")
    store.create("raw/sales/2022-08-09/sales_2022-08-09_5.json", b"[]")
    store.delete(RAW.format(4))
    assert told(area) == [("not shown", area.commit)]
    assert "--repair" in verified(area).findings[0].todo
    done = repair(area, EDGES)
    assert done[-1] == f"{area.commit}: what it says is shown now"
    assert told(area) == []
    assert public_tree(store) == before


def test_what_a_run_at_work_has_not_shown_yet_is_its_own(area, store):
    unshown(area)
    with store.lock(area.lock, b""):
        assert told(area) == [("busy", area.commit)]
        with pytest.raises(LeaseHeld):
            repair(area, EDGES)


def test_files_that_are_in_no_record_are_extra_and_stay(area, store):
    foreign = "raw/sales/2022-08-09/mine.json"
    stray = f"{area.folder}/notes.txt"
    store.create(foreign, b"mine")
    store.create("raw/sales/2022-08-09/_SUCCESS", b"")
    store.create("raw/elsewhere/mine.json", b"mine")
    store.create(stray, b"mine")
    assert [(each.kind, each.key) for each in extras(store, [area])] == [("extra", foreign)]
    assert told(area) == [("extra", stray)]
    repair(area, EDGES)
    assert store.read(foreign) == store.read(stray) == b"mine"


def test_the_files_of_another_partition_are_not_extra(area, store):
    other = Area(store, "shop", "sales", "2022-08-10")
    record, _ = read_record(area)
    key = other.run("20220812T060000.000000Z-0000", "pages", "1.body")
    store.create(key, FOUR[0])
    public = "raw/sales/2022-08-09/of_another.json"
    store.copy(key, public)
    file = replace(page(area), key=key, public=public)
    store.replace(other.commit, as_json(replace(record, partition="2022-08-10", files=(file,))), None)
    assert extras(store, [area]) == []


def test_a_name_that_belongs_to_another_partition_by_now_is_left_to_it(area, store):
    other = Area(store, "shop", "sales", "2022-08-10")
    record, _ = read_record(area)
    key = other.run("20220812T060000.000000Z-0000", "pages", "1.body")
    store.create(key, b"[9]")
    store.copy(key, RAW.format(1))
    file = replace(page(area), key=key)
    store.replace(other.commit, as_json(replace(record, partition="2022-08-10", files=(file,))), None)
    assert told(area) == [("changed", RAW.format(1))]
    assert repair(area, EDGES) == ()
    assert store.read(RAW.format(1)) == b"[9]"


def test_a_damaged_record_is_told_and_hides_no_other(area, store):
    record, tag = read_record(area)
    store.replace(area.commit, b"{", tag)
    (finding,) = verified(area).findings
    assert (finding.kind, finding.key, finding.file) == ("damaged", area.commit, "record")
    assert "damaged" in finding.why
    assert "--adopt" in finding.todo
    store.create("raw/sales/2022-08-09/mine.json", b"mine")
    assert extras(store, [area]) == [], "nobody knows whose it is"
    newer = as_json(record).replace(f'"format": {FORMAT}'.encode(), b'"format": 99')
    store.replace(area.commit, newer, store.head(area.commit).tag)
    assert "format 99" in verified(area).findings[0].why


def test_partitions_are_chosen_by_pipeline_stream_and_partition(area, store):
    for name in ("", "shop", "shop/sales", "shop/sales/2022-08-09"):
        assert chosen(store, [name] if name else []) == [area]
    assert chosen(store, ["shop", "shop/sales"]) == [area]
    for name in ("other", "shop/other", "shop/sales/2022-08-10"):
        with pytest.raises(FixThis, match=f"Nothing is committed that {name} names"):
            chosen(store, [name])


class Moving(MemoryStore):
    """A lake in which a run commits whenever the record was read."""

    moves = 0

    def read(self, key):
        found = super().read(key)
        if key.endswith("commit.json") and self.moves:
            left, self.moves = self.moves - 1, 0
            carry(self, [f'["{left}"]'.encode()], still(START))
            self.moves = left
        return found


@pytest.mark.parametrize(("moves", "kinds"), [(1, []), (99, ["busy"])])
def test_a_partition_that_is_committed_anew_meanwhile_is_looked_at_again(moves, kinds):
    store = Moving()
    carry(store)
    store.moves = moves
    assert [finding.kind for finding in verified(area_in(store)).findings] == kinds


def test_an_edit_in_place_spoils_both_names(disk):
    area, path = area_in(disk), Path(disk.describe(), RAW.format(1))
    path.chmod(0o644)
    with path.open("ab") as stream:
        stream.write(b" ")
    assert told(area) == [("changed", page(area).key), ("changed", RAW.format(1))]
    assert repair(area, EDGES) == ()


def test_a_link_is_no_file_and_is_replaced(disk, tmp_path):
    area, path = area_in(disk), Path(disk.describe(), RAW.format(1))
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(copy)
    (finding,) = verified(area).findings
    assert (finding.kind, finding.key, finding.found) == ("changed", RAW.format(1), "a symbolic link")
    repair(area, EDGES)
    assert told(area) == []
    assert not path.is_symlink()
    assert copy.exists()


def test_a_kept_file_that_became_a_link_is_replaced(disk, tmp_path):
    area = area_in(disk)
    path = Path(disk.describe(), page(area).key)
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    assert told(area) == [("changed", page(area).key)]
    assert len(repair(area, EDGES)) == 1
    assert told(area) == []


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_can_be_no_file_is_told_and_left(disk, kind):
    area, path = area_in(disk), Path(disk.describe(), RAW.format(1))
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    (finding,) = verified(area).findings
    assert (finding.kind, finding.key) == ("changed", RAW.format(1))
    assert finding.why
    assert repair(area, EDGES) == ()
    assert path.exists()


def test_no_file_is_held_whole(tmp_path):
    disk = DiskStore(tmp_path / "big")
    carry(disk, [b'["%b"]' % (b"a" * 24_000_000)])
    Path(disk.describe(), RAW.format(1)).unlink()
    disk.create(RAW.format(1), b'["%b"]' % (b"b" * 24_000_000))
    tracemalloc.start()
    try:
        assert told(area_in(disk)) == [("changed", RAW.format(1))]
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()


def folder_of(disk, *names):
    """A record of a job's folder that was not shown yet, and files that lie in the folder."""
    area = Area(disk, "shop", "sales", "jobs/a/")
    record, _ = read_record(area_in(disk))
    run = area.run("20220812T060000.000000Z-0000", "pages", "1.body")
    disk.create(run, FOUR[0])
    file = replace(page(area_in(disk)), key=run, public="jobs/a/1.json")
    unfinished = replace(record, partition="2022-08-09", folder="jobs/a", files=(file,), shown=False)
    disk.replace(area.commit, as_json(unfinished), None)
    for name in names:
        disk.create(f"jobs/a/{name}", b"mine")
    return area


def test_a_folder_of_a_job_is_shown_where_nothing_of_somebody_else_would_go(disk):
    area = folder_of(disk)
    assert told(area) == [("not shown", area.commit)]
    repair(area, EDGES)
    assert told(area) == []
    assert disk.read("jobs/a/1.json") == FOUR[0]


def test_a_folder_of_a_job_with_a_foreign_file_is_left_to_the_job(disk):
    area = folder_of(disk, "mine.json")
    repair(area, EDGES)
    assert told(area) == [("not shown", area.commit)]
    assert disk.read("jobs/a/mine.json") == b"mine"


def test_a_record_that_somebody_removed_is_missing_and_its_public_files_are_extra(area, store):
    record, _ = read_record(area)
    done = replace(run_of(record, record.run, changed=True), files=tuple(sorted(public_names(record.files))))
    put(store, area.run(record.run, "run.json"), as_json(done))
    shown = sorted(public_tree(store))
    store.delete(area.commit)
    assert chosen(store, ["shop/sales/2022-08-09"]) == [area]
    (finding,) = verified(area).findings
    assert (finding.kind, finding.key, finding.file) == ("missing", area.commit, "record")
    assert "the commit record is gone: run " in finding.why
    assert "`levada stage --adopt`" in finding.todo
    assert [each.key for each in extras(store, [area])] == shown
    (told,) = status(store)
    assert told.state == "damaged"
    assert "the commit record is gone" in told.error
    assert repair(area, EDGES) == ()


def test_a_first_run_that_was_stopped_lost_no_record(store):
    other = Area(store, "shop", "sales", "2022-08-10")
    with hold(other, EDGES) as lease:
        begin(lease, FINGERPRINTS, EDGES, 3600)
    assert chosen(store, []) == [area_in(store)]


def test_public_files_of_a_partition_without_any_record_are_extra(area, store):
    orphan, aside = "raw/sales/2022-08-10/sales_1.json", "raw/sales/_tmp/mine.json"
    for key in (orphan, aside, "raw/others/mine.json", "mine.json"):
        store.create(key, b"[]")
    assert [each.key for each in extras(store, [area])] == [orphan]
    assert extras(store, [area], deep=False) == [], "one partition was asked for"


@pytest.mark.parametrize(
    ("folder", "partition", "top"),
    [
        ("raw/sales/2022-08-09", "2022-08-09", "raw/sales"),
        ("Raw/TMDB/JSON/2022/8/9", "2022-08-09", "Raw/TMDB/JSON"),
        ("stg/day=2022-08-09/hour=13", "2022-08-09T13", "stg"),
        ("raw/20220809", "2022-08-09", "raw"),
        ("raw/pt", "pt", "raw"),
        ("raw/sales", "2022-08-09", "raw/sales"),
        ("raw/captions", "pt", "raw/captions"),
        ("2022-08-09", "2022-08-09", ""),
        ("", "2022-08-09", ""),
    ],
)
def test_partitions_lie_below_what_names_none_of_them(folder, partition, top):
    assert top_of(folder, partition) == top


def test_several_partitions_are_looked_at_in_their_order(area, store):
    record, _ = read_record(area)
    others = [Area(store, "shop", "sales", f"2022-09-{day:02}") for day in range(1, 31)]
    for other in others:
        store.replace(other.commit, as_json(replace(record, partition=other.partition)), None)
    store.delete(RAW.format(2))
    found = list(Audit(store).of([area, *others]))
    assert [one.partition for one in found] == [area.partition, *(other.partition for other in others)]
    assert all([finding.key for finding in one.findings] == [RAW.format(2)] for one in found)
