"""The nouns that travel between the rooms: facts and locations only, frozen, so each can go as JSON.

spec ──► Page ──► LakeFile (landed) ──► Batch ──► LakeFile (staged) ──► Run
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

__all__ = [
    "Batch",
    "Counts",
    "FileKind",
    "Holder",
    "LakeFile",
    "Level",
    "Means",
    "Outcome",
    "Page",
    "PageFacts",
    "Partition",
    "Place",
    "Rejected",
    "Run",
    "Violation",
    "plain",
]

#: What an answer says: a page of records; a page without any; the end of the pages; no data at all.
Means = Literal["page", "empty", "end", "no_data"]
#: How far a commit goes: raw pages only, or raw pages and the staged files made from them.
Level = Literal["landed", "staged"]
#: How a run of one partition ended. A partial run is committed with gaps.
Outcome = Literal["done", "done with quarantine", "no data", "partial", "failed"]
#: What a file of a commit is: one page as the API sent it, all pages as one list, checked rows, rows refused.
FileKind = Literal["page", "joined", "staged", "quarantine"]


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a spec file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Partition:
    """The unit of work: what one run reads, commits and may replace. A day, for now."""

    by: Literal["day"]
    day: date

    @property
    def key(self) -> str:
        """The partition's name in paths and records, `2022-08-09`."""
        return self.day.isoformat()


@dataclass(frozen=True, slots=True)
class PageFacts:
    """One answer of the API without its body: what paging, resume and the commit record need to know."""

    #: Order of the answer in its partition, from 1; names the page's files.
    number: int
    #: What the API was asked for, as the paginator counts (`3` for ?page=3).
    position: int
    means: Means
    #: The URL asked, secrets redacted.
    url: str
    status: int
    #: Headers worth keeping (content type, date, etag, rate limits); names in lower case.
    headers: Mapping[str, str]
    #: Records in the body; 0 unless `means` is "page".
    rows: int
    #: Bytes of the body after transfer- and content-decoding, and their SHA-256 in hex.
    size: int
    sha256: str
    #: When the answer was complete (aware, UTC).
    at: datetime
    #: For answers that are no data: the first 8 KB of the body, redacted.
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer in page order. `body` is what the API said, byte for byte; empty for answers that are no data."""

    facts: PageFacts
    body: bytes


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One file of a commit: where its bytes lie, under which public name they are shown, and what they are."""

    kind: FileKind
    #: Immutable key under `_levada/`.
    key: str
    #: Key that users read, relative to the lake; None for files that are not shown.
    public: str | None
    size: int
    sha256: str
    #: Records in the file.
    rows: int
    #: Page that the file was made from; None for files made from several.
    page: int | None = None
    #: "avro" for staged files, else "".
    format: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one record breaks."""

    #: Path within the record (`price`, `address.city`); `$` for the record itself.
    path: str
    #: Name of the rule as the spec writes it: type, nullable, required, enum, min, max, pattern, equals, unknown, json.
    rule: str
    #: One sentence for a person: what was expected and what was found.
    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that went to quarantine: where it was, all that is wrong with it, and its text as the API sent it."""

    page: int
    #: Place of the record in its page, from 0.
    index: int
    violations: tuple[Violation, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of one page after the contract: read = len(rows) + len(rejected) + dropped."""

    page: int
    #: Good records in page order, keys in the contract's order, values as Python types.
    rows: tuple[dict[str, Any], ...]
    rejected: tuple[Rejected, ...] = ()
    dropped: int = 0
    #: Values that `on_bad: nullify` set to null in rows that were kept.
    nullified: int = 0

    @property
    def read(self) -> int:
        """Records that the page held."""
        return len(self.rows) + len(self.rejected) + self.dropped


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a run: read = kept + quarantined + dropped."""

    read: int = 0
    kept: int = 0
    quarantined: int = 0
    dropped: int = 0
    #: Values, not rows, that were set to null.
    nullified: int = 0

    def plus(self, batch: Batch) -> "Counts":
        """These counts with a batch added."""
        return Counts(
            read=self.read + batch.read,
            kept=self.kept + len(batch.rows),
            quarantined=self.quarantined + len(batch.rejected),
            dropped=self.dropped + batch.dropped,
            nullified=self.nullified + batch.nullified,
        )


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a partition."""

    host: str
    process: int
    #: Aware, UTC.
    since: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of one partition of one stream did; the answer of every room door and of the CLI's --json."""

    pipeline: str
    stream: str
    partition: str
    run: str
    outcome: Outcome
    #: Level of the commit that stands after the run; None where nothing is committed.
    level: Level | None
    counts: Counts
    pages: int
    #: HTTP requests sent, those beyond the end of the data included.
    requests: int
    #: Pages taken over from an interrupted run instead of being asked for again.
    resumed: int
    #: Public names that stand after the run, sorted.
    files: tuple[str, ...]
    #: Whether a new commit was made; False: the same content was there already.
    changed: bool
    seconds: float
    #: What a person should know: recovered work, work thrown away, API's own words on no data.
    notes: tuple[str, ...] = field(default=())


def plain(noun: object) -> Any:
    """A noun, or a list of nouns, as what the json module writes: dicts, lists, texts, numbers."""
    from msgspec import to_builtins

    return to_builtins(noun)
