"""The part of the language that says where records are, and in which parts a stream is asked for."""

from typing import Any

from levada.nouns import Format, Records
from levada.spec.engine import Each, Given, Key, Named, Section
from levada.spec.model import ForEach, Incremental
from levada.spec.rules_stream import FOR_EACH_RULES, FORMAT_RULES, INCREMENTAL_RULES, RECORDS_RULES, amount
from levada.spec.values import (
    anything,
    charset,
    choice,
    constant,
    field_name,
    flag,
    integer,
    json_path,
    one_character,
    plain_text,
    text,
)

__all__ = ["FORMAT", "FOR_EACH", "INCREMENTAL", "RECORDS"]

FORMAT = Section(
    "format",
    "What a body is written in: a word, or a mapping.",
    (
        Key(
            "type",
            choice("json", "json_lines", "csv", "xml"),
            "`json`, `json_lines` (one value a line, or one after the other), `csv` or `xml`",
            required=True,
            example="type: json_lines",
        ),
        Key("unpack", choice("gzip", "zip"), "what the body is packed in", "none", example="unpack: gzip"),
        Key(
            "charset",
            charset,
            "the charset, whatever the answer says",
            "as the answer says, else UTF-8",
            example="charset: latin-1",
        ),
        Key("delimiter", one_character, "csv: what stands between two values", ",", example='delimiter: ";"'),
        Key("quote", one_character, "csv: what stands around a value", '"', example='quote: "\'"'),
        Key(
            "header",
            Each(text()),
            "csv: the names of the columns, where the file has no line of them",
            "the first line",
            example="header: [id, name]",
        ),
        Key(
            "columns",
            Each(text()),
            "csv: what the line of names must say, in this order; another file is refused",
            "whatever it says",
            example="columns: [id, name]",
        ),
        Key("nulls", Each(plain_text), "csv: texts that are null", "none", example="nulls: ['\\N', \"\"]"),
    ),
    lambda given: Format(**{"kind" if key == "type" else key: value for key, value in given.values.items()}),
    rules=FORMAT_RULES,
    short="type",
    around="type: csv",
)


def _records(given: Given) -> Records:
    found: dict[str, Any] = dict(given.values)
    if "keep" in found:
        found["keep"] = tuple(found["keep"].items())
    return Records(**found)


RECORDS = Section(
    "records",
    "Where the records of a page are: a JSONPath, or a mapping. Left out, the body is a list of them.",
    (
        Key(
            "path",
            json_path,
            "`$`: the body is one record; else each match is a record, a matched list a list of them",
            "the body is a list of records",
            example='path: "$.data[*]"',
        ),
        Key(
            "optional",
            flag(),
            "a path that matches nothing gives an empty page, not an error",
            "false",
            example="optional: true",
        ),
        Key(
            "explode",
            json_path,
            "in each record, the list whose items become the records",
            "none",
            example="explode: $.items",
        ),
        Key(
            "keep",
            Named(json_path, field_name, "field"),
            "new fields of the items, taken from the record that held them",
            "none",
            example="explode: $.items, keep: {order_id: $.id}",
        ),
        Key(
            "key_as",
            text(),
            "new field for the key under which a record stood: objects of objects",
            "none",
            example="key_as: id",
        ),
    ),
    _records,
    rules=RECORDS_RULES,
    short="path",
    around='path: "$.data[*]"',
)


def _for_each(given: Given) -> ForEach:
    found: dict[str, Any] = dict(given.values)
    if "add" in found:
        found["add"] = tuple(found["add"].items())
    return ForEach(**found, place=given.place)


FOR_EACH = Section(
    "for_each",
    "A request, with all its pages, for each row of other streams of the same partition.",
    (
        Key(
            "row_of",
            Each(text(), single=True),
            "the stream, or streams, whose records are the rows",
            "none",
            example="row_of: [posts]",
        ),
        Key(
            "rows",
            Each(Named(constant, field_name, "field")),
            "the rows themselves, instead",
            "none",
            example="rows: [{id: 1, kind: a}, {id: 2, kind: b}]",
        ),
        Key("first", integer(1, 10**9), "only the first so many, after `distinct`", "all", example="first: 10"),
        Key(
            "distinct",
            flag(),
            "rows that fill the templates alike are asked for once",
            "false",
            example="distinct: true",
        ),
        Key(
            "batch",
            integer(1, 10**6),
            "so many rows share a request; their values are joined by commas, or are lists in JSON bodies",
            "none",
            example="batch: 50",
        ),
        Key(
            "add",
            Named(text(), field_name, "field"),
            "new fields of each record, taken from the row",
            "none",
            example="add: {post_id: id}",
        ),
        Key(
            "failing",
            choice("stop", "gap"),
            "a row that fails for good: `stop` the run, or leave a counted `gap`",
            "stop",
            example="failing: gap",
        ),
    ),
    _for_each,
    rules=FOR_EACH_RULES,
    around="row_of: posts",
)


def _incremental(given: Given) -> Incremental:
    found: dict[str, Any] = dict(given.values)
    kind = found.get("type", "timestamp")
    for key in ("start", "end", "lookback"):
        if key in found:
            found[key] = amount(kind, key, found[key])
    return Incremental(**found, place=given.place)


INCREMENTAL = Section(
    "incremental",
    "A stream that goes on where its last commit stopped, instead of partitions.",
    (
        Key(
            "cursor",
            json_path,
            "in each record, the value that grows",
            required=True,
            example="cursor: $.updated_at",
        ),
        Key(
            "type",
            choice("timestamp", "number", "text"),
            "what it is: a `timestamp`, compared as an instant, a `number`, or `text`",
            "timestamp",
            example="type: number",
        ),
        Key("start", anything, "where the first run begins", "none", example="start: 2022-01-01"),
        Key(
            "lookback",
            anything,
            "how far each run reaches back before the cursor: a duration, or an amount",
            "0",
            example="lookback: 1h",
        ),
        Key("end", anything, "never read up to later than this", "now, or open", example="end: 2022-12-31T00:00:00Z"),
        Key(
            "order",
            choice("asc", "desc"),
            "in what order the API gives the records, by cursor",
            "any",
            example="order: desc",
        ),
        Key(
            "without",
            choice("fail", "keep", "drop"),
            "a record without the value: `fail`, `keep` it or `drop` it",
            "fail",
            example="without: keep",
        ),
    ),
    _incremental,
    rules=INCREMENTAL_RULES,
    around="cursor: $.updated_at",
)
