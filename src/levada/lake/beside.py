"""Files that lie where people read a lake's public names, and are in no commit record."""

import re
from collections.abc import Iterable, Iterator

from levada.errors import FixThis
from levada.lake.area import committed
from levada.lake.lease import record_of
from levada.lake.record import Record, public_names
from levada.lake.store import Entry, Store

__all__ = ["Beside", "top_of"]

#: How the names of files and folders begin that tools leave beside data: _SUCCESS, .sales_1.json.crc, _delta_log. No
#: reader takes them as data.
_ASIDE = (".", "_")
_BETWEEN = re.compile(r"[^0-9A-Za-z]+")


class Beside:
    """Learns from records, one after the other, which names are a lake's own and where others lie among them."""

    def __init__(self, store: Store, *, deep: bool = True) -> None:
        """Know nothing yet.

        Args:
            store: The lake.
            deep: Look also where other partitions of a stream lie; else only into the folders of those learned.
        """
        self._store, self._deep = store, deep
        self._names: set[str] = set()
        self._folders: set[str] = set()
        self._tops: set[str] = set()
        self._tables: set[str] = set()
        self._unreadable = False

    def learn(self, record: Record) -> None:
        """A commit record: the names that its partition has, or is about to lose."""
        names = public_names(record.files) | {*record.stale}
        self._names |= names
        self._tables |= {f"{table.name}/" for table in record.tables}
        self.look_beside(names, record.partition if record.folder is None else None)

    def look_beside(self, names: Iterable[str], partition: str | None) -> None:
        """Where to look: beside these names, and where other partitions have such; None: nowhere else."""
        folders = {name.rpartition("/")[0] for name in names}
        self._folders |= folders
        if self._deep and partition:
            self._tops |= {top_of(folder, partition) for folder in folders}

    def unreadable(self) -> None:
        """There is a record that cannot be read: nobody knows what its own names are."""
        self._unreadable = True

    def strangers(self) -> list[Entry]:
        """The files that are in no record of the lake, sorted; none while a record of it cannot be read."""
        if self._unreadable:
            return []
        found = {key for key in self._there() if key not in self._names and not self._of_table(key)}
        # Read after the files were listed: what a run shows is in its record before.
        known = self._known() if found else set()
        if known is None:
            return []
        entries = (self._store.head(key) for key in sorted(found - known) if not self._of_table(key))
        return [entry for entry in entries if entry is not None]

    def _there(self) -> Iterator[str]:
        """The files that a reader could take for data."""
        tops = _highest(self._tops)
        for folder in (*tops, *(one for one in self._folders if not any(_below(one, top) for top in tops))):
            for entry in self._store.list(folder):
                name = entry.key[len(folder) + 1 :] if folder else entry.key
                parts = name.split("/")
                if (folder in tops or len(parts) == 1) and not any(part.startswith(_ASIDE) for part in parts):
                    yield entry.key

    def _of_table(self, key: str) -> bool:
        return key.startswith(tuple(self._tables))

    def _known(self) -> set[str] | None:
        found: set[str] = set()
        for area in committed(self._store):
            try:
                record = record_of(area)
            except FixThis:
                return None
            if record:
                found |= public_names(record.files) | {*record.stale}
                self._tables |= {f"{table.name}/" for table in record.tables}
        return found


def top_of(folder: str, partition: str) -> str:
    """The folder below which a stream's partitions lie: that part of `folder` which tells nothing of this one."""
    words = {word for word in (*_BETWEEN.split(partition), re.sub(r"\D", "", partition)) if word}
    shared: list[str] = []
    for part in folder.split("/"):
        if words & {part, *_BETWEEN.split(part)}:
            break
        shared.append(part)
    return "/".join(shared)


def _highest(folders: Iterable[str]) -> list[str]:
    """Those that lie below no other of them."""
    found: list[str] = []
    for folder in sorted(folders):
        if not any(_below(folder, one) for one in found):
            found.append(folder)
    return found


def _below(folder: str, top: str) -> bool:
    return not top or folder == top or folder.startswith(f"{top}/")
