"""A run that stood still while another took over leaves the other's commit as that one showed it."""

from contextlib import nullcontext

import pytest

from lakeside import FOUR, RAW, STAGED, area_in, carry, later, public_tree, still
from levada.errors import TryLater
from levada.lake.audit import Audit
from levada.lake.lease import read_record
from levada.lake.memory import MemoryStore
from levada.lake.repair import repair
from levada.lake.store import Lost

OTHER = [b'["x"]', b'["c"]']
OF_OTHER = {RAW.format(n): body for n, body in enumerate(OTHER, 1)} | {
    STAGED.format(n): body.upper() for n, body in enumerate(OTHER, 1)
}


class Late(MemoryStore):
    """Stands still in the n-th copy while another run does all its work; locks run out meanwhile."""

    def __init__(self, stop_at: int, knows: bool, abreast: int = 1, breaks: bool = False) -> None:
        super().__init__()
        self.breaks = breaks
        self.abreast = abreast
        self.left = stop_at
        self.knows = knows
        self.late = False

    def lock(self, key, holder):  # noqa: ARG002 - the protocol's
        return nullcontext()

    def holding(self):
        if self.late and self.knows:
            raise Lost("the lease was lost", where="lock")

    def copy(self, source, target):
        self.left -= 1
        stops = self.left == 0
        if stops:
            carry(self, OTHER, edges=self.edges)  # shows what is committed
            carry(self, OTHER, edges=self.edges)
            self.late = True
        super().copy(source, target)
        if stops and self.breaks:
            raise TryLater("the store is busy", where=target)


@pytest.mark.parametrize("knows", [True, False], ids=["it knows that it is late", "its commit tells it"])
@pytest.mark.parametrize("stop_at", [1, 3, 8])
@pytest.mark.parametrize("abreast", [1, 4])
def test_a_late_run_changes_nothing_for_good(stop_at, knows, abreast):
    store = Late(stop_at, knows, abreast)
    store.edges = still()
    with pytest.raises(TryLater, match="lease"):
        carry(store, FOUR, edges=store.edges)
    assert public_tree(store) == OF_OTHER
    record, _ = read_record(area_in(store))
    assert record is not None
    assert record.shown
    assert {file.public for file in record.files if file.public} == {*OF_OTHER}


class Shared(Late):
    """Somebody puts a file under a name that the other run left free; what was kept of the late one may be swept."""

    theirs, swept = RAW.format(4), False

    def copy(self, source, target):
        super().copy(source, target)
        if self.late and not self.head(self.theirs):
            self.create(self.theirs, b"of somebody else")
            if self.swept:
                self.delete(source)


@pytest.mark.parametrize("swept", [False, True], ids=["", "the kept files are swept"])
@pytest.mark.parametrize("stop_at", [1, 3])
def test_a_late_run_takes_its_own_names_away_and_no_file_of_somebody_else(stop_at, swept):
    store = Shared(stop_at, knows=True)
    store.edges, store.swept = still(), swept
    with pytest.raises(TryLater, match="lease"):
        carry(store, FOUR, edges=store.edges)
    assert public_tree(store) == OF_OTHER | {store.theirs: b"of somebody else"}


@pytest.mark.parametrize("stop_at", [1, 3, 8])
def test_a_late_run_whose_last_request_fails_changes_nothing_for_good_either(stop_at):
    store = Late(stop_at, knows=True, breaks=True)
    store.edges = still()
    with pytest.raises(TryLater, match="the store is busy"):
        carry(store, FOUR, edges=store.edges)
    assert public_tree(store) == OF_OTHER


def by_run(store):
    carry(store, FOUR, edges=store.edges)


def by_repair(store):
    repair(area_in(store), store.edges)


@pytest.mark.parametrize("breaks", [False, True], ids=["", "its last request fails"])
@pytest.mark.parametrize("stop_at", [1, 2, 3])
@pytest.mark.parametrize("restoring", [by_run, by_repair])
def test_whoever_restores_files_too_late_changes_nothing_for_good(restoring, stop_at, breaks):
    store = Late(0, knows=True, breaks=breaks)
    store.edges = still()
    carry(store, FOUR, edges=store.edges)
    old, _ = read_record(area_in(store))
    assert old is not None
    for name in (RAW.format(1), RAW.format(4), old.files[1].key):  # the last one is written again from its public name
        store.delete(name)
    later(store.edges, hours=2)
    store.left = stop_at
    with pytest.raises(TryLater, match="busy" if breaks else "the lease was lost"):
        restoring(store)
    assert store.late
    assert public_tree(store) == OF_OTHER
    store.late = False
    assert Audit(store).one(area_in(store)).findings == ()
