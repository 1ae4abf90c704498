"""Rules between the keys of a spec: what one value demands of another. Pure; each tells its mistakes, none stops."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from levada.spec.engine import BROKEN, Given, Path, Reading, Rule, Wrong
from levada.spec.names import RAW, meet, misplaced, tells_partitions, vague
from levada.spec.template import Template, Value, parse, variables
from levada.spec.tree import Mistake

__all__ = [
    "CONTRACT_RULES",
    "PAGING_RULES",
    "REQUEST_RULES",
    "RESPONSE_RULES",
    "RETRY_RULES",
    "ROOT_RULES",
    "SOURCE_RULES",
    "STREAM_RULES",
    "at_partition",
    "from_root",
]

#: https://avro.apache.org/docs/1.12.0/specification/#names; fastavro writes others, which few can read.
_AVRO_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def at_partition(template: Template) -> None:
    """Refuse a name that two partitions would share. Raises Wrong."""
    if not tells_partitions(template):
        what = "the name does not tell days apart: two partitions would share it"
        raise Wrong(what, "put {partition}, {date}, or a date with year, month and day such as {date:%Y/%m/%d} into it")
    if vague(template):
        what = "the name runs numbers together: 1 and 11 give the same as 11 and 1"
        raise Wrong(what, "put a character that is no digit between them, or use %m and %d")


def from_root(template: Template) -> None:
    """Refuse a request path that is not one below the source's url. Raises Wrong."""
    shape = "".join(part if isinstance(part, str) else "x" for part in template.parts)
    if not shape.startswith("/"):
        raise Wrong("the path does not begin with /", "write the path as it follows the url, such as /sales")
    if re.search(r"[?#\s\\]", shape):
        raise Wrong("the path holds a ?, a #, a blank or a backslash", "write the query under params")
    if {"..", "."} & set(shape.split("/")):
        raise Wrong("the path climbs with . or ..", "write the path that is meant")


def _retry(given: Given, _: Reading) -> Iterator[Mistake]:
    wait, cap = given.get("wait", 1.0), given.get("cap", 60.0)
    if wait > cap:
        yield given.mistake("wait", "wait is longer than cap, the longest wait", "raise cap, or shorten wait")


def _paging(given: Given, _: Reading) -> Iterator[Mistake]:
    if given.values["by"] == "none":
        for key in given.values.keys() - {"by"}:
            yield given.mistake(key, f"{key} has no meaning with by: none", f"leave {key} out, or write by: page")


def _response(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.places.keys() - {"means"}:
        yield given.mistake("means", "the rule matches every answer", "give it a status, a text or both")


def _responses(given: Given, _: Reading) -> Iterator[Mistake]:
    """A rule that an earlier one covers is never reached."""
    rules = given.get("responses", ())
    for number, rule in enumerate(rules):
        for earlier in rules[:number]:
            same_status = not earlier.statuses or earlier.statuses == rule.statuses
            if same_status and (earlier.text is None or (rule.text is not None and earlier.text in rule.text)):
                what = f"this response is never reached: the rule in line {earlier.place.line} matches first"
                yield Mistake(rule.place, what, "leave it out, or put it before the other")
                break


def _headers(given: Given, _: Reading) -> Iterator[Mistake]:
    seen: set[str] = set()
    for name in given.get("headers", {}):
        if name.lower() in seen:
            yield given.mistake("headers", f"the header {name} stands here twice", "leave one of them out")
        seen.add(name.lower())


def _contract(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.values["fields"]:
        yield given.mistake("fields", "the contract has no fields", "write each as `name: type`")


def _stage_needs(given: Given, _: Reading) -> Iterator[Mistake]:
    if "stage" in given.values and "contract" not in given.values:
        yield given.mistake("stage", "stage needs a contract: it writes checked records", "add contract: {fields: ...}")


def _avro_names(given: Given, reading: Reading) -> Iterator[Mistake]:
    if "stage" not in given.values or given.get("contract") is None:
        return
    for field in given.values["contract"].fields:
        if not _AVRO_NAME.fullmatch(field.name):
            place = reading.sections[(*given.path, "contract", "fields", field.name)].place
            yield Mistake(place, f'"{field.name}" is no name for a field in Avro', "leave the field out for now")


def _one_page(given: Given, _: Reading) -> Iterator[Mistake]:
    paging, raw = given.get("paging"), given.get("raw")
    single = paging is None or paging.by == "none" or paging.max_pages == 1
    if raw is not None and not single and "page" not in variables(raw):
        what = "raw lacks {page}: two pages would share one name"
        yield given.mistake("raw", what, "put {page} into it, or write raw: none and give raw_joined this name")


def _names(path: Path, reading: Reading) -> Iterator[tuple[str, Template, Given]]:
    """The lake names of a stream that were read well: key, template, and the section that it stands in."""
    for at, key in ((path, "raw"), (path, "raw_joined"), ((*path, "stage"), "avro")):
        given = reading.sections.get(at)
        found = given.get(key, parse(RAW) if key == "raw" else None) if given else None
        if given and isinstance(found, Template):
            yield key, found, given


def _known(path: Path, reading: Reading) -> Mapping[str, Value]:
    pipeline = reading.sections[()].get("pipeline")
    return {"pipeline": pipeline if isinstance(pipeline, str) else "pipeline", "stream": path[1]}


def _inside(_: Given, reading: Reading) -> Iterator[Mistake]:
    for path in _streams(reading):
        for key, template, given in _names(path, reading):
            if wrong := misplaced(template, _known(path, reading)):
                todo = "write a name such as raw/sales/{date}/sales_{date}_{page}.json"
                yield given.mistake(key, f"{key} gives no name in the lake: {wrong}", todo)


def _streams(reading: Reading) -> list[Path]:
    return [path for path in reading.sections if len(path) == 2 and path[0] == "streams"]  # noqa: PLR2004 - streams.x


def _apart(_: Given, reading: Reading) -> Iterator[Mistake]:
    """No two templates of the file may give one name."""
    found = [(path, *name) for path in _streams(reading) for name in _names(path, reading)]
    for number, (path, key, template, given) in enumerate(found):
        for other_path, other_key, other, where in found[:number]:
            if meet(template, other, (_known(path, reading), _known(other_path, reading))):
                line = where.mistake(other_key, "").place.line
                what = f"{key} of {path[1]} can give the same name as {other_key} of {other_path[1]} (line {line})"
                yield given.mistake(key, what, "let them differ in a folder, in the beginning or in the ending")


def _some_streams(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.values["streams"]:
        yield given.mistake("streams", "the spec has no streams", "add one: a name, and below it its request")


def _sent_once(_: Given, reading: Reading) -> Iterator[Mistake]:
    """A parameter or header comes from one place: the source, the request, the paging or auth."""
    source = reading.sections.get(("source",))
    shared = {kind: _lower(source, kind) for kind in ("params", "headers")}
    auth = reading.sections.get(("source", "auth"))
    key = str(auth.get("header", "")).lower() if auth else ""
    if source and key in shared["headers"]:
        yield source.mistake("headers", f"{key} stands in headers and in auth", "leave it out of headers")
    for path in _streams(reading):
        request = reading.sections.get((*path, "request"))
        if request:
            yield from _twice(request, shared, key)
            yield from _page_param(
                reading.sections.get((*path, "paging")), _lower(request, "params") | shared["params"]
            )


def _lower(given: Given | None, kind: str) -> set[str]:
    """The names of params (as they are) or headers (in lower case) of a section."""
    found: Any = given.get(kind, {}) if given else {}
    names = set() if found is BROKEN else set(found)
    return {name.lower() for name in names} if kind == "headers" else names


def _twice(request: Given, shared: Mapping[str, set[str]], auth: str) -> Iterator[Mistake]:
    for kind in ("params", "headers"):
        for name in sorted(_lower(request, kind) & shared[kind]):
            yield request.mistake(
                kind, f"{name} stands in {kind} of the source too", "write it in one of the two places"
            )
    if auth in _lower(request, "headers"):
        yield request.mistake("headers", f"{auth} stands in headers and in auth", "leave it out of headers")


def _page_param(paging: Given | None, params: set[str]) -> Iterator[Mistake]:
    if paging and paging.get("by") == "page" and (param := paging.get("param", "page")) in params:
        what = f"{param} carries the page number and stands in params too"
        yield paging.mistake("param", what, f"leave {param} out of params: paging sends it")


RETRY_RULES = (Rule(("wait", "cap"), _retry),)
PAGING_RULES = (Rule(("by",), _paging),)
RESPONSE_RULES = (Rule(("status", "text"), _response),)
SOURCE_RULES = (Rule(("headers",), _headers),)
REQUEST_RULES = (Rule(("headers",), _headers),)
CONTRACT_RULES = (Rule(("fields",), _contract),)
STREAM_RULES = (
    Rule(("responses",), _responses),
    Rule((), _stage_needs),
    Rule(("stage", "contract"), _avro_names),
    Rule(("paging", "raw"), _one_page),
)
ROOT_RULES = (
    Rule(("streams",), _some_streams),
    Rule((), _inside),
    Rule((), _apart),
    Rule((), _sent_once),
)
