"""What a spec says, read, checked and frozen. Holds the names of secrets, never their values: it may be shown."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from levada.contract.model import Contract
from levada.nouns import LoadMode, PartitionBy, Place, Records
from levada.spec.auth import Auth, SecretRef
from levada.spec.cron import Cron
from levada.spec.telling import History, Logs, Notify, Report
from levada.spec.template import Template

__all__ = [
    "Body",
    "BodyKind",
    "Budget",
    "Files",
    "ForEach",
    "Incremental",
    "Limits",
    "Load",
    "Missing",
    "Output",
    "Paging",
    "Pairs",
    "Partitioning",
    "Rate",
    "Ref",
    "Request",
    "ResponseRule",
    "Retry",
    "RuleMeaning",
    "Schedule",
    "Source",
    "Spec",
    "Split",
    "Stage",
    "Stream",
    "Tree",
]

RuleMeaning = Literal["end", "no_data", "empty", "retry", "wait", "skip", "refresh_auth", "fail"]
PagingBy = Literal["page", "offset", "cursor", "next_url", "link", "class", "none"]
#: Where a request carries a value.
Carrier = Literal["query", "header", "body"]
BodyKind = Literal["json", "form", "text", "graphql"]
OutputFormat = Literal["avro", "parquet", "jsonl", "csv", "delta"]
#: A JSON body before it is filled: Template for text, int, float, bool and None as they are, tuples of these for lists,
#: dicts with names for objects. A text that is one hole takes the type of its value.
Tree: TypeAlias = Any
#: Names and templates in order; a name may come several times.
Pairs: TypeAlias = tuple[tuple[str, Template], ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to ask again and how long to wait: full jitter between 0 and `wait` * factor^(n-1), at most `cap`."""

    attempts: int = 5
    #: Seconds.
    wait: float = 1.0
    factor: float = 2.0
    cap: float = 60.0
    #: "full": between 0 and the wait; "none": the wait itself.
    jitter: Literal["full", "none"] = "full"
    #: Seconds; an API that asks for a longer wait ends the run as "try later".
    max_wait: float = 300.0


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many requests in so many seconds: `40/10s`."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Budget:
    """Names of headers that tell what is left of a budget, besides the usual ones (RateLimit-*, X-RateLimit-*)."""

    remaining: str
    reset: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a run asks for at once and accepts at most."""

    concurrency: int = 4
    #: Bytes of one decoded body.
    page_size: int = 256 * 1024 * 1024
    #: All of them hold.
    rate: tuple[Rate, ...] = ()
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the API is and how it is spoken to."""

    #: Without user and password; "" where no stream asks an API.
    url: str
    place: Place
    auth: Auth | None = None
    headers: Pairs = ()
    params: Pairs = ()
    #: Seconds for one exchange.
    timeout: float = 60.0
    retry: Retry = Retry()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Body:
    """What a POST sends."""

    kind: BodyKind
    #: json: a Tree. form: Pairs. text: a Template. graphql: {"query": str, "variables": Tree}.
    content: Any


@dataclass(frozen=True, slots=True)
class Request:
    """What a stream asks for, the page apart."""

    path: Template
    place: Place
    method: Literal["GET", "POST"] = "GET"
    #: Sent in this order; a key may come twice.
    params: Pairs = ()
    headers: Pairs = ()
    body: Body | None = None
    #: Whether asking twice does no harm. None: yes for GET and for GraphQL queries, no for other POSTs.
    repeatable: bool | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Files that a stream takes instead of asking an API: each is a page, landed as it is."""

    #: Paths, relative ones below the spec's folder; globs; URLs of objects (s3://...) and of the web (https://...).
    names: tuple[Template, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Ref:
    """Where an answer says something; exactly one of these."""

    #: JSONPath (RFC 9535) into the decoded body.
    body: str | None = None
    #: Name of a response header.
    header: str | None = None
    #: JSONPath into the last record of the page.
    last: str | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """How one page leads to the next, and when there is none."""

    by: PagingBy = "none"
    #: Name of the query parameter or header, or dotted path in the body, that carries the page, offset or cursor.
    param: str = "page"
    carrier: Carrier = "query"
    #: The first page number or offset. A cursor is not sent with the first request.
    start: int = 1
    #: Records of a full page; None: not known.
    limit: int | None = None
    #: Name that carries `limit`, where `param` is carried; None: not sent.
    limit_param: str | None = None
    #: Where the next cursor (by: cursor) or the next URL (by: next_url) is.
    next: Ref | None = None
    #: Relation type of the Link header that leads on (by: link).
    rel: str = "next"
    #: Next URLs are asked for at the source's own origin, whatever host they name.
    keep_origin: bool = False
    #: `module:function` (by: class).
    name: str | None = None
    stop_when_empty: bool = True
    #: Ends at a page of fewer than `limit` records.
    stop_when_short: bool = False
    total_rows: Ref | None = None
    total_pages: Ref | None = None
    has_more: Ref | None = None
    #: Inclusive number of pages after which paging ends, or None.
    max_pages: int | None = None
    #: Inclusive highest page number or offset asked for, or None.
    last: int | None = None
    #: How far rows (or pages) read may be from the total: a count, or a share below 1.
    tolerance: float = 0
    #: Whether pages are asked for before the order reaches them.
    ahead: bool = True


@dataclass(frozen=True, slots=True)
class ResponseRule:
    """One line of `responses`: an answer that all of its conditions fit means `means`."""

    means: RuleMeaning
    place: Place
    #: Ranges of statuses, both ends included; empty: any.
    statuses: tuple[tuple[int, int], ...] = ()
    #: Found anywhere in the body, case-sensitive.
    text: str | None = None
    #: JSONPath that finds at least one value in the body that is not null, false or empty.
    json: str | None = None
    #: Name of a header that is there, in lower case, and what it must be, or None for anything.
    header: tuple[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class ForEach:
    """A request for each row of other streams of the same partition."""

    place: Place
    #: Streams whose records are the rows.
    row_of: tuple[str, ...] = ()
    #: Rows that the spec names itself: mappings of plain values.
    rows: tuple[dict[str, Any], ...] = ()
    #: Only the first so many, after `distinct`.
    first: int | None = None
    #: Rows that fill the templates alike are asked for once.
    distinct: bool = False
    #: So many rows share one request; their values are joined by commas (typed lists in JSON bodies).
    batch: int | None = None
    #: Name of a new field of each record -> field of the row.
    add: tuple[tuple[str, str], ...] = ()
    #: What a child that fails for good does: stop the run, or leave a counted gap.
    failing: Literal["stop", "gap"] = "stop"


@dataclass(frozen=True, slots=True)
class Incremental:
    """A stream that goes on where its last commit stopped, instead of partitions."""

    #: JSONPath of the cursor's value in a record.
    cursor: str
    place: Place
    type: Literal["timestamp", "number", "text"] = "timestamp"
    #: The first run's start, as it is written: an instant or a number.
    start: str | int | float = ""
    #: Seconds (timestamp), or an amount (number), that each run reaches back before the cursor.
    lookback: float = 0
    #: Never read up to later than this, as written; None: now (timestamp), or open.
    end: str | int | float | None = None
    #: In what order the API gives records, by cursor; None: any.
    order: Literal["asc", "desc"] | None = None
    #: What a record without the cursor's value does.
    without: Literal["fail", "keep", "drop"] = "fail"


@dataclass(frozen=True, slots=True)
class Partitioning:
    """The unit of work of a pipeline."""

    by: PartitionBy = "day"
    #: IANA name.
    timezone: str = "UTC"
    #: Which partition a command without a date means: today, yesterday, this, last; None: it must be told.
    default: str | None = None
    #: Seconds between ticks.
    every: float | None = None
    #: The partitions by name (by: list).
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """What is made of the checked records in one format."""

    format: OutputFormat
    #: Public name of the files; without `{page}` and `{row}`, one file a partition. Of Delta, the folder of the table.
    name: Template
    place: Place
    #: How it is compressed, in the format's own words.
    codec: str
    #: Parquet and Delta: bytes in memory after which a row group ends.
    row_group: int = 32 * 1024 * 1024
    #: CSV: what stands between two values, and for null.
    delimiter: str = ","
    null: str = ""
    #: Delta: the column that tells the partition of a row.
    column: str = "_levada_partition"
    #: One file a partition under `_levada/` only, whatever its name says: what a database is loaded from.
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """The records of all pages again, as JSON lists of limited length; at least one limit is given."""

    #: Public name of each file; `{part}` counts them from 1.
    name: Template
    place: Place
    #: Most records, and most bytes, of one file; None: any.
    records: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """All that is made of the checked records."""

    outputs: tuple[Output, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Load:
    """The table of a database that takes the checked rows; PostgreSQL if there is a `url`, else DuckDB."""

    place: Place
    #: The variable with the URL of a PostgreSQL database.
    url: SecretRef | None = None
    #: A DuckDB file, relative to the spec's folder; "" is the file of the lake.
    file: str = ""
    schema: str | None = None
    #: "": the stream's name.
    table: str = ""
    mode: LoadMode = "replace_partition"
    #: Fields that tell rows apart (merge); empty: those of the contract.
    key: tuple[str, ...] = ()
    #: The field whose higher value wins (merge).
    newest_by: str | None = None
    #: The field of time by which rows of a partition are found; None: by a column that they get.
    rows_by: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record: how it is asked for, landed, checked and staged."""

    name: str
    #: None for a stream that takes files, or the pages of another (`pages_of`).
    request: Request | None
    place: Place
    files: Files | None = None
    paging: Paging = Paging()
    responses: tuple[ResponseRule, ...] = ()
    records: Records = field(default_factory=Records)
    for_each: ForEach | None = None
    #: The stream whose landed pages are read again, with other `records`: nested lists.
    pages_of: str | None = None
    #: Seconds of each slice that a partition is asked for in; its bounds fill {start} and {end}. None: all at once.
    window: float | None = None
    incremental: Incremental | None = None
    #: Public name of each page; None keeps pages under `_levada/` only (`raw: none`).
    raw: Template | None = None
    #: Public name of one list of all pages, or None.
    raw_joined: Template | None = None
    raw_split: Split | None = None
    contract: Contract | None = None
    stage: Stage | None = None
    load: Load | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a spec runs by itself; exactly one of these, unless a variable is not set."""

    place: Place
    #: Seconds, counted from 1970-01-01T00:00:00Z.
    every: float | None = None
    #: In UTC.
    cron: Cron | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A variable that is not set, or empty, and has no default: it fails only the commands that use it."""

    names: tuple[str, ...]
    #: Dotted place in the spec, such as `source.url`.
    used_in: str
    place: Place
    secret: bool = False
    #: The value as far as it is known, with the variable as it was written; "" of a secret.
    said: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """One pipeline."""

    pipeline: str
    #: The file it was read from.
    file: str
    #: Absolute folder of the lake, or its URL: s3://bucket/prefix, gs://, az://, memory:.
    lake: str
    partition: Partitioning
    source: Source
    streams: tuple[Stream, ...]
    #: Seconds; unfinished work older than this is not continued.
    resume_within: float = 3600.0
    #: Seconds that replaced files stay readable under `_levada/`.
    keep_replaced: float = 3600.0
    schedule: Schedule | None = None
    reports: tuple[Report, ...] = ()
    notify: Notify | None = None
    logs: Logs | None = None
    history: History | None = None
    missing: tuple[Missing, ...] = ()
