"""spreadsheets.values of the simulated Google Sheets: get, update, append, clear, and several of each at once.

Known from the API's reference and from gspread 6.2.1: paths, parameters, the keys of answers, that trailing empty
rows and cells are left out, that append looks for a table and grows the grid while update does not. Guessed: which
rows are the table that append looks for (the last block of rows without an empty one between them).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from levada.simulate.sheets_a1 import Area, column
from levada.simulate.sheets_book import Book, Sheet
from levada.simulate.sheets_cells import EMPTY, Cell, raw, shown, typed
from levada.simulate.sheets_refusal import invalid

__all__ = ["append", "batch_clear", "batch_get", "batch_update", "clear", "get", "update"]

_ENTER: Final[Mapping[str, Callable[[Any, Cell], Cell]]] = {"RAW": raw, "USER_ENTERED": typed}
_RENDER: Final = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
_MOMENTS: Final = ("SERIAL_NUMBER", "FORMATTED_STRING")
_DIMENSIONS: Final = ("ROWS", "COLUMNS")


def get(book: Book, text: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """A ValueRange: what stands in the range `text`."""
    sheet, area = book.ranged(text)
    area = sheet.clipped(area)
    major = _one_of(options, "majorDimension", _DIMENSIONS)
    render = _one_of(options, "valueRenderOption", _RENDER)
    moments = _one_of(options, "dateTimeRenderOption", _MOMENTS)
    found = {place: shown(cell, render, moments) for place, cell in sheet.within(area) if not cell.is_empty}
    if major == "COLUMNS":
        lines = _lines({(column, row): value for (row, column), value in found.items()}, area.left, area.top)
    else:
        lines = _lines(found, area.top, area.left)
    answer = {"range": sheet.named(area), "majorDimension": major}
    return {**answer, "values": lines} if lines else answer


def _lines(found: Mapping[tuple[int, int], Any], first: int, begin: int) -> list[list[Any]]:
    """Lists that end with their last full cell, up to the last line that has one."""
    ends: dict[int, int] = {}
    for line, place in found:
        ends[line] = max(ends.get(line, 0), place + 1)
    return [
        [found.get((line, place), "") for place in range(begin, ends.get(line, begin))]
        for line in range(first, max(ends, default=first - 1) + 1)
    ]


def batch_get(book: Book, ranges: list[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Several ranges, as `get`."""
    return {"spreadsheetId": book.id, "valueRanges": [get(book, text, options) for text in ranges]}


def update(book: Book, text: str, options: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Write values into the range `text`: one cell is where they begin, more than one hold them all."""
    sheet, area = book.ranged(text)
    lines = _rows_of(body)
    _check_room(sheet, area, lines)
    touched = _write(sheet, (area.top, area.left), lines, _entering(options))
    return {"spreadsheetId": book.id, **_counts(sheet, area, touched, lines)}


def batch_update(book: Book, body: Mapping[str, Any]) -> dict[str, Any]:
    """Several ranges, as `update`: all of them or none."""
    answers = [update(book, str(data.get("range", "")), body, data) for data in body.get("data") or ()]
    totals = {f"totalUpdated{name}": sum(a[f"updated{name}"] for a in answers) for name in ("Rows", "Columns", "Cells")}
    return {"spreadsheetId": book.id, **totals, "totalUpdatedSheets": min(len(answers), 1), "responses": answers}


def append(book: Book, text: str, options: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Write values below the last table of the range `text`; the grid grows as needed."""
    sheet, area = book.ranged(text)
    lines, enter = _rows_of(body), _entering(options)
    table = _table(sheet, area)
    row, left = (table.bottom or 0, table.left) if table else (area.top, area.left)
    _make_room(sheet, row + len(lines), left + max(map(len, lines), default=0))
    if options.get("insertDataOption") == "INSERT_ROWS":
        _push_down(sheet, row, len(lines))
    book.check_size()
    touched = _write(sheet, (row, left), lines, enter)
    counts = {"spreadsheetId": book.id, **_counts(sheet, Area(row, left), touched, lines)}
    found = {"tableRange": sheet.named(table)} if table else {}
    return {"spreadsheetId": book.id, **found, "updates": counts}


def clear(book: Book, text: str) -> dict[str, Any]:
    """Empty the cells of the range `text`; formats stay."""
    sheet, area = book.ranged(text)
    area = sheet.clipped(area)
    for place, _ in sheet.within(area):
        sheet.put(*place, lambda before: raw("", before))
    return {"spreadsheetId": book.id, "clearedRange": sheet.named(area)}


def batch_clear(book: Book, body: Mapping[str, Any]) -> dict[str, Any]:
    """Several ranges, as `clear`."""
    return {
        "spreadsheetId": book.id,
        "clearedRanges": [clear(book, text)["clearedRange"] for text in body.get("ranges") or ()],
    }


def _one_of(options: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    given = options.get(name) or known[0]
    if given not in known:
        raise invalid(f"Invalid value at '{name}': \"{given}\"")
    return str(given)


def _entering(options: Mapping[str, Any]) -> Callable[[Any, Cell], Cell]:
    given = str(options.get("valueInputOption", ""))
    if given not in _ENTER:
        raise invalid(f"Invalid value: {given}" if given else "'valueInputOption' is required but not specified")
    return _ENTER[given]


def _rows_of(body: Mapping[str, Any]) -> list[list[Any]]:
    values = body.get("values") or []
    if not isinstance(values, list) or not all(isinstance(line, list) for line in values):
        raise invalid("Invalid value at 'data.values': a list of lists is expected")
    if _one_of(body, "majorDimension", _DIMENSIONS) == "ROWS":
        return values
    longest = max(map(len, values), default=0)
    return [[line[place] if place < len(line) else None for line in values] for place in range(longest)]


def _check_room(sheet: Sheet, area: Area, lines: list[list[Any]]) -> None:
    """More than one cell is a frame that values do not leave."""
    if area.is_cell:
        return
    if area.bottom is not None and area.top + len(lines) > area.bottom:
        raise invalid(
            f"Requested writing within range [{sheet.named(area)}], but tried writing to row [{area.bottom + 1}]"
        )
    if area.right is not None and area.left + max(map(len, lines), default=0) > area.right:
        raise invalid(
            f"Requested writing within range [{sheet.named(area)}], but tried writing to column [{column(area.right)}]"
        )


def _write(
    sheet: Sheet, corner: tuple[int, int], lines: list[list[Any]], enter: Callable[[Any, Cell], Cell]
) -> Iterator[Any]:
    written = [
        (corner[0] + down, corner[1] + right, value)
        for down, line in enumerate(lines)
        for right, value in enumerate(line)
    ]
    for row, place, value in written:
        sheet.put(row, place, lambda before, value=value: enter(value, before))  # type: ignore[misc]  # its default binds it
    return iter([value for _, _, value in written if value is not None])


def _counts(sheet: Sheet, area: Area, touched: Iterator[Any], lines: list[list[Any]]) -> dict[str, Any]:
    wide = max(map(len, lines), default=0)
    written = Area(area.top, area.left, area.top + max(len(lines), 1), area.left + max(wide, 1))
    return {
        "updatedRange": sheet.named(written),
        "updatedRows": len(lines),
        "updatedColumns": wide,
        "updatedCells": len(list(touched)),
    }


def _table(sheet: Sheet, area: Area) -> Area | None:
    full = {place for place, cell in sheet.within(area) if not cell.is_empty}
    if not full:
        return None
    rows = {row for row, _ in full}
    bottom = top = max(rows)
    while top - 1 in rows:
        top -= 1
    columns = [place for row, place in full if row >= top]
    return Area(top, min(columns), bottom + 1, max(columns) + 1)


def _make_room(sheet: Sheet, rows: int, columns: int) -> None:
    sheet.rows = max(sheet.rows, rows)
    sheet.columns = max(sheet.columns, columns)


def _push_down(sheet: Sheet, row: int, count: int) -> None:
    below = {place: cell for place, cell in sheet.cells.items() if place[0] >= row}
    for place in below:
        sheet.cells.pop(place)
    _make_room(sheet, max((at for at, _ in below), default=0) + count + 1, 0)
    sheet.cells.update({(at + count, place): cell for (at, place), cell in below.items() if cell != EMPTY})
