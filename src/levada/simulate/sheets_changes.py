"""spreadsheets.batchUpdate of the simulated Google Sheets: several changes, all of them or none.

Known from the API's reference: names and keys of the requests, that cells of a range which `rows` does not cover are
emptied as far as `fields` has them, that the whole is done at once or not at all. Requests that only change looks
(colours, widths) are taken and do nothing; others than those named here are refused, which is no answer of Google's.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from levada.simulate.sheets_a1 import Area
from levada.simulate.sheets_book import Book, Sheet
from levada.simulate.sheets_cells import Cell, entered
from levada.simulate.sheets_refusal import Refused, invalid

__all__ = ["changed"]

_MANY_COLUMNS: Final = 18_278


def changed(book: Book, body: Mapping[str, Any]) -> dict[str, Any]:
    """Do `requests` in their order on `book`, which the caller drops if one is refused; the answer's JSON.

    Raises:
        Refused: one cannot be done; the text says which.
    """
    requests = body.get("requests") or []
    if not requests:
        raise invalid("Must specify at least one request.")
    replies = [_done(book, request, place) for place, request in enumerate(requests)]
    book.check_size()
    return {"spreadsheetId": book.id, "replies": replies}


def _done(book: Book, request: Mapping[str, Any], place: int) -> dict[str, Any]:
    name, given = next(iter(request.items()), ("", {}))
    if name not in _CHANGES or len(request) != 1:
        raise invalid(f"Invalid JSON payload received. Unknown name \"{name}\" at 'requests[{place}]'")
    try:
        return _CHANGES[name](book, given) or {}
    except Refused as refused:
        raise invalid(f"Invalid requests[{place}].{name}: {refused.message}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise invalid(f"Invalid requests[{place}].{name}: {error!r}") from None


def _area(given: Mapping[str, Any]) -> Area:
    return Area(
        given.get("startRowIndex", 0),
        given.get("startColumnIndex", 0),
        given.get("endRowIndex"),
        given.get("endColumnIndex"),
    )


def _add_sheet(book: Book, given: Mapping[str, Any]) -> dict[str, Any]:
    properties = dict(given.get("properties") or {})
    number = properties.pop("sheetId", None)
    if number is None:
        number = max((sheet.number for sheet in book.sheets), default=0) + 1
    title = properties.pop("title", None) or f"Sheet{len(book.sheets) + 1}"
    if any(sheet.number == number for sheet in book.sheets):
        raise invalid(f"Sheet ID {number} is already in use. Please choose a different ID.")
    _check_title(book, title, None)
    grid = dict(properties.pop("gridProperties", {}))
    index = properties.pop("index", len(book.sheets))
    properties.pop("sheetType", None)
    rows, columns = grid.pop("rowCount", 1000), grid.pop("columnCount", 26)
    sheet = Sheet(number, title, rows, columns, grid=grid, more=properties)
    book.sheets.insert(index, sheet)
    return {"addSheet": {"properties": sheet.properties(book.sheets.index(sheet))}}


def _check_title(book: Book, title: str, own: Sheet | None) -> None:
    if any(sheet.title.casefold() == title.casefold() for sheet in book.sheets if sheet is not own):
        raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')


def _delete_sheet(book: Book, given: Mapping[str, Any]) -> None:
    sheet = book.sheet(given.get("sheetId"))
    if len(book.sheets) == 1:
        raise invalid("You can't remove all the sheets in a document.")
    book.sheets.remove(sheet)


def _sheet_properties(book: Book, given: Mapping[str, Any]) -> None:
    new = given["properties"]
    sheet = book.sheet(new.get("sheetId", 0))
    grid = dict(new.get("gridProperties", {}))
    for name in _names(given["fields"], new):
        if name == "title":
            _check_title(book, new["title"], sheet)
            sheet.title = new["title"]
        elif name == "index":
            book.sheets.remove(sheet)
            book.sheets.insert(new["index"], sheet)
        elif name == "gridProperties":
            _resize(sheet, grid.pop("rowCount", sheet.rows), grid.pop("columnCount", sheet.columns))
            sheet.grid |= grid
        else:
            sheet.more[name] = new.get(name)


def _names(fields: str, new: Mapping[str, Any]) -> set[str]:
    """The first words of a field mask: gridProperties for gridProperties(rowCount,columnCount)."""
    bare = re.sub(r"\([^)]*\)", "", fields)
    return set(new) if bare == "*" else {name.strip().split(".")[0].split("/")[0] for name in bare.split(",")}


def _resize(sheet: Sheet, rows: int, columns: int) -> None:
    if rows < 1 or columns < 1 or columns > _MANY_COLUMNS:
        raise invalid("A sheet has at least one row and one column, and at most 18278 columns.")
    sheet.rows, sheet.columns = rows, columns
    for row, place in [at for at in sheet.cells if at[0] >= rows or at[1] >= columns]:
        del sheet.cells[row, place]


def _update_cells(book: Book, given: Mapping[str, Any]) -> None:
    rows, fields = given.get("rows") or [], given["fields"]
    if "start" in given:
        start = given["start"]
        sheet, area = book.sheet(start.get("sheetId", 0)), None
        top, left = start.get("rowIndex", 0), start.get("columnIndex", 0)
    else:
        sheet = book.sheet(given["range"].get("sheetId", 0))
        area = sheet.clipped(_area(given["range"]))
        top, left = area.top, area.left
    written = _write_rows(sheet, (top, left), rows, fields)
    if area is not None:
        for place, _ in sheet.within(area):
            if place not in written:
                sheet.put(*place, _entering({}, fields))


def _write_rows(sheet: Sheet, corner: tuple[int, int], rows: list[Any], fields: str) -> set[tuple[int, int]]:
    written = set()
    for down, row in enumerate(rows):
        for right, value in enumerate(row.get("values") or []):
            at = (corner[0] + down, corner[1] + right)
            if at[0] >= sheet.rows:
                raise invalid(f"Attempting to write row: {at[0]}, beyond the last requested row of: {sheet.rows - 1}")
            if at[1] >= sheet.columns:
                last = sheet.columns - 1
                raise invalid(f"Attempting to write column: {at[1]}, beyond the last requested column of: {last}")
            sheet.put(*at, _entering(value, fields))
            written.add(at)
    return written


def _entering(given: Mapping[str, Any], fields: str) -> Callable[[Cell], Cell]:
    return lambda before: entered(given, fields, before)


def _repeat_cell(book: Book, given: Mapping[str, Any]) -> None:
    sheet = book.sheet(given["range"].get("sheetId", 0))
    area = sheet.clipped(_area(given["range"]))
    for row in range(area.top, area.bottom or 0):
        for place in range(area.left, area.right or 0):
            sheet.put(row, place, _entering(given.get("cell") or {}, given["fields"]))


def _append_cells(book: Book, given: Mapping[str, Any]) -> None:
    sheet, rows = book.sheet(given.get("sheetId", 0)), given.get("rows") or []
    top, _ = sheet.used()
    sheet.rows = max(sheet.rows, top + len(rows))
    _write_rows(sheet, (top, 0), rows, given["fields"])


def _append_dimension(book: Book, given: Mapping[str, Any]) -> None:
    sheet = book.sheet(given.get("sheetId", 0))
    down = given["dimension"] == "ROWS"
    length = int(given["length"])
    _resize(sheet, sheet.rows + (length if down else 0), sheet.columns + (0 if down else length))


def _insert_dimension(book: Book, given: Mapping[str, Any]) -> None:
    sheet, begin, end, down = _dimension(book, given["range"])
    _resize(sheet, sheet.rows + (end - begin if down else 0), sheet.columns + (0 if down else end - begin))
    _moved(sheet, lambda at: at if at < begin else at + end - begin, down=down)


def _delete_dimension(book: Book, given: Mapping[str, Any]) -> None:
    sheet, begin, end, down = _dimension(book, given["range"])
    if (sheet.rows if down else sheet.columns) <= end - begin:
        raise invalid("You can't delete all the rows or columns on the sheet.")
    _moved(sheet, lambda at: at if at < begin else None if at < end else at - end + begin, down=down)
    _resize(sheet, sheet.rows - (end - begin if down else 0), sheet.columns - (0 if down else end - begin))


def _dimension(book: Book, given: Mapping[str, Any]) -> tuple[Sheet, int, int, bool]:
    sheet, down = book.sheet(given.get("sheetId", 0)), given["dimension"] == "ROWS"
    return sheet, given.get("startIndex", 0), given.get("endIndex", sheet.rows if down else sheet.columns), down


def _moved(sheet: Sheet, to: Callable[[int], int | None], *, down: bool) -> None:
    kept = {}
    for (row, place), cell in sheet.cells.items():
        at = to(row if down else place)
        if at is not None:
            kept[(at, place) if down else (row, at)] = cell
    sheet.cells = kept


def _delete_range(book: Book, given: Mapping[str, Any]) -> None:
    sheet = book.sheet(given["range"].get("sheetId", 0))
    area, down = sheet.clipped(_area(given["range"])), given["shiftDimension"] == "ROWS"
    bottom, right = area.bottom or sheet.rows, area.right or sheet.columns
    gone = {place for place, _ in sheet.within(area)}
    kept = {}
    for (row, place), cell in sheet.cells.items():
        if (row, place) in gone:
            continue
        moves = down and area.left <= place < right and row >= bottom
        shifts = not down and area.top <= row < bottom and place >= right
        kept[row - (bottom - area.top) * moves, place - (right - area.left) * shifts] = cell
    sheet.cells = kept


def _book_properties(book: Book, given: Mapping[str, Any]) -> None:
    book.title = given["properties"].get("title", book.title)


def _looks(_book: Book, _given: Mapping[str, Any]) -> None:
    """Widths and colours are not kept."""


_CHANGES: Final[Mapping[str, Callable[[Book, Mapping[str, Any]], dict[str, Any] | None]]] = {
    "addSheet": _add_sheet,
    "appendCells": _append_cells,
    "appendDimension": _append_dimension,
    "autoResizeDimensions": _looks,
    "deleteDimension": _delete_dimension,
    "deleteRange": _delete_range,
    "deleteSheet": _delete_sheet,
    "insertDimension": _insert_dimension,
    "repeatCell": _repeat_cell,
    "updateBorders": _looks,
    "updateCells": _update_cells,
    "updateDimensionProperties": _looks,
    "updateSheetProperties": _sheet_properties,
    "updateSpreadsheetProperties": _book_properties,
}
