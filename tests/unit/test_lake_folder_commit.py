"""Commits of folders: shown by replacing the whole folder, found by the folder's name, mended from what is kept."""

import dataclasses
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeside import FINGERPRINTS, FOUR, draft_of, land_all, public_tree, stage_all, still
from levada.errors import FixThis
from levada.lake.area import Area, area_of_folder, areas
from levada.lake.commit import Aside, finish, publish
from levada.lake.lease import hold, read_record
from levada.lake.memory import MemoryStore
from levada.lake.record import as_json
from levada.lake.work import begin

X = "in/x"


class Syncing(MemoryStore):
    """Notes the order of what must be safe from power loss, and of what relies on it."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def sync(self, keys):
        self.steps.append(("sync", frozenset(keys)))

    def replace_folder(self, folder, files):
        changed = super().replace_folder(folder, files)
        self.steps.append(("folder", changed))
        return changed

    def replace(self, key, data, expected):
        self.steps.append(("record", b'"shown": true' in data))
        return super().replace(key, data, expected)


@pytest.fixture
def store():
    return Syncing()


@pytest.fixture
def edges():
    return still()


def area(store, folder=X):
    return area_of_folder(store, "shop", "sales", folder)


def job(store, edges, bodies=FOUR, *, date="2022-08-09", staged=False, folder=X):
    """What a job commits: pages, or staged files of pages that are shown nowhere."""
    with hold(area(store, folder), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 0.0, fresh=True)
        pages = land_all(work, bodies)
        made = stage_all(work, pages) if staged else []
        files = [dataclasses.replace(file, public=None if staged else named(file, folder)) for file in pages]
        made = [dataclasses.replace(file, public=named(file, folder)) for file in made]
        draft = draft_of(lease, work, files, made)
        draft = dataclasses.replace(draft, partition=date, folder=folder)
        return publish(lease, draft, aside=Aside(store.told.append if hasattr(store, "told") else lambda _: None))


def named(file, folder):
    return file.public and f"{folder}/{file.public.rpartition('/')[2]}"


def put(store, record):
    with hold(area(store), still()) as lease:
        store.replace(area(store).commit, as_json(record), lease.tag)


def test_a_commit_is_shown_as_the_whole_folder(store, edges):
    store.create(f"{X}/stale", b"")
    record, changed = job(store, edges)
    assert changed
    assert (record.shown, record.stale, record.folder) == (True, (), X)
    assert list(public_tree(store).values()) == FOUR


def test_the_order_of_what_is_safe_from_power_loss(store, edges):
    record, _ = job(store, edges)
    keys, first, swap, folder, mark = store.steps
    assert keys == ("sync", frozenset(file.key for file in record.files))
    assert (first, swap, mark) == (("record", False), ("folder", True), ("record", True))
    assert folder == ("sync", frozenset({X}))


def test_a_folder_that_was_swapped_by_a_job_that_died_is_synced_before_it_counts_as_shown(store, edges):
    record, _ = job(store, edges)
    put(store, dataclasses.replace(record, shown=False))
    store.steps.clear()
    with hold(area(store), edges) as lease:
        finish(lease)
    swap, folder, mark = store.steps
    assert (swap, folder[0], mark) == (("folder", False), "sync", ("record", True))
    assert X in folder[1]


def test_a_folder_refused_before_the_commit_leaves_the_record(store, edges):
    record, _ = job(store, edges)
    store.create(f"{X}/sub/mine", b"")
    with pytest.raises(FixThis, match="where only files can be: sub"):
        job(store, edges, FOUR[:2])
    assert read_record(area(store))[0] == record


def test_a_damaged_commit_says_to_run_the_job_again(store, edges):
    record, _ = job(store, edges)
    put(store, dataclasses.replace(record, shown=False))
    store.delete(record.files[0].key)
    with hold(area(store), edges) as lease, pytest.raises(FixThis, match="cannot be shown") as told:
        finish(lease)
    assert told.value.todo == "run the job for that folder again"


def test_the_same_pages_of_another_date_are_another_commit(store, edges):
    first, _ = job(store, edges)
    second, changed = job(store, edges, date="2022-08-10")
    assert (changed, second.partition) == (True, "2022-08-10")
    assert second.run != first.run
    assert job(store, edges, date="2022-08-10") == (second, False)


def test_landing_the_pages_of_staged_files_takes_their_place(store, edges):
    """Of a partition landing leaves staged files, which lie beside; a folder holds one or the other."""
    staged, _ = job(store, edges, staged=True)
    with hold(area(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 0.0, fresh=True)
        pages = [dataclasses.replace(page, public=f"{X}/{page.page}.json") for page in land_all(work, FOUR)]
        draft = dataclasses.replace(draft_of(lease, work, pages, []), partition=staged.partition, folder=X)
        record, changed = publish(lease, draft)
    assert record.landed == staged.landed
    assert (changed, record.level) == (True, "landed")
    assert list(public_tree(store)) == [f"{X}/{n}.json" for n in (1, 2, 3, 4)]


def test_a_page_changed_in_the_folder_and_where_it_is_kept_is_written_again(store, edges):
    record, _ = job(store, edges)
    before = public_tree(store)
    for key in (record.files[1].key, record.files[1].public):
        store.delete(key)
        store.create(key, b"changed")
    store.told = []
    again, changed = job(store, edges)
    assert (again, changed, public_tree(store)) == (record, False, before)
    kept, shown = store.told
    assert kept.startswith(f"{record.files[1].key} was changed since it was committed")
    assert shown == f"{X} held other files than those of its commit; its content was replaced"


def test_partitions_and_folders_have_different_areas():
    store = MemoryStore()
    assert area(store, "2022-08-09") != Area(store, "shop", "sales", "2022-08-09")
    assert area(store, "2022-08-09").of_folder
    assert not Area(store, "shop", "sales", "2022-08-09").of_folder


FOLDERS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300).map(
    lambda text: "/".join(part for part in text.split("/") if part not in {"", ".", ".."}) or "x"
)


@given(one=FOLDERS, other=FOLDERS)
def test_every_folder_has_an_area_of_its_own_that_file_systems_take(one, other):
    store = MemoryStore()
    first, second = area(store, one), area(store, other)
    assert (first == second) is (one == other)
    for part in first.folder.split("/"):
        assert 0 < len(part.encode()) <= 255
    assert len(first.folder.split("/")) == 4
    store.create(first.lock, b"")
    assert list(areas(store)) == [first], "found again by its keys"
    if len(first.partition) < 64:
        assert unquote(first.folder.rpartition("/")[2]) == f"{one}/"


@pytest.mark.parametrize("folder", ["a/" * 99 + "b", "é" * 100, "x" * 250, "/".join("ab" * 40)])
def test_deep_and_long_folders_fit_one_name(folder):
    assert len(area(MemoryStore(), folder).folder.rpartition("/")[2].encode()) <= 255
