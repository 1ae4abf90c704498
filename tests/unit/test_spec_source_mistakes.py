"""Mistakes in how an API is asked: auth, bodies, paging, answers, records. What is said, where, and what to do."""

import pytest

from levada.spec.read import read_text
from mistakes import refused, told

SECRET = "hunter2secret"


def source(line):
    """A spec whose line 4, from column 3, is `line`."""
    return f"pipeline: p\nsource:\n  url: https://a.example\n  {line}\nstreams: {{s: {{request: {{path: /}}}}}}\n"


def stream(line):
    """A spec whose line 6, from column 5, is `line`."""
    return f"pipeline: p\nsource: {{url: https://a.example}}\nstreams:\n  s:\n    request: {{path: /}}\n    {line}\n"


OAUTH = "grant: client_credentials, token_url: https://id.example"
SOURCES = [
    ("auth: {}", "4:9", "auth names no scheme", "header: X-Key"),
    ('auth: {bearer: "${A}", basic: {user: "${U}", password: "${P}"}}', "4:33", "bearer and basic are two", "one"),
    ("auth: {query: k}", "4:9", "auth lacks the key key", 'key: "${NAME}"'),
    ('auth: {bearer: "${A}", key: "${B}"}', "4:31", "key has no meaning with bearer", "leave it out"),
    ('auth: {bearer: "${A}", secrets: {a: "${B}"}}', "4:35", "secrets has no meaning with bearer", "leave"),
    ("auth: {class: Signer}", "4:17", "names no class or function", "mymodule:Signer"),
    ('auth: {cookie: "a b", key: "${K}"}', "4:18", "no name of a cookie", "session"),
    ('auth: {basic: {user: "${U}"}}', "4:17", "basic lacks the key password", "add password"),
    (f'auth: {{oauth2: {{{OAUTH}, client_secret: "${{S}}"}}}}', "4:18", "lacks the key client_id", "needs it"),
    (f'auth: {{oauth2: {{{OAUTH}, client_id: "${{A}}", client_secret: "${{B}}", refresh_token: "${{C}}"}}}}',
     "4:", "refresh_token has no meaning with client_credentials", "grant: refresh_token"),
    ("auth: {oauth2: {grant: x, token_url: https://i.example, client_in: basic}}", "4:70",
     "client_in has no meaning without client_id", "add client_id"),
    ('auth: {oauth2: {grant: x, token_url: "https://u:p@i.example"}}', "4:40", "a user or a password", "auth"),
    ("auth: {login: {path: /l}}", "4:17", "login does not say where the token is", "token: $.accessToken"),
    ("auth: {login: {path: l, token: $.t}}", "4:24", "does not begin with /", "/login"),
    ("auth: {login: {path: /l, token: $.t, token_header: X}}", "4:54", "two places of the token", "one"),
    ("auth: {login: {path: /l, token: $.t, json: {a: b}, form: {a: b}}}", "4:60", "json and form are two bodies", ""),
    ("auth: {login: {path: /l, token: $.t, method: GET, form: {a: b}}}", "4:59", "a GET sends no form", "POST"),
    ("auth: {login: {path: /l, token: $.t, header: X, query: y}}", "4:58", "two ways to send the token", "one"),
    ('auth: {jwt: {key: "${K}", algorithm: none}}', "4:40", '"none" is not known here', ""),
    ('auth: {jwt: {key: "${K}", algorithm: HS256, scopes: [a]}}', "4:55", "scopes has no meaning without", "token_url"),
    ('auth: {query: q, key: "${K}"}\n  params: {q: x}', "5:11", "q stands in params and in auth", "leave it out"),
    ("limits: {rate: 10}", "4:18", '"10" is no rate', "10/s, 40/10s"),
    ("limits: {rate: [10/s, 0/s]}", "4:25", '"0/s" is no rate', ""),
    ("limits: {budget: {remaining: X}}", "4:20", "budget lacks the key reset", "add reset"),
    ("retry: {jitter: some}", "4:19", "not known here", "full, none"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "at", "what", "todo"), SOURCES, ids=[case[0][:60] for case in SOURCES])
def test_a_mistake_of_the_source_is_told(line, at, what, todo):
    told(source(line), at, what, todo)


@pytest.mark.parametrize(
    "scheme",
    [
        f"bearer: {SECRET}",
        f'bearer: "${{T:-{SECRET}}}"',
        f"query: q, key: {SECRET}",
        f'basic: {{user: "${{U}}", password: {SECRET}}}',
        f'oauth2: {{{OAUTH}, client_id: "${{A}}", client_secret: {SECRET}}}',
        f"login: {{path: /l, token: $.t, json: {{password: {SECRET}}}}}",
        f'login: {{path: /l, token: $.t, form: {{who: "x${{A}}{SECRET}"}}}}',
        f"login: {{path: /l, token: $.t, form: {{api_key: {SECRET}}}}}",
        f"jwt: {{key: {SECRET}, algorithm: HS256}}",
        f'sigv4: {{service: s, region: r, access_key: "${{A}}", secret_key: {SECRET}}}',
        f"class: 'a:b', secrets: {{any: {SECRET}}}",
    ],
)
def test_no_scheme_takes_a_secret_as_it_is_and_none_shows_it(scheme):
    error = refused(source(f"auth: {{{scheme}}}"))
    assert "not written in the spec" in error.what
    assert "hunter2" not in str(error)


STREAMS = [
    # paging
    ("paging: {by: none, max_pages: 2}", "6:35", "max_pages has no meaning with by: none", "by: page or offset"),
    ("paging: {by: page, next: $.x}", "6:30", "next has no meaning with by: page", "cursor or next_url"),
    ("paging: {by: link, limit_param: n, limit: 5}", "6:37", "limit_param has no meaning with by: link", ""),
    ("paging: {by: cursor, next: $.n, start: 3}", "6:44", "start has no meaning with by: cursor", "page or offset"),
    ("paging: {by: offset}", "6:13", "paging by offset lacks the key limit", "add limit"),
    ("paging: {by: offset, limit: 0}", "6:33", '"0" is out of range', "from 1"),
    ("paging: {by: cursor}", "6:13", "paging by cursor lacks the key next", "$.next_cursor"),
    ("paging: {by: class}", "6:13", "paging by class lacks the key class", "module:function"),
    ("paging: {by: next_url, next: {last: $.id}}", "6:34", "last has no meaning with by: next_url", "cursor"),
    ("paging: {by: cursor, next: {body: $.a, header: X}}", "6:32", "next names several places", "one of body, header"),
    ("paging: {by: cursor, next: {}}", "6:32", "next names no place", ""),
    ("paging: {by: page, total_rows: total}", "6:36", "they begin with $", "did you mean $.total?"),
    ("paging: {by: page, total_rows: {last: $.id}}", "6:37", 'unknown key "last" in a total', "body, header"),
    ("paging: {by: page, stop_when_short: true}", "6:41", "stop_when_short needs limit", "add limit"),
    ("paging: {by: page, limit_param: n}", "6:37", "limit_param needs limit", "add limit"),
    ("paging: {by: page, tolerance: 5}", "6:35", "tolerance has no total", "total_rows"),
    ("paging: {by: page, total_rows: $.t, tolerance: 100%}", "6:52", "neither a count nor a share", "5"),
    ("paging: {by: page, total_rows: $.t, tolerance: 0.5}", "6:52", "neither a count nor a share", ""),
    ("paging: {by: page, last: 0}", "6:30", "last is below start (1)", "raise last"),
    ("paging: {by: page, stop_when_empty: false}", "6:41", "nothing ends this paging", "total_rows"),
    ("paging: {by: page, stop_when_empty: false, stop_when_short: false}", "6:41", "nothing ends this paging", ""),
    ('paging: {by: page, param: ""}', "6:31", "the name is empty", ""),
    ("paging: {by: page, in: body}", "6:28", "the request has no body", "json: {}"),
    ("paging: {by: page, rel: next}", "6:29", "rel has no meaning", "by: link"),
    # responses
    ("responses: [{means: end}]", "6:25", "the rule matches every answer", "a status"),
    ("responses: [{status: 600, means: end}]", "6:26", '"600" is no status', "5xx"),
    ("responses: [{status: 404, means: stopp}]", "6:38", '"stopp" is not known here', ""),
    ("responses: [{status: 404, means: skipp}]", "6:38", '"skipp" is not known here', "did you mean skip?"),
    ('responses: [{header: "a b", means: end}]', "6:26", "is no header", "X-Status"),
    ("responses: [{status: 4xx, means: end}, {status: 404, text: x, means: fail}]", "6:44", "never reached", ""),
    ("responses: [{header: X, means: end}, {header: 'x: y', status: 404, means: fail}]", "6:42", "never reached", ""),
    ("responses: [{json: $.a, means: end}, {json: $.a, text: x, means: fail}]", "6:42", "never reached", ""),
    # records and format
    ("records: {optional: true}", "6:25", "optional has no meaning without path", "add path"),
    ("records: {path: $.a, keep: {b: $.c}}", "6:32", "keep has no meaning without explode", "add explode"),
    ("records: {}", "6:14", "records says nothing", "$.data[*]"),
    ("records: {path: $.a, explode: items}", "6:35", "they begin with $", "did you mean $.items?"),
    ("format: yaml", "6:13", '"yaml" is not known here', ""),
    ("format: {type: json, delimiter: ';'}", "6:37", "delimiter has no meaning with type: json", "type: csv"),
    ("format: {type: csv, delimiter: ';;'}", "6:36", "not one character", ""),
    ("format: {type: csv, quote: ','}", "6:32", "delimiter and quote are the same", "another"),
    ("format: {type: csv, header: [a, a]}", "6:33", 'column "a" stands in header twice', ""),
    ("format: {type: csv, charset: rot13}", "6:34", "no charset known here", "utf-8"),
    ("format: {type: csv, charset: utf-7}", "6:34", "no charset known here", "utf-8"),
    ("format: {type: csv, charset: unicode_escape}", "6:34", "no charset known here", "utf-8"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "at", "what", "todo"), STREAMS, ids=[case[0][:60] for case in STREAMS])
def test_a_mistake_of_a_stream_is_told(line, at, what, todo):
    told(stream(line), at, what, todo)


REQUESTS = [
    ("path: x", "5:21", "does not begin with /", "/sales"),
    ("path: /a?b=c", "5:21", "holds a ?", "params"),
    ("path: https://", "5:21", "no URL with a host", ""),
    ("path: 'https://{row.host}/x'", "5:21", "no URL with a host", ""),
    ("path: https://u:p@b.example/x", "5:21", "a user or a password", ""),
    ("path: https://b.example/../x", "5:21", "climbs", ""),
    ("path: /, method: PUT", "5:32", '"PUT" is not known here', "GET, POST"),
    ("path: /, json: {a: 1}, form: {a: 1}", "5:44", "json and form are two bodies", "keep one"),
    ("path: /, method: GET, form: {a: 1}", "5:43", "a GET sends no form", "POST"),
    ("path: /, json: {api_key: x}", "5:31", "looks like a credential", ""),
    ("path: /, json: {'a{date}': x}", "5:31", "holds no template", ""),
    ("path: /, json: {a: {date}}", "5:34", "the braces of a are a mapping to YAML", "put quotes"),
    ("path: /, json: {a: ['{dat}']}", "5:35", "{dat} is no variable here", "did you mean {date}?"),
    ("path: /, graphql: {variables: {}}", "5:33", "graphql lacks the key query", "add query"),
    ("path: /, graphql: {query: x, variables: [a]}", "5:55", "variables is no mapping", "name: value"),
    ("path: '/{dte}'", "5:21", "{dte} is no variable here", "did you mean {date}?"),
    ("path: '/{user}'", "5:21", "{user} is no variable here", "{row.FIELD}"),
    ("path: '/{date:%H}'", "5:21", "a date has no %H", "{start:%H}"),
    ("path: '/{tick}'", "5:21", "{tick} is unknown to a stream with partitions by day", "{date}"),
    ("path: /, params: {password: x}", "5:33", "looks like a credential", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "at", "what", "todo"), REQUESTS, ids=[case[0][:60] for case in REQUESTS])
def test_a_mistake_of_a_request_is_told(line, at, what, todo):
    told(stream("raw: none").replace("{path: /}", f"{{{line}}}"), at, what, todo)


@pytest.mark.parametrize(
    "end",
    [
        "total_rows: $.t",
        "total_pages: $.t",
        "has_more: $.m",
        "max_pages: 3",
        "last: 9",
        "limit: 5, stop_when_short: true",
    ],
)
def test_paging_by_number_without_empty_pages_ends_by_any_other_rule(end):
    text = stream(f"paging: {{by: page, stop_when_empty: false, {end}}}")
    assert read_text(text, "s.yaml", {}).streams[0].paging.stop_when_empty is False


def test_a_response_that_means_end_ends_paging():
    text = stream("paging: {by: page, stop_when_empty: false}\n    responses: [{status: 404, means: end}]")
    assert read_text(text, "s.yaml", {}).streams[0].paging.stop_when_empty is False


@pytest.mark.parametrize(
    ("paging", "sent"),
    [
        ("{by: page}", ("page", "query", 1, None, True)),
        ("{by: offset, limit: 9}", ("offset", "query", 0, "limit", True)),
        ("{by: cursor, next: $.n}", ("cursor", "query", 1, None, False)),
        ("{by: next_url}", ("page", "query", 1, None, False)),
        ("{by: link}", ("page", "query", 1, None, False)),
        ("{by: class, class: 'a:b'}", ("page", "query", 1, None, False)),
    ],
)
def test_each_way_of_paging_has_its_own_defaults(paging, sent):
    found = read_text(stream(f"paging: {paging}"), "s.yaml", {}).streams[0].paging
    assert (found.param, found.carrier, found.start, found.limit_param, found.stop_when_empty) == sent


@pytest.mark.parametrize(
    ("paging", "params", "what"),
    [
        ("{by: page}", "{page: 1}", "page carries the page number and stands in params too"),
        ("{by: offset, limit: 5}", "{limit: 1}", "limit carries the limit and stands in params too"),
        ("{by: cursor, next: $.n, param: c}", "{c: 1}", "c carries the cursor and stands in params too"),
    ],
)
def test_what_paging_sends_nothing_else_sends(paging, params, what):
    text = stream(f"paging: {paging}").replace("{path: /}", f"{{path: /, params: {params}}}")
    assert what in refused(text).what


def test_the_word_of_next_url_is_found_where_most_apis_put_it():
    assert read_text(stream("paging: {by: next_url}"), "s.yaml", {}).streams[0].paging.next.body == "$.next"


def test_a_graphql_query_is_never_a_template():
    text = stream("raw: none").replace("path: /", 'path: /, graphql: {query: "{ a { b } } # {dat}"}')
    assert read_text(text, "s.yaml", {}).streams[0].request.body.content["query"] == "{ a { b } } # {dat}"


def test_a_stream_wins_over_the_params_of_the_source():
    text = source("params: {a: x}").replace("path: /", "path: /, params: {a: y}")
    found = read_text(text, "s.yaml", {})
    assert (found.source.params[0][1].text, found.streams[0].request.params[0][1].text) == ("x", "y")
