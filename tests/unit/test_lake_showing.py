"""A run that stood still while another took over leaves the other's commit as that one showed it."""

from contextlib import nullcontext

import pytest

from lakeside import FOUR, RAW, STAGED, area_in, carry, public_tree, still
from levada.errors import TryLater
from levada.lake.lease import read_record
from levada.lake.memory import MemoryStore
from levada.lake.store import Lost

OTHER = [b'["x"]', b'["c"]']
OF_OTHER = {RAW.format(n): body for n, body in enumerate(OTHER, 1)} | {
    STAGED.format(n): body.upper() for n, body in enumerate(OTHER, 1)
}


class Late(MemoryStore):
    """Stands still in the n-th copy while another run does all its work; locks run out meanwhile."""

    def __init__(self, stop_at: int, knows: bool, abreast: int = 1) -> None:
        super().__init__()
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
        if self.left == 0:
            carry(self, OTHER, edges=self.edges)  # shows what is committed
            carry(self, OTHER, edges=self.edges)
            self.late = True
        super().copy(source, target)


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
