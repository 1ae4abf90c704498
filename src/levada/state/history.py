"""The history of one pipeline in one lake: rounds are added, read, forgotten, and told again from the lake."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol

from levada.db.named import statement
from levada.errors import FixThis
from levada.state.model import Past, RoundRow, RunRow

__all__ = ["VERSION", "Archive", "Damaged", "History", "Rows", "check", "make", "named", "stamp", "values_of"]

#: Of the tables; a newer one is not written to.
VERSION = 1
#: More rounds than there are.
_ALL = 2**62
_ROUND = tuple(field.name for field in fields(RoundRow))
_RUN = tuple(field.name for field in fields(RunRow))


class Damaged(FixThis):
    """What should be a database is none, or not any more."""


class Rows(Protocol):
    """The tables, within one transaction. Statements are named as their files below `sql/`."""

    def run(self, name: str, *values: Any) -> None:
        """Do a statement, with values for $1, $2..."""
        ...

    def ask(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        ...

    def add(self, owner: tuple[str, str], pasts: Sequence[Past]) -> None:
        """Add rounds with their partitions; `owner` is lake and pipeline."""
        ...

    def forget(self, owner: tuple[str, str], before: str) -> None:
        """Take away the oldest rounds that ended before this moment, a hundred at most, with their partitions."""
        ...


class Archive(Protocol):
    """A database that histories are kept in; each method may raise FixThis or TryLater."""

    @property
    def place(self) -> str:
        """Where it is, as a person knows it; without user and password."""
        ...

    def writing(self) -> AbstractContextManager[Rows]:
        """Its tables, made where there are none; all that is done inside is done, or nothing."""
        ...

    def reading(self) -> AbstractContextManager[Rows | None]:
        """Its tables; None where there are none. Nothing is made."""
        ...


@dataclass(frozen=True, slots=True)
class History:
    """Of one pipeline in one lake; each method may raise FixThis or TryLater."""

    archive: Archive
    pipeline: str
    #: Which lake, where several may share the archive; "" in one that lies in the lake itself, wherever that is moved.
    lake: str = ""

    def write(self, past: Past, before: datetime | None = None) -> None:
        """Add a round; of those that ended before `before` the oldest go, a hundred at most."""
        with self.archive.writing() as rows:
            rows.add(self._owner, [past])
            if before is not None:
                rows.forget(self._owner, stamp(before))

    def read(self, rounds: int) -> list[Past]:
        """The last so many rounds, the latest first; none where nothing was ever written."""
        with self.archive.reading() as rows:
            return self._pasts(rows, rounds) if rows else []

    def again(self, told: Sequence[Past]) -> int:
        """Add what the lake tells and no round accounts for; how many partitions that were. All that is there stays."""
        with self.archive.writing() as rows:
            new = _lacking(self._pasts(rows, _ALL), told)
            rows.add(self._owner, new)
        return sum(len(past.runs) for past in new)

    @property
    def _owner(self) -> tuple[str, str]:
        return self.lake, self.pipeline

    def _pasts(self, rows: Rows, rounds: int) -> list[Past]:
        runs = {
            name: tuple(_run(row[1:]) for row in some)
            for name, some in groupby(rows.ask("read_runs", *self._owner, rounds), lambda row: row[0])
        }
        found = [_round(row) for row in rows.ask("read_rounds", *self._owner, rounds)]
        return [Past(one, runs.get(one.id, ())) for one in found]


def _lacking(known: Iterable[Past], told: Sequence[Past]) -> list[Past]:
    """What no round accounts for. Failures have no name in a round: they are known by partition and time.

    A commit is accounted for by a row that made it, not by those of later rounds that found it there.
    """
    named, ids = set[tuple[str, str, str, bool]](), set[str]()
    failed: dict[tuple[str, str], list[RoundRow]] = {}
    for past in known:
        ids.add(past.round.id)
        for run in past.runs:
            named.add((run.stream, run.partition, run.run, run.changed))
            if run.outcome == "failed":
                failed.setdefault((run.stream, run.partition), []).append(past.round)

    def is_known(run: RunRow, at: datetime) -> bool:
        if run.outcome != "failed":
            return (run.stream, run.partition, run.run, run.changed) in named
        return any(one.started <= at <= one.ended for one in failed.get((run.stream, run.partition), ()))

    new = (past for past in told if past.round.id not in ids)
    left = ((past, tuple(run for run in past.runs if not is_known(run, past.round.ended))) for past in new)
    return [Past(past.round, runs) for past, runs in left if runs]


def _round(row: tuple[Any, ...]) -> RoundRow:
    found = dict(zip(_ROUND, row, strict=True))
    return RoundRow(**{**found, "started": _moment(found["started"]), "ended": _moment(found["ended"])})


def _run(row: tuple[Any, ...]) -> RunRow:
    found = dict(zip(_RUN, row, strict=True))
    return RunRow(**{**found, "changed": bool(found["changed"])})


def _moment(value: str | datetime) -> datetime:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def stamp(moment: datetime) -> str:
    """A moment as both databases read it; as text it sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def values_of(pasts: Iterable[Past]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The values of each row by the names of its columns: of rounds, and of runs."""
    known = list(pasts)
    rounds = [{**_columns(past.round, _ROUND), **_times(past.round)} for past in known]
    runs = [
        {"round": past.round.id, "number": number, **_columns(run, _RUN)}
        for past in known
        for number, run in enumerate(past.runs, start=1)
    ]
    return rounds, runs


def _columns(row: RoundRow | RunRow, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _times(row: RoundRow) -> Mapping[str, str]:
    return {"started": stamp(row.started), "ended": stamp(row.ended)}


def named(package: str, name: str) -> str:
    """The statement of this name: the database's own, or that of both."""
    found = statement(f"levada.state.sql.{package}", name) or statement("levada.state.sql", name)
    assert found, name  # noqa: S101 - the files are part of this package
    return found


def make(rows: Rows, place: str) -> None:
    """Make the tables where there are none.

    Raises:
        FixThis: a newer Levada made them.
    """
    if not rows.ask("there")[0][0]:
        for name in ("make_history", "make_rounds", "make_runs", "make_index", "make_version"):
            rows.run(name)
    check(rows, place)


def check(rows: Rows, place: str) -> None:
    """Do nothing to tables that this Levada knows.

    Raises:
        FixThis: a newer Levada made them.
    """
    found = rows.ask("version")[0][0]
    if found != VERSION:
        raise FixThis(
            f"The history has version {found}, and this Levada knows version {VERSION}.",
            where=place,
            todo="use the newer Levada that made it, or name another place with `history`",
        )
