"""What a spec says, read, checked and frozen. Holds the names of secrets, never their values, so it travels as JSON."""

from dataclasses import dataclass
from typing import Literal

from levada.contract.model import Contract
from levada.nouns import Place
from levada.spec.template import Template

__all__ = [
    "Auth",
    "Limits",
    "Missing",
    "Paging",
    "Request",
    "ResponseRule",
    "Retry",
    "RuleMeaning",
    "SecretRef",
    "Source",
    "Spec",
    "Stage",
    "Stream",
]

RuleMeaning = Literal["end", "no_data", "empty", "retry", "fail"]
Codec = Literal["null", "deflate", "snappy", "zstandard"]


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret comes from: the variables to try, in order."""

    names: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Auth:
    """An API key sent in a header of every request to the source's own origin."""

    header: str
    key: SecretRef
    place: Place


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to ask again and how long to wait: full jitter between 0 and `wait` * 2^(n-1), at most `cap`."""

    attempts: int = 5
    #: Seconds.
    wait: float = 1.0
    cap: float = 60.0
    #: Seconds; an API that asks for a longer wait ends the run as "try later".
    max_wait: float = 300.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a run asks for at once and accepts at most."""

    concurrency: int = 4
    #: Bytes of one decoded body.
    page_size: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Where the API is and how it is spoken to."""

    #: Without user and password.
    url: str
    place: Place
    auth: Auth | None = None
    headers: tuple[tuple[str, Template], ...] = ()
    params: tuple[tuple[str, Template], ...] = ()
    #: Seconds for one exchange.
    timeout: float = 60.0
    retry: Retry = Retry()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Request:
    """What a stream asks for, the page apart."""

    path: Template
    place: Place
    #: Sent in this order; a key may come twice.
    params: tuple[tuple[str, Template], ...] = ()
    headers: tuple[tuple[str, Template], ...] = ()


@dataclass(frozen=True, slots=True)
class Paging:
    """How one page leads to the next: by page number, or a single page."""

    by: Literal["page", "none"] = "none"
    #: Query parameter that carries the page number.
    param: str = "page"
    start: int = 1
    #: Inclusive number of pages after which paging ends, or None.
    max_pages: int | None = None
    #: Whether pages are asked for before the order reaches them.
    ahead: bool = True


@dataclass(frozen=True, slots=True)
class ResponseRule:
    """One line of `responses`: an answer with this status and this text in its body means `means`."""

    means: RuleMeaning
    place: Place
    status: int | None = None
    #: Found anywhere in the body, case-sensitive.
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """Avro files to make from the checked records; without `{page}` in the name, one file a partition."""

    avro: Template
    place: Place
    codec: Codec = "deflate"


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record: how it is asked for, landed, checked and staged."""

    name: str
    request: Request
    place: Place
    paging: Paging = Paging()
    responses: tuple[ResponseRule, ...] = ()
    #: None: the body is a list of records. "$": the body is one record.
    records: Literal["$"] | None = None
    #: Public name of each page; None keeps pages under `_levada/` only (`raw: none`).
    raw: Template | None = None
    #: Public name of one list of all pages, or None.
    raw_joined: Template | None = None
    contract: Contract | None = None
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A variable that is not set and has no default: it fails only the commands that use it."""

    names: tuple[str, ...]
    #: Dotted place in the spec, such as `source.url`.
    used_in: str
    place: Place
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """One pipeline."""

    pipeline: str
    #: The file it was read from.
    file: str
    #: Absolute folder of the lake.
    lake: str
    partition_by: Literal["day"]
    source: Source
    streams: tuple[Stream, ...]
    #: Seconds; unfinished work older than this is not continued.
    resume_within: float = 3600.0
    #: Seconds that replaced files stay readable under `_levada/`.
    keep_replaced: float = 3600.0
    missing: tuple[Missing, ...] = ()
