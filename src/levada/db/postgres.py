"""PostgreSQL by ADBC: connect, ask, take rows in bulk, one transaction at a time; the home of its driver.

Every error leaves as one of ours, by what happens next (PostgreSQL, appendix A: SQLSTATE).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from levada.db.answer import Answer, Unanswered, answer_of, unplain
from levada.db.libpq import REFUSED, STATES, patient, unconnected
from levada.db.listening import listening
from levada.db.named import quoted
from levada.errors import FixThis, TryLater
from levada.secret import redact, remember

__all__ = ["WAIT", "Again", "Blocked", "Database", "connected", "place_of", "read_only"]

_T = TypeVar("_T")
#: Classes that pass by themselves, beside `STATES`: connection, resources, operator's intervention, system.
_PASSING = ("08", "53", "57", "58")
#: Of two that wait for each other, one is told to do it all again (40001 serialization, 40P01 deadlock).
_AGAIN = ("40001", "40P01")
#: A lock was not to be had in time.
_LOCKED = "55P03"
#: Seconds that a statement waits for somebody else's lock.
WAIT = 30.0
#: A transaction that only reads was to write.
_READ_ONLY = "25006"
#: Of which line of the SQL the server speaks, unless it is that of the COPY which the driver writes around it.
_LINE = re.compile(r"^LINE ([0-9]+): (?!COPY \()", re.MULTILINE)
#: What the driver says of values that it cannot read; it gives them no SQLSTATE.
_UNREADABLE = ("ReadRecord failed", "NOT_IMPLEMENTED")
#: Of one transaction: a pool in between may give the connection to somebody else then.
_LIMIT = "SELECT set_config('lock_timeout', $1, true) WHERE current_setting('lock_timeout') = '0'"
#: What the driver and the server put around a message.
_AROUND = ("LINE ", ". SQLSTATE")


class Again(TryLater):
    """The database undid the transaction for another one's sake: the same may be done again at once."""


class Blocked(TryLater):
    """Somebody else held a lock for longer than was waited for it."""


class Database:
    """A connection, and where it leads to, as messages name it."""

    def __init__(self, connection: dbapi.Connection, place: str, wait: float = WAIT) -> None:
        self._connection = connection
        self._limit = str(max(1, round(wait * 1000)))
        self.place = place

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; undone where what is inside fails."""
        with _told(self.place):
            try:
                self.ask(_LIMIT, (self._limit,))
                yield
                self._connection.commit()
            except BaseException:
                with suppress(DriverError):  # the connection may be gone: so is the transaction
                    self._connection.rollback()
                raise

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Do `sql`, with `values` for $1, $2...; rows that it changed where the driver tells, else -1."""

        def run(cursor: dbapi.Cursor) -> int:
            cursor.execute(sql, list(values) if values else None)
            return int(cursor.rowcount)

        return self._heard(run)

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that `sql` gives."""

        def ask(cursor: dbapi.Cursor) -> list[tuple[Any, ...]]:
            cursor.execute(sql, list(values) if values else None)
            return [tuple(row) for row in cursor.fetchall()]

        return self._heard(ask)

    def look(self, sql: str, values: Sequence[Any], most: int) -> Answer:
        """What one question gives, with `values` for $1, $2...

        Args:
            sql: One statement.
            values: A day is a date to the server, an aware datetime a timestamptz.
            most: Rows that there may be at most.

        Raises:
            Unanswered: the server refuses the question, or the answer is none.
            TryLater: the server broke off.
        """

        def look(cursor: dbapi.Cursor) -> Answer:
            cursor.execute(sql, list(values) if values else None)
            if cursor.description is None:
                raise Unanswered("it gives no rows", todo="ask by SELECT")
            found, lists = _answer(cursor, most)
            if lists and found.rows:
                self._refuse_tables(cursor, (sql, values), lists)
            return found

        try:
            return self._heard(look)
        except DriverError as error:
            raise _refused(error, self.place) from None
        except (OSError, ValueError, NotImplementedError) as error:  # Arrow's, while rows come
            raise _cut(str(error), self.place) from None
        finally:
            with suppress(DriverError):  # the next question begins anew
                self._connection.rollback()

    def _refuse_tables(self, cursor: dbapi.Cursor, asked: tuple[str, Sequence[Any]], lists: Sequence[str]) -> None:
        """Refuse arrays of several dimensions: the driver gives their values in one row, and does not say so."""
        sql, values = asked
        deepest = ", ".join(f"coalesce(max(array_ndims({quoted(name)})), 0)" for name in lists)
        cursor.execute(f"SELECT {deepest} FROM (\n{sql}\n) AS found", list(values) if values else None)  # noqa: S608 - the question itself, proven to be one query
        for name, depth in zip(lists, cursor.fetchone() or (), strict=False):
            if depth > 1:
                raise unplain(name, f"an array of {depth} dimensions")

    def take(self, name: str, reader: Any) -> int:
        """Make the temporary table `name` of the batches of an Arrow reader, by binary COPY; how many rows came."""
        return self._heard(lambda cursor: int(cursor.adbc_ingest(name, reader, mode="create", temporary=True)))

    def _heard(self, work: Callable[[dbapi.Cursor], _T]) -> _T:
        """Do `work`; a signal breaks it off, and is no error of the database."""
        with closing(self._connection.cursor()) as cursor:

            def stop() -> None:
                with suppress(DriverError):
                    cursor.adbc_cancel()

            return listening(lambda: work(cursor), stop)


@contextmanager
def connected(url: str, wait: float = WAIT) -> Iterator[Database]:
    """A connection to the database of `url` (libpq's form, postgresql://user:password@host:port/name).

    Args:
        url: What it says of time limits stands; where it says nothing, ten seconds to connect.
        wait: Seconds that a statement waits for a lock, unless the server has a limit for this user.

    Raises:
        FixThis: the URL is none, or the server refuses the log-in.
        TryLater: the server cannot be reached, or takes nobody now.
    """
    place = place_of(url)
    try:
        connection = dbapi.connect(patient(url))
    except DriverError as error:
        raise _unconnected(str(error), place) from None
    try:
        yield Database(connection, place, wait)
    finally:
        with suppress(DriverError):
            connection.close()


@contextmanager
def read_only(url: str, zone: str) -> Iterator[Database]:
    """A connection whose transactions cannot write.

    Args:
        url: As for `connected`.
        zone: The time zone, by its IANA name, in which the server tells days and hours of moments.

    Raises:
        As `connected`.
    """
    with connected(url) as database:
        with database.transaction():
            database.run("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            database.ask("SELECT set_config('TimeZone', $1, false)", (zone,))
        yield database


def place_of(url: str) -> str:
    """`url` without user and password; a password in it is redacted everywhere from now on.

    Raises:
        FixThis: it is no URL of a PostgreSQL database.
    """
    try:
        parts = urlsplit(url)
        secrets, host = (parts.password, parts.username), parts.hostname
    except ValueError:
        parts, secrets, host = urlsplit(""), (None, None), None
    if secrets[0]:
        remember(secrets[0])
    if parts.scheme not in ("postgresql", "postgres") or not host:
        raise FixThis(
            "The address of the PostgreSQL database is no URL.",
            where="load: {postgres: ...}",
            todo="set the variable to postgresql://USER:PASSWORD@HOST:5432/DATABASE",
        )
    return urlunsplit(("postgresql", parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _unconnected(said: str, place: str) -> FixThis | TryLater:
    why = _why(said)
    if any(word in said for word in REFUSED):
        todo = "mend user, password or name of the database in its URL, or have the server let this user in"
        return FixThis(f"The database refused the connection: {why}", where=place, todo=todo)
    if state := unconnected(said):
        return _passing(state, why, place)
    return TryLater(f"The database could not be reached: {why}", where=place, todo="run again when it is up")


@contextmanager
def _told(place: str) -> Iterator[None]:
    try:
        yield
    except DriverError as error:
        raise _explained(error, place) from None


def _explained(error: DriverError, place: str) -> FixThis | TryLater:
    state, why = error.sqlstate or "", _why(str(error))
    if state in _AGAIN:
        return Again(f"The database undid the transaction: {why}", where=place, todo="run again")
    if state in STATES:
        return _passing(state, why, place)
    if state.startswith(_PASSING) or not state:
        return TryLater(f"The database broke off: {why}", where=place, todo="run again: nothing was changed half")
    if state == "42501":
        todo = "have the owner of the database grant it to this user"
        return FixThis(f"The database does not allow it: {why}", where=place, todo=todo)
    return FixThis(f"The database refused it: {why}", where=place, todo="mend the table, or the contract")


def _refused(error: DriverError, place: str) -> FixThis | TryLater:
    """Of a question: what the server says of it, and where."""
    state, said = error.sqlstate or "", str(error)
    if state == _READ_ONLY:
        return Unanswered(f"it would write, and reports only read: {_why(said)}", todo="ask by SELECT")
    if any(word in said for word in _UNREADABLE) and not state:
        return _unreadable(said)
    told = _explained(error, place)
    if isinstance(told, TryLater) or state == "42501":
        return told
    line = _LINE.search(said)
    return Unanswered(_why(said), line=int(line[1]) if line else 0)


def _unreadable(said: str) -> Unanswered:
    return Unanswered(f"a value cannot be read: {_why(said)}", todo="give it as text: CAST(... AS text)")


def _passing(state: str, why: str, place: str) -> TryLater:
    what, todo = STATES[state]
    kind = Blocked if state == _LOCKED else TryLater
    return kind(f"{what}: {why}", where=place, todo=todo)


def _answer(cursor: dbapi.Cursor, most: int) -> tuple[Answer, tuple[str, ...]]:
    """What it gives, and which columns hold arrays."""
    with cursor.fetch_record_batch() as reader:
        lists = tuple(field.name for field in reader.schema if str(field.type).startswith("list<"))
        try:
            return answer_of(reader, most), lists
        except Unanswered:
            # Else the end of the transaction waits for all rows: 9 s for 5 million of them, instead of 0.1 s.
            with suppress(DriverError):
                cursor.adbc_cancel()
            raise


def _cut(said: str, place: str) -> FixThis | TryLater:
    """Of an answer that had begun, which comes without an SQLSTATE: the question is wrong, or the server is gone."""
    if any(word in said for word in _UNREADABLE) and "ERROR:  " not in said:
        return _unreadable(said)
    if "ERROR:  " in said and "ERROR:  canceling" not in said:
        return Unanswered(_why(said))
    return TryLater(f"The database broke off: {_why(said)}", where=place, todo="run again")


def _why(said: str) -> str:
    """What the server itself said: the driver puts the statement, which may be long, and its own words around it."""
    before, marked, after = redact(said).partition("ERROR:  ")
    lines = (after or before).split("\nQuery was:")[0].splitlines()
    kept = [line.strip() for line in (lines if marked else lines[1:] or lines)]
    return _shortened("; ".join(line for line in kept if line not in ("", "^") and not line.startswith(_AROUND)))


def _shortened(text: str, most: int = 500) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
