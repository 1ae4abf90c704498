"""Rules between the keys of `paging` and of `responses`. Pure."""

from collections.abc import Iterator, Mapping

from levada.spec.engine import BROKEN, Given, Reading, Rule
from levada.spec.model import ResponseRule
from levada.spec.tree import Mistake

__all__ = ["PAGING_RULES", "REF_RULES", "RESPONSE_RULES", "ends", "unreached"]

_ENDS = ("stop_when_empty", "stop_when_short", "total_rows", "total_pages", "has_more", "max_pages")
_LIMIT = ("limit", "tolerance", "ahead")
_SENT = ("param", "in", "limit_param")
#: The keys that have a meaning for each `by`.
_KEYS: Mapping[str, frozenset[str]] = {
    "page": frozenset((*_ENDS, *_LIMIT, *_SENT, "start", "last")),
    "offset": frozenset((*_ENDS, *_LIMIT, *_SENT, "start", "last")),
    "cursor": frozenset((*_ENDS, *_LIMIT, *_SENT, "next")),
    "next_url": frozenset((*_ENDS, *_LIMIT, "next", "keep_origin")),
    "link": frozenset((*_ENDS, *_LIMIT, "rel", "keep_origin")),
    "class": frozenset((*_ENDS, *_LIMIT, *_SENT, "class", "keep_origin")),
    # A single page can still be held to what the API says that there is.
    "none": frozenset(("total_rows", "tolerance")),
}
#: Each of these ends paging by page or offset, besides an empty page.
_OTHER_ENDS = ("stop_when_short", "total_rows", "total_pages", "has_more", "max_pages", "last")


def _meanings(given: Given, _: Reading) -> Iterator[Mistake]:
    by = given.values["by"]
    for key in {key for key, value in given.values.items() if value is not BROKEN} - {"by"} - _KEYS[by]:
        having = [name for name, keys in _KEYS.items() if key in keys]
        yield given.mistake(
            key, f"{key} has no meaning with by: {by}", f"leave {key} out, or write by: {' or '.join(having)}"
        )


def _needs(given: Given, _: Reading) -> Iterator[Mistake]:
    by = given.values["by"]
    if by == "offset" and "limit" not in given.places:
        todo = "add limit: the number of records that one page holds"
        yield Mistake(given.place, "paging by offset lacks the key limit", todo)
    if by == "cursor" and "next" not in given.places:
        todo = "add next: $.next_cursor for the body, {header: NAME}, or {last: $.id} for the last record"
        yield Mistake(given.place, "paging by cursor lacks the key next", todo)
    if by == "class" and "class" not in given.places:
        yield Mistake(given.place, "paging by class lacks the key class", "add class: module:function")
    for key in ("stop_when_short", "limit_param"):
        if given.get(key) and "limit" not in given.places:
            yield given.mistake(key, f"{key} needs limit, the records of a full page", "add limit: NUMBER")
    if "tolerance" in given.places and not {"total_rows", "total_pages"} & given.places.keys():
        todo = "add total_rows or total_pages, or leave it out"
        yield given.mistake("tolerance", "tolerance has no total to hold to", todo)


def _last(given: Given, _: Reading) -> Iterator[Mistake]:
    start = given.get("start", 0 if given.values["by"] == "offset" else 1)
    if "last" in given.values and given.values["last"] < start:
        yield given.mistake("last", f"last is below start ({start}): nothing is asked", "raise last")


def _next(given: Given, _: Reading) -> Iterator[Mistake]:
    found = given.get("next")
    if found is not None and found.last is not None and given.values["by"] == "next_url":
        todo = "write by: cursor, or name a JSONPath into the body"
        yield given.mistake("next", "last has no meaning with by: next_url", todo)


def _exclusive(given: Given, _: Reading) -> Iterator[Mistake]:
    """A Ref says one place."""
    if len(given.places) != 1:
        what = f"{given.path[-1]} names {'no place' if not given.places else 'several places'}"
        yield Mistake(given.place, what, f"write a JSONPath, or one of {', '.join(given.places) or 'body, header'}")


def ends(given: Given) -> bool:
    """Whether a paging that was read well ends by itself."""
    counted = given.get("by") in ("page", "offset")
    told = any(given.get(key) is not None and given.get(key) is not False for key in _OTHER_ENDS)
    return not counted or told or bool(given.get("stop_when_empty", True))


def _any(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.places.keys() - {"means"}:
        yield given.mistake("means", "the rule matches every answer", "give it a status, a text, a json or a header")


def unreached(rule: ResponseRule, earlier: ResponseRule) -> bool:
    """Whether every answer that fits `rule` fits `earlier` too."""
    return (
        (not earlier.statuses or (bool(rule.statuses) and all(_within(one, earlier) for one in rule.statuses)))
        and (earlier.text is None or (rule.text is not None and earlier.text in rule.text))
        and (earlier.json is None or earlier.json == rule.json)
        and (earlier.header is None or _same_header(rule.header, earlier.header))
    )


def _within(one: tuple[int, int], rule: ResponseRule) -> bool:
    return any(low <= one[0] and one[1] <= high for low, high in rule.statuses)


def _same_header(header: tuple[str, str | None] | None, earlier: tuple[str, str | None]) -> bool:
    return header is not None and header[0] == earlier[0] and earlier[1] in (None, header[1])


PAGING_RULES = (
    Rule(("by",), _meanings),
    Rule(("by",), _needs),
    Rule(("by", "start", "last"), _last),
    Rule(("by", "next"), _next),
)
REF_RULES = (Rule((), _exclusive),)
RESPONSE_RULES = (Rule(("status", "text", "json", "header"), _any),)
