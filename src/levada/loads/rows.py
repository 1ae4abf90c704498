"""The rows of a commit into a table, in one transaction under the ledger's lock; what was done is recognised."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from levada.errors import ContractBroken
from levada.lake.store import Lost
from levada.loads.arrow import carried
from levada.loads.dialect import Dialect, table_of
from levada.loads.model import STAGE, Between, Database, Loading
from levada.loads.tables import there
from levada.nouns import LoadMode, Receipt

__all__ = ["Change", "append", "done", "load_rows", "receipt", "replace_partition"]

#: What a mode does once the rows are staged: it is told how many there are.
Change: TypeAlias = Callable[[Database, Dialect, Loading, int], Receipt]


def done(database: Database, dialect: Dialect, loading: Loading) -> Receipt | None:
    """The receipt of this very load, if it was made; None if it is to be made."""
    with database.transaction():
        _, table, ledger = there(database, dialect, loading)
        rows = database.ask(dialect.sql("ledger_look", loading), loading.ledger_key) if table and ledger else []
    same = [count for fingerprint, count in rows if fingerprint == loading.fingerprint]
    return _before(database, dialect, loading, same[0]) if same else None


def load_rows(database: Database, dialect: Dialect, loading: Loading, modes: Mapping[LoadMode, Change]) -> Receipt:
    """Load, or say that it was done.

    Raises:
        ContractBroken: other rows of the partition were appended before; rows lie outside of it.
        Lost: another commit took the place of this one.
        LevadaError: the database is away, busy or refuses it.
    """
    with database.transaction():
        database.run(dialect.sql("ledger_row", loading), loading.ledger_key)
        [(before, rows)] = database.ask(dialect.sql("ledger_lock", loading), loading.ledger_key)
        if before == loading.fingerprint:
            return _before(database, dialect, loading, rows)
        _refuse_lost(loading)
        staged = _staged(database, dialect, loading)
        if before and loading.target.mode == "append" and not loading.again:
            _refuse_other(database, dialect, loading)
            made = receipt(database, dialect, loading, staged)
        else:
            made = modes[loading.target.mode](database, dialect, loading, staged)
        if loading.target.mode == "replace":
            database.run(dialect.sql("forget_others", loading), loading.ledger_key)
        database.run(f"DROP TABLE {STAGE}")
        values = (*loading.ledger_key, loading.fingerprint, loading.run, str(staged))
        database.run(dialect.sql("ledger_done", loading), values)
    return made


def _refuse_lost(loading: Loading) -> None:
    if not loading.stands():
        raise Lost(
            f"another run committed {loading.owner} {loading.partition} in the meantime: this one is not loaded",
            where=loading.target.name,
            todo="run again",
        )


def _refuse_other(database: Database, dialect: Dialect, loading: Loading) -> None:
    """Refuse other rows than those that were appended; the same ones may have come by another way, and are there."""
    [(differing,)] = database.ask(dialect.sql("differing", loading))
    if differing:
        raise ContractBroken(
            f"Other rows of {loading.owner} {loading.partition} were appended to {loading.target.name} before: "
            f"{differing} are not in both.",
            where=database.place,
            todo="find out which are right; to have these replace them, run `levada load --replace` for the partition",
        )


def _staged(database: Database, dialect: Dialect, loading: Loading) -> int:
    """The rows in a temporary table; how many."""
    coming = carried(loading, dialect.is_json)
    try:
        rows = database.take(STAGE, coming.reader)
    except Exception:
        if coming.failed is not None:
            raise coming.failed from None
        raise
    _refuse_outside(database, dialect, loading)
    return rows


def _refuse_outside(database: Database, dialect: Dialect, loading: Loading) -> None:
    """Rows outside of the partition would not go when it is loaded again: they would be doubled."""
    marked = loading.target.marked
    if not isinstance(marked, Between):
        return
    [(count,)] = database.ask(dialect.sql("outside", loading))
    if count:
        raise ContractBroken(
            f"{count} rows of {loading.owner} {loading.partition} lie outside of the partition by {marked.column}.",
            where=f"{database.place} {loading.target.name}",
            todo="`levada replay` sends them to quarantine: the partition was committed before `rows_by` was said",
        )


def receipt(database: Database, dialect: Dialect, loading: Loading, rows: int, **counts: Any) -> Receipt:
    """What was done, for people and records."""
    target = loading.target
    return Receipt(dialect.name, target.name, database.place, target.mode, rows, **counts)


def _before(database: Database, dialect: Dialect, loading: Loading, rows: int) -> Receipt:
    return receipt(database, dialect, loading, rows, before=True)


def replace_partition(database: Database, dialect: Dialect, loading: Loading, staged: int) -> Receipt:
    """The partition's rows go, the new ones come."""
    removed = database.run(dialect.sql("delete_partition", loading))
    inserted = database.run(dialect.sql("insert", loading, into=table_of(loading)))
    return receipt(database, dialect, loading, staged, inserted=inserted, removed=removed)


def append(database: Database, dialect: Dialect, loading: Loading, staged: int) -> Receipt:
    """The rows come; those of the partition go first where others were appended, and may be replaced."""
    if loading.again:
        return replace_partition(database, dialect, loading, staged)
    inserted = database.run(dialect.sql("insert", loading, into=table_of(loading)))
    return receipt(database, dialect, loading, staged, inserted=inserted)
