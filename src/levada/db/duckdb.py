"""DuckDB files: opened, asked, and changed as a copy that takes the file's place; the home of the library.

A process that writes a DuckDB file shuts out all others, and one that reads it shuts out whoever would write. So a
change is made to a copy, which is then renamed over the file: readers that have it open keep what they see, those that
come later see all of it. The rename takes microseconds, the copy grows with the file (a clone where the disk can).
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation, StatementType

from levada.db.answer import Answer, Unanswered, answer_of, unplain
from levada.db.listening import listening
from levada.db.named import quoted, text_of
from levada.errors import FixThis, TryLater
from levada.secret import redact

__all__ = ["Database", "changed", "in_memory", "looked_at"]

#: Tries to get at a file that others change or read, with a pause between them.
_TRIES = 600
#: What passes by itself: another process has the file, the disk is full or slow.
_PASSING = (duckdb.IOException, duckdb.ConnectionException, duckdb.TransactionException)
_NO_DATABASE = "not a valid DuckDB database file"
_LINE = re.compile(r"^LINE ([0-9]+): ", re.MULTILINE)
#: Types that Arrow takes for others: 2**128 - 1 comes as -1, bits as bytes, a time without its zone.
_OTHERWISE = re.compile(r"\b(UHUGEINT|BIT|TIME WITH TIME ZONE)\b")
#: Names of fields, and words of an ENUM, within a type.
_NAMES = re.compile(r"'(?:[^']|'')*'" r'|"(?:[^"]|"")*"')
#: No table of a question is a variable of this program that has its name.
_CLOSED: dict[str, str] = {"python_enable_replacements": "false"}
#: Rows of one batch of an answer.
_BATCH = 8192


class Database:
    """A connection, and the file that people know it by."""

    def __init__(self, connection: DuckDBPyConnection, place: str) -> None:
        self._connection = connection
        self.place = place

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; undone where what is inside fails."""
        with _told(self.place):
            self._connection.begin()
            try:
                yield
                self._connection.commit()
            except BaseException:
                with suppress(duckdb.Error):  # it may have undone it already
                    self._connection.rollback()
                raise

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Do `sql`, with `values` for $1, $2...; rows that it changed where there is such a number, else -1."""
        rows = self.ask(sql, values)
        return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else -1

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that `sql` gives."""
        return self._connection.execute(sql, list(values) or None).fetchall()

    def look(self, sql: str, values: Mapping[str, Any], most: int) -> Answer:
        """What one question gives, with `values` for its $name, no more and no fewer.

        Args:
            sql: One statement, a SELECT in whatever form.
            values: A day is a DATE, an aware datetime a TIMESTAMP WITH TIME ZONE.
            most: Rows that there may be at most.

        Raises:
            Unanswered: it is no SELECT, or more than one; DuckDB refuses it; the answer is none.
            TryLater: the file, or the memory, is not to be had.
        """
        try:
            kinds = [one.type for one in self._connection.extract_statements(sql)]
            if kinds != [StatementType.SELECT]:
                raise _no_question([kind.name for kind in kinds])
            relation = self._connection.sql(sql, params=dict(values) or None)
            return listening(lambda: _answer(relation, most), self._interrupt)
        except duckdb.Error as error:
            raise _refused(error, self._line(sql, values), self.place) from None

    def _interrupt(self) -> None:
        with suppress(duckdb.Error):  # a call that only begins refuses it
            self._connection.interrupt()

    def _line(self, sql: str, values: Mapping[str, Any]) -> int:
        """Of which line of a question DuckDB speaks: it says so only of what it is to explain."""
        try:
            self._connection.execute(f"EXPLAIN {sql}", dict(values) or None)
        except duckdb.Error as error:
            line = _LINE.search(str(error))
            return int(line[1]) if line else 0
        return 0

    def in_zone(self, zone: str) -> None:
        """Let days and hours of moments be those of a time zone, by its IANA name."""
        with _told(self.place):
            self.run(f"SET TimeZone = {text_of(zone)}")

    def show(self, name: str, sql: str) -> None:
        """Let `name` be what `sql` gives, for as long as the connection lasts."""
        with _told(self.place):
            self.run(f"CREATE TEMPORARY VIEW {quoted(name)} AS {sql}")

    def lend(self, name: str, table: Any) -> None:
        """Let `name` be an Arrow table, for as long as the connection lasts."""
        self._connection.register(name, table)

    def shut_in(self, files: Sequence[Path]) -> None:
        """Let nothing outside be read from now on, but these files."""
        with _told(self.place):
            self.run(f"SET allowed_paths = [{', '.join(text_of(str(path)) for path in files)}]")
            self.run("SET enable_external_access = false")

    def take(self, name: str, reader: Any) -> int:
        """Make the temporary table `name` of the batches of an Arrow reader; how many rows came."""
        self._connection.register("_levada_coming", reader)
        made = self.run(f"CREATE TEMPORARY TABLE {name} AS FROM _levada_coming")
        self._connection.unregister("_levada_coming")
        return made


@contextmanager
def looked_at(path: Path) -> Iterator[Database | None]:
    """The database to read from, None where there is no file.

    Raises:
        FixThis: the file is none of DuckDB's.
        TryLater: a process has it open to write.
    """
    if not path.exists():
        yield None
        return
    with _opened(path, path, read_only=True) as database:
        yield database


@contextmanager
def in_memory(place: str, aside: Path) -> Iterator[Database]:
    """A database that nothing lies in, and that is gone at the end.

    Args:
        place: What messages call it.
        aside: A folder for what memory does not hold.
    """
    with _told(place):
        connection = duckdb.connect(":memory:", config={"temp_directory": str(aside), **_CLOSED})
    try:
        yield Database(connection, place)
    finally:
        connection.close()


@contextmanager
def changed(path: Path, pause: Callable[[int], None]) -> Iterator[Database]:
    """The database to change: a copy, which takes the file's place after a clean exit, and is gone after any other.

    Args:
        path: The file; made with its folder where there is none.
        pause: Waits before the next try, whose number it is told.

    Raises:
        FixThis: the file is none of DuckDB's, or cannot be written.
        TryLater: others have it for too long, or the disk is full.
    """
    copy = path.with_name(f".{path.name}.copy")
    with _alone(path, pause):
        try:
            with _told(str(path)):
                _remove(copy)  # what a killed run left: nobody else is here
                _copied(path, copy)
            with _opened(copy, path, read_only=False) as database:
                yield database
            with _told(str(path)):
                _in_place(copy, path)
        finally:
            _remove(copy)


@contextmanager
def _opened(path: Path, shown: Path, *, read_only: bool) -> Iterator[Database]:
    with _told(str(shown)):
        connection = duckdb.connect(str(path), read_only=read_only, config={**_CLOSED})
    try:
        yield Database(connection, str(shown))
    finally:
        with _told(str(shown)):
            connection.close()  # writes its log into the file


@contextmanager
def _alone(path: Path, pause: Callable[[int], None]) -> Iterator[None]:
    """Nobody else inside, of those who use this function; freed by the death of the process."""
    lock = path.with_name(f".{path.name}.lock")
    with _told(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        for turn in range(1, _TRIES + 1):
            if _locked(number):
                break
            pause(turn)
        else:
            what = "Other runs have been changing the DuckDB file all the time."
            raise TryLater(what, where=str(path), todo="run again when they have ended")
        yield
    finally:
        os.close(number)


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _copied(path: Path, copy: Path) -> None:
    """A copy of what the file holds, its log of changes in it."""
    if not path.exists():
        return
    if path.with_name(f"{path.name}.wal").exists():
        duckdb.connect(str(path)).close()  # takes the log into the file, where its writer died
    with path.open("rb") as source, copy.open("wb") as target:
        left = os.fstat(source.fileno()).st_size
        while left > 0:
            # Clones where the file system can (Btrfs, XFS), else copies within the kernel.
            left -= os.copy_file_range(source.fileno(), target.fileno(), left) or left


def _in_place(copy: Path, path: Path) -> None:
    with copy.open("rb") as made:
        os.fsync(made.fileno())
    if path.exists():
        copy.chmod(path.stat().st_mode & 0o777)
    copy.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(copy: Path) -> None:
    for path in (copy, copy.with_name(f"{copy.name}.wal")):
        path.unlink(missing_ok=True)


@contextmanager
def _told(place: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise _explained(error, place) from None
    except OSError as error:
        raise TryLater(
            f"The DuckDB file could not be written: {error.strerror}", where=place, todo="run again"
        ) from None


def _explained(error: duckdb.Error, place: str) -> FixThis | TryLater:
    why = redact(str(error)).split("\n\nLINE ")[0].strip()
    if _NO_DATABASE in why:
        return FixThis("The file is no DuckDB database.", where=place, todo="name another file, or move it away")
    if isinstance(error, _PASSING):
        return TryLater(
            f"The DuckDB file is not to be had: {why}", where=place, todo="close it elsewhere, and run again"
        )
    return FixThis(f"DuckDB refused it: {why}", where=place, todo="mend the table, or the contract")


def _answer(relation: DuckDBPyRelation, most: int) -> Answer:
    for name, kind in zip(relation.columns, map(str, relation.types), strict=True):
        if odd := _OTHERWISE.search(_NAMES.sub("", kind)):
            raise unplain(name, odd[0])
    # Left open, a reader would let the connection wait for it for ever.
    with relation.to_arrow_reader(_BATCH) as reader:
        return answer_of(reader, most)


def _no_question(kinds: Sequence[str]) -> Unanswered:
    if len(kinds) > 1:
        return Unanswered("it is more than one statement", todo="make each a report of its own")
    if kinds == [StatementType.MULTI.name]:
        what = "it is a PIVOT whose columns are known only once it is asked"
        return Unanswered(what, todo="name them: PIVOT ... ON column IN ('a', 'b') ...")
    found = f"it is {kinds[0].replace('_', ' ')}, and reports only read" if kinds else "it asks nothing"
    return Unanswered(found, todo="ask by SELECT")


def _refused(error: duckdb.Error, line: int, place: str) -> FixThis | TryLater:
    """Of a question: what DuckDB says of it, and where."""
    if isinstance(error, _PASSING):
        return _explained(error, place)
    said = redact(str(error)).split("\n\nLINE ")[0]
    return Unanswered("; ".join(filter(None, map(str.strip, said.splitlines()))), line=line)
