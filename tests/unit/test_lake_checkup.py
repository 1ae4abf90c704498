"""What the doctor tries of a lake, on stores that fail in one thing: nothing stays behind, and nothing is a bug."""

from collections.abc import Callable
from contextlib import closing
from itertools import islice
from typing import Any

import pytest

from levada.errors import FixThis
from levada.lake.checkup import checkup
from levada.lake.memory import MemoryStore
from levada.lake.store import Exists, Held, Missing


class Failing:
    """A store whose one call fails."""

    def __init__(self, call: str, error: Exception, times: int = 100) -> None:
        self.store = MemoryStore()
        self._call, self._error, self._left = call, error, times

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._fail if name == self._call and self._left else getattr(self.store, name)

    def _fail(self, *_: object) -> None:
        self._left -= 1
        raise self._error


REFUSED = FixThis("the object store does not allow to do it (AccessDenied)")
NAMES = [
    "reach it and list",
    "write on conditions and hold a lease",
    "write and read back",
    "copy on the spot",
    "delete",
]


def test_a_store_that_works_keeps_nothing():
    store = MemoryStore()
    checks = list(checkup(store))
    assert [(check.name, check.error) for check in checks] == [(name, None) for name in NAMES]
    assert list(store.list("")) == []


@pytest.mark.parametrize(
    ("call", "failed"), [("lock", 1), ("create", 2), ("read", 2), ("copy", 3), ("list", 0), ("delete", 4)]
)
def test_a_step_that_fails_is_the_last_and_leaves_nothing(call, failed):
    store = Failing(call, REFUSED, times=1)
    checks = list(checkup(store))
    assert [check.name for check in checks] == NAMES[: failed + 1]
    assert [check.error for check in checks] == [None] * failed + [REFUSED]
    assert list(store.store.list("")) == []


def test_what_cannot_be_cleared_away_hides_nothing():
    checks = list(checkup(Failing("delete", REFUSED)))
    assert checks[-1].error is REFUSED


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ("copy", Missing("x"), "what was just written is not there"),
        ("read", Missing("x"), "what was just written is not there"),
        ("create", Exists("x"), "what nobody wrote is there"),
        ("lock", Held(b"x"), "what nobody locked is locked"),
    ],
)
def test_a_store_that_contradicts_itself_is_told(call, error, said):
    store = Failing(call, error, times=1)
    told = list(checkup(store))[-1].error
    assert isinstance(told, FixThis)
    assert told.what == f"the store contradicts itself: {said}"
    assert (told.where, told.todo) == (store.store.describe(), "see what stands between, or use another store")
    assert list(store.store.list("")) == []


def test_other_bytes_than_were_written_are_told():
    class Forgetful(MemoryStore):
        def read(self, key: str) -> bytes:
            return super().read(key)[1:]

    told = list(checkup(Forgetful()))[-1].error
    assert "other bytes came back than were written" in str(told)


def test_whoever_stops_looking_leaves_nothing():
    store = MemoryStore()
    with closing(checkup(store)) as checks:
        assert [check.name for check in islice(checks, 4)] == NAMES[:4]
        assert list(store.list("")) != []
    assert list(store.list("")) == []
