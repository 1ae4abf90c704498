"""Histories in an SQLite file: the home of sqlite3.

No write-ahead log: it needs memory that processes share, which network disks have not, and leaves two files beside.
Without it readers wait for a writer, whose one transaction a round takes a few milliseconds. And no fsync: what a power
cut takes is told again by the lake; what a killed process left half done is undone by the next one either way
(https://www.sqlite.org/atomiccommit.html).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levada.errors import FixThis, TryLater
from levada.secret import redact
from levada.state.history import Damaged, Rows, check, make, named, values_of
from levada.state.model import Past

__all__ = ["SqliteArchive"]

#: Primary result codes (https://www.sqlite.org/rescode.html).
_BUSY, _DAMAGED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REFUSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


@dataclass(frozen=True, slots=True)
class SqliteArchive:
    """A file."""

    path: Path
    #: Seconds that other processes are waited for.
    wait: float = 5.0

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """Its tables; file and folder are made where there are none."""
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connected("rwc")) as connection:
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute("BEGIN IMMEDIATE")  # one that reads first and writes then may be refused at once
                try:
                    rows = _Rows(connection)
                    make(rows, self.place)
                    yield rows
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):  # it may have undone it already
                        connection.execute("ROLLBACK")
                    raise

    @contextmanager
    def reading(self) -> Iterator[Rows | None]:
        """Its tables; None where there is no file, or nothing of a history in it."""
        if not self.path.exists():
            yield None
            return
        with self._told(), closing(self._connected("rw")) as connection:
            rows = _Rows(connection)
            connection.execute("BEGIN")
            if rows.ask("there")[0][0]:
                check(rows, self.place)
                yield rows
            else:
                yield None

    def _connected(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}", self.wait, isolation_level=None, uri=True
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from None
        except OSError as error:
            why, todo = error.strerror or str(error), "let this user write there, or name another file with `history`"
            raise FixThis(f"The history cannot be written: {why}.", where=self.place, todo=todo) from None

    def _explained(self, error: sqlite3.Error) -> FixThis | TryLater:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        # Tables or columns that lack, a folder in the place of the file.
        if code == sqlite3.SQLITE_ERROR or (code == sqlite3.SQLITE_CANTOPEN and self.path.is_dir()):
            todo = "make it again: levada status SPEC --rebuild; where the spec names the file, move it away before"
            return Damaged(f"The history cannot be used: {redact(str(error))}.", where=self.place, todo=todo)
        return self._by_code(error)

    def _by_code(self, error: sqlite3.Error) -> FixThis | TryLater:
        code, why = getattr(error, "sqlite_errorcode", 0) & 0xFF, redact(str(error))
        if code in _BUSY:
            what = f"The history has been in use by another process for {self.wait:g} s."
            return TryLater(
                what, where=self.place, todo="end whatever keeps it open; the lake knows what the round did"
            )
        if code in _DAMAGED:
            what, todo = f"is damaged, or no SQLite file: {why}", "make it again: levada status SPEC --rebuild"
            return Damaged(f"The history {what}.", where=self.place, todo=todo)
        if code == sqlite3.SQLITE_FULL:
            return TryLater("The disk is full.", where=self.place, todo="free some space")
        if code == sqlite3.SQLITE_IOERR:
            what, todo = (
                f"The disk refuses the history: {why}.",
                "look after the disk; the lake knows what the round did",
            )
            return TryLater(what, where=self.place, todo=todo)
        if code in _REFUSED:
            todo = "let this user write the file and its folder, or name another file with `history`"
            return FixThis(f"The history cannot be opened or written: {why}.", where=self.place, todo=todo)
        todo = "move the file away, and make it again: levada status SPEC --rebuild"
        return FixThis(f"The history cannot be used: {why}.", where=self.place, todo=todo)


class _Rows:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, name: str, *values: Any) -> None:
        self._connection.execute(named("sqlite", name), _numbered(values))

    def ask(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(named("sqlite", name), _numbered(values)).fetchall()

    def add(self, owner: tuple[str, str], pasts: Sequence[Past]) -> None:
        mine = {"lake": owner[0], "pipeline": owner[1]}
        for name, some in zip(("add_round", "add_run"), values_of(pasts), strict=True):
            self._connection.executemany(named("sqlite", name), ({**mine, **values} for values in some))

    def forget(self, owner: tuple[str, str], before: str) -> None:
        for name in ("forget_runs", "forget_rounds"):
            self.run(name, *owner, before)


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    """Values by the names $1, $2..., which Python takes by name alone."""
    return {str(number): value for number, value in enumerate(values, start=1)}
