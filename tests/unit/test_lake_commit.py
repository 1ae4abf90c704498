"""Commit and show, on the memory store: what is written when, what is refused, what is restored."""

import dataclasses
import logging

import msgspec
import pytest

from lakeside import (
    FINGERPRINTS,
    FOUR,
    RAW,
    STAGED,
    area_in,
    carry,
    draft_of,
    land_all,
    later,
    page_of,
    public_tree,
    stage_all,
    still,
)
from levada.errors import FixThis, LeaseHeld, TryLater
from levada.lake.area import Area
from levada.lake.commit import damaged, finish, publish
from levada.lake.lease import hold, read_record, reread
from levada.lake.memory import MemoryStore
from levada.lake.record import as_json
from levada.lake.sweep import sweep
from levada.lake.verify import check_files
from levada.lake.work import begin
from levada.nouns import LakeFile

OTHER = [b'["x"]', b'["c"]']
EIGHT = {RAW.format(n): body for n, body in enumerate(FOUR, 1)} | {
    STAGED.format(n): body.upper() for n, body in enumerate(FOUR, 1)
}


class Stumbling(MemoryStore):
    """Stops at the n-th copy, as if the process died there."""

    copies_left = 99

    def copy(self, source, target):
        self.copies_left -= 1
        if self.copies_left < 0:
            raise KeyboardInterrupt
        super().copy(source, target)


def record_in(store):
    return read_record(area_in(store))[0]


def put(store, key, data):
    """Write as somebody else does: over whatever is there."""
    store.delete(key)
    store.create(key, data)


def test_a_commit_shows_its_files_and_lists_them():
    store = MemoryStore()
    record = carry(store, edges=still())
    assert public_tree(store) == EIGHT
    assert record_in(store) == record
    assert (record.shown, record.stale, record.level, record.pages) == (True, (), "staged", 4)
    assert check_files(area_in(store), record) == []


def test_the_same_content_again_commits_nothing():
    store, edges = MemoryStore(), still()
    first = carry(store, edges=edges)
    before = {entry.key: entry for entry in store.list("")}
    later(edges, minutes=1)
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        pages = land_all(work, FOUR)
        assert publish(lease, draft_of(lease, work, pages, stage_all(work, pages))) == (first, False)
    after = {entry.key: entry for entry in store.list("")}
    assert {key: after[key] for key in before} == before
    assert all(work.key("") in key for key in after.keys() - before.keys())


def test_fewer_pages_take_the_stale_names_and_nothing_else():
    store, edges = MemoryStore(), still()
    carry(store, edges=edges)
    store.create(RAW.format("notes"), b"mine")
    record = carry(store, OTHER, edges)
    names = {RAW.format(1), RAW.format(2), RAW.format("notes"), STAGED.format(1), STAGED.format(2)}
    assert public_tree(store).keys() == names
    assert public_tree(store)[RAW.format(1)] == b'["x"]'
    assert record.stale == ()
    assert carry(store, FOUR, edges).pages == 4
    assert public_tree(store) == EIGHT | {RAW.format("notes"): b"mine"}


def test_replaced_files_stay_readable_under_their_keys():
    store, edges = MemoryStore(), still()
    first = carry(store, edges=edges)
    carry(store, OTHER, edges)
    assert [
        problem.key for problem in check_files(area_in(store), dataclasses.replace(first, files=first.files[:1]))
    ] == [RAW.format(1)]


@pytest.mark.parametrize("copies", range(6))
def test_a_commit_that_was_not_shown_is_finished_without_new_pages(copies):
    store, edges = Stumbling(), still()
    carry(store, OTHER, edges)
    store.copies_left = copies
    with pytest.raises(KeyboardInterrupt):
        carry(store, FOUR, edges)
    record = record_in(store)
    assert (record.shown, record.pages, record.stale) == (False, 4, ())
    store.copies_left = 99
    finished = carry(store, OTHER, edges, asked=lambda _: pytest.fail("a request was sent"))
    assert finished == dataclasses.replace(record, shown=True)
    assert public_tree(store) == EIGHT


def test_a_commit_over_one_that_was_not_shown_takes_all_its_names():
    store, edges = Stumbling(), still()
    carry(store, FOUR, edges)
    store.copies_left = 1
    with pytest.raises(KeyboardInterrupt):
        carry(store, OTHER, edges)
    assert set(record_in(store).stale) == {name.format(n) for name in (RAW, STAGED) for n in (3, 4)}
    store.copies_left = 99
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        pages = land_all(work, [b'["only"]'])
        publish(lease, draft_of(lease, work, pages, []))
    assert public_tree(store) == {RAW.format(1): b'["only"]'}


def test_finish_needs_a_commit_and_repeats_at_will():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease, pytest.raises(ValueError, match="nothing is committed"):
        finish(lease)
    record = carry(store, edges=edges)
    with hold(area_in(store), edges) as lease:
        assert finish(lease) is lease.record
        assert finish(reread(lease)) == record


def not_shown(copies=1):
    """OTHER was shown; FOUR is committed, and the process died after so many of its names."""
    store, edges = Stumbling(), still()
    carry(store, OTHER, edges)
    store.copies_left = copies
    with pytest.raises(KeyboardInterrupt):
        carry(store, FOUR, edges)
    store.copies_left = 99
    return store, edges, record_in(store)


def harm(store, key, damage):
    store.delete(key)
    if damage == "changed":
        store.create(key, b"cut in h")


@pytest.mark.parametrize("damage", ["gone", "changed"])
@pytest.mark.parametrize("file", range(9))
def test_a_commit_that_was_damaged_before_it_was_shown_is_not_shown(file, damage):
    store, edges, record = not_shown()
    before = public_tree(store)
    broken = record.files[file]
    harm(store, broken.key, damage)
    with hold(area_in(store), edges) as lease:
        assert [problem.key for problem in damaged(lease)] == [broken.key]
        with pytest.raises(FixThis) as refused:
            finish(lease)
    state = "is missing" if damage == "gone" else "was changed since it was committed"
    assert refused.value.what.startswith(
        f"what is committed for shop/sales 2022-08-09 cannot be shown: {broken.key} {state}"
    )
    assert refused.value.where == f"memory/{broken.key}"
    assert refused.value.todo == "fetch the partition again: `levada run`"
    assert record_in(store) == record
    assert public_tree(store) == before


@pytest.mark.parametrize("damage", ["gone", "changed"])
@pytest.mark.parametrize("file", range(9))
def test_fetching_anew_mends_a_damaged_commit_and_shows_it(file, damage, caplog):
    store, edges, record = not_shown()
    harm(store, record.files[file].key, damage)
    caplog.set_level(logging.WARNING)
    asked = []
    assert carry(store, FOUR, edges, asked=asked.append) == dataclasses.replace(record, shown=True)
    assert asked == [1, 2, 3, 4, 5]
    assert public_tree(store) == EIGHT
    assert check_files(area_in(store), record) == []
    assert [each.getMessage().split()[0] for each in caplog.records] == [record.files[file].key], (
        "names yet to be shown are not missing"
    )


def test_mending_tells_that_names_changed():
    store, edges, record = not_shown()
    harm(store, record.files[0].key, "changed")
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        pages = land_all(work, FOUR)
        assert publish(lease, draft_of(lease, work, pages, stage_all(work, pages)))[1]


def test_other_content_replaces_a_damaged_commit_with_all_its_names():
    store, edges, record = not_shown()
    harm(store, record.files[0].key, "changed")
    again = carry(store, [b'["only"]'], edges, staged=False)
    assert (again.shown, again.stale) == (True, ())
    assert public_tree(store) == {RAW.format(1): b'["only"]'}


def test_landing_over_a_commit_whose_staging_was_damaged_before_it_was_shown():
    store, edges, record = not_shown()
    harm(store, record.files[0].key, "changed")
    harm(store, record.files[4].key, "changed")
    with pytest.raises(FixThis, match=r"staged/1.avro was changed") as refused:
        carry(store, FOUR, edges, staged=False)
    assert refused.value.todo == "make it again from the pages: run `levada run` for this partition"
    assert record_in(store) == record
    assert carry(store, FOUR, edges) == dataclasses.replace(record, shown=True)
    assert public_tree(store) == EIGHT


def test_many_damaged_files_are_counted():
    store, edges, record = not_shown()
    for file in record.files:
        store.delete(file.key)
    with hold(area_in(store), edges) as lease, pytest.raises(FixThis, match=r"1.body is missing .*; and 8 more of"):
        finish(lease)


def test_what_is_shown_or_not_there_is_not_looked_at():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease:
        assert damaged(lease) == []
    store.delete(carry(store, edges=edges).files[0].key)
    with hold(area_in(store), edges) as lease:
        assert damaged(lease) == []
        assert finish(lease) == lease.record


def test_foreign_file_is_refused_before_anything_is_committed():
    store = MemoryStore()
    store.create(RAW.format(2), b"somebody else's")
    with pytest.raises(FixThis) as refused:
        carry(store, edges=still())
    assert str(refused.value) == (
        "raw/sales/2022-08-09/sales_2022-08-09_2.json: exists and was not written by Levada for shop/sales 2022-08-09\n"
        "  where: memory/raw/sales/2022-08-09/sales_2022-08-09_2.json\n"
        "  to do: move it away, or run with --adopt to write over it"
    )
    assert record_in(store) is None
    assert public_tree(store) == {RAW.format(2): b"somebody else's"}


def test_many_foreign_files_are_counted():
    store = MemoryStore()
    for name in EIGHT:
        store.create(name, b"")
    with pytest.raises(FixThis, match=r"_1.json, .*_2.json, .*_3.json and 5 more: exists"):
        carry(store, edges=still())


def test_a_file_of_another_stream_is_told_with_its_owner_and_no_advice_to_write_over_it():
    store = MemoryStore()
    carry(store, edges=still())
    record, before = record_in(store), public_tree(store)
    other = Area(store, "shop", "returns", "2022-08-09")
    with hold(other, still()) as lease:
        work = begin(lease, FINGERPRINTS, still(), 3600)
        draft = draft_of(lease, work, land_all(work, FOUR), [])
        with pytest.raises(FixThis) as refused:
            publish(lease, draft)
    assert refused.value.what == (
        f"{RAW.format(1)}: exists and belongs to shop/sales 2022-08-09, "
        "which is another one than shop/returns 2022-08-09"
    )
    assert "--adopt" not in str(refused.value)
    assert "raw, stage" in refused.value.todo
    assert (record_in(store), public_tree(store)) == (record, before)


def test_a_damaged_record_owns_no_file():
    store = MemoryStore()
    store.create(RAW.format(2), b"somebody else's")
    store.create(Area(store, "shop", "returns", "2022-08-09").commit, b"{")
    with pytest.raises(FixThis, match="not written by Levada"):
        carry(store, edges=still())


def test_foreign_file_is_taken_over_by_adopt():
    store = MemoryStore()
    store.create(RAW.format(2), b"somebody else's")
    carry(store, edges=still(), adopt=True)
    assert public_tree(store) == EIGHT


def test_names_that_the_caller_knows_are_not_foreign():
    store, edges = MemoryStore(), still()
    store.create(RAW.format(1), FOUR[0])
    store.create(RAW.format(2), b"somebody else's")
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        draft = draft_of(lease, work, land_all(work, FOUR), [])
        with pytest.raises(FixThis, match=r"^raw/sales/2022-08-09/sales_2022-08-09_2.json: exists"):
            publish(lease, draft, known={RAW.format(1)})
        publish(lease, draft, known={RAW.format(1), RAW.format(2)})
    assert public_tree(store) == {name: body for name, body in EIGHT.items() if name.startswith("raw/")}


@pytest.mark.parametrize(
    "names", [("raw/1", "raw/1"), ("raw", "raw/1"), ("_levada/x", "raw/1")], ids=["same", "folder", "control"]
)
def test_names_that_cannot_be_shown_are_refused_before_the_commit(names):
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        pages = [work.land(page_of(n, b"[]"), name) for n, name in enumerate(names, 1)]
        with pytest.raises(FixThis, match="cannot share a name"):
            publish(lease, draft_of(lease, work, pages, []))
    assert record_in(store) is None


@pytest.mark.parametrize("file", range(8))
@pytest.mark.parametrize("what", ["key", "public", "both"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_same_content_restores_what_somebody_damaged(file, what, damage, caplog):
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    broken = record.files[file]
    keys = [broken.key] * (what != "public") + [broken.public] * (what != "key")
    for key in keys:
        store.delete(key)
        if damage == "changed":
            store.create(key, b"cut in h")
    assert [problem.key for problem in check_files(area_in(store), record)] == keys
    caplog.set_level(logging.WARNING)
    assert carry(store, edges=edges) == record
    assert check_files(area_in(store), record) == []
    assert public_tree(store) == EIGHT
    state = "is missing" if damage == "gone" else "was changed since it was committed"
    assert [f"{key} {state}" in caplog.text for key in keys] == [True] * len(keys)


@pytest.mark.parametrize("kind", ["staged", "quarantine"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_landing_the_same_pages_never_throws_damaged_staging_away(kind, damage):
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    page = record.files[0]
    broken = next(file for file in record.files if file.kind == kind)
    put(store, page.key, b"")
    names = [name for name in (broken.key, broken.public) if name]
    for name in names:
        store.delete(name)
        if damage == "changed":
            store.create(name, b"!")
    state = "is missing" if damage == "gone" else "was changed since it was committed"
    with pytest.raises(FixThis, match=f"^{names[-1]} {state}") as refused:
        carry(store, edges=edges, staged=False)
    assert refused.value.where == f"memory/{names[-1]}"
    assert refused.value.todo == "make it again from the pages: run `levada stage`, or `levada run`, for this partition"
    assert record_in(store) == record
    lost = {broken.public} if damage == "gone" else set()
    assert public_tree(store).keys() == EIGHT.keys() - lost
    assert store.read(page.key) == FOUR[0], "what can be restored from the pages is"
    assert carry(store, edges=edges) == record
    assert public_tree(store) == EIGHT
    assert check_files(area_in(store), record) == []


def test_every_damaged_staged_file_is_told():
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    for file in record.files[4:]:
        put(store, file.key, b"!")
        if file.public:
            put(store, file.public, b"!")
    with pytest.raises(FixThis, match=r"1.avro was changed since .*; and 4 more of the commit's files"):
        carry(store, edges=edges, staged=False)


def test_staging_that_comes_out_otherwise_replaces_a_damaged_file():
    """Equal fingerprints and other bytes: another version of a library, perhaps. The new files are whole."""
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    put(store, record.files[4].key, b"!")
    put(store, record.files[4].public, b"!")
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        pages = land_all(work, FOUR)
        with work.writer("1.avro") as writer:
            writer.write(b"otherwise")
        made = dataclasses.replace(record.files[4], key=work.key("1.avro"), sha256=writer.written().sha256)
        again, changed = publish(lease, draft_of(lease, work, pages, [made]))
    assert (changed, again.staged) == (True, record.staged)
    assert check_files(area_in(store), again) == []


def test_problems_tell_names_and_hashes():
    store = MemoryStore()
    record = carry(store, edges=still())
    file = record.files[0]
    put(store, file.public, b"")
    (problem,) = check_files(area_in(store), record)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (problem.file, problem.key, problem.expected, problem.found) == (file, file.public, file.sha256, empty)
    assert str(problem) == (
        f"{file.public} was changed since it was committed (SHA-256 expected {file.sha256}, found {empty})"
    )


def test_landing_the_same_pages_leaves_the_staged_files():
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    assert carry(store, edges=edges, staged=False) == record
    assert public_tree(store) == EIGHT


def test_landing_other_pages_takes_the_staged_files():
    store, edges = MemoryStore(), still()
    carry(store, edges=edges)
    record = carry(store, OTHER, edges, staged=False)
    assert (record.level, record.staged) == ("landed", None)
    assert public_tree(store) == {RAW.format(1): b'["x"]', RAW.format(2): b'["c"]'}


def test_staging_a_landed_record_keeps_its_pages():
    store, edges = MemoryStore(), still()
    landed = carry(store, edges=edges, staged=False)
    staged = carry(store, edges=edges)
    assert (staged.level, staged.landed, len(staged.files)) == ("staged", landed.landed, 9)


def test_a_run_that_lost_its_lease_commits_nothing():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        pages = land_all(work, FOUR)
        store.replace(lease.area.commit, as_json(draft_of(lease, work, [], [])), None)
        with pytest.raises(TryLater, match="the lease of shop/sales 2022-08-09 was lost") as lost:
            publish(lease, draft_of(lease, work, pages, []))
    assert lost.value.todo == "run again"
    assert public_tree(store) == {}


def test_a_held_lease_says_who_holds_it():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease, pytest.raises(LeaseHeld) as refused, hold(area_in(store), edges):
        raise AssertionError("two holders")
    me = lease.holder
    assert str(refused.value) == (
        f"another run holds shop/sales 2022-08-09: process {me.process} on {me.host}, since 2022-08-12 06:00:00 UTC\n"
        "  where: memory/_levada/shop/sales/2022-08-09/lock\n"
        "  to do: let it end, then run again; or wait for it with --wait 5m"
    )
    assert refused.value.exit_code == 75


@pytest.mark.parametrize("text", [b"", b"{", b"\xff"])
def test_a_holder_that_cannot_be_told_is_another_process(text):
    store = MemoryStore()
    with (
        store.lock(area_in(store).lock, text),
        pytest.raises(LeaseHeld, match="2022-08-09: another process"),
        hold(area_in(store), still()),
    ):
        raise AssertionError("two holders")


def test_waiting_for_a_lease_ends_at_the_limit_or_when_it_is_free():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges), pytest.raises(LeaseHeld), hold(area_in(store), edges, wait=0.5):
        raise AssertionError("two holders")
    assert edges.clock.slept == pytest.approx([0.2, 0.2, 0.1])
    lock = store.lock(area_in(store).lock, b"")
    lock.__enter__()
    edges.clock.pause = lambda _: lock.__exit__(None, None, None)
    with hold(area_in(store), edges, wait=1):
        assert store.held(area_in(store).lock)


def test_a_damaged_record_stops_the_run_by_name():
    store = MemoryStore()
    store.create(area_in(store).commit, b"{")
    with pytest.raises(FixThis, match="the commit record is damaged") as refused:
        carry(store, edges=still())
    assert refused.value.where == "memory/_levada/shop/sales/2022-08-09/commit.json"
    assert store.held(area_in(store).lock) is None


def left_in(store, run):
    prefix = area_in(store).run(run)
    return {entry.key[len(prefix) + 1 :] for entry in store.list(prefix)}


def swept(store, edges):
    with hold(area_in(store), edges) as lease:
        sweep(lease, edges, 3600, 3600)


def test_sweep_keeps_what_was_replaced_for_an_hour():
    store, edges = MemoryStore(), still()
    first = carry(store, edges=edges)
    later(edges, minutes=1)
    second = carry(store, OTHER, edges)
    later(edges, minutes=59)
    swept(store, edges)
    assert "pages/1.body" in left_in(store, first.run)
    later(edges, minutes=1)
    swept(store, edges)
    assert left_in(store, first.run) == {"run.json", "work.json"}
    assert check_files(area_in(store), second) == []


def test_sweep_takes_the_pages_of_an_unchanged_rerun_at_once():
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    later(edges, seconds=1)
    carry(store, edges=edges)
    later(edges, seconds=1)
    runs = {area_in(store).run_of(entry.key) for entry in store.list(area_in(store).runs)}
    assert len(runs) == 2
    swept(store, edges)
    assert left_in(store, (runs - {record.run}).pop()) == {"run.json", "work.json"}
    assert check_files(area_in(store), record) == []


def test_sweep_keeps_unfinished_work_and_its_givers_while_they_are_young():
    store, edges = MemoryStore(), still()
    carry(store, edges=edges)
    later(edges, minutes=1)
    with hold(area_in(store), edges) as lease:
        giver = begin(lease, FINGERPRINTS, edges, 3600)
        giver.land(page_of(1, FOUR[0]))
        giver.refused(2, 1, {"status": 500})
    later(edges, minutes=30)
    with hold(area_in(store), edges) as lease:
        taker = begin(lease, FINGERPRINTS, edges, 3600)
    later(edges, minutes=28)
    swept(store, edges)
    assert left_in(store, giver.run) == {"work.json", "pages/1.body", "pages/1.json", "answers/2-1.json"}
    later(edges, minutes=2)
    swept(store, edges)
    assert left_in(store, giver.run) == left_in(store, taker.run) == set()


def test_sweep_never_takes_the_work_of_its_own_process():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 0)
        work.land(page_of(1, FOUR[0]))
        later(edges, days=1)
        sweep(lease, edges, 0, 0)
    assert "pages/1.body" in left_in(store, work.run)


def test_sweep_leaves_of_a_killed_run_that_gave_its_pages_just_those():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease:
        killed = begin(lease, FINGERPRINTS, edges, 3600)
        stage_all(killed, land_all(killed, FOUR))
    later(edges, minutes=1)
    record = carry(store, edges=edges)
    later(edges, minutes=59)
    swept(store, edges)
    assert "staged/1.avro" in left_in(store, killed.run)
    later(edges, minutes=1)
    swept(store, edges)
    assert left_in(store, killed.run) == {f"pages/{page}.{end}" for page in range(1, 5) for end in ("body", "json")}
    assert check_files(area_in(store), record) == []


def test_sweep_leaves_of_pages_that_were_staged_again_just_those():
    store, edges = MemoryStore(), still()
    first = carry(store, edges=edges)
    later(edges, minutes=1)
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600, fresh=True)
        pages = [file for file in first.files if file.kind == "page"]
        written = store.create(work.key("staged", "1.avro"), b"other rows")
        again = LakeFile("staged", work.key("staged", "1.avro"), STAGED.format(1), written.size, written.sha256, 1, 1)
        draft = dataclasses.replace(draft_of(lease, work, pages, [again]), staged="another contract")
        second, _ = publish(lease, draft)
    later(edges, minutes=61)
    swept(store, edges)
    assert {"run.json", "work.json", "pages/1.body", "pages/1.json"} <= left_in(store, first.run)
    assert "staged/1.avro" not in left_in(store, first.run)
    assert check_files(area_in(store), second) == []


def test_sweep_leaves_the_reasons_of_failed_runs():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, 3600)
        stage_all(work, land_all(work, FOUR))
        work.failed(FixThis("wrong token"))
    later(edges, hours=2)
    swept(store, edges)
    assert left_in(store, work.run) == {"failed.json", "quarantine.jsonl", "work.json"}


def test_sweep_keeps_a_hundred_runs_and_never_a_referenced_one_less():
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    for _ in range(103):
        later(edges, seconds=1)
        carry(store, edges=edges)
    later(edges, seconds=1)
    swept(store, edges)
    runs = {area_in(store).run_of(entry.key) for entry in store.list(area_in(store).runs)}
    assert record.run in runs
    assert len(runs) == 101
    assert check_files(area_in(store), record) == []


def test_records_travel_as_json():
    record = carry(MemoryStore(), edges=still())
    assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record


class Traced(MemoryStore):
    """Remembers what was synced and copied, in order."""

    def __init__(self):
        super().__init__()
        self.trace = []

    def sync(self, keys):
        keys = list(keys)
        self.trace += [("sync", key) for key in keys]
        super().sync(keys)

    def copy(self, source, target):
        self.trace.append(("copy", source, target))
        super().copy(source, target)


def test_a_lost_file_comes_back_from_its_own_whole_public_name():
    store, edges = Traced(), still()
    record = carry(store, edges=edges)
    page = record.files[0]
    store.delete(page.key)
    store.trace.clear()
    assert carry(store, edges=edges) == record
    copies = [step for step in store.trace if step[0] == "copy"]
    assert copies == [("copy", page.public, page.key)], "the whole public file was written over"


def test_new_bytes_are_on_the_disk_before_they_stand_for_a_file():
    store, edges = Traced(), still()
    record = carry(store, edges=edges)
    page = record.files[0]
    put(store, page.key, b"!")
    put(store, page.public, b"!")
    store.trace.clear()
    carry(store, edges=edges)
    spare = next(step[1] for step in store.trace if step[0] == "copy")
    assert spare != page.key
    assert store.trace.index(("sync", spare)) < store.trace.index(("copy", spare, page.key))


def test_a_folder_that_is_no_run_is_left_alone():
    store, edges = MemoryStore(), still()
    record = carry(store, edges=edges)
    strays = [area_in(store).run("zzz-copy", "run.json"), area_in(store).run("zzz", "pages", "1.body")]
    for key in strays:
        store.create(key, b"mine")
    assert carry(store, edges=edges) == record
    assert [store.read(key) for key in strays] == [b"mine", b"mine"]
