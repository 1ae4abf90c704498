"""What a job server answers: the outcome of a job in, status, body and headers out. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from levada.errors import ApiRefused, ContractBroken, FixThis, LeaseHeld, LevadaError, TimedOut, TryLater
from levada.nouns import Run, plain
from levada.secret import redact, redacted
from levada.serve.jobs import JobKind

__all__ = ["Reply", "failed", "succeeded"]

#: The first kind that an error is decides; the table of docs/job-servers.md.
_STATUS: tuple[tuple[type[LevadaError], HTTPStatus], ...] = (
    (ApiRefused, HTTPStatus.BAD_GATEWAY),
    (FixThis, HTTPStatus.BAD_REQUEST),
    (ContractBroken, HTTPStatus.BAD_GATEWAY),
    (LeaseHeld, HTTPStatus.CONFLICT),
    (TimedOut, HTTPStatus.GATEWAY_TIMEOUT),
    (TryLater, HTTPStatus.SERVICE_UNAVAILABLE),
)
#: Seconds to wait before asking again, where nothing better is known.
_PAUSE = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `body` is a JSON object whose `message` is for people."""

    status: int
    body: dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def message(self) -> str:
        """What it says."""
        return str(self.body["message"])


def succeeded(kind: JobKind, run: Run | None, ignored: Sequence[str] = ()) -> Reply:
    """The answer to a job that came to its end; `run` is None where a stand-in did its work.

    Args:
        kind: Of the job.
        run: What it did.
        ignored: Members of the request that it had no use for.
    """
    notes = {"ignored": list(ignored)} if ignored else {}
    if run is None:
        return Reply(HTTPStatus.CREATED, {"message": kind.message, **notes})
    facts = {"run": redacted(plain(run)), **notes}
    if run.gaps:
        facts["gaps"] = facts["run"]["gaps"]  # what a 207 would list: the parts that are not there, and why
    if run.outcome == "no data":
        said = redact("; ".join(run.notes)) or "the API has none"
        return Reply(HTTPStatus.NOT_FOUND, {"message": f"No data for {run.partition}: {said}", **facts})
    return Reply(HTTPStatus.CREATED, {"message": kind.message, **facts})


def failed(error: Exception, now: datetime) -> Reply:
    """The answer to a job that failed: status by what happens next, the reason, and what to do."""
    if not isinstance(error, LevadaError):
        what = f"a bug of Levada: {type(error).__name__}; the report is in this server's log"
        return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": what, "kind": "Bug"})
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    # For people at a command line it says --wait; a server has waited already.
    todo = "ask again when that job has ended" if isinstance(error, LeaseHeld) else error.todo
    body = {"message": error.what, "where": error.where, "todo": todo, "kind": type(error).__name__}
    headers = (("Retry-After", str(_pause(error, now))),) if isinstance(error, TryLater) else ()
    return Reply(status, {name: redact(text) for name, text in body.items() if text}, headers)


def _pause(error: TryLater, now: datetime) -> int:
    return max(1, math.ceil((error.at - now).total_seconds())) if error.at else _PAUSE
