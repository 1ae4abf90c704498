"""The commit record: the one statement of what a partition holds. Pure: content fingerprints, staleness, JSON."""

from dataclasses import dataclass
from datetime import datetime

from levada.nouns import Counts, Holder, LakeFile, Level

__all__ = ["FORMAT", "Record"]

#: Number of Levada's output format; raised whenever the bytes of any output may change.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Record:
    """`commit.json`. Lists every file with key, public name, size, SHA-256; nothing else says what a partition is."""

    pipeline: str
    stream: str
    partition: str
    #: The run that made this commit.
    run: str
    level: Level
    #: Content fingerprints: no run, no time inside.
    landed: str
    staged: str | None
    files: tuple[LakeFile, ...]
    counts: Counts
    pages: int
    committed: datetime
    by: Holder
    #: Version of Levada.
    levada: str
    #: The API's own answer that there is no data, if that is what the partition is.
    no_data: bool = False
    #: Whether the raw files were written by another tool and taken over by `stage`.
    adopted: bool = False
    #: Whether the public names are made. Until then `stale` are the public names that must go.
    shown: bool = False
    stale: tuple[str, ...] = ()
    format: int = FORMAT
