"""The two kinds of jobs that a server takes, and one job as it is told afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from levada.nouns import Run

__all__ = ["LAND", "STAGE", "About", "JobKind", "Told"]


@dataclass(frozen=True, slots=True)
class JobKind:
    """What a job server does with POST /."""

    name: Literal["land", "stage"]
    #: Names of the JSON object's members, all of them text, all of them needed.
    parameters: tuple[str, ...]
    #: Said with 201.
    message: str
    #: What it does, in one sentence.
    does: str


#: The texts of both messages are the contract of the sales course, whose scripts compare them.
LAND = JobKind(
    name="land",
    parameters=("date", "raw_dir"),
    message="Data retrieved successfully from API",
    does="Fetches all pages of a date from the API and makes them all that raw_dir holds.",
)
STAGE = JobKind(
    name="stage",
    parameters=("raw_dir", "stg_dir"),
    message="Data converted from JSON to Avro successfully",
    does="Checks the raw files of raw_dir against the contract and makes their Avro files all that stg_dir holds.",
)


@dataclass(frozen=True, slots=True)
class About:
    """What a server says of itself."""

    pipeline: str
    #: The file of its spec.
    spec: str
    #: Absolute folder below which its jobs work.
    root: str


@dataclass(frozen=True, slots=True)
class Told:
    """One job: what it was asked for and how it ended."""

    kind: str
    #: When it came (aware, UTC).
    at: datetime
    parameters: Mapping[str, str]
    #: HTTP status; None while it runs, and for jobs of earlier servers, read from the lake.
    status: int | None
    message: str
    #: Seconds it took; None while it runs.
    seconds: float | None = None
    run: Run | None = None
