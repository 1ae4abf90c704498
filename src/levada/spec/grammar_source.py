"""The part of the language that says where the API is, and what one stream asks of it."""

from collections.abc import Mapping
from typing import Any

from levada.spec.engine import Each, Free, Given, Key, Named, Section
from levada.spec.grammar_auth import AUTH
from levada.spec.model import Body, BodyKind, Budget, Limits, Request, Retry, Source
from levada.spec.rules_source import REQUEST_RULES, RETRY_RULES, SOURCE_RULES, at_path
from levada.spec.template import Template
from levada.spec.values import choice, duration, flag, integer, number, rate, size, text
from levada.spec.values_template import template, tree_leaf
from levada.spec.values_web import answer_header, body_name, header_name, param_name, url

__all__ = ["REQUEST", "SOURCE"]

#: What requests can say; which of these a stream has is a rule of the whole spec.
_KNOWN = ("date", "partition", "start", "end", "tick", "row")
_SENT = template(*_KNOWN, empty=True)
_PARAMS = Named(Each(_SENT, single=True), param_name, "parameter")
_HEADERS = Named(template(*_KNOWN), header_name, "header")
_TREE = Free(tree_leaf(*_KNOWN), body_name)


def _pairs(given: Mapping[str, Any]) -> tuple[tuple[str, Template], ...]:
    """Headers and params in order; a parameter with several values comes several times."""
    listed = {name: value if isinstance(value, tuple) else (value,) for name, value in given.items()}
    return tuple((name, value) for name, values in listed.items() for value in values)


def _asking(given: Given) -> dict[str, Any]:
    """The values of a section, its params and headers as pairs."""
    pairs: dict[str, Any] = {key: _pairs(given.values[key]) for key in ("params", "headers") if key in given.values}
    return {**given.values, **pairs, "place": given.place}


RETRY = Section(
    "retry",
    "What happens after 429, 5xx, time-outs and broken answers: ask again, after a random wait that grows.",
    (
        Key("attempts", integer(1, 100), "how often one page is asked for at most", "5", example="attempts: 8"),
        Key("wait", duration(zero=True), "longest wait before the second attempt", "1s", example="wait: 2s"),
        Key("factor", number(1, 100), "what the longest wait grows by with each attempt", "2", example="factor: 3"),
        Key("cap", duration(zero=True), "longest wait between two attempts", "60s", example="cap: 2m"),
        Key(
            "jitter",
            choice("full", "none"),
            "`full`: between 0 and the longest wait, by chance; `none`: the longest wait itself",
            "full",
            example="jitter: none",
        ),
        Key(
            "max_wait",
            duration(zero=True),
            "longest Retry-After that is waited for; a longer one ends the run as try again later",
            "5m",
            example="max_wait: 1h",
        ),
    ),
    lambda given: Retry(**given.values),
    rules=RETRY_RULES,
)

BUDGET = Section(
    "budget",
    "Headers that tell what is left of a budget, besides the usual ones (RateLimit-*, X-RateLimit-*).",
    (
        Key(
            "remaining",
            answer_header,
            "how many requests are left",
            required=True,
            example="remaining: X-Calls-Left",
        ),
        Key(
            "reset", answer_header, "when there are more: seconds, or a moment", required=True, example="reset: X-Until"
        ),
    ),
    lambda given: Budget(**given.values),
    around="remaining: X-Left, reset: X-Reset",
)

LIMITS = Section(
    "limits",
    "How much is asked for at once and in a time, and accepted at most.",
    (
        Key("concurrency", integer(1, 256), "requests under way at once", "4", example="concurrency: 16"),
        Key("page_size", size, "largest body of one answer", "256MB", example="page_size: 64MB"),
        Key(
            "rate",
            Each(rate, single=True),
            "requests in a time; of several, all hold",
            "none",
            example="rate: [10/s, 40/10s, 5000/h]",
        ),
        Key("budget", BUDGET, "headers of a budget", "none", example="budget: {remaining: X-Left, reset: X-Reset}"),
    ),
    lambda given: Limits(**given.values),
)

SOURCE = Section(
    "source",
    "Where the API is and how it is spoken to.",
    (
        Key(
            "url",
            url,
            "http or https URL that the paths of requests are added to",
            required=True,
            example="url: https://api.example.com/v1",
        ),
        Key("auth", AUTH, "how the API knows who asks", "none", example='auth: {bearer: "${TOKEN}"}'),
        Key("headers", _HEADERS, "headers of every request", "none", example="headers: {Accept: application/json}"),
        Key("params", _PARAMS, "query parameters of every request", "none", example="params: {lang: en, tag: [a, b]}"),
        Key("timeout", duration(), "time for one request and its whole answer", "60s", example="timeout: 30s"),
        Key("retry", RETRY, "when and how often to ask again", "as below", example="retry: {attempts: 3}"),
        Key("limits", LIMITS, "how much at once, and in a time", "as below", example="limits: {rate: 10/s}"),
    ),
    lambda given: Source(**_asking(given)),
    rules=SOURCE_RULES,
    around="url: https://api.example.com",
)

GRAPHQL = Section(
    "graphql",
    "A GraphQL query; sent as JSON, and asked again where a GET would be.",
    (
        Key(
            "query",
            text(lines=True),
            "the query as it is: braces are braces, values go by variables",
            required=True,
            example='query: "query ($n: Int) { posts(first: $n) { id } }"',
        ),
        Key(
            "variables",
            Free(tree_leaf(*_KNOWN), body_name, mapping=True),
            "what the query's variables are; templates in texts",
            "none",
            example='variables: {n: 50, day: "{date}"}',
        ),
    ),
    lambda given: {"query": given.values["query"], "variables": given.get("variables", {})},
    around='query: "{ posts { id } }"',
)


def _request(given: Given) -> Request:
    found = _asking(given)
    kinds: tuple[BodyKind, ...] = ("json", "form", "text", "graphql")
    for kind in kinds:
        if kind in found:
            content = found.pop(kind)
            found["body"] = Body(kind, _pairs(content) if kind == "form" else content)
            found.setdefault("method", "POST")
    return Request(**found)


REQUEST = Section(
    "request",
    "What one stream asks for. Query: the source's params, then these, then the page.",
    (
        Key(
            "method",
            choice("GET", "POST"),
            "how it is asked",
            "POST with a body, else GET",
            example="method: POST",
        ),
        Key(
            "path",
            template(*_KNOWN, check=at_path),
            "added to the source's url; an absolute URL goes to its own host, without credentials",
            required=True,
            example='path: "/sales/{date:%Y/%m}"',
        ),
        Key(
            "params",
            _PARAMS,
            "query parameters; a list sends the key several times",
            "none",
            example='params: {day: "{date}", kind: [a, b], empty: ""}',
        ),
        Key("headers", _HEADERS, "headers of this stream's requests", "none", example='headers: {X-Day: "{date}"}'),
        Key(
            "json",
            _TREE,
            "a JSON body; texts are templates, the rest as YAML types it",
            "none",
            example='json: {day: "{date}", n: 5, tags: [a], flag: true, none: null}',
        ),
        Key(
            "form",
            _PARAMS,
            "a form body; a list sends the key several times",
            "none",
            example="form: {a: b, c: [1, 2]}",
        ),
        Key(
            "text",
            template(*_KNOWN, lines=True),
            "a text body",
            "none",
            example='text: "day={date}"',
        ),
        Key("graphql", GRAPHQL, "a GraphQL query", "none", example='graphql: {query: "{ posts { id } }"}'),
        Key(
            "repeatable",
            flag(),
            "asking twice does no harm: asked again after 5xx and broken answers",
            "true for GET and GraphQL, else false",
            example="method: POST, repeatable: true",
        ),
    ),
    _request,
    rules=REQUEST_RULES,
    around="path: /sales",
)
