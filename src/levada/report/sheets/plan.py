"""What is to be written into a worksheet, decided from what was read of it. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from levada.errors import FixThis
from levada.report.model import SheetTarget
from levada.report.sheets.header import places_of
from levada.report.sheets.values import Entry, identity, recogniser, same

__all__ = ["Area", "Block", "Plan", "Rows", "State", "decide", "found", "rows_of"]

Identity = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A report as cells."""

    columns: tuple[str, ...]
    lines: tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True, slots=True)
class State:
    """A worksheet as it was read; `sheet` None: there is none of this title yet."""

    sheet: int | None
    #: Rows up to the last that holds something, each up to its last full cell.
    values: Sequence[Sequence[Any]] = ()
    #: How large its grid is, and how many cells the other worksheets have.
    rows: int = 0
    columns: int = 0
    elsewhere: int = 0

    @property
    def width(self) -> int:
        """Columns up to the last that holds something."""
        return max(map(len, self.values), default=0)

    def cell(self, row: int, column: int) -> Any:
        """What a cell holds; "" for nothing."""
        line = self.values[row] if row < len(self.values) else ()
        return line[column] if column < len(line) else ""


@dataclass(frozen=True, slots=True)
class Area:
    """Neighbouring cells to write, from row and column (from 0) on."""

    top: int
    left: int
    lines: tuple[tuple[Entry, ...], ...]
    #: Whether number formats are written too; else those of the sheet stay.
    formed: bool


#: Areas of the same rows, beside each other: a row is written whole, or not at all.
Block = tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done."""

    blocks: tuple[Block, ...] = ()
    #: Lines below all that is there, wherever that is when they come, and the column of each of their cells.
    new: tuple[tuple[Entry, ...], ...] = ()
    places: tuple[int, ...] = ()
    #: How large the grid must be at least.
    rows: int = 0
    columns: int = 0
    #: Whether all outside these rows and columns is emptied.
    alone: bool = False
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    #: Numbers of the lines that are written.
    lines: frozenset[int] = field(default=frozenset())

    @property
    def is_nothing(self) -> bool:
        """Whether the worksheet is as it is to be."""
        return not self.blocks and not self.new


def decide(rows: Rows, target: SheetTarget, state: State) -> Plan:
    """What makes the worksheet hold the rows, in the target's mode.

    Raises:
        FixThis: the header is another, or a key comes twice.
    """
    return _replaced(rows, state) if target.mode == "replace" else _merged(rows, target, state)


def _replaced(rows: Rows, state: State) -> Plan:
    names = tuple(Entry(name) for name in rows.columns)
    wanted = (names, *rows.lines)
    before = Counter(_line(line) for line in state.values[1:] if any(cell not in ("", None) for cell in line))
    after = Counter(_line([cell.value for cell in line]) for line in rows.lines)
    kept = (before & after).total()
    counts = Plan(unchanged=kept, added=after.total() - kept, removed=before.total() - kept)
    if _is_all(wanted, state):
        return counts
    # A column whose name stays keeps the format that people gave it; under a new name an old date format would lie.
    fresh = frozenset(place for place, name in enumerate(rows.columns) if state.cell(0, place) != name)
    blocks = [
        _block(0, range(len(names)), (names,), frozenset()),
        _block(1, range(len(names)), rows.lines, fresh if state.values else frozenset()),
    ]
    lines = frozenset(range(len(rows.lines)))
    full = tuple(block for block in blocks if block)
    return replace(counts, blocks=full, rows=len(wanted), columns=len(names), alone=True, lines=lines)


def _line(cells: Iterable[Any]) -> Identity:
    told = [identity(cell) for cell in cells]
    while told and told[-1] == ("empty", ""):
        told.pop()
    return tuple(told)


def _is_all(wanted: Sequence[Sequence[Entry]], state: State) -> bool:
    if state.sheet is None or len(state.values) > len(wanted) or state.width > len(wanted[0]):
        return False
    return all(same(state.cell(row, place), cell) for row, line in enumerate(wanted) for place, cell in enumerate(line))


def _merged(rows: Rows, target: SheetTarget, state: State) -> Plan:
    places = places_of(rows.columns, target.key, state.values)
    own = rows_of(rows, target.key)
    there = found(rows, target.key, state, places)
    changes: dict[int, dict[int, Entry]] = {}
    new, lines = [], set()
    for number, (key, line) in enumerate(zip(own, rows.lines, strict=True)):
        at = there.get(key)
        if at is None:
            new.append(line)
            lines.add(number)
        elif target.mode == "upsert" and (differing := _differing(line, places, state, at)):
            changes[at] = differing
            lines.add(number)
    blocks = [block for block in (*_heading(rows, places, state), *_sparse(changes)) if block]
    return Plan(
        tuple(blocks),
        tuple(new),
        tuple(places),
        max(len(state.values), 1) + len(new),
        max(places) + 1,
        added=len(new),
        updated=len(changes),
        unchanged=len(rows.lines) - len(new) - len(changes),
        lines=frozenset(lines),
    )


def _heading(rows: Rows, places: Sequence[int], state: State) -> Iterable[Block]:
    missing = {place: Entry(name) for name, place in zip(rows.columns, places, strict=True) if not state.cell(0, place)}
    return _sparse({0: missing}) if missing else ()


def _differing(line: Sequence[Entry], places: Sequence[int], state: State, at: int) -> dict[int, Entry]:
    pairs = zip(line, places, strict=True)
    return {place: cell for cell, place in pairs if not same(state.cell(at, place), cell)}


def rows_of(rows: Rows, key: Sequence[str]) -> Mapping[Identity, int]:
    """The key of each line of the report, in their order, and its number.

    Raises:
        FixThis: a key comes twice, or is empty.
    """
    numbers: dict[Identity, int] = {}
    columns = [rows.columns.index(name) for name in key]
    for number, line in enumerate(rows.lines):
        own = tuple([identity(line[column].value) for column in columns])
        if own in numbers:
            what = f"Two rows of the report have the same {_named(key)}: {_shown(own)}."
            todo = f"group the report's SQL by {', '.join(key)}, or name more columns in the key"
            raise FixThis(what, where=f"rows {numbers[own] + 1} and {number + 1} of the report", todo=todo)
        if all(kind == "empty" for kind, _ in own):
            what = f"A row of the report has no {_named(key)}, which tells it from the others."
            raise FixThis(what, where=f"row {number + 1} of the report", todo="leave such rows out in the report's SQL")
        numbers[own] = number
    return numbers


def found(rows: Rows, key: Sequence[str], state: State, places: Sequence[int]) -> Mapping[Identity, int]:
    """The row of the worksheet that has each key of the report; other rows are nobody's business here.

    Raises:
        FixThis: a key of the report comes twice in the worksheet.
    """
    columns = [rows.columns.index(name) for name in key]
    told = [(places[column], recogniser([line[column] for line in rows.lines])) for column in columns]
    wanted = rows_of(rows, key)
    there: dict[Identity, int] = {}
    for at in range(1, len(state.values)):
        own = tuple(identity_of(state.cell(at, place)) for place, identity_of in told)
        if own in there and own in wanted:
            what = f"Two rows of the worksheet have the same {_named(key)}: {_shown(own)}."
            where = f"rows {there[own] + 1} and {at + 1} of the worksheet"
            raise FixThis(what, where=where, todo="delete one of them: which of them is meant cannot be told")
        there.setdefault(own, at)
    return there


def _named(key: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in key)


def _shown(own: Identity) -> str:
    return ", ".join(text[:80] for _, text in own)


def _sparse(changes: Mapping[int, Mapping[int, Entry]]) -> Iterable[Block]:
    """Blocks for single cells by row and column: rows that follow each other with the same columns are one."""
    top, places, lines = 0, (), []  # type: int, tuple[int, ...], list[tuple[Entry, ...]]
    for row in sorted(changes):
        own = tuple(sorted(changes[row]))
        if lines and (row != top + len(lines) or own != places):
            yield _block(top, places, tuple(lines), frozenset())
            lines = []
        if not lines:
            top, places = row, own
        lines.append(tuple(changes[row][place] for place in own))
    yield _block(top, places, tuple(lines), frozenset())


def _block(top: int, places: Sequence[int], lines: tuple[tuple[Entry, ...], ...], fresh: frozenset[int]) -> Block:
    """Areas for lines whose cells go to the columns `places`: neighbours that are formed alike are one.

    Formed are columns with a date or a time in them, and those of `fresh`.
    """
    if not lines:
        return ()
    formed = [place in fresh or any(line[at].form for line in lines) for at, place in enumerate(places)]
    runs: list[list[int]] = []
    for at in sorted(range(len(places)), key=places.__getitem__):
        if runs and places[at] == places[runs[-1][-1]] + 1 and formed[at] == formed[runs[-1][-1]]:
            runs[-1].append(at)
        else:
            runs.append([at])
    return tuple(
        Area(top, places[run[0]], tuple(tuple(line[at] for at in run) for line in lines), formed[run[0]])
        for run in runs
    )
