"""What is told of the work: a line of the log for each run and error, the answer, what is raised. Nothing secret."""

import json
import logging
import traceback
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from levada.errors import ApiRefused, ContractBroken, FixThis, LevadaError, TryLater
from levada.nouns import Run, plain
from levada.secret import redact, redacted

__all__ = ["Told", "answer", "log_error", "raised"]

#: Not the logger above it: what the rooms say is not for every function's log.
_log = logging.getLogger("levada.lambda_handler")
#: Characters of an answer; Lambda takes 6 MB. Beyond it the names of files are left out: the commit records have them.
_LONGEST = 4_000_000
#: By the kind of an error; the first that fits.
_STATUS: tuple[tuple[type[LevadaError], HTTPStatus], ...] = (
    (ApiRefused, HTTPStatus.BAD_GATEWAY),
    (ContractBroken, HTTPStatus.BAD_GATEWAY),
    (FixThis, HTTPStatus.BAD_REQUEST),
)


@dataclass(slots=True)
class Told:
    """What came of an event so far; each thing is logged as it is told."""

    pipeline: str = ""
    runs: list[Run] = field(default_factory=list)
    errors: list[LevadaError] = field(default_factory=list)
    #: Streams that were not tried, because what they are made from failed.
    not_tried: list[dict[str, str]] = field(default_factory=list)

    def done(self, run: Run) -> None:
        """A run that came to its end."""
        self.runs.append(run)
        level = logging.WARNING if run.gaps else logging.INFO
        _say(level, "run", {**plain(run), "files": len(run.files)})

    def failed(self, error: LevadaError) -> None:
        """An error that trying again would not change."""
        self.errors.append(error)
        log_error(error)

    def left_out(self, stream: str, date: str) -> None:
        """A stream that was not tried."""
        self.not_tried.append({"pipeline": self.pipeline, "stream": stream, "partition": date})
        _say(logging.WARNING, "not tried", self.not_tried[-1])

    def noted(self, note: str) -> None:
        """What could not be told or written down, and failed nothing."""
        _say(logging.WARNING, "note", {"pipeline": self.pipeline, "note": note})


def log_error(error: LevadaError) -> None:
    """A line of the log for an error."""
    _say(logging.ERROR, "error", error.facts())


def _say(level: int, kind: str, facts: dict[str, Any]) -> None:
    """One line of JSON, whatever the texts hold."""
    if _log.level == logging.NOTSET:
        _log.setLevel(logging.INFO)  # Lambda's own level is that of warnings
    _log.log(level, "%s", json.dumps({"levada": kind, **redacted(facts)}))


def answer(told: Told, *, mistaken: bool = False) -> dict[str, Any]:
    """The answer to an event; `mistaken` where the event itself is wrong."""
    status = HTTPStatus.MULTI_STATUS if any(run.gaps for run in told.runs) else HTTPStatus.OK
    if told.errors:
        status = next(status for kind, status in _STATUS if isinstance(told.errors[0], kind))
    body = {
        "runs": redacted(plain(told.runs)),
        "errors": redacted([error.facts() for error in told.errors]),
        "not_tried": told.not_tried,
    }
    text = json.dumps(body)
    if len(text) > _LONGEST:
        text = json.dumps({**body, "runs": [{**run, "files": []} for run in body["runs"]]})
    return {"statusCode": int(HTTPStatus.BAD_REQUEST if mistaken else status), "body": text}


def raised(error: Exception) -> Exception:
    """What an invocation ends with, so that the event is tried again: Lambda writes its text into log and answer."""
    if isinstance(error, TryLater):
        log_error(error)
        where, todo = redact(error.where), redact(error.todo)
        return type(error)(redact(error.what), where=where, todo=todo, at=error.at)
    report = redact("".join(traceback.format_exception(error)))
    _say(logging.ERROR, "bug", {"report": report})
    return RuntimeError(redact(f"a bug of Levada: {type(error).__name__}: {error}"))
