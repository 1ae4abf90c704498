"""Rounds for the tests of histories."""

from datetime import UTC, datetime, timedelta

from levada.nouns import Counts, Gap, Receipt, Run
from levada.round import Failure, Round

__all__ = ["NOW", "a_round", "a_run", "failure"]

NOW = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)


def a_run(partition: str = "2022-08-09", stream: str = "sales", **facts: object) -> Run:
    given: dict[str, object] = {
        "outcome": "done with quarantine",
        "level": "staged",
        "counts": Counts(read=10, kept=7, quarantined=2, dropped=1, nullified=3),
        "pages": 4,
        "requests": 5,
        "resumed": 1,
        "files": ("a", "b"),
        "changed": True,
        "seconds": 1.5,
        "loads": (Receipt("postgres", "t", "d", "append", 7), Receipt("duckdb", "t", "d", "append", 7, before=True)),
        "gaps": (Gap("page 3", "no"),),
    }
    return Run("shop", stream, partition, f"20220812T060000.000000Z-{stream}", **{**given, **facts})


def a_round(minute: int = 0, *runs: Run, number: int = 0, **facts: object) -> Round:
    """A round of 3 s that began so many minutes after NOW."""
    start = NOW + timedelta(minutes=minute)
    name = f"{start:%Y%m%dT%H%M%S.%fZ}-{number:04x}"
    return Round("shop", name, "run", "command", start, start + timedelta(seconds=3), runs or (a_run(),), **facts)


def failure(what: str = "The API is away.", stream: str = "sales", partition: str = "2022-08-10") -> Failure:
    return Failure("TryLater", 75, what, "page 3", "try later", stream, partition)
