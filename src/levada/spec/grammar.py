"""The language of a spec as a table: sections, keys, kinds, defaults, and what is not built yet.

`engine.walk` reads a file along it; `docs/spec.md` and a schema for editors can be made from it. A new key is a
line here and a field of a noun in `model.py`.
"""

from collections.abc import Mapping
from typing import Any

from levada.nouns import Records
from levada.spec.auth import ApiKey
from levada.spec.engine import Each, Given, Key, Named, Section
from levada.spec.grammar_contract import CONTRACT
from levada.spec.model import Limits, Paging, Partitioning, Request, ResponseRule, Retry, Source, Stage, Stream
from levada.spec.names import RAW
from levada.spec.rules import (
    PAGING_RULES,
    REQUEST_RULES,
    RESPONSE_RULES,
    RETRY_RULES,
    ROOT_RULES,
    SOURCE_RULES,
    STREAM_RULES,
    at_partition,
    from_root,
)
from levada.spec.template import Template, parse
from levada.spec.values import (
    choice,
    duration,
    flag,
    folder,
    header_name,
    identifier,
    integer,
    json_path,
    name_problem,
    param_name,
    secret,
    size,
    template,
    template_or_none,
    text,
    token,
    url,
)

__all__ = ["SPEC"]

_ASKED = template("date", "partition")
_SENT = template("date", "partition", empty=True)
_PAGE_NAME = template("pipeline", "stream", "partition", "date", "page", check=at_partition)
_NAME = template("pipeline", "stream", "partition", "date", check=at_partition)
_PARAMS = Named(Each(_SENT, single=True), param_name, "parameter")
_HEADERS = Named(_ASKED, header_name, "header")


def _pairs(given: Mapping[str, Any]) -> tuple[tuple[str, Template], ...]:
    """Headers and params in order; a parameter with several values comes several times."""
    listed = {name: value if isinstance(value, tuple) else (value,) for name, value in given.items()}
    return tuple((name, value) for name, values in listed.items() for value in values)


def _asking(given: Given) -> dict[str, Any]:
    """The values of a section, its params and headers as pairs."""
    pairs: dict[str, Any] = {key: _pairs(given.values[key]) for key in ("params", "headers") if key in given.values}
    return {**given.values, **pairs, "place": given.place}


def _response(given: Given) -> ResponseRule:
    status = given.get("status")
    statuses = () if status is None else ((status, status),)
    return ResponseRule(given.values["means"], given.place, statuses, given.get("text"))


def _stream(given: Given) -> Stream:
    found = {**given.values, "raw": given.get("raw", parse(RAW)), "records": Records(given.get("records"))}
    return Stream(name=given.path[-1], place=given.place, **found)


PARTITION = Section(
    "partition",
    "What one run reads, commits and may replace.",
    (
        Key(
            "by",
            choice("day", later=dict.fromkeys(("hour", "week", "month", "list", "tick", "none"), "other partitions")),
            "the unit of work; a day today",
            required=True,
        ),
    ),
    lambda given: Partitioning(**given.values),
    later={
        "default": "which partition a run without a date means",
        "timezone": "days of another time zone",
        "every": "ticks",
        "list": "partitions by name",
    },
)

AUTH = Section(
    "auth",
    "The credential of the API. It goes to the origin of `url` and nowhere else.",
    (
        Key("header", token, "the request header that carries the key", required=True),
        Key("key", secret, "the variable that holds the key, never the key itself", required=True),
    ),
    lambda given: ApiKey("header", given.values["header"], given.values["key"], given.place),
    later={
        "bearer": "bearer tokens; until then the variable holds the whole value, `Bearer ...`",
        "basic": "user and password",
        "oauth2": "OAuth 2 tokens",
        "query": "a key in the query",
        "cookie": "a key in a cookie",
        "login": "session tokens",
        "jwt": "signed tokens",
        "sigv4": "AWS signatures",
        "class": "authentication by your own code",
    },
)

RETRY = Section(
    "retry",
    "What happens after 429, 5xx, time-outs and broken answers: ask again, after a random wait that grows.",
    (
        Key("attempts", integer(1, 100), "how often one page is asked for at most", default="5"),
        Key("wait", duration(zero=True), "longest wait before the second attempt; doubles with each", default="1s"),
        Key("cap", duration(zero=True), "longest wait between two attempts", default="60s"),
        Key(
            "max_wait",
            duration(zero=True),
            "longest Retry-After that is waited for; a longer one ends the run as try again later",
            default="5m",
        ),
    ),
    lambda given: Retry(**given.values),
    rules=RETRY_RULES,
    later={"factor": "other growth of waits", "jitter": "waits without chance"},
)

LIMITS = Section(
    "limits",
    "How much is asked for at once, and accepted at most.",
    (
        Key("concurrency", integer(1, 256), "requests under way at once", default="4"),
        Key("page_size", size, "largest body of one answer", default="256MB"),
    ),
    lambda given: Limits(**given.values),
    later={"rate": "requests in a time", "budget": "budgets that response headers tell"},
)

SOURCE = Section(
    "source",
    "Where the API is and how it is spoken to.",
    (
        Key("url", url, "http or https URL that the paths of requests are added to", required=True),
        Key("auth", AUTH, "the credential", default="none"),
        Key("headers", _HEADERS, "headers of every request", default="none"),
        Key("params", _PARAMS, "query parameters of every request", default="none"),
        Key("timeout", duration(), "time for one request and its whole answer", default="60s"),
        Key("retry", RETRY, "when and how often to ask again", default="as below"),
        Key("limits", LIMITS, "how much at once", default="as below"),
    ),
    lambda given: Source(**_asking(given)),
    rules=SOURCE_RULES,
)

REQUEST = Section(
    "request",
    "What one stream asks for. Query: the source's params, then these, then the page.",
    (
        Key("path", template("date", "partition", check=from_root), "added to the source's url", required=True),
        Key("params", _PARAMS, "query parameters; a list sends the key several times", default="none"),
        Key("headers", _HEADERS, "headers of this stream's requests", default="none"),
    ),
    lambda given: Request(**_asking(given)),
    rules=REQUEST_RULES,
    later={
        "method": "methods other than GET",
        "json": "JSON bodies",
        "form": "form bodies",
        "text": "text bodies",
        "graphql": "GraphQL queries",
    },
)

PAGING = Section(
    "paging",
    "How one page leads to the next. Left out, there is a single page.",
    (
        Key(
            "by",
            choice(
                "page",
                "none",
                later={
                    "offset": "paging by offset",
                    "cursor": "paging by cursor",
                    "next_url": "paging by the next URL in the body",
                    "link": "paging by Link header",
                    "class": "paging by your own code",
                },
            ),
            "`page`: by number; `none`: a single page",
            required=True,
        ),
        Key("param", text(), "the query parameter that carries the page number", default="page"),
        Key("start", integer(0, 2**31 - 1), "the number of the first page", default="1"),
        Key(
            "max_pages", integer(1, 10**6), "number of pages after which paging ends, this one included", default="none"
        ),
        Key(
            "ahead",
            flag(off=True),
            "ask for pages before the earlier ones are there; `off` for APIs that count misses",
            default="true",
        ),
    ),
    lambda given: Paging(**given.values),
    rules=PAGING_RULES,
    later={
        "limit": "page sizes",
        "offset": "paging by offset",
        "cursor": "paging by cursor",
        "stop": "other rules for the end",
        "total_rows": "ends by a total",
        "total_pages": "ends by a total",
        "has_more": "ends by a flag",
    },
)

RESPONSE = Section(
    "a response rule",
    "An answer with this status and this text means something other than a page or an error. First match wins.",
    (
        Key("status", integer(100, 599), "the status of the answer; left out: any", default="any"),
        Key("text", text(lines=True), "found anywhere in the body, case-sensitive; left out: any", default="any"),
        Key(
            "means",
            choice(
                "end",
                "no_data",
                "empty",
                "retry",
                "fail",
                later=dict.fromkeys(("wait", "skip", "refresh_auth"), "other meanings of a response"),
            ),
            "`end` of the pages, `no_data` at all, an `empty` page, `retry`, or `fail` at once",
            required=True,
        ),
    ),
    _response,
    rules=RESPONSE_RULES,
    later={"json": "responses told by a value in the body", "header": "responses told by a header"},
)

STAGE = Section(
    "stage",
    "Files made of the checked records.",
    (
        Key("avro", _PAGE_NAME, "name of the Avro files; without {page}, one file a partition", required=True),
        Key(
            "codec",
            choice("null", "deflate", "snappy", "zstandard", null=True),
            "how blocks are compressed",
            default="deflate",
        ),
    ),
    lambda given: Stage(**given.values, place=given.place),
    later=dict.fromkeys(("parquet", "delta", "jsonl", "csv"), "other formats"),
)

STREAM = Section(
    "a stream",
    "One kind of record: how it is asked for, landed, checked and staged.",
    (
        Key("request", REQUEST, "what is asked for", required=True),
        Key("paging", PAGING, "how one page leads to the next", default="a single page"),
        Key("responses", Each(RESPONSE), "answers that mean something else; first match wins", default="none"),
        Key(
            "records",
            json_path,
            "where records are: left out, the body is a list of them; `$`, the body is one",
            default="none",
        ),
        Key(
            "raw",
            template_or_none(_PAGE_NAME),
            "name of each landed page in the lake; `none` keeps pages under `_levada/` only",
            default=RAW,
        ),
        Key(
            "raw_joined",
            _NAME,
            "name of one JSON list of all pages, besides or (with `raw: none`) instead",
            default="none",
        ),
        Key("contract", CONTRACT, "what a good record is", default="none"),
        Key("stage", STAGE, "files made of checked records; needs a contract", default="none"),
    ),
    _stream,
    rules=STREAM_RULES,
    later={
        "for_each": "a request for each row of another stream",
        "files": "streams from files",
        "csv": "CSV",
        "decode": "packed values",
        "explode": "nested lists",
        "load": "databases",
        "incremental": "streams that go on where they stopped",
    },
)

SPEC = Section(
    "the spec",
    "One file is one pipeline.",
    (
        Key("pipeline", identifier("pipeline"), "the pipeline's name: a-z, 0-9, _ and -", required=True),
        Key("lake", folder, "folder of the lake, relative to the spec's folder", default="./lake"),
        Key("partition", PARTITION, "the unit of work", default="{by: day}"),
        Key("resume_within", duration(zero=True), "unfinished work older than this is not continued", default="1h"),
        Key("keep_replaced", duration(zero=True), "how long replaced files stay readable", default="1h"),
        Key("source", SOURCE, "the API", required=True),
        Key("streams", Named(STREAM, name_problem("stream"), "stream"), "the streams, by name", required=True),
    ),
    lambda given: given,
    rules=ROOT_RULES,
    later={
        "reports": "reports",
        "notify": "mails",
        "schedule": "schedules",
        "logs": "log files",
        "incremental": "pipelines that go on where they stopped",
        "load": "databases",
    },
)
