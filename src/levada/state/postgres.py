"""Histories in a PostgreSQL database, in three tables of the first schema of its search path."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from levada.db.postgres import Database, connected, place_of
from levada.errors import LevadaError
from levada.state.history import Rows, check, make, named, values_of
from levada.state.model import Past

__all__ = ["PostgresArchive"]

#: Seconds that a round waits for its history at most: for locks, for a statement.
_LOCK, _STATEMENT = 5.0, 30


@dataclass(frozen=True, slots=True)
class PostgresArchive:
    """A database."""

    url: str = field(repr=False)
    #: Where the spec names it.
    said: str = "history: {postgres: ...}"

    @property
    def place(self) -> str:
        """The database, without user and password."""
        return place_of(self.url)

    @contextmanager
    def writing(self) -> Iterator[Rows]:
        """Its tables, made where there are none."""
        with self._opened() as database:
            rows = _Rows(database)
            if not rows.ask("there")[0][0]:
                rows.run("lock")  # two that make a table at once: one is refused
            make(rows, database.place)
            yield rows

    @contextmanager
    def reading(self) -> Iterator[Rows | None]:
        """Its tables; None where there are none."""
        with self._opened() as database:
            rows = _Rows(database)
            if rows.ask("there")[0][0]:
                check(rows, database.place)
                yield rows
            else:
                yield None

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        try:
            with connected(self.url, _LOCK) as database, database.transaction():
                database.run(f"SET LOCAL statement_timeout = '{_STATEMENT}s'")
                yield database
        except LevadaError as error:
            if not error.where.startswith("postgresql://"):
                error.where, error.todo = self.said, "set the variable to a URL that begins with postgresql://"
            if error.what.startswith("The database refused it"):  # what else is refused is a load's
                error.todo = "mend or remove the tables _levada_..., or name another database with `history`"
            raise


class _Rows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, name: str, *values: Any) -> None:
        self._database.run(named("postgres", name), values)

    def ask(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._database.ask(named("postgres", name), values)

    def add(self, owner: tuple[str, str], pasts: Sequence[Past]) -> None:
        # All rows as one JSON text: one round trip, however many partitions there are.
        for name, some in zip(("add_rounds", "add_runs"), values_of(pasts), strict=True):
            self.run(name, *owner, json.dumps(some))

    def forget(self, owner: tuple[str, str], before: str) -> None:
        # In one statement: two would not see the same rounds where others forget at the same time.
        self.run("forget", *owner, before)
