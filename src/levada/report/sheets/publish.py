"""Rows of a report into a worksheet of Google Sheets, recognized by their key: doing it again changes nothing."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from levada.edges import Edges
from levada.errors import ContractBroken, FixThis, LevadaError
from levada.extras import require
from levada.report.model import Published, SheetTarget, Table
from levada.report.sheets.account import Account
from levada.report.sheets.changes import portions
from levada.report.sheets.check import check
from levada.report.sheets.plan import Plan, Rows, State, decide, rows_of
from levada.report.sheets.told import Misplaced
from levada.report.sheets.values import entry

if TYPE_CHECKING:
    from levada.report.sheets.client import Client

__all__ = ["publish"]

_META = {"includeGridData": "false"}
_ID = re.compile(r"([A-Za-z0-9_-]+)")
_ADDRESS = re.compile(r"/spreadsheets/d/([A-Za-z0-9_-]+)")


def publish(table: Table, target: SheetTarget, account: Account, edges: Edges) -> Published:
    """Make a worksheet hold `table`, in the target's mode, and read back what was written.

    The worksheet is made if it is missing; its first row is the header, and columns are found by name. What was to be
    written and had no answer is not written again, but read: the key says whether it is there.

    Args:
        table: The rows.
        target: Where they go, and how.
        account: As `account_in` gives it.
        edges: Clock and randomness for waiting.

    Raises:
        FixThis: the account may not, the spreadsheet is not there, its header is another, a key comes twice, a value
            fits into no cell, or the libraries are missing.
        ContractBroken: the worksheet does not hold what was written.
        TryLater: Google Sheets had no time within five minutes of waiting.
    """
    where = f"spreadsheet {target.spreadsheet}, worksheet {target.worksheet}"
    try:
        rows = _rows(table, target)
        target = replace(target, spreadsheet=_id(target.spreadsheet))
        require("sheets", "Reports in Google Sheets", ("gspread",))
        from levada.report.sheets.client import Client

        client = Client(account, where, edges)
        with client.session:
            return _published(rows, target, _Desk(client, target, edges))
    except LevadaError as error:
        if error.where and error.where != where:
            error.where = f"{error.where}; {where}"
        raise error.at_place(where)  # noqa: B904 - the same error, its place filled in


def _id(text: str) -> str:
    """The id of a spreadsheet; people take its whole address for it."""
    found = _ADDRESS.search(text) or _ID.fullmatch(text.strip())
    if found is None:
        todo = "take the id from its address, https://docs.google.com/spreadsheets/d/ID/edit"
        raise FixThis(f"`{text[:80]}` is no id of a spreadsheet.", todo=todo)
    return found[1]


def _rows(table: Table, target: SheetTarget) -> Rows:
    columns = tuple(name.strip() for name in table.columns)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice or not all(columns) or not columns:
        what = (
            f"Two columns of the report have the same name: {', '.join(twice)}." if twice else "A column has no name."
        )
        raise FixThis(what, todo="name them apart in the report's SQL, with AS")
    lost = [name for name in target.key if name not in columns]
    if lost or (target.mode != "replace" and not target.key):
        what = f"The report has no column {', '.join(lost)}." if lost else f"Mode {target.mode} needs a key."
        raise FixThis(what, todo=f"let the key name some of its columns: {', '.join(columns)}")
    lines = tuple(
        tuple(
            entry(value, f"row {number} of the report, column {name}") for name, value in zip(columns, row, strict=True)
        )
        for number, row in enumerate(table.rows, start=1)
    )
    rows = Rows(columns, lines)
    if target.key:
        rows_of(rows, target.key)
    return rows


class _Desk:
    """A worksheet: read, and written to."""

    def __init__(self, client: "Client", target: SheetTarget, edges: Edges) -> None:
        self.client = client
        self._target = target
        self._edges = edges
        self._found: Mapping[str, Any] = {}
        self._own = 0
        self._title = ""

    def read(self) -> State:
        """What is there now."""
        self._found = self.client.fetch_sheet_metadata(self._target.spreadsheet, dict(_META))
        try:
            sheets = [sheet["properties"] for sheet in self._found.get("sheets", ())]
            own, cells = _titled(sheets, self._target.worksheet), sum(map(_cells, sheets))
            return self._new(sheets, cells) if own is None else self._old(own, cells)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"The answer of Google Sheets is not as its reference has it: {error!r}."
            raise ContractBroken(what, todo="see what the address leads to, and run again") from None

    def _new(self, sheets: list[Mapping[str, Any]], cells: int) -> State:
        taken = {sheet.get("sheetId", 0) for sheet in sheets}
        self._own = int(self._edges.uniform(1, 2**31 - 1))
        while self._own in taken:
            self._own += 1
        return State(None, elsewhere=cells)

    def _old(self, own: Mapping[str, Any], cells: int) -> State:
        if "gridProperties" not in own:
            raise FixThis("The worksheet is a chart, and has no cells.", todo="name another worksheet")
        self._own, self._title, grid = own.get("sheetId", 0), str(own["title"]), own["gridProperties"]
        values = self.client.everything(self._target.spreadsheet, self._title)
        return State(self._own, values, int(grid["rowCount"]), int(grid["columnCount"]), cells - _cells(own))

    def again(self) -> State:
        """What is there after writing; the sizes of the grid do not matter any more."""
        title = self._title or self._target.worksheet
        return State(self._own, self.client.everything(self._target.spreadsheet, title))

    def write(self, plan: Plan, state: State) -> None:
        """Do what is planned."""
        for requests in portions(plan, state, self._own, self._target.worksheet):
            self.client.batch_update(self._target.spreadsheet, {"requests": requests})

    def told(self, plan: Plan) -> Published:
        """What came of it."""
        title = str(self._found.get("properties", {}).get("title", ""))
        url = f"{self._found.get('spreadsheetUrl', '')}#gid={self._own}"
        done = Published(title, url, requests=self.client.requests)
        counts = {name: getattr(plan, name) for name in ("added", "updated", "unchanged", "removed")}
        return replace(done, **counts)


def _published(rows: Rows, target: SheetTarget, desk: _Desk) -> Published:
    from levada.report.sheets.client import Doubtful

    first: Plan | None = None
    moved = False
    while True:
        state = desk.read()
        plan = decide(rows, target, state)
        first = first or plan
        if plan.is_nothing:
            break
        try:
            desk.write(plan, state)
            break
        except Doubtful as doubt:
            desk.client.wait(doubt.trouble)
        except Misplaced:
            # Somebody may have made the worksheet, or cut it down, since it was read: once more from there.
            if moved:
                raise
            moved = True
    if not first.is_nothing:
        check(rows, first.lines, target, desk.again())
    return desk.told(first)


def _titled(sheets: list[Mapping[str, Any]], title: str) -> Mapping[str, Any] | None:
    """The worksheet of this title; titles that differ in case only cannot be beside each other."""
    same = [sheet for sheet in sheets if sheet["title"] == title]
    alike = [sheet for sheet in sheets if sheet["title"].casefold() == title.casefold()]
    return next(iter([*same, *alike]), None)


def _cells(sheet: Mapping[str, Any]) -> int:
    grid = sheet.get("gridProperties", {})
    return int(grid.get("rowCount", 0)) * int(grid.get("columnCount", 0))
