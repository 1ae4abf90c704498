"""Loads into a DuckDB file: a copy takes the rows and then the file's place, so readers wait for nobody."""

from collections.abc import Callable, Mapping
from pathlib import Path

from levada.db.duckdb import changed, looked_at
from levada.loads.dialect import Dialect, table_of
from levada.loads.model import Database, Loading
from levada.loads.rows import Change, append, done, load_rows, receipt, replace_partition
from levada.loads.tables import compare, make_ready, settled
from levada.nouns import LoadMode, Receipt

__all__ = ["load", "prepare"]


_DIALECT = Dialect(
    "duckdb",
    "levada.loads.sql.duckdb",
    types={
        "string": "VARCHAR",
        "int32": "INTEGER",
        "int64": "BIGINT",
        "float64": "DOUBLE",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "time": "TIME",
        "binary": "BLOB",
        "uuid": "UUID",
        "json": "JSON",
    },
    decimal="DECIMAL",
    wider={
        "INTEGER": ("BIGINT", "HUGEINT", "DOUBLE"),
        "BIGINT": ("HUGEINT",),
        "JSON": ("VARCHAR",),
        "UUID": ("VARCHAR",),
    },
    is_json=lambda _: False,
    coming="s",
    indexed=False,
)


def prepare(path: Path, loading: Loading) -> None:
    """Refuse a table that cannot take the rows; what it lacks is made with the load.

    Raises:
        FixThis: the table cannot take rows of the contract, or belongs to another stream.
        TryLater: a process has the file open to write.
    """
    with looked_at(path) as database:
        if database is not None:
            one = settled(database, _DIALECT, loading)
            with database.transaction():
                compare(database, _DIALECT, one)


def load(path: Path, loading: Loading, pause: Callable[[int], None]) -> Receipt:
    """Make the table hold the rows of the commit; nothing is done if it does.

    Args:
        path: The file, made where there is none.
        loading: The rows.
        pause: Waits before the next try, whose number it is told.

    Raises:
        FixThis: as in `prepare`; or the table's own rules refuse the rows.
        ContractBroken: other rows of the partition were appended before; rows lie outside of it.
        TryLater: others have the file; the disk is full; another commit took the place of this one.
    """
    with looked_at(path) as database:
        if database and (found := done(database, _DIALECT, settled(database, _DIALECT, loading))):
            return found
    with changed(path, pause) as database:
        one = settled(database, _DIALECT, loading)
        make_ready(database, _DIALECT, one)
        return load_rows(database, _DIALECT, one, _MODES)


def _merge(database: Database, dialect: Dialect, loading: Loading, staged: int) -> Receipt:
    database.run(dialect.sql("latest", loading))
    updated = database.run(dialect.sql("update", loading))
    inserted = database.run(dialect.sql("insert_new", loading))
    [(left,)] = database.ask(dialect.sql("left_behind", loading))
    database.run("DROP TABLE _levada_latest")
    counts = {"inserted": inserted, "updated": updated, "unchanged": staged - inserted - updated}
    return receipt(database, dialect, loading, staged, **counts, left_behind=left)


def _replace(database: Database, dialect: Dialect, loading: Loading, staged: int) -> Receipt:
    removed = database.run(dialect.sql("delete_all", loading))
    inserted = database.run(dialect.sql("insert", loading, into=table_of(loading)))
    return receipt(database, dialect, loading, staged, inserted=inserted, removed=removed)


_MODES: Mapping[LoadMode, Change] = {
    "replace_partition": replace_partition,
    "append": append,
    "merge": _merge,
    "replace": _replace,
}
