"""The table that takes rows: made, or compared with the contract and given what it lacks. Nothing ever goes."""

from dataclasses import replace
from typing import Any

from levada.db.named import quoted, text_of
from levada.errors import FixThis
from levada.loads.dialect import Dialect, table_of, wanted
from levada.loads.fit import Change, Existing, Wanted, change
from levada.loads.model import LEDGER, Database, Loading

__all__ = ["compare", "make_ready", "settled", "there"]


def settled(database: Database, dialect: Dialect, loading: Loading) -> Loading:
    """The loading, its schema told where the spec names none; refuses what the database would cut off.

    Raises:
        FixThis: a name is too long, or there is no schema.
    """
    _refuse_long(dialect, loading)
    if loading.target.schema is not None:
        return loading
    with database.transaction():
        [(schema,)] = database.ask("SELECT current_schema()")
    if schema is None:
        what = "No schema of the search path is there."
        raise FixThis(what, where=database.place, todo="name one: `table: schema.table`, or mend `search_path`")
    return replace(loading, target=replace(loading.target, schema=schema))


def _refuse_long(dialect: Dialect, loading: Loading) -> None:
    names = [loading.target.schema or "", loading.target.table, *(column.name for column in loading.columns)]
    most = dialect.longest_name
    long = [name for name in names if most and len(name.encode()) > most]
    if long:
        raise FixThis(
            f'The name "{long[0]}" is too long for the database, which would keep {most} bytes of it.',
            where=loading.owner,
            todo="give the field another name (`from` says where it comes from), or the table",
        )


def there(database: Database, dialect: Dialect, loading: Loading) -> tuple[bool, bool, bool]:
    """Whether the schema, the table and the ledger are there."""
    names = (loading.target.schema, loading.target.table, LEDGER)
    [(schema, table, ledger)] = database.ask(dialect.text("exists"), names)
    return schema, table, ledger


def make_ready(database: Database, dialect: Dialect, loading: Loading) -> None:
    """Make what is missing: schema, ledger, table, columns, key, index, descriptions.

    Compared without a lock; what is to be changed is changed alone, and compared anew for that.

    Raises:
        FixThis: the table cannot take rows of the contract, belongs to another stream, or may not be made.
    """
    with database.transaction():
        if all(there(database, dialect, loading)) and not _lacks(database, dialect, loading):
            return
    with database.transaction():
        database.ask(dialect.text("lock_schema"), (loading.target.schema,))
        schema, table, ledger = there(database, dialect, loading)
        if not schema:
            database.run(f"CREATE SCHEMA {quoted(loading.target.schema or '')}")
        if not ledger:
            database.run(dialect.sql("ledger", loading))
        if not table:
            _make(database, dialect, loading)
        _change(database, loading, compare(database, dialect, loading))
        if _lacks_key(database, dialect, loading):
            database.run(dialect.sql("make_key", loading))


def _lacks(database: Database, dialect: Dialect, loading: Loading) -> bool:
    found = compare(database, dialect, loading)
    return bool(found.added or found.described) or _lacks_key(database, dialect, loading)


def _make(database: Database, dialect: Dialect, loading: Loading) -> None:
    table, lines = table_of(loading), ", ".join(_defined(column) for column in wanted(dialect, loading))
    database.run(f"CREATE TABLE {table} ({lines})")
    # What was loaded went with the table that somebody dropped.
    database.run(dialect.sql("forget", loading), (loading.target.name,))
    if dialect.indexed:
        marked = loading.target.marked
        name = marked if isinstance(marked, str) else marked.column
        database.run(dialect.sql("make_index", loading, column=quoted(name)))


def _defined(column: Wanted) -> str:
    return f"{quoted(column.name)} {column.type}{'' if column.nullable else ' NOT NULL'}"


def compare(database: Database, dialect: Dialect, loading: Loading) -> Change:
    """What the table lacks, which is all of it where there is none.

    Raises:
        FixThis: it cannot take the rows, or it belongs to another stream.
    """
    target, (_, table, ledger) = loading.target, there(database, dialect, loading)
    if ledger:
        _refuse_other(database, dialect, loading)
    if not table:
        return Change(wanted(dialect, loading))
    rows: list[Any] = database.ask(dialect.text("columns"), (target.schema, target.table))
    existing = [Existing(name, kind, fixed, default, said or "") for name, kind, fixed, default, said in rows]
    [(some,)] = database.ask(dialect.sql("any_row", loading))
    found = change(existing, wanted(dialect, loading), dialect.wider, empty=not some)
    if found.refused:
        raise FixThis(
            f"The table {target.name} cannot take rows of {loading.owner}: {'; '.join(found.refused)}.",
            where=database.place,
            todo="alter the table or the contract; Levada drops and changes nothing that a table has",
        )
    return found


def _refuse_other(database: Database, dialect: Dialect, loading: Loading) -> None:
    """Refuse a table of another stream: each would take the other's rows of a partition for its own."""
    asked = (loading.target.name, loading.pipeline, loading.stream)
    owner = database.ask(dialect.sql("ledger_owner", loading), asked)
    if owner:
        raise FixThis(
            f"The table {loading.target.name} takes the rows of {owner[0][0]}, which is another stream than "
            f"{loading.owner}.",
            where=database.place,
            todo="name another table, and bring the two together in a view",
        )


def _change(database: Database, loading: Loading, found: Change) -> None:
    table = table_of(loading)
    for column in found.added:
        database.run(f"ALTER TABLE {table} ADD COLUMN {_defined(column)}")
    for column in found.described:
        database.run(f"COMMENT ON COLUMN {table}.{quoted(column.name)} IS {text_of(column.description)}")


def _lacks_key(database: Database, dialect: Dialect, loading: Loading) -> bool:
    """Whether rows are merged by a key that the table does not hold to."""
    target = loading.target
    if target.mode != "merge" or not dialect.indexed:
        return False
    keys = database.ask(dialect.text("unique_keys"), (target.schema, target.table))
    return sorted(target.key) not in [sorted(names) for (names,) in keys]
