"""What was written, compared with what is read back. Pure."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from levada.errors import ContractBroken, FixThis
from levada.report.model import SheetTarget
from levada.report.sheets.header import letters, places_of
from levada.report.sheets.plan import Rows, State, found, rows_of
from levada.report.sheets.values import Entry, same

__all__ = ["check"]

_TODO = "look at the worksheet, where somebody else may have written at the same moment, and run again"


def check(rows: Rows, written: Collection[int], target: SheetTarget, state: State) -> None:
    """Compare the lines `written` (their numbers), or with replace the whole worksheet, with what was read back.

    Raises:
        ContractBroken: it is something else; the text says which cell.
    """
    try:
        cells = _replaced(rows, state) if target.mode == "replace" else _merged(rows, written, target, state)
        for row, column, wanted in cells:
            if not same(state.cell(row, column), wanted):
                raise _other(row, column, wanted.value, state.cell(row, column))
    except FixThis as error:
        raise ContractBroken(error.what, where=error.where, todo=_TODO) from None


def _replaced(rows: Rows, state: State) -> Iterator[tuple[int, int, Entry]]:
    lines: Sequence[Sequence[Entry]] = [[Entry(name) for name in rows.columns], *rows.lines]
    width = max(len(rows.columns), state.width)
    for row in range(max(len(lines), len(state.values))):
        line = lines[row] if row < len(lines) else ()
        for column in range(width):
            yield row, column, line[column] if column < len(line) else Entry()


def _merged(
    rows: Rows, written: Collection[int], target: SheetTarget, state: State
) -> Iterator[tuple[int, int, Entry]]:
    places = places_of(rows.columns, target.key, state.values)
    for name, place in zip(rows.columns, places, strict=True):
        if str(state.cell(0, place)).strip() != name:
            raise _other(0, place, name, state.cell(0, place))
    there = found(rows, target.key, state, places)
    own = list(rows_of(rows, target.key))
    for number in sorted(written):
        line, at = rows.lines[number], there.get(own[number])
        if at is None:
            raise ContractBroken("A row that was written is not in the worksheet.", todo=_TODO)
        for place, wanted in zip(places, line, strict=True):
            yield at, place, wanted


def _other(row: int, column: int, wanted: Any, there: Any) -> ContractBroken:
    what = f"The worksheet does not hold what was written: {_told(there)} instead of {_told(wanted)}."
    return ContractBroken(what, where=f"cell {letters(column)}{row + 1}", todo=_TODO)


def _told(value: Any) -> str:
    return "nothing" if value in (None, "") else repr(value)[:80]
