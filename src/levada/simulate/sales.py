"""The sales API, simulated: pages of sales by date, a bare token, two kinds of 404, and one mistake of its own.

Known from recorded answers: the bodies, the page sizes, both 404 texts, and that on 2022-08-11 page 1 tells of
2022-08-09 in all records but the first. Guessed: the 400 texts, the body of the 403, page 1 where none is asked for.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from levada.errors import FixThis
from levada.simulate import require
from levada.simulate.keys import key_in
from levada.simulate.people import BLOCK, sales

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["DATES", "DEMO_TOKEN", "make_app", "token"]

#: The dates that have data unless every date has.
DATES: Final = (date(2022, 8, 9), date(2022, 8, 10), date(2022, 8, 11))
DEMO_TOKEN: Final = "levada-demo"  # noqa: S105 - for the simulator on this machine, printed when it starts
_VARIABLES: Final = ("AUTH_TOKEN", "API_AUTH_TOKEN")
_WRONG_DAY: Final = DATES[2]
_WRONG_DAY_SAYS: Final = DATES[0]
#: Enough for 200 pages; many more, and the names of `people` run out.
_MOST_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content: Any


@dataclass(frozen=True, slots=True)
class _Shop:
    """What the API serves: how many rows a date has, how many a page, and whether dates beyond DATES have any."""

    rows: int
    page_size: int
    every_date: bool

    def answer(self, dates: list[str], pages: list[str]) -> _Answer:
        """The answer to all values of `date` and `page` that were asked with; of each the first counts."""
        day = _day(dates[0]) if dates else None
        page = _page(pages[0]) if pages else 1
        if day is None:
            return _refused("date must be given as YYYY-MM-DD" + (f", not {dates[0]!r}" if dates else ""))
        if page is None:
            return _refused(f"page must be a whole number from 1, not {pages[0]!r}")
        if not self.every_date and day not in DATES:
            return _Answer(404, {"message": f"No data found for date {day}"})
        records = self.records(day, page)
        return _Answer(200, records) if records else _no_page(page)

    def records(self, day: date, page: int) -> list[dict[str, str | int]]:
        """The records of one page, none beyond the last."""
        first = (page - 1) * self.page_size
        shown = sales(self.rows)[first : first + self.page_size]
        return [
            {
                "client": sale.client,
                "purchase_date": str(_said(day, page, place)),
                "product": sale.product,
                "price": sale.price,
            }
            for place, sale in enumerate(shown)
        ]


def token(environment: Mapping[str, str]) -> tuple[str, str]:
    """The token that counts and where it comes from: AUTH_TOKEN, API_AUTH_TOKEN, or else the default."""
    return key_in(environment, _VARIABLES, DEMO_TOKEN)


def make_app(
    *,
    token: str | None = None,
    rows: int = BLOCK,
    page_size: int = 100,
    every_date: bool = False,
    environment: Mapping[str, str] | None = None,
) -> "FastAPI":
    """The simulated sales API, with the log and the faults of `faults.Faults`.

    Args:
        token: The token that counts; None for the one that `environment` gives.
        rows: Records of each date that has data.
        page_size: Records of each page but the last.
        every_date: Whether every date has data, or only DATES.
        environment: Variables for `sales.token`; this process's own when None.

    Raises:
        FixThis: A number is out of range, or the extra `simulate` is not installed.
    """
    require()
    _check("rows", rows, _MOST_ROWS)
    _check("page_size", page_size, _MOST_ROWS)
    sales(rows)  # made now: the first request is not slower than the others
    accepted = _accepted(token, os.environ if environment is None else environment)
    return _app(_Shop(rows=rows, page_size=page_size, every_date=every_date), accepted)


def _app(shop: _Shop, accepted: str) -> "FastAPI":
    from fastapi import FastAPI, HTTPException, Request
    from fastapi.responses import Response

    from levada.simulate.faults import Faults, JSONAnswer

    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_middleware(Faults, hide=(accepted,))

    # Clients that join "https://host/" and "/sales" ask for the second path.
    @app.get("/sales")
    @app.get("//sales")
    async def answer(request: Request) -> Response:
        if request.headers.get("authorization") != accepted:
            return JSONAnswer({"message": "Forbidden"}, status_code=403)
        query = request.query_params
        found = shop.answer(query.getlist("date"), query.getlist("page"))
        return JSONAnswer(found.content, status_code=found.status)

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def unknown(_request: Request, error: HTTPException) -> Response:
        return JSONAnswer({"message": error.detail}, status_code=error.status_code)

    return app


def _accepted(given: str | None, environment: Mapping[str, str]) -> str:
    return given if given is not None else token(environment)[0]


def _check(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise FixThis(f"{name} is {value}.", where="the simulated sales API", todo=f"give a number from 1 to {most}")


def _day(text: str) -> date | None:
    # date.fromisoformat alone would take 20220809 and 2022-W32-2, too.
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _page(text: str) -> int | None:
    number = int(text) if re.fullmatch("[0-9]{1,18}", text) else 0
    return number or None


def _said(day: date, page: int, place: int) -> date:
    """The date that a record says it is of: the asked one, but for the API's mistake."""
    wrong = day == _WRONG_DAY and page == 1 and place > 0
    return _WRONG_DAY_SAYS if wrong else day


def _refused(message: str) -> _Answer:
    return _Answer(400, {"message": message})


def _no_page(page: int) -> _Answer:
    return _Answer(404, {"message": f"You requested page that doesn't exist: page={page}"})
