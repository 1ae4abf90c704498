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
    "Cursor",
    "FileKind",
    "Format",
    "Gap",
    "Holder",
    "LakeFile",
    "Level",
    "LoadMode",
    "Means",
    "Outcome",
    "Page",
    "PageFacts",
    "Partition",
    "PartitionBy",
    "Place",
    "Receipt",
    "Records",
    "Rejected",
    "Run",
    "Table",
    "Violation",
    "plain",
]

#: What an answer says: a page of records; a page without any, after which nothing comes; the end of the pages; no data
#: at all; a page that is left out, a gap.
Means = Literal["page", "empty", "end", "no_data", "skip"]
#: What one run of a stream covers: a span of the calendar, a name of a list, a scheduled instant, or the interval that
#: an incremental stream read.
PartitionBy = Literal["hour", "day", "week", "month", "list", "tick", "interval"]
#: How far a commit goes: raw pages only, or raw pages and the staged files made from them.
Level = Literal["landed", "staged"]
#: How a run of one partition ended. A partial run is committed with gaps.
Outcome = Literal["done", "done with quarantine", "no data", "partial", "failed"]
#: What a file of a commit is: one page as the API sent it, all pages as one list or as several of
#: limited length, checked rows, rows refused.
FileKind = Literal["page", "joined", "split", "staged", "quarantine"]
#: What a load does with what the table holds already: the partition's rows go and come; they come once; rows come by
#: their key; all rows go and come.
LoadMode = Literal["replace_partition", "append", "merge", "replace"]


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
    """The unit of work: what one run reads, commits and may replace."""

    by: PartitionBy
    #: Its name in paths and records: `2022-08-09`, `2022-08-09T13`, `2022-W32`, `2022-08`; sorts by time if it has one.
    key: str
    #: Its first moment and the first after it (aware, in the spec's time zone); both None for names of a list.
    start: datetime | None = None
    end: datetime | None = None

    @property
    def day(self) -> date | None:
        """The day that it begins on."""
        return self.start.date() if self.start else None


@dataclass(frozen=True, slots=True)
class Format:
    """What a body is written in."""

    kind: Literal["json", "json_lines", "csv", "xml"] = "json"
    #: What the body is packed in, besides its content-coding.
    unpack: Literal["gzip", "zip"] | None = None
    #: Instead of the charset that the Content-Type tells, or None.
    charset: str | None = None
    #: CSV only.
    delimiter: str = ","
    quote: str = '"'
    #: Names of the columns where the file has no line of them.
    header: tuple[str, ...] = ()
    #: Texts that are null.
    nulls: tuple[str, ...] = ()
    #: What the line of names must say, in this order; empty: whatever it says.
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """Where the records of a page are."""

    #: None: the body is a list of records. "$": the body is one record. Else RFC 9535: each match is a record, a
    #: matched list is flattened by one level.
    path: str | None = None
    #: Nothing matched is an empty page instead of an error.
    optional: bool = False
    #: JSONPath, relative to a record, of lists whose items become the records.
    explode: str | None = None
    #: For exploded records: name of a new field -> JSONPath in the record that held it.
    keep: tuple[tuple[str, str], ...] = ()
    #: Name of a new field that takes the key under which the record stood (objects of objects), or None.
    key_as: str | None = None
    format: Format = Format()


@dataclass(frozen=True, slots=True)
class PageFacts:
    """One answer of the API without its body: what paging, resume and the commit record need to know."""

    #: Order of the answer in its partition, from 1; names the page's files.
    number: int
    #: What the API was asked for, as the paginator counts (`3` for ?page=3, a cursor, a URL); secrets redacted.
    position: int | str
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
    #: The slice of the partition that was asked for (a window, a row of `for_each`), from 0.
    slice: int = 0
    #: The URL that answered where it is another than the one asked, secrets redacted: links are relative to it.
    answered: str | None = None
    #: What its names are filled with besides the partition's values: `page` (pages with data, from 1 in the partition
    #: or, with for_each, in the row), `row`, `row.id`, `start`, `end`. Empty for answers without data.
    fills: Mapping[str, Any] = field(default_factory=dict)


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
    #: Content-Type that the API gave a page, which may tell its charset.
    media: str = ""
    #: What a page's names are filled with, see PageFacts; empty for files made from several pages.
    fills: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """A Delta table that takes the rows of commits, each partition in the place of what it held of it."""

    #: Its folder in the lake.
    name: str
    #: The column that tells which partition a row is of.
    column: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a load of one commit did to a table of a database."""

    to: Literal["postgres", "duckdb"]
    #: The table as SQL names it, and its database without user and password.
    table: str
    database: str
    mode: LoadMode
    #: Rows of the commit.
    rows: int
    inserted: int = 0
    #: Merged rows that changed what was there, and those that were there as they are or newer.
    updated: int = 0
    unchanged: int = 0
    #: Rows of the partition, or of the table, that went.
    removed: int = 0
    #: Merged: rows that an earlier commit of the partition brought and this one lacks; they stay.
    left_behind: int = 0
    #: Whether the table had this content already, so that nothing was done.
    before: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of a partition that was left out by rule: counted, shown, and never passed by a cursor."""

    #: "page 3", "row 7 (id=12)".
    where: str
    #: What the API said, redacted.
    why: str
    #: The URL asked, secrets redacted.
    url: str = ""
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far an incremental stream has read."""

    #: The highest value seen: an instant (ISO 8601, as the API wrote it) or a number.
    value: str | int | float
    #: SHA-256 (hex) of the records at that value: they come again, and are taken once.
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one record breaks."""

    #: Path within the row (`price`, `address.city`, `tags[0]`); `$` for the record itself.
    path: str
    #: Name of the rule as docs/contract.md has it: type, required, nullable, decode, enum, min, max, pattern, length,
    #: equals, null_exactly_when, within, key, unique, unknown, json.
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
    #: The line on which it begins, from 1, in a file that is read line by line.
    line: int | None = None


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
    #: What was left out; a run with gaps is partial.
    gaps: tuple[Gap, ...] = ()
    #: Rows of other streams that were not asked for by, because they lack a field.
    left_out: int = 0
    #: Rows that the commit before had in quarantine and this one has not any more; told by stage and replay.
    returned: int = 0
    #: What it loaded, a receipt a table.
    loads: tuple[Receipt, ...] = ()


def plain(noun: object) -> Any:
    """A noun, or a list of nouns, as what the json module writes: dicts, lists, texts, numbers."""
    from msgspec import to_builtins

    return to_builtins(noun)
