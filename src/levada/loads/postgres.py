"""Loads into PostgreSQL: rows by binary COPY into a temporary table, then typed SQL (docs/adr/0010-loads.md).

The ledger's row is locked first and written with the rows, so a load that was done is recognised, and two loads of one
partition come one after the other.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from levada.contract.model import Column
from levada.db.named import quoted
from levada.db.postgres import WAIT, Again, Blocked, connected
from levada.loads.dialect import Dialect, table_of
from levada.loads.model import LEDGER, Database, Loading
from levada.loads.rows import Change, append, done, load_rows, receipt, replace_partition
from levada.loads.tables import make_ready, settled
from levada.nouns import LoadMode, Receipt

__all__ = ["load", "prepare"]

#: Tries of a transaction that the database undid for another one's sake.
_TRIES = 6


def _is_json(column: Column) -> bool:
    """Whether the driver cannot carry it: a struct, a list of lists or of structs."""
    return column.type == "struct" or bool(column.item and column.item.type in ("list", "struct"))


_DIALECT = Dialect(
    "postgres",
    "levada.loads.sql.postgres",
    types={
        "string": "text",
        "int32": "integer",
        "int64": "bigint",
        "float64": "double precision",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp with time zone",
        "time": "time without time zone",
        "binary": "bytea",
        "uuid": "uuid",
        "json": "jsonb",
    },
    decimal="numeric",
    wider={
        "text": ("character varying", "citext"),
        "integer": ("bigint", "numeric", "double precision"),
        "bigint": ("numeric",),
        "jsonb": ("json", "text"),
        "uuid": ("text", "character varying"),
    },
    is_json=_is_json,
    coming="excluded",
    indexed=True,
    longest_name=63,  # NAMEDATALEN
)


def prepare(url: str, loading: Loading, wait: float = WAIT) -> None:
    """Make what the table lacks: schema, ledger, table, columns, key, index, descriptions. Nothing ever goes.

    Args:
        url: Of the database, postgresql://user:password@host:port/name.
        loading: What will come.
        wait: Seconds to wait for somebody else's lock.

    Raises:
        FixThis: the table cannot take rows of the contract, belongs to another stream, or may not be made.
        TryLater: the database is away, or somebody else held the table for too long.
    """
    with connected(url, wait) as database:
        one = settled(database, _DIALECT, loading)
        with _named(database, one):
            make_ready(database, _DIALECT, one)


def load(url: str, loading: Loading, pause: Callable[[int], None], wait: float = WAIT) -> Receipt:
    """Make the table hold the rows of the commit; nothing is done if it does.

    Args:
        url: Of the database, postgresql://user:password@host:port/name.
        loading: The rows.
        pause: Waits before the next try, whose number it is told.
        wait: As for `prepare`.

    Raises:
        FixThis: as in `prepare`; or the table's own rules refuse the rows.
        ContractBroken: other rows of the partition were appended before; rows lie outside of it.
        TryLater: the database is away, or busy; another commit took the place of this one.
    """
    with connected(url, wait) as database:
        one = settled(database, _DIALECT, loading)
        if found := done(database, _DIALECT, one):
            return found
        with _named(database, one):
            make_ready(database, _DIALECT, one)
            for turn in range(1, _TRIES):
                try:
                    return load_rows(database, _DIALECT, one, _MODES)
                except Again:
                    pause(turn)
            return load_rows(database, _DIALECT, one, _MODES)


@contextmanager
def _named(database: Database, loading: Loading) -> Iterator[None]:
    """Tell who held what was to be changed: asked once the wait is over, so it may be another one by then."""
    try:
        yield
    except Blocked as error:
        with database.transaction():
            names = (loading.target.schema, loading.target.table, LEDGER)
            held = database.ask(_DIALECT.text("holders"), names)
        for pid, user, application, state, since in held:
            by = f"{user}, {application}" if application else user
            error.what += f"; session {pid} ({by}) holds it: {state or 'busy'} since {since or 'some time'}"
        raise


def _merge(database: Database, dialect: Dialect, loading: Loading, staged: int) -> Receipt:
    [(inserted, updated)] = database.ask(dialect.sql("merge", loading))
    [(left,)] = database.ask(dialect.sql("left_behind", loading))
    counts = {"inserted": inserted, "updated": updated, "unchanged": staged - inserted - updated}
    return receipt(database, dialect, loading, staged, **counts, left_behind=left)


def _replace(database: Database, dialect: Dialect, loading: Loading, staged: int) -> Receipt:
    """All rows of the table: made aside, then in its place, so that readers wait for two renames alone."""
    aside = f"_levada_{sha256(loading.target.name.encode()).hexdigest()[:12]}"
    made = f"{quoted(loading.target.schema or '')}.{quoted(aside)}"
    [(before,)] = database.ask(dialect.sql("count", loading))
    database.run(dialect.sql("make_alike", loading, made=made))
    inserted = database.run(dialect.sql("insert", loading, into=made))
    grants = database.ask(dialect.text("grants"), (loading.target.schema, loading.target.table))
    database.run(f"DROP TABLE {table_of(loading)}")
    database.run(f"ALTER TABLE {made} RENAME TO {quoted(loading.target.table)}")
    for (grant,) in grants:
        database.run(grant)
    return receipt(database, dialect, loading, staged, inserted=inserted, removed=before)


_MODES: Mapping[LoadMode, Change] = {
    "replace_partition": replace_partition,
    "append": append,
    "merge": _merge,
    "replace": _replace,
}
