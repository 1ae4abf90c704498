"""The nouns of a load: the table that takes rows, and the rows on their way."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from levada.contract.model import Column
from levada.nouns import LoadMode

__all__ = ["LEDGER", "STAGE", "Between", "Database", "Loading", "Target"]

#: The table that says what was loaded, in the schema of the tables that it tells of.
LEDGER = "_levada_loads"
#: The temporary table of the rows that come.
STAGE = "_levada_stage"


@dataclass(frozen=True, slots=True)
class Between:
    """How rows of a partition are found by a column of the contract: from `start` on, before `end`, as SQL reads it."""

    column: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Target:
    """A table, and how rows come into it."""

    table: str
    #: None: the database's own default.
    schema: str | None = None
    mode: LoadMode = "replace_partition"
    #: Columns that tell rows apart (merge).
    key: tuple[str, ...] = ()
    #: Of two rows with one key the one with the higher value stands (merge); None: the one that came later.
    newest_by: str | None = None
    #: What tells the rows of a partition: a column that each row gets, or one that it has.
    marked: str | Between = "_levada_partition"

    @property
    def name(self) -> str:
        """The table as people name it."""
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True, slots=True)
class Loading:
    """The rows of one commit, and what makes it this one."""

    target: Target
    pipeline: str
    stream: str
    partition: str
    #: The run that committed them.
    run: str
    #: Of the rows, and of how they are loaded; holds no run and no time.
    fingerprint: str
    columns: tuple[Column, ...]
    #: Arrow's schema of the batches, and the batches from the first on, each time that it is called.
    schema: Any
    batches: Callable[[], Iterator[Any]]
    #: Whether the commit that they are of still stands; looked at under the ledger's lock.
    stands: Callable[[], bool] = lambda: True
    #: Let another content of the partition replace what was appended.
    again: bool = False

    @property
    def owner(self) -> str:
        """Whose rows they are."""
        return f"{self.pipeline}/{self.stream}"

    @property
    def marks(self) -> tuple[str, ...]:
        """The column that each row gets, unless the rows are found by one of their own."""
        return (self.target.marked,) if isinstance(self.target.marked, str) else ()

    @property
    def ledger_key(self) -> tuple[str, str, str, str]:
        """The key of its row in the ledger."""
        return self.target.name, self.pipeline, self.stream, self.partition


class Database(Protocol):
    """What a load asks of a connection."""

    @property
    def place(self) -> str:
        """The database without user and password."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; undone where what is inside fails."""
        ...

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Do `sql`, with `values` for $1, $2...; rows that it changed where the driver tells, else -1."""
        ...

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that `sql` gives."""
        ...

    def take(self, name: str, reader: Any) -> int:
        """Make the temporary table `name` of the batches of an Arrow reader; how many rows came."""
        ...
