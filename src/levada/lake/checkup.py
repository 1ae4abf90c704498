"""Whether a lake can be used: each thing that a run does to its store is done once, and undone."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from levada.errors import LevadaError, TryLater
from levada.lake.store import CONTROL, Store

__all__ = ["Check", "checkup"]

_BYTES = b"levada doctor was here\n"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    name: str
    #: Why it did not work; None if it did.
    error: LevadaError | None = None


def checkup(store: Store) -> Iterator[Check]:
    """Try what a run needs, one after the other, up to the first that fails; what was written is deleted."""
    folder = f"{CONTROL}/doctor-{secrets.token_hex(6)}"
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("reach it and list", lambda: _list(store, folder)),
        ("write on conditions and hold a lease", lambda: _lock(store, f"{folder}/lock")),
        ("write and read back", lambda: _write(store, f"{folder}/one")),
        ("copy on the spot", lambda: store.copy(f"{folder}/one", f"{folder}/two")),
        ("delete", lambda: _delete(store, folder)),
    )
    for name, act in steps:
        try:
            act()
        except LevadaError as error:
            yield Check(name, error)
            return
        yield Check(name)


def _list(store: Store, folder: str) -> None:
    for _ in store.list(folder):
        pass


def _lock(store: Store, key: str) -> None:
    with store.lock(key, b"levada doctor"):
        pass


def _write(store: Store, key: str) -> None:
    store.create(key, _BYTES)
    if store.read(key) != _BYTES:
        raise TryLater("other bytes came back than were written", where=f"{store.describe()}/{key}", todo="run again")


def _delete(store: Store, folder: str) -> None:
    for entry in list(store.list(folder)):
        store.delete(entry.key)
