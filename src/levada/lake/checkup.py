"""Whether a lake can be used: each thing that a run does to its store is done once, and undone."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from levada.errors import FixThis, LevadaError, TryLater
from levada.lake.store import CONTROL, Conflict, Exists, Held, Missing, Store

__all__ = ["Check", "checkup"]

_BYTES = b"levada doctor was here\n"
_CONTRADICTIONS: dict[type[Exception], str] = {
    Conflict: "what was just written is another thing now",
    Exists: "what nobody wrote is there",
    Held: "what nobody locked is locked",
    Missing: "what was just written is not there",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    name: str
    #: Why it did not work; None if it did.
    error: LevadaError | None = None


def checkup(store: Store) -> Iterator[Check]:
    """Try what a run needs, one after the other, up to the first that fails; nothing stays behind where it can go."""
    folder = f"{CONTROL}/doctor-{secrets.token_hex(6)}"
    reached = _tried(store, "reach it and list", lambda: _list(store, folder))
    yield reached
    if reached.error is None:
        try:
            yield from _written(store, folder)
        finally:
            with contextlib.suppress(LevadaError):
                _delete(store, folder)


def _written(store: Store, folder: str) -> Iterator[Check]:
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("write on conditions and hold a lease", lambda: _lock(store, f"{folder}/lock")),
        ("write and read back", lambda: _write(store, f"{folder}/one")),
        ("copy on the spot", lambda: store.copy(f"{folder}/one", f"{folder}/two")),
        ("delete", lambda: _delete(store, folder)),
    )
    for name, act in steps:
        check = _tried(store, name, act)
        yield check
        if check.error is not None:
            return


def _tried(store: Store, name: str, act: Callable[[], None]) -> Check:
    try:
        act()
    except LevadaError as error:
        return Check(name, error)
    except (Conflict, Exists, Held, Missing) as broken:
        # Nobody else knows the names of these files.
        what = f"the store contradicts itself: {_CONTRADICTIONS[type(broken)]}"
        return Check(name, FixThis(what, where=store.describe(), todo="see what stands between, or use another store"))
    return Check(name)


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
