"""Public names made of what is committed, and mended where a run came too late with its own."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from levada.errors import LevadaError
from levada.lake.abreast import each
from levada.lake.area import Area
from levada.lake.lease import read_record
from levada.lake.record import Record, public_names
from levada.lake.store import Entry, Lost, Missing, Store
from levada.lake.verify import holds, same, sha256
from levada.nouns import LakeFile

__all__ = ["Known", "mending", "show_files", "show_folder"]

#: Public names with what lies there; those under which nothing does are not in it.
Known: TypeAlias = Mapping[str, Entry]
#: Looks at the record that stands, should further runs commit while names are mended.
_LOOKS = 5


def show_files(store: Store, record: Record, known: Known | None = None) -> None:
    """Put each file under its public name and take the stale names away; can be repeated at will.

    Args:
        store: Where they lie.
        record: What is committed.
        known: What lay under the public names when the lease was held already; looked at where it is not given.

    Raises:
        Lost: the partition may be another run's by now.
    """

    def show(file: LakeFile) -> None:
        if file.public is None:
            return
        there = store.head(file.public) if known is None else known.get(file.public)
        if there is None or not holds(store, file.key, there):
            store.holding()
            store.copy(file.key, file.public)

    def hide(name: str) -> None:
        store.holding()
        store.delete(name)

    each(store, show, record.files)
    each(store, hide, record.stale)
    store.sync((*public_names(record.files), *record.stale))


def show_folder(store: Store, folder: str, files: Iterable[LakeFile]) -> bool:
    """Make the public files the whole content of `folder`; whether that changed anything."""
    shown = {file.public: file.key for file in files if file.public is not None}
    changed = store.replace_folder(folder, {name.removeprefix(f"{folder}/"): key for name, key in shown.items()})
    # Its own files were synced before the commit; equal ones of somebody else, and who died before this, synced none.
    store.sync((folder,) if changed else (folder, *shown))
    return changed


@contextmanager
def mending(area: Area, late: Record) -> Iterator[None]:
    """Put public names right at the end if the lease was lost while the block put those of `late` where they belong.

    A process that is stopped in the middle of a request ends that request when it goes on, whoever holds the
    partition by then. So it puts right what it may have done: it shows the commit of the other, which is what that
    other shows too. What cannot be shown now, the next run or `levada verify` finds.

    Raises:
        Lost: the partition may be another run's by now.
    """
    try:
        yield
        area.store.holding()
    except Exception as error:
        if isinstance(error, Lost) or _is_lost(area):
            _mend(area, late)
        raise


def _is_lost(area: Area) -> bool:
    try:
        area.store.holding()
    except Lost:
        return True
    return False


def _mend(area: Area, late: Record) -> None:
    seen = None
    for _ in range(_LOOKS):
        try:
            record, tag = read_record(area)
        except LevadaError:
            return
        if record is None or record.run == late.run or record.folder is not None or tag == seen:
            return
        with contextlib.suppress(LevadaError, Missing):
            _show_again(area.store, record, late)
            seen = tag


def _show_again(store: Store, record: Record, late: Record) -> None:
    for file in record.files:
        if file.public is not None and not same(store, file.key, file.public):
            store.copy(file.key, file.public)
    names = public_names(record.files)
    for file in late.files:
        if file.public is not None and file.public not in names and _still_shows(store, file, file.public):
            store.delete(file.public)


def _still_shows(store: Store, file: LakeFile, name: str) -> bool:
    """Whether `name` holds the bytes of `file`, and none that somebody put there when it was free."""
    return same(store, file.key, name) or sha256(store, name) == file.sha256
