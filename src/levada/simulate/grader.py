"""The grader's API, simulated: all attempts of a time window in one list, slowly, and mistakes told with 200.

Known from what its clients tell: the path, the four parameters, times in UTC, the bare list by time, the record with
its Python literal, that an answer of 200 may be `{"errors": ...}`, the forms of time with a blank. Guessed: 403 for a
wrong key, the texts of errors, times with T or an offset, that both ends of the window are in it to the microsecond, a
window of at most 100 days. Learners, courses and attempts are made up.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from levada.edges import Clock, SystemClock
from levada.errors import FixThis
from levada.simulate import require
from levada.simulate.grader_made import Amounts, attempts
from levada.simulate.keys import key_in

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["CLIENT", "DEMO_KEY", "SEED", "key", "make_app"]

SEED: Final = 16
CLIENT: Final = "Skillfactory"
#: Of six characters, upper and lower case, as the API's are.
DEMO_KEY: Final = "gR4deR"
_LONGEST: Final = timedelta(days=100)
_MOST_ROWS: Final = 100_000
_WHERE: Final = "the simulated grader API"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content: Any


@dataclass(frozen=True, slots=True)
class _Grader:
    client: str
    key: str
    seed: int
    amounts: Amounts
    clock: Clock

    def answer(self, asked: Mapping[str, str]) -> _Answer:
        """The answer to these parameters."""
        if (asked.get("client"), asked.get("client_key")) != (self.client, self.key):
            return _Answer(403, _errors("client or client_key is wrong"))
        start, end = _moment(asked.get("start", "")), _moment(asked.get("end", ""))
        if start is None or end is None:
            wrong = "start" if start is None else "end"
            return _Answer(200, _errors(f"{wrong} must be a time such as 2023-04-01 12:46:47.860798"))
        if end - start > _LONGEST:
            return _Answer(200, _errors(f"the window is longer than {_LONGEST.days} days"))
        return _Answer(200, self.records(start, end))

    def records(self, start: datetime, end: datetime) -> list[Mapping[str, Any]]:
        """What was tried from `start` to `end`, both included, and not later than now; by time."""
        last = min(end, self.clock.now())
        days = (start.date() + timedelta(days=number) for number in range((last.date() - start.date()).days + 1))
        made = (one for day in days for one in attempts(day, self.seed, self.amounts))
        return [one.record for one in made if start <= one.moment <= last]


def key(environment: Mapping[str, str]) -> tuple[str, str]:
    """The key that counts and where it comes from: GRADER_CLIENT_KEY, or else the default."""
    return key_in(environment, ("GRADER_CLIENT_KEY",), DEMO_KEY)


def make_app(
    *,
    amounts: Amounts | None = None,
    seed: int = SEED,
    slow: float = 0.0,
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
) -> "FastAPI":
    """The simulated grader API, with the log and the faults of `faults.Faults`.

    Args:
        amounts: Rows of a day, and how many of them are odd or bad.
        seed: Other seeds give other attempts.
        slow: Seconds that each answer takes.
        clock: By which there are no attempts later than now, and by which answers are slow; this machine's when None.
        environment: Variables with the client and the key that count; this process's own when None.

    Raises:
        FixThis: A number is out of range, or the extra `simulate` is not installed.
    """
    require()
    amounts, clock = amounts or Amounts(), clock or SystemClock()
    _check("rows", amounts.rows, amounts.fewest, _MOST_ROWS)
    given = os.environ if environment is None else environment
    client, _ = key_in(given, ("GRADER_CLIENT",), CLIENT)
    return _app(_Grader(client, key(given)[0], seed, amounts, clock), slow)


def _app(grader: _Grader, slow: float) -> "FastAPI":
    from fastapi import FastAPI, HTTPException, Request
    from fastapi.responses import Response

    from levada.simulate.faults import Faults, JSONAnswer

    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_middleware(Faults, hide=(grader.key,), clock=grader.clock)

    @app.get("/api/statistics")
    async def statistics(request: Request) -> Response:
        if slow:
            await grader.clock.sleep(slow)
        found = grader.answer(request.query_params)
        return JSONAnswer(found.content, status_code=found.status)

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def unknown(_request: Request, error: HTTPException) -> Response:
        return JSONAnswer(_errors(error.detail), status_code=error.status_code)

    return app


def _errors(text: str) -> dict[str, str]:
    return {"errors": text}


def _check(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise FixThis(f"{name} is {value}.", where=_WHERE, todo=f"give a number from {least} to {most}")


def _moment(text: str) -> datetime | None:
    """A day, `2023-04-01`, is its first moment; a time without an offset is in UTC."""
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
