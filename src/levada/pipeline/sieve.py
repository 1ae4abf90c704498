"""Which records an incremental stream takes: those of the run's interval, and those at the last cursor's value once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from levada.errors import ContractBroken
from levada.nouns import Cursor
from levada.records.pick import value_at
from levada.records.portion import Portion
from levada.source.request import Plan
from levada.spec.instant import Unreadable, instant
from levada.spec.interval import Progress, Reach, enough, placed
from levada.spec.model import Incremental

__all__ = ["Sieve", "Sifted", "bounded"]

_NONE: Mapping[str, Any] = {}


def bounded(plan: Plan, reach: Reach | None) -> Plan:
    """The plan, which stops where the records have left the interval, if the API gives them in order."""
    if reach is None or reach.incremental.order is None:
        return plan
    path = reach.incremental.cursor
    return replace(plan, enough=lambda records: enough(reach, (value_at(record, path) for record in records)))


@dataclass(frozen=True, slots=True)
class Sifted:
    """The records of a page that are taken, with the place of each in the page, from 0; and how many were dropped."""

    records: Sequence[bytes]
    places: Sequence[int]
    dropped: int = 0


class Sieve:
    """Takes the records of an interval, and those at the last cursor's value once; without one, everything."""

    def __init__(self, reach: Reach | None) -> None:
        self._reach = reach
        self._progress = Progress(reach) if reach else None
        self._seen = frozenset(reach.last.seen) if reach and reach.last else frozenset[str]()
        self._naive: str | None = None
        self._window = _Window({})
        #: Records of a row that lie where two windows meet, and the edges of the window that each came in first.
        self._met: dict[tuple[object, str], tuple[str, ...]] = {}

    def take(self, page: int, portion: Portion, fills: Mapping[str, Any] = _NONE) -> Sifted:
        """What is taken of a portion of a page; `fills` tells the window that it was asked for in.

        Raises:
            ContractBroken: a record has no value of the cursor, and the spec does not say what then; or one that is
                none of its type.
        """
        records, first = portion.records, portion.first
        if self._reach is None:
            return Sifted(records, range(first, first + len(records)))
        self._window = _Window(fills)
        places = [
            place for place, record in enumerate(records, first) if self._takes(self._reach, record, (page, place))
        ]
        return Sifted([records[place - first] for place in places], places, len(records) - len(places))

    def _takes(self, reach: Reach, record: bytes, at: tuple[int, int]) -> bool:
        value = value_at(record, reach.incremental.cursor)
        if value is None:
            return _takes_without(reach.incremental, at)
        try:
            where = placed(reach, value)
        except Unreadable as error:
            raise _refused(reach.incremental, at, f"has a cursor that {error}") from None
        if where in ("before", "after"):
            return False
        self._note(reach, value)
        digest = _Digest(record)
        if where == "last" and digest() in self._seen:
            return False
        if self._window.meets(value) and self._came_before(digest()):
            return False
        assert self._progress  # noqa: S101 - there is a reach
        self._progress.take(value, digest)
        return True

    def _came_before(self, digest: str) -> bool:
        """Whether the window before had it: an API whose end is inclusive gives it in both."""
        edges = self._window.edges
        return self._met.setdefault((self._window.row, digest), edges) != edges

    def _note(self, reach: Reach, value: Any) -> None:
        if self._naive is None and reach.incremental.type == "timestamp" and instant(value).naive:
            self._naive = str(value)

    @property
    def cursor(self) -> Cursor | None:
        """How far the stream is, these records taken."""
        return self._progress.cursor if self._progress else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the cursor's values."""
        if self._reach is None or self._progress is None:
            return ()
        naive = f"{self._reach.incremental.cursor} has no offset ({self._naive}), and is taken as UTC"
        return (*((naive,) if self._naive else ()), *self._progress.notes)


class _Window:
    """The window that a page was asked for in, if any: its row, and its edges as the facts have them."""

    def __init__(self, fills: Mapping[str, Any]) -> None:
        self.row = fills.get("row")
        self.edges = tuple(str(fills[name]) for name in ("start", "end") if name in fills)
        self._orders = {instant(edge).order for edge in self.edges}

    def meets(self, value: Any) -> bool:
        """Whether a record with this value lies on an edge, where another window may have it too."""
        return bool(self._orders) and instant(value).order in self._orders


class _Digest:
    """The SHA-256 of a record, made once, and only if it is asked for."""

    def __init__(self, record: bytes) -> None:
        self._record, self._made = record, ""

    def __call__(self) -> str:
        self._made = self._made or sha256(bytes(self._record)).hexdigest()
        return self._made


def _takes_without(incremental: Incremental, at: tuple[int, int]) -> bool:
    if incremental.without == "fail":
        raise _refused(incremental, at, f"has no {incremental.cursor}")
    return incremental.without == "keep"


def _refused(incremental: Incremental, at: tuple[int, int], what: str) -> ContractBroken:
    page, index = at
    todo = (
        "look at the record; `without: keep` or `drop` allows records that have no value, `type` says what values are"
    )
    return ContractBroken(f"Record {index} (from 0) of page {page} {what}.", where=str(incremental.place), todo=todo)
