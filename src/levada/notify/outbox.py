"""Notices that wait in the lake: `_levada/notices.outbox/<pipeline>/<round>.<channel>.json`.

No pipeline has a dot in its name, so none has its files there, and nothing there lies as deep as those of a partition.
Each notice has a lock beside it: of several processes one sends it. Whoever comes after that finds it gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote

from levada.errors import FixThis, LevadaError
from levada.lake.store import CONTROL, Conflict, Missing, Store
from levada.notify.notice import Notice, from_json, to_json

__all__ = ["MOST", "Damaged", "Taken", "drop", "kind_of", "name_of", "put", "read", "taken", "waiting"]

_FOLDER = f"{CONTROL}/notices.outbox"
_ENDING, _LOCK = ".json", ".lock"
#: Notices of a pipeline that wait at once; older ones are given up.
MOST = 100


class Damaged(FixThis):
    """A notice that waits cannot be read."""


class Taken:
    """A notice that this process alone may send, while it holds it."""

    def __init__(self, store: Store, key: str, notice: Notice, tag: str) -> None:
        self.notice = notice
        self._store = store
        self._key = key
        self._tag = tag

    def keep(self, notice: Notice) -> None:
        """Leave it waiting, as it is now."""
        self._store.replace(self._key, to_json(notice), self._tag)

    def remove(self) -> None:
        """Take it away. Its lock goes last: who waits for that finds nothing to send."""
        self._store.delete(self._key)
        _unlocked(self._store, self._key)


def put(store: Store, pipeline: str, notice: Notice) -> None:
    """Let a notice wait; one that is there already stays as it is.

    Raises:
        LevadaError: it could not be written, and is not there.
    """
    key = _key(pipeline, notice)
    try:
        store.replace(key, to_json(notice), None)
    except Conflict:
        return
    except LevadaError:
        if not _is_there(store, key):  # what was lost may be the answer alone
            raise


def drop(store: Store, pipeline: str, notice: Notice) -> None:
    """Take away what may have been written though it seemed not to be."""
    key = _key(pipeline, notice)
    with suppress(LevadaError):
        if store.head(key):
            store.delete(key)


def waiting(store: Store, pipeline: str, kind: str = "") -> list[str]:
    """The keys of what waits, the oldest first; of one channel."""
    ending = f".{kind}{_ENDING}" if kind else _ENDING
    return [entry.key for entry in store.list(_folder(pipeline)) if entry.key.endswith(ending)]


def read(store: Store, key: str) -> Notice:
    """A notice that waits.

    Raises:
        Missing: it is sent meanwhile.
        Damaged: it is no notice.
    """
    try:
        return from_json(store.read(key))
    except (ValueError, FixThis) as error:
        where, todo = f"{store.describe()}/{key}", "delete the file; what it was about stands in the lake"
        why = str(error.what if isinstance(error, FixThis) else error).rstrip(".")
        raise Damaged(f"A notice that waits cannot be read: {why}.", where=where, todo=todo) from None


@contextmanager
def taken(store: Store, key: str, holder: bytes) -> Iterator[Taken | None]:
    """The notice to send, None where it is gone.

    Raises:
        Damaged: it cannot be read.
        Held: another process has it.
    """
    with store.lock(_lock(key), holder):
        try:
            entry = store.head(key)
            found = Taken(store, key, read(store, key), entry.tag) if entry else None
        except Missing:
            found = None
        if found is None:
            _unlocked(store, key)  # made anew by us: who sent the notice took its lock away
        yield found


def kind_of(key: str) -> str:
    """The channel that the notice of a key is for."""
    return name_of(key).rpartition(".")[2]


def name_of(key: str) -> str:
    """The name of the notice of a key."""
    return key.rpartition("/")[2].removesuffix(_ENDING)


def _is_there(store: Store, key: str) -> bool:
    try:
        return store.head(key) is not None
    except LevadaError:
        return False


def _unlocked(store: Store, key: str) -> None:
    """Take the lock of a notice that is gone away; one that stays does no harm."""
    with suppress(LevadaError):
        store.delete(_lock(key))


def _key(pipeline: str, notice: Notice) -> str:
    return f"{_folder(pipeline)}/{notice.id}{_ENDING}"


def _folder(pipeline: str) -> str:
    return f"{_FOLDER}/{quote(pipeline, safe='')}"


def _lock(key: str) -> str:
    return f"{key.removesuffix(_ENDING)}{_LOCK}"
