"""Public names made of what is committed, and mended where a run came too late with its own."""

import contextlib
from collections.abc import Callable, Iterable
from typing import TypeVar

from levada.errors import LevadaError
from levada.lake.area import Area
from levada.lake.lease import read_record
from levada.lake.record import Record, public_names
from levada.lake.store import Missing, Store
from levada.lake.verify import same
from levada.nouns import LakeFile

__all__ = ["mend", "show_files", "show_folder"]

_Item = TypeVar("_Item")
#: Looks at the record that stands, should further runs commit while names are mended.
_LOOKS = 5


def show_files(store: Store, record: Record) -> None:
    """Put each file under its public name and take the stale names away; can be repeated at will.

    Raises:
        Lost: the partition may be another run's by now.
    """

    def show(file: LakeFile) -> None:
        if file.public is not None and not same(store, file.key, file.public):
            store.holding()
            store.copy(file.key, file.public)

    _each(store, show, record.files)
    _each(store, store.delete, record.stale)
    store.sync((*public_names(record.files), *record.stale))


def show_folder(store: Store, folder: str, files: Iterable[LakeFile]) -> bool:
    """Make the public files the whole content of `folder`; whether that changed anything."""
    shown = {file.public: file.key for file in files if file.public is not None}
    changed = store.replace_folder(folder, {name.removeprefix(f"{folder}/"): key for name, key in shown.items()})
    # Its own files were synced before the commit; equal ones of somebody else, and who died before this, synced none.
    store.sync((folder,) if changed else (folder, *shown))
    return changed


def mend(area: Area, run: str) -> None:
    """Show what stands again after `run`, which lost its lease, may have shown files of its own over it.

    A process that is stopped in the middle of a request ends that request when it goes on, whoever holds the
    partition by then. So it puts right what it may have done: it shows the commit of the other, which is what that
    other shows too. What cannot be shown now, the next run or `levada verify` finds.
    """
    seen = None
    for _ in range(_LOOKS):
        with contextlib.suppress(LevadaError, Missing):
            record, tag = read_record(area)
            if record is None or record.run == run or record.folder is not None or tag == seen:
                return
            seen = tag
            for file in record.files:
                if file.public is not None and not same(area.store, file.key, file.public):
                    area.store.copy(file.key, file.public)


def _each(store: Store, act: Callable[[_Item], None], items: Iterable[_Item]) -> None:
    """Do it for each of the items, several at once where the store gains by it; the first error ends it."""
    if store.abreast == 1:
        for item in items:
            act(item)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(store.abreast, "levada-show") as threads:
        for done in [threads.submit(act, item) for item in items]:
            done.result()
