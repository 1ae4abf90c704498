"""The first row of a worksheet, and where the columns of a report stand in it. Pure."""

from collections.abc import Sequence
from typing import Any

from levada.errors import FixThis

__all__ = ["letters", "places_of"]

_WHERE = "row 1 of the worksheet"


def places_of(columns: Sequence[str], key: Sequence[str], values: Sequence[Sequence[Any]]) -> list[int]:
    """The worksheet's column of each column of the report; missing ones are to stand right of all that is there.

    Args:
        columns: Of the report.
        key: Those that tell rows apart.
        values: What the worksheet holds; nothing: it is empty.

    Raises:
        FixThis: the first row is no header of such rows.
    """
    names = [_name(cell) for cell in values[0]] if values else []
    if values and not any(names):
        todo = "write the names of the columns there, or take a worksheet of its own"
        raise FixThis("The first row of the worksheet is empty, but others are not.", where=_WHERE, todo=todo)
    _check_twice(columns, names)
    missing = [name for name in columns if name not in names]
    if names:
        _check_missing(columns, key, names, missing)
    right = max(map(len, values), default=0)
    return [names.index(name) if name in names else right + missing.index(name) for name in columns]


def _name(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _check_twice(columns: Sequence[str], names: Sequence[str]) -> None:
    for name in columns:
        if names.count(name) > 1:
            where = ", ".join(f"{letters(place)}1" for place, other in enumerate(names) if other == name)
            raise FixThis(f"The header has `{name}` twice.", where=where, todo="rename one of them in the worksheet")


def _check_missing(columns: Sequence[str], key: Sequence[str], names: Sequence[str], missing: Sequence[str]) -> None:
    folded = {name.casefold(): name for name in names if name}
    for name in missing:
        near = folded.get(name.casefold().strip())
        if near is not None and near not in columns:
            what = f"The header has `{near}`, the report `{name}`."
            raise FixThis(what, where=_WHERE, todo=f"rename the column in the worksheet to {name}, or in the report")
    shown = ", ".join(name for name in names if name)[:300]
    lost = [name for name in key if name in missing]
    if lost or len(missing) == len(columns):
        what = f"The header ({shown}) has none of the report's columns."
        if len(missing) < len(columns):
            what = (
                f"The header ({shown}) has no {' and no '.join(f'`{name}`' for name in lost)}, which tells rows apart."
            )
        todo = f"let it begin with {', '.join(columns)}, or take a worksheet of its own, or mode: replace"
        raise FixThis(what, where=_WHERE, todo=todo)


def letters(number: int) -> str:
    """The letters of a column: A for 0, AA for 26."""
    found = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        found = chr(ord("A") + rest) + found
        number -= 1
    return found
