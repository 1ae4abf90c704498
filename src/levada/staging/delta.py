"""Delta tables, made from commit records; the home of deltalake, which writes their log.

A table is shown, as names are: the record is the only commit point, and says which rows a partition has. One Delta
commit takes the partition's file in and those of before out (docs/adr/0007-delta-is-shown.md).
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from levada.contract.model import Contract, columns
from levada.errors import FixThis
from levada.lake.record import Record
from levada.lake.verify import same
from levada.nouns import LakeFile, Table
from levada.staging.alike import same_rows
from levada.staging.arrow import schema
from levada.staging.delta_faults import explained, is_conflict, later
from levada.staging.evolve import Evolved, evolved, nullable
from levada.staging.format import Tables
from levada.staging.statistics import statistics

__all__ = ["Held", "Live", "compact", "held", "key_of", "refuse_unfit", "refuse_unread", "show"]

#: Tries of a Delta commit that others were faster than, and the longest seconds between two.
_TRIES, _LONGEST_WAIT = 40, 2.0
_OWNER = "levada.stream"
#: 60 bits: Delta's numbers of transactions are signed and have 64.
_DIGITS = 15


def refuse_unfit(tables: Tables, table: Table, contract: Contract, owner: str) -> None:
    """Do nothing if `table`, which need not exist, can take rows of `contract`.

    Raises:
        FixThis: its columns have other types, it belongs to another stream, or is no table of ours.
        TryLater: it could not be read.
    """
    with _told(tables, table):
        found = _open(tables, table)
        if found is not None:
            _refuse_other(found, tables, table, owner)
            _evolve(found, tables, table, schema(columns(contract)))


def refuse_unread(tables: Tables, stale: Iterable[Table]) -> None:
    """Do nothing if rows can be taken out of tables that the spec names no more, which need not exist.

    Raises:
        FixThis: one is damaged, or asks for what the library does not know.
        TryLater: one could not be read.
    """
    for table in stale:
        with _told(tables, table, stale=True):
            if found := _open(tables, table):
                found.file_uris()  # read from the log only now


def show(tables: Tables, record: Record, stands: Callable[[], bool]) -> tuple[str, ...]:
    """Make the record's table hold just the record's rows of the partition; what a person should know of it.

    Nothing is committed if that is so already, whatever made its files.

    Args:
        tables: Where they lie.
        record: The commit; one without staged rows takes the partition's rows away, one whose rows are in another table
            now takes them out of the tables before.
        stands: Whether the record is still the partition's own: another run may have taken over.

    Raises:
        FixThis: the table cannot take these rows, see `refuse_unfit`.
        TryLater: the table could not be read or written.
    """
    if record.level != "staged":
        return ()
    notes = [note for table in record.stale_tables for note in _leave(tables, record, table, stands)]
    if record.table is not None:
        notes += _brought(tables, _Shown(tables, record, record.table), stands)
    return tuple(notes)


def _brought(tables: Tables, shown: "_Shown", stands: Callable[[], bool]) -> tuple[str, ...]:
    with _told(tables, shown.table):
        for _ in _tries(tables, shown.table):
            with suppress(_Overtaken):
                return shown.once(stands)
    return ()


def _leave(tables: Tables, record: Record, table: Table, stands: Callable[[], bool]) -> tuple[str, ...]:
    """Take the partition's rows out of a table that the spec names no more; others' tables have none of them."""
    shown = _Shown(tables, replace(record, files=()), table)
    with _told(tables, table, stale=True):
        found = _open(tables, table)
        if found is None or not shown.is_of(found) or not shown.names(found):
            return ()
    notes = _brought(tables, shown, stands)
    return (*notes, f"Delta table {table.name}: the rows of {record.partition} went, the spec stages none there")


def compact(tables: Tables, name: str, size: int, hours: int) -> tuple[int, int, int] | None:
    """Merge the small files of each partition, and remove those that no version needs which is so young.

    Args:
        tables: Where they lie.
        name: The table's folder.
        size: Bytes that a file should have.
        hours: The age of versions that can be read no more.

    Returns:
        Files that were merged, that took their place, and that were removed; None where there is no table.
    """
    table = Table(name, "")
    with _told(tables, table):
        for _ in _tries(tables, table):
            found = _open(tables, table)
            if found is None:
                return None
            with suppress(_Overtaken), _overtaken():
                done = found.optimize.compact(target_size=size)
                removed = found.vacuum(hours, dry_run=False)
                _sync(tables, table, found)
                return int(done["numFilesRemoved"]), int(done["numFilesAdded"]), len(removed)
    return None


@dataclass(frozen=True, slots=True)
class Live:
    """A file that a table is made of, as its log tells it."""

    #: In the lake.
    key: str
    size: int
    rows: int | None


class Held:
    """A table as its log tells it now."""

    def __init__(self, tables: Tables, table: Table, found: DeltaTable) -> None:
        self._tables, self._table, self._found = tables, table, found
        #: Partition -> its files.
        self.files: dict[str | None, list[Live]] = {}
        told: Any = pa.table(found.get_add_actions(flatten=True)).to_pylist()
        for each in told:
            live = Live(f"{table.name}/{unquote(each['path'])}", each["size_bytes"], each.get("num_records"))
            self.files.setdefault(each.get(f"partition.{table.column}"), []).append(live)

    def of(self, record: Record) -> Literal["own", "merged", "none", "other"]:
        """What it has of a record's partition: its own file, as many rows in others, none as it has none, or else."""
        shown = _Shown(self._tables, record, self._table)
        there = self.files.get(record.partition, [])
        if shown.key is not None and [live.key for live in there] == [shown.key]:
            return "own"
        if not there and shown.key is None:
            return "none"
        return "merged" if shown.may_hold(self._found, there) else "other"


def held(tables: Tables, table: Table) -> Held | None:
    """The table, None where there is none; raises TryLater for a log that cannot be read."""
    with _told(tables, table):
        found = _open(tables, table)
        return Held(tables, table, found) if found else None


def key_of(tables: Tables, record: Record) -> str | None:
    """Where the record's file lies in its table; None where it has none."""
    return _Shown(tables, record, record.table).key if record.table else None


class _Overtaken(Exception):
    """Somebody committed to the table in the meantime."""


@contextmanager
def _overtaken() -> Iterator[None]:
    """Raise _Overtaken for a commit that another one came before."""
    try:
        yield
    except CommitFailedError as error:
        if is_conflict(str(error)):
            raise _Overtaken from None
        raise


class _Shown:
    """A record on its way into its table."""

    def __init__(self, tables: Tables, record: Record, table: Table) -> None:
        self._tables, self._record, self.table = tables, record, table
        self._file = next((file for file in record.files if file.format == "delta"), None)
        self._owner = f"{record.pipeline}/{record.stream}"
        self._transaction = f"levada/{self._owner}/{record.partition}"
        self._number = int((record.staged or "0")[:_DIGITS], 16)
        self._path = _path(table, record, self._file) if self._file else None

    def once(self, stands: Callable[[], bool]) -> tuple[str, ...]:
        """Commit to the table as it is now; raises _Overtaken if it changed meanwhile."""
        found = _open(self._tables, self.table)
        if found is None:
            if self._file is None:
                return ()
            found = self._create()
        _refuse_other(found, self._tables, self.table, self._owner)
        if self._is_named(self.names(found)):
            self._put()  # somebody may have removed it
        elif not self._holds(found) and stands():
            self._put()
            return self._commit(found)
        _sync(self._tables, self.table, found)
        return ()

    def _put(self) -> None:
        """The partition's file in the table's folder, where nobody reads it before the log names it."""
        if self._file is None:
            return
        store, target = self._tables.store, str(self.key)
        if not same(store, self._file.key, target):
            store.copy(self._file.key, target)
        store.sync([target])

    def _schema(self) -> pa.Schema:
        assert self._file  # noqa: S101 - asked for only where there are rows
        with self._tables.store.open(self._file.key) as stream:
            return pq.read_schema(stream)

    def _create(self) -> DeltaTable:
        says = nullable(self._schema()).append(pa.field(self.table.column, pa.string()))
        try:
            return DeltaTable.create(
                _url(self._tables, self.table),
                says,
                partition_by=[self.table.column],
                configuration={_OWNER: self._owner},
                storage_options=dict(self._tables.options) or None,
                raise_if_key_not_exists=False,
            )
        except DeltaError as error:
            if "already exists" in str(error):
                raise _Overtaken from None
            raise

    def is_of(self, found: DeltaTable) -> bool:
        """Whether the table is made of this stream's partitions."""
        held = found.metadata()
        return (held.configuration.get(_OWNER), held.partition_columns) == (self._owner, [self.table.column])

    def names(self, found: DeltaTable) -> list[str]:
        """The table's files of the partition."""
        ours = [(self.table.column, "=", self._record.partition)]
        return [uri.rsplit("/", 1)[-1] for uri in found.file_uris(file_pruning_predicate=ours)]

    def _is_named(self, names: list[str]) -> bool:
        """Whether the partition's file, and no other, is in the table."""
        return self._path is not None and names == [self._path.rsplit("/", 1)[-1]]

    @property
    def key(self) -> str | None:
        """Where the record's file lies in the table, if it has one."""
        return None if self._path is None else f"{self.table.name}/{self._path}"

    def may_hold(self, found: DeltaTable, there: list[Live]) -> bool:
        """Whether the table has as many rows in other files, since this commit came in; or has none to have."""
        if self._file is None or not there:
            return self._file is None and not there
        by_us = found.transaction_version(self._transaction) == self._number
        return by_us and sum(live.rows or 0 for live in there) == self._file.rows

    def _holds(self, found: DeltaTable) -> bool:
        """Whether the table has just these rows in other files, into which they were merged: the log cannot tell."""
        there = Held(self._tables, self.table, found).files.get(self._record.partition, [])
        if self._file is None or not self.may_hold(found, there):
            return self.may_hold(found, there)
        store = self._tables.store
        sizes = [entry.size if (entry := store.head(live.key)) else None for live in there]
        whole = sizes == [live.size for live in there]
        return whole and same_rows(store, self._file.key, [live.key for live in there])

    def _commit(self, found: DeltaTable) -> tuple[str, ...]:
        table, record = self.table, self._record
        change = _evolve(found, self._tables, table, self._schema() if self._file else None)
        said = {"levada.fingerprint": record.staged, "levada.partition": record.partition, "levada.run": record.run}
        with _overtaken():
            found.create_write_transaction(
                list(self._added()),
                "overwrite",
                change.schema,
                [table.column],
                [(table.column, "=", record.partition)],
                commit_properties=CommitProperties(
                    custom_metadata=said,
                    # Two that commit one partition at once conflict by this, even where it had no files to take out.
                    app_transactions=[Transaction(self._transaction, self._number)],
                ),
            )
        _sync(self._tables, table, DeltaTable(_url(self._tables, table), storage_options=dict(self._tables.options)))
        mended = [f"the rows of {record.partition} were not as committed; they are again"] if record.shown else []
        return tuple(f"Delta table {table.name}: {each}" for each in (*mended, *change.told))

    def _added(self) -> Iterator[AddAction]:
        if self._file is None or self._path is None:
            return
        with self._tables.store.open(self._file.key) as stream:
            told = statistics(stream)
        yield AddAction(
            path=self._path,
            size=self._file.size,
            partition_values={self.table.column: self._record.partition},
            modification_time=int(self._record.committed.timestamp() * 1000),
            data_change=True,
            stats=json.dumps(told),
        )


def _path(table: Table, record: Record, file: LakeFile) -> str:
    """A name that no other commit of the table has: Delta tells files apart by it. The folder is for people's eyes."""
    shown = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in record.partition)
    column = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in table.column)
    unique = sha256(f"{record.partition}\n{file.key}\n{file.sha256}".encode()).hexdigest()[:16]
    return f"{column}={shown}/{record.run}-{unique}.parquet"


def _url(tables: Tables, table: Table) -> str:
    return f"{tables.store.describe()}/{table.name}"


def _open(tables: Tables, table: Table) -> DeltaTable | None:
    """The table as it is now, None where there is none."""
    if not tables.store.describe().startswith(("/", "s3://", "gs://", "az://")):
        raise FixThis(
            f"A Delta table cannot lie in the lake {tables.store.describe()}.",
            where=table.name,
            todo="use a lake on a disk or in an object store, or leave `delta` out of `stage`",
        )
    with suppress(TableNotFoundError):
        return DeltaTable(_url(tables, table), storage_options=dict(tables.options) or None)
    return None


def _refuse_other(found: DeltaTable, tables: Tables, table: Table, owner: str) -> None:
    """Refuse a table that is not made of this stream's partitions: rows that are none of ours would go."""
    held = found.metadata()
    whose = held.configuration.get(_OWNER)
    if whose != owner:
        what = f"The Delta table {table.name} was not made by Levada." if whose is None else (
            f"The Delta table {table.name} belongs to {whose}, which is another stream than {owner}."
        )  # fmt: skip
        raise FixThis(what, where=_url(tables, table), todo="name another folder: `delta: {table: ...}`")
    if held.partition_columns != [table.column]:
        was = ", ".join(held.partition_columns)
        what = f"The Delta table {table.name} tells its partitions by {was}, and the spec by {table.column}."
        raise FixThis(what, where=_url(tables, table), todo=f"write `column: {was}`, or name another table")


def _evolve(found: DeltaTable, tables: Tables, table: Table, coming: pa.Schema | None) -> Evolved:
    """The columns of the table with those of `coming`; none that it has ever goes or changes."""
    there = pa.schema(found.schema().to_arrow())
    change = evolved(there, coming if coming is not None else pa.schema([]))
    if change.refused:
        raise FixThis(
            f"The Delta table {table.name} cannot take these rows: {'; '.join(change.refused)}.",
            where=_url(tables, table),
            todo="give the changed field another name, or name another table and `levada replay` into it",
        )
    return change


def _sync(tables: Tables, table: Table, found: DeltaTable) -> None:
    """The log's newest entry safe from power loss."""
    tables.store.sync([f"{table.name}/_delta_log/{found.version():020}.json"])


@contextmanager
def _told(tables: Tables, table: Table, *, stale: bool = False) -> Iterator[None]:
    try:
        yield
    except (DeltaError, OSError) as error:
        # From None: what it says is said, and the rest of it are frames of its stack.
        raise explained(error, table.name, _url(tables, table), stale=stale) from None


def _tries(tables: Tables, table: Table) -> Iterator[int]:
    """Numbers of tries, with a wait after each; raises TryLater after the last."""
    for number in range(_TRIES):
        yield number
        tables.wait(min(_LONGEST_WAIT, 0.02 * 2**number))
    raise later("other writers were faster each time", table.name, _url(tables, table))
