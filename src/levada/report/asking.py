"""A report's question, asked of a database that can only be read: its `$name`s are values, never a part of the SQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from levada.db.answer import Answer, Unanswered
from levada.errors import FixThis
from levada.extras import require
from levada.report.model import Table
from levada.spec.meant import nearest
from levada.spec.parameters import bare, heads, named, numbered

__all__ = ["MOST_ROWS", "Ask", "Question", "Shown", "of_duckdb", "of_lake", "of_postgres"]

#: More is no report: a worksheet of Google holds ten million cells, a mail some hundred lines.
MOST_ROWS = 100_000
#: Of whole numbers that a parameter can be.
_LARGEST = 2**63 - 1
#: How a query of PostgreSQL begins (18, SELECT and VALUES).
_QUERIES = ("SELECT", "WITH", "VALUES", "TABLE")


@dataclass(frozen=True, slots=True)
class Question:
    """What a report asks."""

    report: str
    sql: str
    #: Where the SQL stands, as messages name it: a place in the spec, or a file.
    where: str
    #: Whether `where` is a file of SQL, of which lines are told.
    in_file: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A stream of the lake as a table."""

    name: str
    #: Parquet files on this machine, and the partition that each is of.
    files: Sequence[tuple[Path, str]]
    #: An Arrow table without rows, for where there is no file.
    empty: Any


#: Asks a question, its parameters filled with these values.
Ask: TypeAlias = Callable[[Question, Mapping[str, Any]], Table]


@contextmanager
def of_postgres(url: str, zone: str) -> Iterator[Ask]:
    """A PostgreSQL database, in one transaction that cannot write.

    Args:
        url: Of the database.
        zone: IANA name of the time zone in which days of moments are told.

    Raises:
        FixThis: the URL is none, the log-in is refused; asking, the question is wrong.
        TryLater: the database is away.
    """
    require("postgres", "Reports from PostgreSQL", ["adbc_driver_postgresql", "pyarrow"])
    from levada.db.postgres import read_only

    with read_only(url, zone) as database:

        def ask(question: Question, values: Mapping[str, Any]) -> Table:
            names = _names(question, values)
            given = [_as_text(values[name]) for name in names]
            moments = {name: "timestamptz" for name in names if isinstance(values[name], datetime)}
            sql = numbered(bare(question.sql), names, moments)

            def look() -> Answer:
                _refuse_no_query(heads(sql))
                return database.look(sql, given, MOST_ROWS)

            return _table(question, look)

        yield ask


@contextmanager
def of_duckdb(path: Path, zone: str) -> Iterator[Ask]:
    """A DuckDB file, opened to be read; arguments and errors as for `of_postgres`."""
    require("duckdb", "Reports from DuckDB", ["duckdb", "pyarrow"])
    from levada.db.duckdb import looked_at

    with looked_at(path) as database:
        if database is None:
            todo = "load something first: `levada run`, or name the file that has the rows"
            raise FixThis("There is no DuckDB file to ask.", where=str(path), todo=todo)
        database.in_zone(zone)
        yield _asking(database)


@contextmanager
def of_lake(lake: str, streams: Sequence[Shown], aside: Path, zone: str) -> Iterator[Ask]:
    """The committed rows of streams, each a table of its name; errors as for `of_postgres`.

    Each row says of which partition it is, in a column `_levada_partition` as tables of a database have it.

    Args:
        lake: The lake, for messages.
        streams: What there is to be asked; nothing else can be read.
        aside: A folder for what memory does not hold.
        zone: IANA name of the time zone in which days of moments are told.
    """
    require("duckdb", "Reports from the lake", ["duckdb", "pyarrow"])
    from levada.db.duckdb import in_memory

    with in_memory(lake, aside) as database:
        database.in_zone(zone)
        for number, stream in enumerate(streams):
            _show(database, stream, f"_levada_{number}")
        database.shut_in([path for stream in streams for path, _ in stream.files])
        yield _asking(database)


def _refuse_no_query(kinds: Sequence[str]) -> None:
    """Refuse what a transaction that only reads would let pass: COPY to a program, COMMIT, SET, LISTEN.

    WITH may hold a change; that is refused by the transaction.
    """
    if len(kinds) > 1:
        raise Unanswered("it is more than one statement", todo="make each a report of its own")
    if not kinds:
        raise Unanswered("it asks nothing", todo="ask by SELECT")
    if kinds[0] not in _QUERIES:
        raise Unanswered(f"it is {kinds[0]}, and reports only read", todo="ask by SELECT")


def _as_text(value: Any) -> Any:
    """A moment as text, for the driver puts the session into UTC for a question that has one: days would be others."""
    return value.isoformat() if isinstance(value, datetime) else value


def _show(database: Any, stream: Shown, own: str) -> None:
    """A view of a stream: files that lack a column of others have null in it."""
    if not stream.files:
        database.lend(own, stream.empty)
        sql = f"SELECT *, NULL::VARCHAR AS _levada_partition FROM {own}"  # noqa: S608 - a name of our own
        database.show(stream.name, sql)
        return
    from levada.db.named import text_of

    files = ", ".join(text_of(str(path)) for path, _ in stream.files)
    of = ", ".join(f"({text_of(str(path))}, {text_of(partition)})" for path, partition in stream.files)
    rows = f"read_parquet([{files}], union_by_name = true, filename = '_levada_file')"
    both = f"{rows} AS found JOIN (VALUES {of}) AS of (file, partition) ON of.file = found._levada_file"
    sql = f"SELECT found.* EXCLUDE (_levada_file), of.partition AS _levada_partition FROM {both}"  # noqa: S608 - quoted
    database.show(stream.name, sql)


def _asking(database: Any) -> Ask:
    def ask(question: Question, values: Mapping[str, Any]) -> Table:
        used = {name: values[name] for name in _names(question, values)}
        return _table(question, lambda: database.look(question.sql, used, MOST_ROWS))

    return ask


def _names(question: Question, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the parameters that it has.

    Raises:
        FixThis: one of them has no value, or one that is too large.
    """
    names = named(question.sql)
    for name in names:
        value = values.get(name)
        if isinstance(value, int) and abs(value) > _LARGEST:
            what = f"Report {question.report} asks with ${name}, which is a number of more than 64 bits."
            todo = f"write it as a text, and CAST(${name} AS numeric) in the SQL"
            raise FixThis(what, where=question.where, todo=todo)
        if name not in values:
            near = nearest(name, tuple(values))
            known = f"known here: {', '.join(f'${one}' for one in values)}"
            what = f"Report {question.report} asks with ${name}, which has no value here."
            raise FixThis(what, where=question.where, todo=f"did you mean ${near}? {known}" if near else known)
    return names


def _table(question: Question, look: Callable[[], Answer]) -> Table:
    try:
        answer = look()
    except Unanswered as error:
        todo = error.todo or "mend its SQL"
        raise FixThis(
            f"Report {question.report}: {error.what}", where=_place(question, error.line), todo=todo
        ) from None
    except FixThis as error:
        error.what = f"Report {question.report}: {error.what}"
        raise
    return Table(answer.columns, answer.rows)


def _place(question: Question, line: int) -> str:
    if not line:
        return question.where
    return f"{question.where}:{line}" if question.in_file else f"{question.where}, line {line} of its SQL"
