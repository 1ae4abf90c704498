"""A1 notation: 'a sheet'!B2:C, rows and columns as numbers from 0. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from levada.simulate.sheets_refusal import invalid

__all__ = ["Area", "cells", "column", "parse", "quoted", "shown"]

_CORNER: Final = re.compile(r"\$?([A-Za-z]{0,3})\$?([0-9]{0,9})")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIKE_A_CELL: Final = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*[Cc][0-9]*")


@dataclass(frozen=True, slots=True)
class Area:
    """Cells of a worksheet, the ends left out; an end of None has no bound."""

    top: int = 0
    left: int = 0
    bottom: int | None = None
    right: int | None = None

    @property
    def is_cell(self) -> bool:
        """Whether it is a single cell."""
        return self.bottom == self.top + 1 and self.right == self.left + 1


def parse(text: str) -> tuple[str | None, Area | None]:
    """Title of the worksheet and its cells; None: the first worksheet, all cells. A bare word is a title or cells.

    Raises:
        Refused: it is no range.
    """
    if found := re.fullmatch(r"'((?:[^']|'')*)'(?:!(.*))?", text, re.DOTALL):
        return found[1].replace("''", "'"), None if found[2] is None else _area(found[2], text)
    title, sign, cells = text.rpartition("!")
    if sign:
        return title, _area(cells, text)
    return text, None


def cells(text: str) -> Area:
    """The cells that a range without a title names: B2:C3, A:C, 2:5.

    Raises:
        Refused: it is none.
    """
    return _area(text, text)


def _area(cells: str, whole: str) -> Area:
    begin, _, end = cells.partition(":")
    first, last = _CORNER.fullmatch(begin), _CORNER.fullmatch(end or begin)
    if not begin or not first or not last:
        raise invalid(f"Unable to parse range: {whole}")
    left, top = _number(first[1]), _row(first[2], whole)
    right, bottom = _number(last[1]), _row(last[2], whole)
    if (left is None and top is None) or (not end and (left is None or top is None)):
        raise invalid(f"Unable to parse range: {whole}")
    return Area(
        top=top or 0,
        left=left or 0,
        bottom=None if bottom is None else bottom + 1,
        right=None if right is None else right + 1,
    )


def _row(digits: str, whole: str) -> int | None:
    if digits and int(digits) == 0:
        raise invalid(f"Unable to parse range: {whole}")
    return int(digits) - 1 if digits else None


def _number(letters: str) -> int | None:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1 if letters else None


def column(number: int) -> str:
    """The letters of a column: A for 0, AA for 26."""
    letters = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
        number -= 1
    return letters


def quoted(title: str) -> str:
    """A title as ranges of answers have it: in quotes where it is no plain word."""
    if _PLAIN.fullmatch(title) and not _LIKE_A_CELL.fullmatch(title):
        return title
    return "'" + title.replace("'", "''") + "'"


def shown(title: str, area: Area, rows: int, columns: int) -> str:
    """The range of an answer: its ends are those of the worksheet where it has none."""
    first = f"{column(area.left)}{area.top + 1}"
    bottom = rows if area.bottom is None else area.bottom
    right = columns if area.right is None else area.right
    last = f"{column(right - 1)}{bottom}"
    return f"{quoted(title)}!{first}" + ("" if last == first else f":{last}")
