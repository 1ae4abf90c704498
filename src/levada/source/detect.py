"""One answer of an API -> what a spec for it may say: where the records are, how it pages. Pure.

These are suggestions for a person to look at, each with its reason; nothing is ever run on them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from levada.source.links import target_of

__all__ = ["Certainty", "Suggestion", "Suggestions", "detect", "single_entity"]

#: certain: the answer, or the URL as it was typed, says so itself; likely: known names at their usual places;
#: guess: no more than that.
Certainty = Literal["certain", "likely", "guess"]

#: Keys under which APIs put records, the most telling first.
_RECORDS = (
    "data", "items", "results", "entries", "records", "rows",
    "entities", "payload", "content", "objects", "values",
)  # fmt: skip
#: Objects within objects that are looked into.
_DEEPEST = 3
# Names without punctuation and in lower case: nextPage, next_page and next-page are one.
_NEXT_URL = frozenset(
    ("next", "nexturl", "nexturi", "nextlink", "nextpage", "nextpageurl", "nextpagelink", "nexthref", "odatanextlink")
) | {"nextrecordsurl", "nextpageuri"}
_ADDRESS = frozenset(("href", "url", "uri", "link"))
_CURSOR = frozenset(
    ("nextcursor", "nextid", "nexttoken", "nextpagetoken", "nextpage", "nextkey", "nextoffset", "nextmarker", "next")
) | {"continuationtoken", "continuation", "endcursor", "scrollid", "after"}
#: Where `after` is a cursor and no date: `paging.cursors.after`.
_HOLDERS = frozenset(("cursors", "cursor", "paging", "pagination", "pageinfo"))
_TOTAL_PAGES = frozenset(("totalpages", "pages", "pagecount", "totalpagecount", "numpages", "lastpage", "pagestotal"))
_TOTAL_ROWS = frozenset(("total", "totalcount", "totalrecords", "totalresults", "totalitems", "totalrows", "count"))
#: The same in headers, and the number of the next page.
_PAGES_HEADERS = frozenset(("xtotalpages", "xwptotalpages", "xpagecount", "xpaginationpagecount", "xpaginationpages"))
_ROWS_HEADERS = frozenset(("xtotalcount", "xtotal", "xwptotal", "xtotalrecords", "xpaginationtotalcount", "totalcount"))
_NEXT_HEADERS = frozenset(("xnextpage", "xpaginationnextpage"))
_MORE = frozenset(("hasmore", "hasnext", "hasnextpage", "hasmoreitems", "hasmorepages", "more"))
#: Lists under these keys are what went wrong, and no records.
_WRONG = ("error", "errors")
_PAGE = ("page", "pagenumber", "currentpage", "pageno", "pageindex", "p")
_OFFSET = ("offset", "skip", "start", "startindex")
_LIMIT = ("limit", "perpage", "pagesize", "take", "count", "size", "maxresults")
_SINGLE = re.compile(r"\{[\w-]+\}[^/{}]*/?")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A key of a stream, what it may say, and why."""

    key: Literal["records", "paging", "format"]
    #: Keys below it and their values; a single pair with the key "" is the value itself.
    said: tuple[tuple[str, str | int], ...]
    certainty: Certainty
    why: str


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What one answer suggests. `None`: the default of the language fits, or nothing is known."""

    #: JSONPath of the records; "$" also where the body is a bare list, which needs no `records` key.
    path: str
    records: Suggestion | None
    paging: Suggestion | None
    format: Suggestion | None
    #: Records seen on the page.
    rows: int
    #: What else a person should know, such as "25 in all, 5 on this page, and no way to the others was recognised".
    hints: tuple[str, ...] = ()
    #: Whether the body is in none of the formats that are known.
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A value in the body and where it is."""

    path: _Path
    value: Any

    @property
    def name(self) -> str:
        return _folded(self.path[-1])

    @property
    def holder(self) -> str:
        return _folded(self.path[-2]) if len(self.path) > 1 else ""


def detect(status: int, headers: Mapping[str, str], body: bytes, url: str) -> Suggestions:
    """What a spec for `url` may say, from its first answer.

    Args:
        status: Of the answer; only 2xx tells anything.
        headers: Names in lower case.
        body: Decoded from transfer- and content-coding.
        url: As it was asked, query included; a `{name}` in its last segment means one entity.
    """
    if not 200 <= status < 300:  # noqa: PLR2004 - the class of statuses
        return Suggestions("$", None, None, None, 0, (f"status {status} tells nothing of records or paging",))
    try:
        tree = json.loads(body.decode("utf-8-sig")) if body.strip() else None
    except (ValueError, RecursionError):
        return _other_format(headers, body)
    if tree is None:
        return Suggestions("$", None, None, None, 0, ("the body is empty: look at an answer that has records",))
    values = tuple(_walk(tree)) if isinstance(tree, dict) else ()
    if single_entity(url):
        why = "the path names one entity, so the body is one record"
        return Suggestions("$", Suggestion("records", (("", "$"),), "likely", why), None, None, 1)
    path, records, rows = _records(tree, values)
    paging = _paging(headers, values, url, rows)
    return Suggestions(path, records, paging, None, rows, tuple(_hints(headers, values, paging, rows)))


def single_entity(path: str) -> bool:
    """Whether a path, such as `/users/{user_id}`, asks for one entity: its last segment holds a `{name}`."""
    last = path.rstrip("/") if path.endswith("/") else path
    return bool(_SINGLE.search(last.rpartition("/")[2])) and not last.endswith("{")


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _walk(tree: Mapping[str, Any], path: _Path = ()) -> Iterator[_Found]:
    """Every value within reach, the least nested first; lists are not looked into."""
    for key, value in tree.items():
        yield _Found((*path, key), value)
    for key, value in tree.items():
        if isinstance(value, dict) and len(path) + 1 < _DEEPEST:
            yield from _walk(value, (*path, key))


def _json_path(path: _Path) -> str:
    """RFC 9535; a name that is no identifier is quoted."""
    steps = (f".{key}" if _IDENTIFIER.fullmatch(key) else f"['{_quoted(key)}']" for key in path)
    return "$" + "".join(steps)


def _quoted(key: str) -> str:
    return json.dumps(key)[1:-1].replace('\\"', '"').replace("'", "\\'")


# -- records


def _records(tree: Any, values: tuple[_Found, ...]) -> tuple[str, Suggestion | None, int]:
    """The path of the records, what the spec has to say of it, and how many there are."""
    if isinstance(tree, list):
        return "$", None, len(tree)
    lists = [found for found in values if _may_be_records(found.value) and found.path[0] not in _WRONG]
    if not isinstance(tree, dict) or not lists:
        why = "the body is one object without a list of objects: it is one record itself"
        return "$", Suggestion("records", (("", "$"),), "likely", why), 1
    chosen = min(lists, key=_rank)
    path, rows = _json_path(chosen.path), len(chosen.value)
    certainty, why = _how_sure(chosen, lists, path)
    return path, Suggestion("records", (("", f"{path}[*]"),), certainty, why), rows


def _may_be_records(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _rank(found: _Found) -> tuple[bool, int, int]:
    """Known names before others, then the least nested, then the more telling name."""
    known = found.name in _RECORDS
    return not known, len(found.path), _RECORDS.index(found.name) if known else 0


def _how_sure(chosen: _Found, lists: list[_Found], path: str) -> tuple[Certainty, str]:
    rows = len(chosen.value)
    others = ", ".join(_json_path(found.path) for found in lists if found is not chosen)
    also = f"; there are lists at {others}, too" if others else ""
    if not rows:
        return "guess", f"an empty list at {path}{also}"
    seen = f"{rows} objects at {path}" if rows > 1 else f"one object in the list at {path}"
    if chosen.name in _RECORDS and not others:
        return "certain", f"{seen}, the only list"
    return ("likely" if chosen.name in _RECORDS or not others else "guess"), f"{seen}{also}"


# -- paging


def _paging(headers: Mapping[str, str], values: tuple[_Found, ...], url: str, rows: int) -> Suggestion | None:
    """The way to the next page that is told most plainly, or None."""
    asked = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return (
        _link(headers)
        or _next_url(values)
        or _cursor(values, asked)
        or _numbered(values, asked)
        or _headed(headers, values, asked)
        or _typed(asked, rows)
    )


def _link(headers: Mapping[str, str]) -> Suggestion | None:
    if not target_of(headers.get("link", ""), "next"):
        return None
    return Suggestion("paging", (("by", "link"),), "certain", "the Link header has a next page (RFC 8288)")


def _next_url(values: tuple[_Found, ...]) -> Suggestion | None:
    for found in values:
        named = found.name in _NEXT_URL or (found.name in _ADDRESS and found.holder in _NEXT_URL)
        if named and isinstance(found.value, str) and found.value.startswith(("http://", "https://", "/", "?")):
            path = _json_path(found.path)
            said = (("by", "next_url"), ("next", path))
            return Suggestion("paging", said, "certain", f"{path} holds the address of the next page")
    return None


def _cursor(values: tuple[_Found, ...], asked: Mapping[str, str]) -> Suggestion | None:
    for found in values:
        if _is_cursor(found):
            path = _json_path(found.path)
            param, known = _cursor_param(found, asked)
            why = f"{path} holds {'a number' if isinstance(found.value, int) else 'a text'} that leads on"
            told = "" if known else f"; look up which parameter takes it: `{param}` is a guess"
            said = (("by", "cursor"), ("next", path), ("param", param))
            return Suggestion("paging", said, "likely" if known else "guess", why + told)
    return None


def _is_cursor(found: _Found) -> bool:
    if found.name not in _CURSOR or isinstance(found.value, bool):
        return False
    if found.name == "after" and found.holder not in _HOLDERS:
        return False
    return isinstance(found.value, int) or (isinstance(found.value, str) and bool(found.value))


def _cursor_param(found: _Found, asked: Mapping[str, str]) -> tuple[str, bool]:
    """The parameter that may carry the cursor, and whether the URL that was typed has it."""
    bare = found.name.removeprefix("next") or "cursor"
    for name in asked:
        if _folded(name) in {bare, found.name, "cursor"}:
            return name, True
    stem = re.sub(r"^next[_-]?", "", found.path[-1], flags=re.IGNORECASE)
    stem = stem[:1].lower() + stem[1:]
    return stem if found.name.startswith("next") and stem and _IDENTIFIER.fullmatch(stem) else "cursor", False


def _numbered(values: tuple[_Found, ...], asked: Mapping[str, str]) -> Suggestion | None:
    for found in values:
        if found.name in _TOTAL_PAGES and _number(found.value) is not None:
            path = _json_path(found.path)
            param, start, sure = _page_param(values, asked)
            said = (("by", "page"), ("param", param), ("start", start), ("total_pages", path))
            why = f"{path} says {found.value} pages"
            guessed = "" if sure else f"; look up which parameter asks for a page: `{param}` from {start} is a guess"
            return Suggestion("paging", said, "certain" if sure else "likely", why + guessed)
    return None


def _headed(headers: Mapping[str, str], values: tuple[_Found, ...], asked: Mapping[str, str]) -> Suggestion | None:
    """The number of the next page, or of all pages, in a header."""
    told = {name: _folded(name) for name, value in headers.items() if value.isdecimal()}
    name = next((name for names in (_NEXT_HEADERS, _PAGES_HEADERS) for name in told if told[name] in names), None)
    if not name:
        return None
    param, start, sure = _page_param(values, asked)
    said: tuple[tuple[str, str | int], ...] = (("by", "cursor"), ("next", f"{{header: {name}}}"), ("param", param))
    if told[name] in _PAGES_HEADERS:
        said = (("by", "page"), ("param", param), ("start", start), ("total_pages", f"{{header: {name}}}"))
    why = f"the header {name} says {headers[name]}"
    guessed = "" if sure else f"; look up which parameter asks for a page: `{param}` is a guess"
    return Suggestion("paging", said, "certain" if sure else "likely", why + guessed)


def _page_param(values: tuple[_Found, ...], asked: Mapping[str, str]) -> tuple[str, int, bool]:
    """The parameter that may carry the page number, where it may start, and whether the URL that was typed says so."""
    for name, value in asked.items():
        if _folded(name) in _PAGE and value in {"0", "1"}:
            return name, int(value), True
    seen = next((found for found in values if found.name in _PAGE and _number(found.value) is not None), None)
    # Without a parameter APIs give their first page: what they call it is where counting starts.
    start = 0 if seen and _number(seen.value) == 0 else 1
    named = seen and seen.name in {"page", "pagenumber"}
    return (seen.path[-1] if seen and named else "page"), start, False


def _typed(asked: Mapping[str, str], rows: int) -> Suggestion | None:
    """Paging that the URL itself has, as it was typed."""
    limit = next(
        ((name, value) for name, value in asked.items() if _folded(name) in _LIMIT and value.isdecimal()), None
    )
    for name, value in asked.items():
        if _folded(name) in _PAGE and value in {"0", "1"} and rows:
            paged = (("by", "page"), ("param", name), ("start", int(value)))
            return Suggestion("paging", paged, "certain", f"the URL that was given asks for {name}={value}")
        if _folded(name) in _OFFSET and value == "0" and limit and int(limit[1]) and rows:
            more = (("limit", int(limit[1])), ("limit_param", limit[0]))
            said = (("by", "offset"), ("param", name), *more)
            return Suggestion("paging", said, "certain", f"the URL that was given asks for {name}={value}")
    return None


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None


# -- what else


def _hints(
    headers: Mapping[str, str], values: tuple[_Found, ...], paging: Suggestion | None, rows: int
) -> Iterator[str]:
    yield from _wrong(values)
    totals = [(_json_path(found.path), found.value) for found in values if _is_total(found)]
    counted = [(f"{{header: {name}}}", headers[name]) for name in headers if _folded(name) in _ROWS_HEADERS]
    for place, value in (*totals, *counted):
        total = _number(value)
        if total is not None and total > rows:
            yield f"{place} says {total}, this page has {rows}: " + (
                f"`total_rows: {place}` in `paging` would hold every run to that"
                if paging
                else "there are more pages, and no way to them was recognised; see the API's documentation"
            )
            return
    more = next((found for found in values if found.name in _MORE and found.value is True), None)
    if more and not paging:
        path = _json_path(more.path)
        yield (
            f"{path} is true: there are more pages, and no way to them was recognised; some APIs take the id of the"
            f" last record, as in paging: {{by: cursor, param: starting_after, next: {{last: $.id}}, has_more: {path}}}"
        )
    nulls = [found for found in values if found.name in _NEXT_URL | _CURSOR and found.value in (None, "", False)]
    if nulls and not paging:
        path = _json_path(nulls[0].path)
        yield f"{path} is empty: this page is the last one; look at one that others follow to see how it leads on"


def _is_total(found: _Found) -> bool:
    """`total`, or `total: {value: 9}`."""
    return found.name in _TOTAL_ROWS or (found.name == "value" and found.holder in _TOTAL_ROWS)


def _wrong(values: tuple[_Found, ...]) -> Iterator[str]:
    """Errors in an answer with a status of success: GraphQL, and APIs that say `"ok": false`."""
    wrong = next((found for found in values if found.path[0] in _WRONG and len(found.path) == 1 and found.value), None)
    if wrong:
        path = _json_path(wrong.path)
        yield (
            f"{path} says that something is wrong, with a status of success: if it does, ask again with what is"
            f" missing, and add responses: [{{status: 2xx, json: {path}, means: fail}}]"
        )


def _other_format(headers: Mapping[str, str], body: bytes) -> Suggestions:
    """Bodies that are no JSON as a whole."""
    media, start = headers.get("content-type", "").lower(), body.lstrip()[:1]
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > 1 and all(_is_object(line) for line in lines[:20]):
        return _formatted("json_lines", "every line is a JSON object of its own", len(lines))
    if start == b"<" and b"<html" not in body[:1000].lower():
        return _formatted("xml", "the body begins like XML; `records` has to say where the records are", 0)
    if "csv" in media:
        return _formatted("csv", f"the Content-Type is {media.partition(';')[0]}", max(0, len(lines) - 1))
    return Suggestions(
        "$", None, None, None, 0, ("the body is neither JSON, JSON lines, CSV nor XML",), unreadable=True
    )


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _formatted(kind: str, why: str, rows: int) -> Suggestions:
    return Suggestions("$", None, None, Suggestion("format", (("", kind),), "likely", why), rows)
