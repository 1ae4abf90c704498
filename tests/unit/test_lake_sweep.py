"""Whoever sweeps and stands still meanwhile takes nothing away that the next holder of the partition goes on from."""

import threading
from contextlib import nullcontext

import pytest

from lakeside import (
    FINGERPRINTS,
    FOUR,
    area_in,
    carry,
    draft_of,
    land_all,
    later,
    public_tree,
    run_of,
    stage_all,
    still,
)
from levada.errors import ContractBroken
from levada.lake.commit import publish
from levada.lake.lease import hold, read_record
from levada.lake.memory import MemoryStore
from levada.lake.store import Lost
from levada.lake.sweep import sweep
from levada.lake.verify import check_files
from levada.lake.work import begin
from patience import PATIENCE

HOUR = 3600.0
OTHER = [b'["x"]', b'["c"]', b'["y"]']


class Late(MemoryStore):
    """Stands still when some deletes, or the word that they come, are on their way; locks run out meanwhile."""

    def __init__(self, edges, at, abreast=1):
        super().__init__()
        self.edges, self.at, self.abreast = edges, at, abreast
        self.armed = self.late = False
        self.landed_late = []
        self.meeting = threading.Barrier(abreast, timeout=PATIENCE)

    def lock(self, key, holder):  # noqa: ARG002 - the protocol's
        return nullcontext()

    def holding(self):
        if self.late:
            raise Lost("the lease was lost", where="lock")

    def create(self, key, data, media=""):
        if self.armed and self.at == "announced" and key.endswith("/swept.json"):
            self.go_on_with_another()
        return super().create(key, data, media)

    def delete(self, key):
        if self.armed and key.endswith(self.at):
            if self.meeting.wait() == 0:
                self.go_on_with_another()
            self.meeting.wait()
        if self.late:
            self.landed_late.append(key)
        super().delete(key)

    def go_on_with_another(self):
        self.armed, abreast, self.abreast = False, self.abreast, 1
        go_on_from_older_work(self, self.edges)
        self.late, self.abreast = True, abreast


def go_on_from_older_work(store, edges):
    with hold(area_in(store), edges) as held:
        lease = sweep(held, edges, HOUR, 6 * HOUR)
        work = begin(lease, FINGERPRINTS, edges, 6 * HOUR)
        pages = land_all(work, OTHER)
        record, _ = publish(lease, draft_of(lease, work, pages, stage_all(work, pages)))
        work.close(run_of(record, work.run, changed=True))


def killed(store, edges):
    """A run that died after its last answer, two hours ago, of a partition that was committed before."""
    carry(store, FOUR, edges)
    later(edges, minutes=1)
    with hold(area_in(store), edges) as held:
        work = begin(sweep(held, edges, HOUR, HOUR), FINGERPRINTS, edges, HOUR)
        land_all(work, OTHER)
    later(edges, hours=2)
    return work


def swept(store, edges):
    with hold(area_in(store), edges) as held:
        sweep(held, edges, 0.0, HOUR)


def stands_whole(store):
    record, _ = read_record(area_in(store))
    assert check_files(area_in(store), record) == []
    return [body for name, body in public_tree(store).items() if name.startswith("raw/")] == OTHER


@pytest.mark.parametrize(
    ("at", "abreast"),
    [("announced", 1), ("announced", 4), ("", 1), ("", 4), ("2.body", 1), ("4.json", 1), ("swept.json", 1)],
)
def test_who_stands_still_over_a_sweep_takes_nothing_away_that_is_committed_meanwhile(at, abreast):
    edges = still()
    store = Late(edges, at, abreast)
    killed(store, edges)
    store.armed = True
    with pytest.raises(Lost):
        swept(store, edges)
    assert not store.armed
    assert len(store.landed_late) == (0 if at == "announced" else abreast)
    store.late = False
    assert stands_whole(store)
    later(edges, hours=2)
    swept(store, edges)
    assert stands_whole(store)
    assert [entry.key for entry in store.list("") if entry.key.endswith("swept.json")] == []


@pytest.mark.parametrize("at", ["1.body", "1.json", "swept.json", "work.json"])
def test_who_dies_over_a_sweep_leaves_nothing_that_the_next_one_does_not_take_away(at):
    class Dying(MemoryStore):
        dies = False

        def delete(self, key):
            if self.dies and key.endswith(at):
                raise KeyboardInterrupt
            super().delete(key)

    store, edges = Dying(), still()
    dead = killed(store, edges)
    store.dies = True
    with pytest.raises(KeyboardInterrupt):
        swept(store, edges)
    store.dies = False
    swept(store, edges)
    assert list(store.list(dead.key())) == []


def test_what_says_that_pages_go_is_gone_once_they_are():
    store, edges = MemoryStore(), still()
    dead = killed(store, edges)
    dead.failed(ContractBroken("bad rows"))
    swept(store, edges)
    assert [entry.key for entry in store.list(dead.key())] == [dead.key("failed.json"), dead.key("work.json")]
    before = [entry.key for entry in store.list("")]
    swept(store, edges)
    assert [entry.key for entry in store.list("")] == before
