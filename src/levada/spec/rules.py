"""Rules of a whole spec and of one stream: what one value demands of another. Pure; each tells its mistakes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from levada.contract.model import columns
from levada.spec.engine import BROKEN, Given, Path, Reading, Rule
from levada.spec.rules_load import LOAD_ROOT_RULES, LOAD_RULES
from levada.spec.rules_names import NAME_RULES, streams
from levada.spec.rules_paging import ends, unreached
from levada.spec.rules_parents import PARENT_RULES
from levada.spec.tree import Mistake, show

__all__ = ["PARTITION_RULES", "ROOT_RULES", "STREAM_RULES"]

#: https://avro.apache.org/docs/1.12.0/specification/#names; fastavro writes others, which few can read.
_AVRO_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What a stream that reads the pages of another has no use for.
_ASKING = ("request", "paging", "responses", "format", "for_each", "window", "incremental")
_SPANS = ("hour", "day", "week", "month")


def _partition(given: Given, _: Reading) -> Iterator[Mistake]:
    by = given.values["by"]
    needed = {"tick": ("every", "the time between two, such as 15m"), "list": ("names", "the partitions: [a, b]")}
    for kind, (key, todo) in needed.items():
        if by == kind and key not in given.places:
            yield Mistake(given.place, f"partition by {by} lacks the key {key}", f"add {key}: {todo}")
        if by != kind and key in given.places:
            yield given.mistake(key, f"{key} has no meaning with by: {by}", f"leave {key} out, or write by: {kind}")
    if by == "list" and "timezone" in given.places:
        yield given.mistake("timezone", "timezone has no meaning with by: list", "leave timezone out")
    default = given.get("default")
    if default in ("today", "yesterday") and by != "day":
        todo = "leave default out" if by == "list" else "write this or last"
        yield given.mistake("default", f"{default} has no meaning with by: {by}", todo)
    elif default and by == "list":
        yield given.mistake("default", "default has no meaning with by: list", "leave default out")
    names = given.get("names", ())
    if names == () and "names" in given.values:
        yield given.mistake("names", "names is empty", "name at least one partition")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield given.mistake("names", f'the partition "{name}" stands here twice', "leave one of them out")


def _responses(given: Given, _: Reading) -> Iterator[Mistake]:
    """A rule that an earlier one covers is never reached."""
    rules = given.get("responses", ())
    for number, rule in enumerate(rules):
        covering = next((earlier for earlier in rules[:number] if unreached(rule, earlier)), None)
        if covering:
            what = f"this response is never reached: the rule in line {covering.place.line} matches first"
            yield Mistake(rule.place, what, "leave it out, or put it before the other")


def _ending(given: Given, reading: Reading) -> Iterator[Mistake]:
    """Paging by number must have an end."""
    paging = reading.sections.get((*given.path, "paging"))
    if paging is None or ends(paging):
        return
    if not any(rule.means in ("end", "no_data") for rule in given.get("responses", ())):
        todo = "add total_rows, total_pages, has_more, max_pages, last or stop_when_short, or a response that means end"
        yield paging.mistake("stop_when_empty", "nothing ends this paging", todo)


def _asking(given: Given, _: Reading) -> Iterator[Mistake]:
    origin = next((key for key in ("pages_of", "files") if key in given.places), None)
    if origin is None:
        if "request" not in given.places:
            todo = "add request: {path: ...}, files: PATH, or pages_of: STREAM to read its pages again"
            yield Mistake(given.place, "a stream lacks the key request", todo)
        return
    allowed = {"format"} if origin == "files" else set()
    for key in (*_ASKING, "files"):
        if key in given.places and key not in {*allowed, origin}:
            what = f"{key} has no meaning with {origin}, which asks for nothing"
            yield given.mistake(key, what, f"leave {key} or {origin} out")


def _no_files(given: Given, _: Reading) -> Iterator[Mistake]:
    if given.get("files") == ():
        yield given.mistake("files", "files is empty", "name at least one")


def _source_wanted(given: Given, reading: Reading) -> Iterator[Mistake]:
    """A stream that asks needs to know whom."""
    if "source" in given.places:
        return
    for path in streams(reading):
        if "request" in reading.sections[path].places:
            what = f"the spec lacks the key source, which stream {path[1]} asks"
            yield Mistake(given.place, what, "add source: {url: https://...}")
            return


def _carried(given: Given, reading: Reading) -> Iterator[Mistake]:
    """Paging in the body needs a body that has names."""
    paging = reading.sections.get((*given.path, "paging"))
    request = reading.sections.get((*given.path, "request"))
    if not paging or not request or paging.get("in") != "body":
        return
    if "text" in request.places:
        yield paging.mistake("in", "a text body has no place for the page", "send json or form, or page in the query")
    elif not {"json", "form", "graphql"} & request.places.keys():
        yield paging.mistake("in", "the request has no body to carry the page", "add json: {} to request")
    elif request.get("json") not in (None, BROKEN) and not isinstance(request.get("json"), dict):
        yield paging.mistake("in", "the JSON body is no mapping: it has no place for the page", "send a mapping")


def _stage_needs(given: Given, _: Reading) -> Iterator[Mistake]:
    if "stage" in given.values and "contract" not in given.values:
        yield given.mistake("stage", "stage needs a contract: it writes checked records", "add contract: {fields: ...}")


def _avro_names(given: Given, reading: Reading) -> Iterator[Mistake]:
    if "stage" not in given.values or given.get("contract") is None:
        return
    formats = {output.format for output in given.values["stage"].outputs}
    base = (*given.path, "contract", "fields")
    for path, section in reading.sections.items() if "avro" in formats else ():
        if path[: len(base)] == base and reading.kinds[path].noun == "a field" and not _AVRO_NAME.fullmatch(path[-1]):
            todo = f"give it another name, and say from: {show(path[-1])}"
            yield Mistake(section.place, f'"{path[-1]}" is no name for a field in Avro', todo)


#: What Delta takes in no name of a column.
_NOT_IN_DELTA = re.compile(r"[ ,;{}()\n\t=]")


def _delta_names(given: Given, reading: Reading) -> Iterator[Mistake]:
    """Delta tells columns apart without regard to case, and one more tells the partition."""
    stage, contract = given.get("stage"), given.get("contract")
    outputs = [output for output in stage.outputs if output.format == "delta"] if stage and contract else []
    for output in outputs:
        seen = {output.column.casefold(): f"the column of the partition ({output.column})"}
        for field in contract.fields:
            section = reading.sections.get((*given.path, "contract", "fields", field.name))
            place = section.place if section else given.place
            if _NOT_IN_DELTA.search(field.name):
                yield Mistake(
                    place, f'"{field.name}" is no name for a column in Delta', "rename it: `from:` the old name"
                )
            if other := seen.get(field.name.casefold()):
                what = f'"{field.name}" is the same name to Delta as {other}'
                yield Mistake(place, what, "rename it, or name another `column` under delta")
            seen[field.name.casefold()] = f'"{field.name}"'


#: Types whose text can be nothing.
_CAN_BE_EMPTY = frozenset({"string", "binary"})


def _csv_nulls(given: Given, _: Reading) -> Iterator[Mistake]:
    """A line that holds nothing is no row to readers, so the null of a single column is in quotes, as an empty text."""
    stage, contract = given.get("stage"), given.get("contract")
    made = columns(contract) if stage and contract else ()
    if len(made) != 1 or not made[0].nullable or made[0].type not in _CAN_BE_EMPTY:
        return
    for output in stage.outputs:
        if output.format == "csv" and not output.null:
            what = f'a CSV of "{made[0].name}" alone cannot tell null from an empty text'
            yield Mistake(output.place, what, 'say what stands for null: `null_as: "NA"`')


def _windows(_: Given, reading: Reading) -> Iterator[Mistake]:
    partition = reading.sections.get(("partition",))
    by = partition.get("by", "day") if partition else "day"
    for path in streams(reading):
        stream = reading.sections[path]
        if "window" in stream.places and "incremental" not in stream.places and by not in (*_SPANS, BROKEN):
            yield stream.mistake("window", f"window has no meaning with partitions by {by}", "leave window out")


def _without_time(_: Given, reading: Reading) -> Iterator[Mistake]:
    """What an incremental stream cannot have whose intervals are no spans of time, and have no end."""
    for path in streams(reading):
        stream, begin = reading.sections[path], reading.sections.get((*path, "incremental"))
        kind = begin.get("type", "timestamp") if begin else "timestamp"
        if kind in ("timestamp", BROKEN):
            continue
        if "window" in stream.places:
            what = f"window is a time, and the cursor is a {kind}: its intervals have no windows"
            yield stream.mistake("window", what, "leave window out")
        if "for_each" in stream.places:
            what = f"all rows share one cursor: a row that is behind the highest {kind} would not be read on"
            yield stream.mistake("for_each", what, "write a stream for each row")


def _some_streams(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.values["streams"]:
        yield given.mistake("streams", "the spec has no streams", "add one: a name, and below it its request")


def _never_both(given: Given, reading: Reading) -> Iterator[Mistake]:
    if "partition" not in given.places:
        return
    for stream in (reading.sections[path] for path in streams(reading)):
        if "incremental" in stream.places:
            line = given.places["partition"].line
            what = f"incremental never stands beside partition (line {line}): a run of it is named by its interval"
            yield stream.mistake("incremental", what, "leave one of the two out, or make two specs")


def _sent_once(_: Given, reading: Reading) -> Iterator[Mistake]:
    """What auth or paging sends, nothing else sends."""
    source = reading.sections.get(("source",))
    kind, key = _credential(reading)
    if source and key in _lower(source, kind):
        yield source.mistake(kind, f"{key} stands in {kind} and in auth", f"leave it out of {kind}")
    for path in streams(reading):
        request = reading.sections.get((*path, "request"))
        if request and key in _lower(request, kind):
            yield request.mistake(kind, f"{key} stands in {kind} and in auth", f"leave it out of {kind}")
        if request:
            yield from _paged_twice(path, source, reading)


def _credential(reading: Reading) -> tuple[str, str]:
    """Where auth sends its credential, and under which name."""
    login = reading.sections.get(("source", "auth", "login"))
    auth = login or reading.sections.get(("source", "auth"))
    if auth is None:
        return "headers", ""
    if isinstance(auth.get("query"), str):
        return "params", auth.values["query"]
    return "headers", str(auth.get("header", "")).lower()


def _lower(given: Given | None, kind: str) -> set[str]:
    """The names of params (as they are) or headers (in lower case) of a section."""
    found: Any = given.get(kind, {}) if given else {}
    names = set() if found is BROKEN else set(found)
    return {name.lower() for name in names} if kind == "headers" else names


def _paged_twice(path: Path, source: Given | None, reading: Reading) -> Iterator[Mistake]:
    """A parameter or header that paging sends."""
    paging, request = reading.sections.get((*path, "paging")), reading.sections[(*path, "request")]
    by = paging.get("by") if paging else None
    if paging is None or by not in ("page", "offset", "cursor"):
        return
    kind = {"query": "params", "header": "headers"}.get(str(paging.get("in", "query")))
    if kind is None:
        return
    noun = {"page": "page number", "offset": "offset", "cursor": "cursor"}[by]
    taken = _lower(request, kind) | _lower(source, kind)
    sent: Mapping[str, Any] = {
        "param": paging.get("param", by),
        "limit_param": paging.get("limit_param", "limit" if by == "offset" else None),
    }
    for key, name in sent.items():
        if isinstance(name, str) and (name.lower() if kind == "headers" else name) in taken:
            what = f"{name} carries the {noun if key == 'param' else 'limit'} and stands in {kind} too"
            yield paging.mistake(key, what, f"leave {name} out of {kind}: paging sends it")


PARTITION_RULES = (Rule(("by", "default", "names"), _partition),)
STREAM_RULES = (
    Rule(("responses",), _responses),
    Rule(("paging", "responses"), _ending),
    Rule((), _asking),
    Rule(("files",), _no_files),
    Rule(("paging",), _carried),
    Rule((), _stage_needs),
    Rule(("stage", "contract"), _avro_names),
    Rule(("stage", "contract"), _delta_names),
    Rule(("stage", "contract"), _csv_nulls),
    *LOAD_RULES,
)
ROOT_RULES = (
    Rule(("streams",), _some_streams),
    Rule(("streams",), _source_wanted),
    Rule((), _windows),
    Rule((), _without_time),
    Rule((), _never_both),
    *NAME_RULES,
    *PARENT_RULES,
    *LOAD_ROOT_RULES,
    Rule((), _sent_once),
)
