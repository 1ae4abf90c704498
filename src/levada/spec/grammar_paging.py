"""The part of the language that says how one page leads to the next, and which answers mean something else."""

from typing import Any

from levada.spec.engine import Each, Given, Key, Section
from levada.spec.model import Paging, Ref, ResponseRule
from levada.spec.rules_paging import PAGING_RULES, REF_RULES, RESPONSE_RULES
from levada.spec.values import choice, class_name, flag, integer, json_path, statuses, text, tolerance
from levada.spec.values_web import answer_header, header_match, param

__all__ = ["PAGING", "RESPONSE"]

#: What a paging that goes on by number is asked with where the spec does not say.
_NAMES = {"page": "page", "offset": "offset", "cursor": "cursor"}
_COUNTED = ("page", "offset")
#: Words of other tools.
_OTHERS = {
    **dict.fromkeys(("header_link", "link_header"), "did you mean link?"),
    **dict.fromkeys(("json_link", "json_response", "url", "next"), "did you mean next_url?"),
    **dict.fromkeys(("header_cursor", "token", "after"), "did you mean cursor?"),
    **dict.fromkeys(("single_page", "single"), "did you mean none?"),
    "limit": "did you mean offset?",
}


def _ref(noun: str, doc: str, *, last: bool = False) -> Section:
    """Where an answer says something: a JSONPath into the body, or one of these keys."""
    keys = [
        Key("body", json_path, "a JSONPath into the body", "none", example="body: $.meta.next"),
        Key("header", answer_header, "the name of a header of the answer", "none", example="header: X-Next"),
    ]
    if last:
        keys.append(Key("last", json_path, "a JSONPath into the last record", "none", example="last: $.id"))
    return Section(noun, doc, tuple(keys), lambda given: Ref(**given.values), rules=REF_RULES, short="body")


NEXT = _ref("next", "Where an answer names what comes next: a JSONPath, or a mapping with one key.", last=True)
PLACE = _ref(
    "a total", "Where an answer tells a total or whether there is more: a JSONPath, or a mapping with one key."
)


def _paging(given: Given) -> Paging:
    """The noun, the defaults that hang on `by` filled in."""
    found: dict[str, Any] = dict(given.values)
    by = found["by"]
    if "in" in found:
        found["carrier"] = found.pop("in")
    if "class" in found:
        found["name"] = found.pop("class")
    if by in _NAMES:
        found.setdefault("param", _NAMES[by])
    if by == "offset":
        found = {"start": 0, "limit_param": "limit", **found}
    if by == "next_url":
        found.setdefault("next", Ref(body="$.next"))
    if by not in (*_COUNTED, "none"):
        found.setdefault("stop_when_empty", False)
    return Paging(**found)


PAGING = Section(
    "paging",
    "How one page leads to the next. Left out, there is a single page.",
    (
        Key(
            "by",
            choice("page", "offset", "cursor", "next_url", "link", "class", "none", others=_OTHERS),
            "`page` number, `offset`, `cursor`, `next_url` in the body, `link` header (RFC 8288), your own `class`, or"
            " `none`: a single page",
            required=True,
            example="by: link",
        ),
        Key(
            "param",
            param,
            "what carries the page, offset or cursor: a parameter, a header, or a dotted path in the body",
            "`page`, `offset` or `cursor`; `page` for class",
            example="param: p",
        ),
        Key(
            "in",
            choice("query", "header", "body"),
            "where it is carried: `query`, `header` or `body`",
            "query",
            example="in: header, param: X-Page",
        ),
        Key(
            "start",
            integer(0, 2**31 - 1),
            "the first page number or offset",
            "1 for page, 0 for offset",
            example="start: 0",
        ),
        Key(
            "limit",
            integer(1, 10**9),
            "records of a full page; sent if `limit_param` names how",
            "none",
            example="by: offset, limit: 100",
        ),
        Key(
            "limit_param",
            param,
            "what carries `limit`, where `param` is carried",
            "`limit` for offset, else not sent",
            example="limit: 100, limit_param: per_page",
        ),
        Key(
            "next",
            NEXT,
            "where the next cursor or URL is",
            "`$.next` for next_url",
            example="by: cursor, next: $.next_cursor",
        ),
        Key("rel", text(), "the relation of the link that leads on", "next", example="by: link, rel: more"),
        Key(
            "keep_origin",
            flag(),
            "ask the source's own origin, whatever host the next URL names",
            "false",
            example="by: next_url, keep_origin: true",
        ),
        Key(
            "class",
            class_name,
            "`module:function` of your own code",
            "none",
            example="by: class, class: mymodule:pages",
        ),
        Key(
            "stop_when_empty",
            flag(),
            "a page without records is the end",
            "true for page and offset, else false",
            example="stop_when_empty: false, max_pages: 9",
        ),
        Key(
            "stop_when_short",
            flag(),
            "a page of fewer than `limit` records is the end",
            "false",
            example="stop_when_short: true, limit: 50",
        ),
        Key(
            "total_rows",
            PLACE,
            "where the number of all records is; what was read is held to it",
            "none",
            example="total_rows: $.total",
        ),
        Key(
            "total_pages",
            PLACE,
            "where the number of all pages is; what was read is held to it",
            "none",
            example="total_pages: {header: X-Pages}",
        ),
        Key("has_more", PLACE, "where it says whether there is more", "none", example="has_more: $.has_more"),
        Key(
            "max_pages",
            integer(1, 10**6),
            "number of pages after which paging ends, this one included",
            "none",
            example="max_pages: 500",
        ),
        Key(
            "last",
            integer(0, 2**31 - 1),
            "the highest page number or offset that is asked for, itself included",
            "none",
            example="last: 20",
        ),
        Key(
            "tolerance",
            tolerance,
            "how far what was read may be from the total: a count, or a share",
            "0",
            example="tolerance: 1%, total_rows: $.total",
        ),
        Key(
            "ahead",
            flag(off=True),
            "ask for pages before the earlier ones are there; `off` for APIs that count misses",
            "true",
            example="ahead: off",
        ),
    ),
    _paging,
    rules=PAGING_RULES,
    around="by: page",
)


def _response(given: Given) -> ResponseRule:
    found = {"statuses" if key == "status" else key: value for key, value in given.values.items()}
    return ResponseRule(place=given.place, **found)


RESPONSE = Section(
    "a response rule",
    "An answer that all of these fit means something other than a page or an error. First match wins.",
    (
        Key(
            "status",
            Each(statuses, single=True),
            "the status: `404`, a list, or `5xx`; left out: any",
            "any",
            example="status: [404, 5xx], means: retry",
        ),
        Key(
            "text",
            text(lines=True),
            "found anywhere in the body, case-sensitive; left out: any",
            "any",
            example="text: no such page, means: end",
        ),
        Key(
            "json",
            json_path,
            "finds a value in the body that is not null, false or empty",
            "any",
            example="json: $.errors, means: fail",
        ),
        Key(
            "header",
            header_match,
            'a header that is there, `Name`, or has a value, `"Name: value"`',
            "any",
            example='header: "X-Status: pending", means: wait',
        ),
        Key(
            "means",
            choice("end", "no_data", "empty", "retry", "wait", "skip", "refresh_auth", "fail"),
            "`end` of the pages, `no_data` at all, an `empty` page, `retry`, `wait` as a Retry-After or budget says,"
            " `skip` (a counted gap), `refresh_auth`, or `fail` at once",
            required=True,
            example="status: 404, means: no_data",
        ),
    ),
    _response,
    rules=RESPONSE_RULES,
    around="status: 404, means: end",
)
