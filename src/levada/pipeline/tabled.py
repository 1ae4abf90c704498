"""Delta tables held to the commits that they show, and shown again where they do not.

commit record ──► the partition's files by the table's log ──► what lies there ──► findings
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from levada.edges import Edges
from levada.errors import FixThis, TryLater
from levada.extras import require
from levada.lake.area import Area
from levada.lake.audit import Finding, held_to
from levada.lake.record import Record
from levada.lake.store import Store
from levada.lake.verify import same
from levada.nouns import LakeFile, Table
from levada.pipeline.tables import tables_of

if TYPE_CHECKING:
    from levada.staging.delta import Held

__all__ = ["Tabled"]

_REPAIR = "`levada verify --repair` shows the commit in the table again; so does the next `levada run` or `replay`"
_MOVE = "move the table's folder away; then `levada verify --repair` makes it anew from the commits, without its past"


class Tabled:
    """The Delta tables of a lake, each log read once; it is read again before anything is told of a partition."""

    def __init__(self, store: Store, edges: Edges, *, quick: bool = False) -> None:
        """Read nothing yet; with `quick` compare sizes and read no rows."""
        self._store, self._tables, self._quick = store, tables_of(store, edges), quick
        self._held: dict[str, Held | Finding] = {}
        self._turn = threading.Lock()
        #: Tables with partitions that are wrong there.
        self._wrong = set[tuple[str, str]]()
        #: Table -> partitions that were looked at, and a record of one of them.
        self._seen: dict[str, tuple[set[str], Record]] = {}

    def findings(self, record: Record, wrong: frozenset[str]) -> list[Finding]:
        """What is wrong with a partition's rows in its table.

        Args:
            record: Its commit.
            wrong: Keys whose bytes are known to be wrong.

        Raises:
            FixThis: the library for tables is not installed.
        """
        if record.table is None:
            return []
        self._seen.setdefault(record.table.name, (set(), record))[0].add(record.partition)
        if record.level != "staged" or not record.shown:
            return []
        require("delta", "Delta tables", ["deltalake", "pyarrow"])
        found = self._found(record.table, record, wrong)
        if not found:
            return []
        with self._turn:  # others may have committed since it was read
            self._held.pop(record.table.name, None)
        found = self._found(record.table, record, wrong)
        if found:
            self._wrong.add((record.table.name, record.partition))
        return found

    def _found(self, table: Table, record: Record, wrong: frozenset[str]) -> list[Finding]:
        held = self._log(table)
        if isinstance(held, Finding):
            return [held] if held.kind == "damaged" or any(file.format == "delta" for file in record.files) else []
        state, file = held.of(record), next((file for file in record.files if file.format == "delta"), None)
        if state == "other":
            why = f"it has other rows of partition {record.partition} than the commit"
            return [Finding("changed", table.name, "table", why=why, todo=_REPAIR)]
        if file is None:
            return []
        if state == "own":
            return self._own(file, held.files[record.partition][0].key, wrong)
        return self._merged(file, held, record.partition, wrong)

    def _own(self, file: LakeFile, key: str, wrong: frozenset[str]) -> list[Finding]:
        if file.key not in wrong and same(self._tables.store, file.key, key):
            return []
        found = held_to(self._tables.store, file, key, quick=self._quick)
        return [replace(found, file="table", todo=_REPAIR)] if found else []

    def _merged(self, file: LakeFile, held: "Held", partition: str, wrong: frozenset[str]) -> list[Finding]:
        """What is wrong with files into which the partition's rows were merged: no record has their hashes."""
        from levada.staging.alike import same_rows

        found: list[Finding] = []
        for live in held.files[partition]:
            told = Finding("missing", live.key, "table", live.size, todo=_REPAIR)
            there = self._tables.store.head(live.key)
            if there is None:
                found.append(told)
            elif there.size != live.size:
                found.append(replace(told, kind="changed", found_size=there.size))
        readable = not self._quick and not found and file.key not in wrong
        if readable and not same_rows(self._tables.store, file.key, [live.key for live in held.files[partition]]):
            why = "its rows are not those of the commit, which were merged into it"
            found += [Finding("changed", live.key, "table", why=why, todo=_REPAIR) for live in held.files[partition]]
        return found

    def _log(self, table: Table) -> "Held | Finding":
        from levada.staging import delta

        with self._turn:
            if table.name not in self._held:
                log = f"{table.name}/_delta_log"
                try:
                    held = delta.held(self._tables, table)
                    self._held[table.name] = held or Finding("missing", log, "table", todo=_REPAIR)
                except FixThis as error:
                    self._held[table.name] = Finding("damaged", log, "table", why=error.what, todo=_MOVE)
                except TryLater as error:
                    self._held[table.name] = Finding("busy", log, "table", why=error.what, todo=error.todo)
            return self._held[table.name]

    def extras(self) -> list[Finding]:
        """Partitions that those tables have rows of and that have no commit."""
        found = []
        for name, (seen, record) in sorted(self._seen.items()):
            held = self._held.get(name)
            others = {*held.files} - seen if held and not isinstance(held, Finding) else set()
            for partition in sorted(str(one) for one in others):
                area = Area(self._store, record.pipeline, record.stream, partition)
                if self._store.head(area.commit) is None:
                    why = f"its rows of partition {partition} are of no commit"
                    todo = "commit that partition anew, or delete the rows in the table: who reads it reads them too"
                    found.append(Finding("extra", name, "table", why=why, todo=todo))
        return found

    def copies(self, record: Record) -> list[LakeFile]:
        """The files of the table that should have the bytes of files of the record."""
        from levada.staging import delta

        key = delta.key_of(self._tables, record)
        return [replace(file, key=key) for file in record.files if file.format == "delta" and key]

    def show(self, record: Record, stands: Callable[[], bool]) -> str | None:
        """Make the table hold the rows of the record, see `delta.show`; in words, if it was found not to."""
        if record.table is None:
            return None
        require("delta", "Delta tables", ["deltalake", "pyarrow"])
        from levada.staging import delta

        delta.show(self._tables, record, stands)
        with self._turn:
            self._held.pop(record.table.name, None)
        was = (record.table.name, record.partition) in self._wrong
        return f"{record.table.name}: it has the rows of partition {record.partition} as committed" if was else None
