"""What one command, or one tick of a schedule, did: the runs of its partitions and what followed them. Frozen."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from levada.errors import BUG, ContractBroken, FixThis, LevadaError, TryLater
from levada.nouns import Run
from levada.secret import redact

__all__ = ["Door", "Ending", "Failure", "Reported", "Round", "error_of", "failure_of", "said_of"]

#: Who asked for a round: a command, a schedule, a function, a program.
Door: TypeAlias = Literal["command", "schedule", "lambda", "python"]
#: How a round ended: all well; committed with gaps; something failed, was not tried, or a signal came.
Ending: TypeAlias = Literal["success", "partial", "failure"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in words, without secrets."""

    #: FixThis, ContractBroken, TryLater ..., or "Bug".
    kind: str
    #: The exit code that a command leaves with for it.
    code: int
    what: str
    where: str = ""
    todo: str = ""
    #: Of which partition; "" where it is of none.
    stream: str = ""
    partition: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """What one report said of one partition, and where that went."""

    report: str
    partition: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    #: Files that were written, as absolute paths.
    files: tuple[str, ...] = ()
    #: Address of the worksheet, and what became of the rows there.
    sheet: str = ""
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    error: Failure | None = None

    @property
    def name(self) -> str:
        """The report with its partition, if it is of one."""
        return f"{self.report} {self.partition}".rstrip()


@dataclass(frozen=True, slots=True)
class Round:
    """All that was done for one spec at one time."""

    pipeline: str
    #: Sorts by time; see `levada.edges.run_id`.
    id: str
    #: run, land, stage, load, replay.
    verb: str
    door: Door
    #: Aware, UTC.
    started: datetime
    ended: datetime
    runs: tuple[Run, ...] = ()
    failures: tuple[Failure, ...] = ()
    #: Stream and partition of what was left because of a failure or a signal.
    not_tried: tuple[tuple[str, str], ...] = ()
    reports: tuple[Reported, ...] = ()
    #: What could not be told or written down, and failed nothing.
    notes: tuple[str, ...] = field(default=())
    #: Whether a signal ended it.
    stopped: bool = False

    @property
    def ending(self) -> Ending:
        """How it ended, reports included."""
        if self.stopped or self.failures or self.not_tried or any(one.error for one in self.reports):
            return "failure"
        return "partial" if any(run.outcome == "partial" for run in self.runs) else "success"

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions that it worked on, in order."""
        return tuple(dict.fromkeys(run.partition for run in self.runs))


def failure_of(error: BaseException, stream: str = "", partition: str = "") -> Failure:
    """An error as a failure; one that is none of Levada's own is a bug."""
    if not isinstance(error, LevadaError):
        said = f"{type(error).__name__}: {error}"
        return Failure("Bug", BUG, redact(said), stream=stream, partition=partition)
    return Failure(
        type(error).__name__,
        error.exit_code,
        redact(error.what),
        redact(error.where),
        redact(error.todo),
        stream,
        partition,
    )


def error_of(failure: Failure) -> LevadaError:
    """A failure as an error again, of its kind as far as that decides what happens next."""
    kind = next((one for one in (FixThis, ContractBroken, TryLater) if one.exit_code == failure.code), LevadaError)
    return kind(failure.what, where=failure.where, todo=failure.todo)


def said_of(reported: Reported) -> str:
    """What came of a report that went well, in words: `1 row; reports/2024-10-08.csv; https://...: 1 added, ...`."""
    rows = f"{len(reported.rows)} row{'' if len(reported.rows) == 1 else 's'}"
    changed = f"{reported.added} added, {reported.updated} updated, {reported.unchanged} unchanged"
    return "; ".join([rows, *reported.files, *([f"{reported.sheet}: {changed}"] if reported.sheet else [])])
