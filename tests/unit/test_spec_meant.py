"""Mistakes that newcomers make: words of other tools, keys one level off, values without quotes; what they are told."""

import pytest

from levada.errors import FixThis
from levada.spec.read import read_text

SECRET = "hunter2secret"


def refused(text):
    with pytest.raises(FixThis) as caught:
        read_text(text, "s.yaml", {})
    return caught.value


def source(line):
    """A spec whose line 4, from column 3, is `line`."""
    return f"pipeline: p\nsource:\n  url: https://a.example\n  {line}\nstreams: {{s: {{request: {{path: /}}}}}}\n"


def stream(line, request="request: {path: /}"):
    """A spec whose lines 5 and 6, from column 5, are `request` and `line`."""
    return f"pipeline: p\nsource: {{url: https://a.example}}\nstreams:\n  s:\n    {request}\n    {line}\n"


#: A line of a stream, its column, what is wrong, what to do.
STREAMS = [
    ("params: {a: b}", "6:5", 'unknown key "params" in a stream', "it belongs into request, as in request: {params"),
    ("fields: {id: int64}", "6:5", 'unknown key "fields"', "it belongs into contract"),
    ("limit: 5", "6:5", 'unknown key "limit"', "it belongs into paging"),
    ("timeout: 5s", "6:5", 'unknown key "timeout"', "known here: request"),
    ("data_selector: data", "6:5", 'unknown key "data_selector"', "did you mean records?"),
    ("paging: {by: page, paging: x}", "6:24", 'unknown key "paging"', "it belongs into a stream, beside paging"),
    ("paging: {type: page}", "6:14", 'unknown key "type" in paging', "did you mean by?"),
    ("paging: {by: header_link}", "6:18", '"header_link" is not known', "did you mean link?"),
    ("paging: {by: cursor, next: {jsonpath: $.x}}", "6:33", 'unknown key "jsonpath"', "the JSONPath alone"),
    ("paging: page", "6:13", "paging is no mapping", "write paging: {by: page}"),
    ("paging: [by: page]", "6:13", "paging is no mapping", "it is no list: its keys stand without `- `: by"),
    ("paging:", "6:12", "paging is no mapping", "indent its keys below it: by"),
    ("records: \u201c$.data\u201d", "6:14", "no JSONPath", "did you mean $.data?"),
    ("paging: pages", "6:13", "paging is no mapping", "write its keys below it: by, param"),
    ("paging: {by: page, ahead: no}", "6:31", "neither true nor false", "write off or true"),
    ("paging: {by: page, stop_when_empty: yes}", "6:41", "neither true nor false", "write true, without"),
    ("for_each: posts", "6:15", "for_each is no mapping", "write for_each: {row_of: posts}"),
    ("records: .data", "6:14", 'records: ".data" is no JSONPath', "did you mean $.data?"),
    ("format: {type: csv, sep: x}", "6:25", 'unknown key "sep"', "did you mean delimiter?"),
    ("format: parquet", "6:13", 'format: "parquet" is not known', "use json"),
    ("contract: {fields: {id: int}}", "6:29", 'id: "int" is not known', "did you mean int64?"),
    ("contract: {fields: {id: datetime}}", "6:29", 'id: "datetime" is not known', "did you mean timestamp?"),
    ("contract: {fields: {id: {type: date, required: true}}}", "6:42", 'unknown key "required"', "nullable: true"),
    ("responses: [{status: 404, action: end}]", "6:31", 'unknown key "action"', "did you mean means?"),
]  # fmt: skip
#: What a request says, its column, what is wrong, what to do.
REQUESTS = [
    ("request: {path: /, body: {a: b}}", "5:24", 'unknown key "body"', "json, form, text or graphql"),
    ("request: {path: /, method: post}", "5:32", '"post" is not known', "did you mean POST?"),
    ("request: {path: /, json: '{\"a\": 1}'}", "5:30", "JSON in quotes is one text", "take the outer quotes away"),
    ('request: {path: /, graphql: "{ a }"}', "5:33", "graphql is no mapping", 'write graphql: {query: "{ a }"}'),
    ('request: {path: /, params: {d: "{{ date }}"}}', "5:36", "doubled braces", "write {date}"),
    ('request: {path: "/{page}"}', "5:21", "{page} is no variable", "paging sends the page"),
    ('request: {path: "/${date}"}', "5:21", "${date} is a variable of the environment, and not set", "write {date}"),
    ("request:{path: /}", "5:5", 'unknown key "request:{path"', "a blank after the colon: request: ..."),
]
#: A line of the source, its column, what is wrong, what to do.
SOURCES = [
    ('auth: {token: "${T}"}', "4:10", 'unknown key "token" in auth', 'write {bearer: "${TOKEN}"}'),
    ('auth: {type: "${T}"}', "4:10", 'unknown key "type" in auth', "the key is the scheme itself"),
    ("auth: bearer", "4:9", "auth is no mapping", "write its value, too: auth: {bearer: ...}"),
    ("concurrency: 4", "4:3", 'unknown key "concurrency"', "it belongs into limits"),
    ("retry: 5", "4:10", "retry is no mapping", "write retry: {attempts: 5}"),
    ("retry: {times: 5}", "4:11", 'unknown key "times"', "did you mean attempts?"),
    ("limits: {timeout: 5s}", "4:12", 'unknown key "timeout"', "it belongs into source, beside limits"),
]


def told(text, at, what, todo):
    error = refused(text)
    assert error.where == f"s.yaml:{at}", error
    assert what in error.what, error
    assert todo in error.todo, error
    assert "\n" not in error.what, "one mistake, told once"


@pytest.mark.parametrize(("line", "at", "what", "todo"), STREAMS)
def test_a_mistake_in_a_stream(line, at, what, todo):
    told(stream(line), at, what, todo)


@pytest.mark.parametrize(("line", "at", "what", "todo"), REQUESTS)
def test_a_mistake_in_a_request(line, at, what, todo):
    told(stream("", line), at, what, todo)


@pytest.mark.parametrize(("line", "at", "what", "todo"), SOURCES)
def test_a_mistake_in_the_source(line, at, what, todo):
    told(source(line), at, what, todo)


#: A line whose paths and names need quotes inside braces, and that line as it should be.
BRACKETS = [
    ("records: {path: $.data[*], optional: true}", 'records: {path: "$.data[*]", optional: true}'),
    ("paging: {by: cursor, next: {last: $.a[0]}}", 'paging: {by: cursor, next: {last: "$.a[0]"}}'),
    ("paging: {by: next_url, next: $['@odata.nextLink']}", "paging: {by: next_url, next: \"$['@odata.nextLink']\"}"),
    ('paging: {by: next_url, next: $["a b"]}', "paging: {by: next_url, next: '$[\"a b\"]'}"),
    ("responses: [{json: $.e[*], means: fail}]", 'responses: [{json: "$.e[*]", means: fail}]'),
    ("records: {path: $.a[?@.b[0]].c}", 'records: {path: "$.a[?@.b[0]].c"}'),
]


@pytest.mark.parametrize(("line", "better"), BRACKETS)
def test_a_path_without_quotes_is_told_with_the_line_as_it_should_be(line, better):
    error = refused(stream(line))
    assert error.where.startswith("s.yaml:6:")
    assert error.what.startswith("brackets begin a list in YAML")
    assert error.todo == f"write this line as: {better}"
    read_text(stream(better), "s.yaml", {})


def test_a_name_with_brackets_needs_quotes_too():
    text = stream("", "request: {path: /, params: {created[gte]: 1}}")
    assert refused(text).todo.endswith('params: {"created[gte]": 1}}')


def test_a_secret_in_the_line_is_not_shown():
    error = refused(source(f"auth: {{header: X, key: {SECRET}, x: $.a[0]}}"))
    assert 'x: "$.a[0]"' in error.todo
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("written", "todo"),
    [
        ("$TOKEN", 'put braces around the name of the variable: "${NAME}"'),
        ("Bearer ${T}", 'write auth: {bearer: "${T}"}, which sends the word Bearer itself'),
        (SECRET, 'write "${AUTH_TOKEN}"'),
    ],
)
def test_what_stands_where_a_variable_belongs(written, todo):
    error = refused(source(f'auth: {{header: Authorization, key: "{written}"}}'))
    assert "a secret is not written in the spec" in error.what
    assert error.todo.startswith(todo)
    assert SECRET not in str(error)


def test_the_only_stream_is_not_named_as_its_own_parent():
    text = stream("for_each: {row_of: post}", 'request: {path: "/{row.id}"}')
    with pytest.raises(FixThis, match='there is no stream "post"') as caught:
        read_text(text, "s.yaml", {})
    assert caught.value.todo == "add that stream, or name the rows: rows: [...]"
