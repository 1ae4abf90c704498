"""The language of a spec as a table: sections, keys, kinds, defaults, and what is not built yet.

`engine.walk` reads a file along it, and the tables of `docs/spec.md` are made from it. A new key is a line here and a
field of a noun in `model.py`.
"""

from dataclasses import replace

from levada.contract.model import Contract
from levada.contract.storable import for_postgres
from levada.nouns import Records
from levada.spec.engine import Each, Given, Key, Named, Section
from levada.spec.grammar_contract import CONTRACT
from levada.spec.grammar_load import LOAD
from levada.spec.grammar_logs import HISTORY, LOGS
from levada.spec.grammar_notify import NOTIFY
from levada.spec.grammar_paging import PAGING, RESPONSE
from levada.spec.grammar_report import REPORT
from levada.spec.grammar_schedule import SCHEDULE, SCHEDULE_RULES
from levada.spec.grammar_source import REQUEST, SOURCE
from levada.spec.grammar_split import SPLIT
from levada.spec.grammar_stage import stage
from levada.spec.grammar_stream import FOR_EACH, FORMAT, INCREMENTAL, RECORDS
from levada.spec.model import Files, Load, Partitioning, Stream
from levada.spec.names import RAW, RAW_OF_FILE, RAW_OF_ROW
from levada.spec.rules import PARTITION_RULES, ROOT_RULES, STREAM_RULES
from levada.spec.rules_report import REPORT_RULES
from levada.spec.template import parse
from levada.spec.values import choice, duration, folder, identifier, name_problem, text, zone
from levada.spec.values_files import file_name
from levada.spec.values_template import template, template_or_none

__all__ = ["DEFAULTED", "DEFAULTS", "SPEC"]

_NAMED = ("pipeline", "stream", "partition", "date", "start", "end", "tick")
_PAGE_NAME = template(*_NAMED, "page", "row", "file")
_NAME = template(*_NAMED)


def _stream(given: Given) -> Stream:
    found = dict(given.values)
    page_format = found.pop("format", None)
    records = found.get("records", Records())
    found["records"] = records if page_format is None else replace(records, format=page_format)
    found.setdefault("request", None)
    if "files" in found:
        found["files"] = Files(found["files"], given.places["files"])
    if "raw" not in found:
        default = RAW_OF_FILE if "files" in found else RAW_OF_ROW if "for_each" in found else RAW
        found["raw"] = None if "pages_of" in found else parse(default)
    load, contract = found.get("load"), found.get("contract")
    if isinstance(load, Load) and load.url and isinstance(contract, Contract):
        key = (load.key or contract.key) if load.mode == "merge" else ()
        found["contract"] = for_postgres(contract, key)
    return Stream(name=given.path[-1], place=given.place, **found)


PARTITION = Section(
    "partition",
    "What one run reads, commits and may replace.",
    (
        Key(
            "by",
            choice("hour", "day", "week", "month", "list", "tick"),
            "the unit of work: `hour`, `day`, `week` (ISO 8601), `month`, names of a `list`, or a `tick` of a clock",
            required=True,
            example="by: month",
        ),
        Key("timezone", zone, "where days and hours begin", "UTC", example="timezone: Europe/Lisbon"),
        Key(
            "default",
            choice("today", "yesterday", "this", "last"),
            "what a command without a date means: `today`, `yesterday`, `this` or the `last` one",
            "none: it must be told",
            example="default: yesterday",
        ),
        Key("every", duration(), "time between two ticks", "none", example="by: tick, every: 15m"),
        Key("names", Each(text()), "the partitions of a list", "none", example="by: list, names: [north, south]"),
    ),
    lambda given: Partitioning(**given.values),
    rules=PARTITION_RULES,
    around="by: day",
)

STAGE = stage(_PAGE_NAME)

STREAM = Section(
    "a stream",
    "One kind of record: how it is asked for, landed, checked and staged.",
    (
        Key(
            "request",
            REQUEST,
            "what is asked for",
            "none: `files` or `pages_of` instead",
            example="request: {path: /sales}",
        ),
        Key(
            "files",
            Each(file_name(*_NAMED), single=True),
            "files that are taken instead of asking an API, one page each: paths, globs, s3:// and https:// URLs",
            "none",
            example="files: data/*.csv, format: csv",
        ),
        Key("paging", PAGING, "how one page leads to the next", "a single page", example="paging: {by: page}"),
        Key(
            "responses",
            Each(RESPONSE),
            "answers that mean something else; first match wins",
            "none",
            example="responses: [{status: 404, means: end}]",
        ),
        Key("format", FORMAT, "what a body is written in", "json", example="format: csv"),
        Key("records", RECORDS, "where records are", "the body is a list of them", example='records: "$.data[*]"'),
        Key(
            "for_each",
            FOR_EACH,
            "a request for each row of another stream",
            "none",
            example='for_each: {row_of: posts}, request: {path: "/sales/{row.id}"}',
        ),
        Key(
            "pages_of",
            text(),
            "the stream whose pages are read again, with `records` of its own; instead of a request",
            "none",
            example='pages_of: posts, records: "$[*].items[*]"',
        ),
        Key(
            "window",
            duration(),
            "the partition is asked for in slices of this length; {start} and {end} are those of the slice",
            "all at once",
            example='window: 6h, request: {path: /sales, params: {from: "{start}", to: "{end}"}}',
        ),
        Key(
            "incremental",
            INCREMENTAL,
            "goes on where its last commit stopped, instead of partitions",
            "none",
            example="incremental: {cursor: $.updated_at}",
        ),
        Key(
            "raw",
            template_or_none(_PAGE_NAME),
            "name of each landed page in the lake; `none` keeps pages under `_levada/` only",
            RAW,
            example='raw: "raw/{date}/{page}.json"',
        ),
        Key(
            "raw_joined",
            _NAME,
            "name of one JSON list of all pages, besides or (with `raw: none`) instead",
            "none",
            example='raw_joined: "raw/{date}.json"',
        ),
        Key(
            "raw_split",
            SPLIT,
            "JSON lists of all pages' records, each of limited length",
            "none",
            example='raw_split: {name: "raw/{date}/part-{part}.json", records: 100}',
        ),
        Key("contract", CONTRACT, "what a good record is", "none", example="contract: {fields: {id: int64}}"),
        Key(
            "stage",
            STAGE,
            "files made of checked records; needs a contract",
            "none",
            example='stage: {avro: "stg/{date}.avro"}, contract: {fields: {id: int64}}',
        ),
        Key(
            "load",
            LOAD,
            "the table that takes the checked rows; needs a contract",
            "none",
            example="load: duckdb, contract: {fields: {id: int64}}",
        ),
    ),
    _stream,
    rules=STREAM_RULES,
    later={
        "decode": "packed values",
    },
    around="request: {path: /sales}",
)

#: A request of which nothing is required.
_LOOSE_REQUEST = replace(REQUEST, keys=tuple(replace(key, required=False) for key in REQUEST.keys), make=lambda _: None)
#: A stream of which nothing is required: what `defaults` may say.
DEFAULTS = Section(
    "defaults",
    "Keys of a stream that hold for every stream: of `request`, its `params`, `headers`, `json` and `form` each name"
    " for itself, other keys as a whole. The stream wins; `null` in it takes a default away.",
    tuple(
        replace(key, kind=_LOOSE_REQUEST) if key.kind is REQUEST else key
        for key in STREAM.keys
        if key.name not in ("files", "pages_of")
    ),
    lambda _: None,
    later=STREAM.later,
)

DEFAULTED = frozenset(key.name for key in DEFAULTS.keys)

SPEC = Section(
    "the spec",
    "One file is one pipeline.",
    (
        Key(
            "pipeline",
            identifier("pipeline"),
            "the pipeline's name: a-z, 0-9, _ and -",
            required=True,
            example="pipeline: sales",
        ),
        Key(
            "lake",
            folder,
            "folder of the lake, relative to the spec's folder, or a prefix of a bucket: s3://, gs://, az://",
            "./lake",
            example="lake: s3://my-bucket/sales",
        ),
        Key("partition", PARTITION, "the unit of work", "{by: day}", example="partition: {by: hour}"),
        Key(
            "resume_within",
            duration(zero=True),
            "unfinished work older than this is not continued",
            "1h",
            example="resume_within: 6h",
        ),
        Key(
            "keep_replaced",
            duration(zero=True),
            "how long replaced files stay readable",
            "1h",
            example="keep_replaced: 0",
        ),
        Key(
            "schedule",
            SCHEDULE,
            "when the scheduler runs the spec by itself",
            "none",
            example="schedule: {every: 1h}, partition: {by: hour, default: last}",
        ),
        Key(
            "source",
            SOURCE,
            "the API",
            "none: every stream takes files",
            example="source: {url: https://api.example.com}",
        ),
        Key(
            "defaults",
            DEFAULTS,
            "keys of a stream that hold for every stream that does not say otherwise",
            "none",
            example="defaults: {paging: {by: page}, request: {params: {lang: en}}}",
        ),
        Key(
            "streams",
            Named(STREAM, name_problem("stream"), "stream"),
            "the streams, by name",
            required=True,
            example="streams: {sales: {request: {path: /sales}}}",
        ),
        Key(
            "reports",
            Named(REPORT, name_problem("report"), "report"),
            "what is asked of the rows after the work, by name",
            "none",
            example="reports: {daily: {sql: SELECT count(*) FROM sales}}",
        ),
        Key("notify", NOTIFY, "who is told of the end of the work", "none", example='notify: {webhook: "${HOOK_URL}"}'),
        Key("logs", LOGS, "log files, one a day", "none", example="logs: {keep_days: 3}"),
        Key("history", HISTORY, "where the history of runs is kept", "in a lake on disk", example="history: none"),
    ),
    lambda given: given,
    rules=(*ROOT_RULES, *SCHEDULE_RULES, *REPORT_RULES),
    around="pipeline: sales, source: {url: https://api.example.com}, streams: {sales: {request: {path: /sales}}}",
)
