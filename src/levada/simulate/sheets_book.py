"""A spreadsheet of the simulated Google Sheets: worksheets, their grids and their properties."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from levada.simulate import sheets_a1
from levada.simulate.sheets_a1 import Area
from levada.simulate.sheets_cells import EMPTY, Cell
from levada.simulate.sheets_refusal import Refused, invalid, outside

__all__ = ["MOST_CELLS", "Book", "Sheet"]

#: https://support.google.com/drive/answer/37603
MOST_CELLS: Final = 10_000_000
_ROWS: Final = 1000
_COLUMNS: Final = 26


@dataclass
class Sheet:
    """A worksheet. Its grid has an end: nothing is written outside it."""

    number: int
    title: str
    rows: int = _ROWS
    columns: int = _COLUMNS
    #: Only what holds something, by row and column from 0.
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    #: What else it was given: frozenRowCount, tabColor...
    grid: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    #: Whether its cells are protected from the account.
    protected: bool = False

    def copy(self) -> "Sheet":
        """The same again, to be changed apart."""
        kept = (dict(self.cells), dict(self.grid), dict(self.more))
        return Sheet(self.number, self.title, self.rows, self.columns, *kept, self.protected)

    def properties(self, index: int) -> dict[str, Any]:
        """Its SheetProperties as the `index`th worksheet."""
        return {
            "sheetId": self.number,
            "title": self.title,
            "index": index,
            "sheetType": "GRID",
            "gridProperties": {"rowCount": self.rows, "columnCount": self.columns, **self.grid},
            **self.more,
        }

    def named(self, area: Area) -> str:
        """`area` as answers name it."""
        return sheets_a1.shown(self.title, area, self.rows, self.columns)

    def clipped(self, area: Area) -> Area:
        """`area` up to the ends of the grid.

        Raises:
            Refused: it begins outside.
        """
        if area.top >= self.rows or area.left >= self.columns:
            raise outside(self.named(area), self.rows, self.columns)
        bottom = self.rows if area.bottom is None else min(area.bottom, self.rows)
        right = self.columns if area.right is None else min(area.right, self.columns)
        return Area(area.top, area.left, bottom, right)

    def used(self) -> tuple[int, int]:
        """How many rows and columns reach up to the last cell that holds something."""
        full = [place for place, cell in self.cells.items() if not cell.is_empty]
        return max((row + 1 for row, _ in full), default=0), max((column + 1 for _, column in full), default=0)

    def put(self, row: int, column: int, change: Callable[[Cell], Cell]) -> None:
        """Change one cell.

        Raises:
            Refused: the grid does not have it, or it is protected.
        """
        if self.protected:
            raise invalid("You are trying to edit a protected cell or object.")
        if row >= self.rows or column >= self.columns:
            where = self.named(Area(row, column, row + 1, column + 1))
            raise outside(where, self.rows, self.columns)
        cell = change(self.cells.get((row, column), EMPTY))
        if cell == EMPTY:
            self.cells.pop((row, column), None)
        else:
            self.cells[row, column] = cell

    def within(self, area: Area) -> Iterator[tuple[tuple[int, int], Cell]]:
        """The cells of `area` that hold something or have a format, and where."""
        for (row, column), cell in list(self.cells.items()):
            if (
                row >= area.top
                and column >= area.left
                and (area.bottom is None or row < area.bottom)
                and (area.right is None or column < area.right)
            ):
                yield (row, column), cell


@dataclass
class Book:
    """A spreadsheet."""

    id: str
    title: str
    #: What the account may do with it; None: it is not shared with it.
    role: Literal["writer", "reader"] | None = "writer"
    sheets: list[Sheet] = field(default_factory=lambda: [Sheet(0, "Sheet1")])

    def copy(self) -> "Book":
        """The same again, to be changed apart: what is refused midway leaves no trace."""
        return Book(self.id, self.title, self.role, [sheet.copy() for sheet in self.sheets])

    def told(self, url: str) -> dict[str, Any]:
        """The Spreadsheet of the API, without cells."""
        return {
            "spreadsheetId": self.id,
            "properties": {
                "title": self.title,
                "locale": "en_US",
                "autoRecalc": "ON_CHANGE",
                "timeZone": "Etc/GMT",
            },
            "sheets": [{"properties": sheet.properties(index)} for index, sheet in enumerate(self.sheets)],
            "spreadsheetUrl": f"{url}/spreadsheets/d/{self.id}/edit",
        }

    def sheet(self, number: object) -> Sheet:
        """The worksheet with this sheetId.

        Raises:
            Refused: there is none.
        """
        for sheet in self.sheets:
            if sheet.number == number:
                return sheet
        raise invalid(f"No grid with id: {number}")

    def ranged(self, text: str) -> tuple[Sheet, Area]:
        """The worksheet and the cells of a range in A1 notation.

        Raises:
            Refused: it is no range, or there is no such worksheet.
        """
        title, area = sheets_a1.parse(text)
        found = next((sheet for sheet in self.sheets if sheet.title == title), None)
        if found is not None:
            return found, area or Area()
        if area is None and title is not None and not text.startswith("'"):
            try:
                return self.sheets[0], sheets_a1.cells(title)
            except Refused:
                pass
        raise invalid(f"Unable to parse range: {text}")

    def check_size(self) -> None:
        """Refuse more cells than a spreadsheet may have."""
        if sum(sheet.rows * sheet.columns for sheet in self.sheets) > MOST_CELLS:
            raise invalid(
                f"This action would increase the number of cells in the workbook above the limit of {MOST_CELLS} cells."
            )
