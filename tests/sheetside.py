"""The simulated Google Sheets within the process of the tests."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from levada.edges import Edges, FixedClock
from levada.simulate.server import Running, running
from levada.simulate.sheets import SPREADSHEET, drawer, make_app
from levada.simulate.sheets_book import Book
from levada.simulate.sheets_drawer import Drawer
from patience import PATIENCE

__all__ = ["Sheets", "sheets_served"]


class Sheets:
    """A server, its account, and the spreadsheet `book`, which each test may empty."""

    def __init__(self, server: Running, within: Drawer) -> None:
        self.url = server.url
        self.within = within
        self.credentials = within.account.credentials(server.url)
        self.environment = {"GOOGLE_APPLICATION_CREDENTIALS": json.dumps(self.credentials)}
        self.book = SPREADSHEET

    def anew(self) -> None:
        """An empty spreadsheet, no faults, an empty log; tokens are kept by nobody."""
        self.within.books[self.book] = Book(self.book, "Levada demo")
        self._ask("DELETE", "/_faults")
        self._ask("DELETE", "/_log")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return json.loads(answer.read())

    def fail(self, *faults: dict[str, Any]) -> None:
        self._ask("PUT", "/_faults", list(faults))

    def log(self) -> list[tuple[str, str, int | None]]:
        """Method, path below the spreadsheet, and status of each request."""
        below = f"/v4/spreadsheets/{self.book}"
        return [(one["method"], one["path"].removeprefix(below), one["status"]) for one in self._ask("GET", "/_log")]

    def grid(self, title: str) -> list[list[Any]]:
        """What a worksheet holds: values, formulas, "" for nothing; rows as long as the longest."""
        sheet = next(sheet for sheet in self.within.books[self.book].sheets if sheet.title == title)
        rows, columns = sheet.used()
        cells = [[sheet.cells.get((row, column)) for column in range(columns)] for row in range(rows)]
        return [["" if cell is None or cell.is_empty else cell.formula or cell.value for cell in row] for row in cells]

    def form(self, title: str, row: int, column: int) -> tuple[str, str] | None:
        """The number format of a cell."""
        sheet = next(sheet for sheet in self.within.books[self.book].sheets if sheet.title == title)
        return sheet.cells[row, column].form

    def edges(self) -> Edges:
        """Waits that take no time, and are counted."""
        return Edges(clock=FixedClock(datetime.now(UTC)), uniform=lambda _low, high: high)


@contextmanager
def sheets_served(**options: Any) -> Iterator[Sheets]:
    within = drawer(**options)
    with running(make_app(within)) as server:
        yield Sheets(server, within)
