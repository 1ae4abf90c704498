"""A plan as requests of spreadsheets.batchUpdate, in portions. Pure.

One portion is done as a whole or not at all, and nobody sees it half done
(https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/batchUpdate): a table of a portion
needs no more. Cells are given as values (updateCells), not as if typed: texts that look like formulas, numbers or dates
stay texts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from levada.errors import FixThis
from levada.report.sheets.plan import Block, Plan, State
from levada.report.sheets.values import EMPTY, Entry

__all__ = ["MOST_CELLS", "grown", "portions"]

#: Google advises requests of 2 MB at most: https://developers.google.com/workspace/sheets/api/limits
SIZE = 2_000_000
#: https://support.google.com/drive/answer/37603
MOST_CELLS = 10_000_000
#: The grid of a worksheet that the web page makes.
_ROWS, _COLUMNS = 1000, 26
_VALUE, _FORMAT = "userEnteredValue", "userEnteredFormat.numberFormat"


def grown(plan: Plan, state: State) -> tuple[int, int]:
    """Rows and columns of the grid once there is room for the plan.

    Raises:
        FixThis: the spreadsheet would have more cells than it may have.
    """
    new = state.sheet is None
    rows = max(plan.rows, _ROWS if new else state.rows)
    columns = max(plan.columns, _COLUMNS if new else state.columns)
    cells = state.elsewhere + rows * columns
    if cells > MOST_CELLS and (new or rows * columns > state.rows * state.columns):
        what = f"The spreadsheet would have {cells} cells, and {MOST_CELLS} is as many as Google Sheets has room for."
        todo = "take a spreadsheet of its own, delete rows and columns that are empty, or ask for fewer rows"
        raise FixThis(what, todo=todo)
    return rows, columns


def portions(plan: Plan, state: State, sheet: int, title: str, size: int = SIZE) -> Iterator[list[dict[str, Any]]]:
    """Lists of requests, of about `size` bytes of JSON each; what empties other cells comes last.

    Raises:
        FixThis: the spreadsheet would have more cells than it may have.
    """
    ready = [*_room(plan, state, sheet, title)]
    held = 0
    for requests, weight in chain(_writes(plan.blocks, sheet, size), _appended(plan, sheet, size)):
        if held and held + weight > size:
            yield ready
            ready, held = [], 0
        ready += requests
        held += weight
    yield [*ready, *_emptied(plan, state, sheet)]


def _room(plan: Plan, state: State, sheet: int, title: str) -> Iterator[dict[str, Any]]:
    rows, columns = grown(plan, state)
    if state.sheet is None:
        grid = {"rowCount": rows, "columnCount": columns, "frozenRowCount": 1}
        yield {"addSheet": {"properties": {"sheetId": sheet, "title": title, "gridProperties": grid}}}
        return
    for dimension, length in (("ROWS", rows - state.rows), ("COLUMNS", columns - state.columns)):
        if length > 0:
            yield {"appendDimension": {"sheetId": sheet, "dimension": dimension, "length": length}}


def _writes(blocks: Sequence[Block], sheet: int, size: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Requests and their bytes; a block that is too large is cut between rows.

    Between rows alone: half a row whose key is there already would be taken for a whole one later.
    """
    for block in blocks:
        top, lines, held = block[0].top, [], 0  # type: int, list[list[dict[str, Any]]], int
        for parts in zip(*(area.lines for area in block), strict=True):
            line = [_row(part, formed=area.formed) for area, part in zip(block, parts, strict=True)]
            weight = len(json.dumps(line))
            if lines and held + weight > size:
                yield _updates(block, sheet, top, lines), held
                top, lines, held = top + len(lines), [], 0
            lines.append(line)
            held += weight
        yield _updates(block, sheet, top, lines), held


def _appended(plan: Plan, sheet: int, size: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Requests for new lines, and their bytes.

    Google finds the end of the worksheet as it appends: what somebody else appended since it was read is not written
    over. Values alone, so that formats of the columns stay; those of dates are set where the lines are expected.
    """
    top, rows, held = plan.rows - len(plan.new), [], 0  # type: int, list[dict[str, Any]], int
    forms = _forms(plan)
    for line in plan.new:
        cells = dict(zip(plan.places, line, strict=True))
        row = _row([cells.get(place, EMPTY) for place in range(plan.columns)], formed=False)
        weight = len(json.dumps(row))
        if rows and held + weight > size:
            yield _append(sheet, top, rows, forms), held
            top, rows, held = top + len(rows), [], 0
        rows.append(row)
        held += weight
    if rows:
        yield _append(sheet, top, rows, forms), held


def _forms(plan: Plan) -> dict[int, tuple[str, str]]:
    """The number format of each column of new lines that needs one: the most exact, for milliseconds are rare."""
    found: dict[int, tuple[str, str]] = {}
    for line in plan.new:
        for place, entry in zip(plan.places, line, strict=True):
            if entry.form and len(entry.form[1]) > len(found.get(place, ("", ""))[1]):
                found[place] = entry.form
    return found


def _append(
    sheet: int, top: int, rows: list[dict[str, Any]], forms: Mapping[int, tuple[str, str]]
) -> list[dict[str, Any]]:
    """One request that appends, and one for the format of each column with dates."""
    requests: list[dict[str, Any]] = [{"appendCells": {"sheetId": sheet, "rows": rows, "fields": _VALUE}}]
    for place, form in forms.items():
        area = {"startRowIndex": top, "endRowIndex": top + len(rows)}
        span = {"startColumnIndex": place, "endColumnIndex": place + 1}
        cell = {"userEnteredFormat": {"numberFormat": {"type": form[0], "pattern": form[1]}}}
        requests.append({"repeatCell": {"range": {"sheetId": sheet, **area, **span}, "cell": cell, "fields": _FORMAT}})
    return requests


def _updates(block: Block, sheet: int, top: int, lines: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {
            "updateCells": {
                "start": {"sheetId": sheet, "rowIndex": top, "columnIndex": area.left},
                "rows": [line[number] for line in lines],
                "fields": f"{_VALUE},{_FORMAT}" if area.formed else _VALUE,
            }
        }
        for number, area in enumerate(block)
    ]


def _row(part: Sequence[Entry], *, formed: bool) -> dict[str, Any]:
    return {"values": [_cell(entry, formed=formed) for entry in part]}


def _cell(entry: Entry, *, formed: bool) -> dict[str, Any]:
    if entry.value is None:
        return {}
    names = {bool: "boolValue", str: "stringValue"}
    cell: dict[str, Any] = {_VALUE: {names.get(type(entry.value), "numberValue"): entry.value}}
    if formed and entry.form:
        cell["userEnteredFormat"] = {"numberFormat": {"type": entry.form[0], "pattern": entry.form[1]}}
    return cell


def _emptied(plan: Plan, state: State, sheet: int) -> Iterator[dict[str, Any]]:
    """What lies below the table and right of it; whatever it shows, formulas that show nothing too."""
    if not plan.alone or state.sheet is None:
        return
    if plan.rows < state.rows:
        yield {"updateCells": {"range": {"sheetId": sheet, "startRowIndex": plan.rows}, "fields": _VALUE}}
    if plan.columns < state.columns:
        yield {"updateCells": {"range": {"sheetId": sheet, "startColumnIndex": plan.columns}, "fields": _VALUE}}
