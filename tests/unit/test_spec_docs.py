"""docs/spec.md and the grammar say the same, and every example of a key gives what it says."""

import re
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from grammars import sections
from levada.spec import build as builder
from levada.spec import read as reader
from levada.spec.auth import SecretRef
from levada.spec.engine import Each, Given, Named, Reading, Section, walk
from levada.spec.grammar import DEFAULTED, DEFAULTS, SPEC
from levada.spec.reference import page
from levada.spec.template import DIRECTIVES, Template
from levada.spec.tree import Items, Keys

PAGE = Path(__file__).parents[2] / "docs" / "spec.md"
TEXT = PAGE.read_text(encoding="utf-8")
ALL = list({section.noun: section for section in sections()}.values())
KEYS = [(section, key) for section in ALL if section is not DEFAULTS for key in section.keys]


def test_the_tables_are_those_of_the_grammar():
    assert page(TEXT) == TEXT, "write them anew: python3 tasks.py docs"


def test_every_section_has_its_table_and_every_table_its_section():
    assert sorted(re.findall("<!-- keys: (.+) -->", TEXT)) == sorted(section.noun for section in ALL)


def test_a_table_of_nothing_that_there_is_fails():
    with pytest.raises(KeyError, match="nothing"):
        page("<!-- keys: nothing -->\n<!-- end -->")


@pytest.mark.parametrize("section", ALL, ids=lambda section: section.noun)
def test_the_example_of_every_section_reads_without_a_mistake(section):
    chapter = TEXT.split(f"<!-- keys: {section.noun} -->\n")[1].split("\n## ")[0]
    assert mistakes(section, chapter) == []


def test_the_example_of_the_page_on_contracts_reads_without_a_mistake():
    contract = next(section for section in ALL if section.noun == "contract")
    assert mistakes(contract, PAGE.with_name("contract.md").read_text(encoding="utf-8")) == []


def mistakes(section, text):
    """What is wrong with the first example of a text, which is one of `section`."""
    example = re.findall(r"^```yaml\n(.+?)^```$", text, flags=re.MULTILINE | re.DOTALL)[0]
    root, found = tree(example)
    below = root if section is SPEC else next(iter(root.entries.values()))[1]
    reading = Reading({}, found)
    for node in below.items if isinstance(below, Items) else [below]:
        walk(section, node, ("x",) if section is not SPEC else (), reading)
    return reading.mistakes


def tree(text):
    """YAML as the reader has it before it means anything, and its mistakes: examples are parts of a spec."""
    growing = reader._Tree("/data/spec.md", text.splitlines())  # noqa: SLF001 - `read` refuses a part of a spec
    root = reader._root(text, growing)  # noqa: SLF001 - as above
    assert isinstance(root, Keys), growing.mistakes
    return root, growing.mistakes


def test_every_form_of_a_date_is_documented():
    assert [form for form in DIRECTIVES if f"`{form}`" not in TEXT] == []


#: Where a spec has the noun of a section, and what the example of each of its keys gives there: the value of the
#: field of that name, or (name of the field, value).
STREAM = "streams[0]"
OUTPUT = f"{STREAM}.stage.outputs[0]"
REPORT = "reports[0]"
GIVES = {
    "the spec": ("", {
        "pipeline": "sales", "lake": "s3://my-bucket/sales", "partition": ("partition.by", "hour"),
        "resume_within": 21600.0, "keep_replaced": 0.0, "source": ("source.url", "https://api.example.com"),
        "defaults": ("streams[0].request.params", (("lang", "en"),)), "streams": ("streams[0].name", "sales"),
        "schedule": ("schedule.every", 3600.0), "reports": ("reports[0].name", "daily"), "notify": "Notify",
        "logs": ("logs.keep_days", 3), "history": ("history.off", True),
    }),
    "schedule": ("schedule", {"every": 60.0, "cron": ("cron.text", "0 3 * * *")}),
    "partition": ("partition", {
        "by": "month", "timezone": "Europe/Lisbon", "default": "yesterday", "every": 900.0, "names": ("north", "south"),
    }),
    "source": ("source", {
        "url": "https://api.example.com/v1", "auth": "Bearer", "headers": (("Accept", "application/json"),),
        "params": (("lang", "en"), ("tag", "a"), ("tag", "b")), "timeout": 30.0, "retry": ("retry.attempts", 3),
        "limits": "Limits",
    }),
    "auth": ("source.auth", {
        "header": ("name", "X-Key"), "query": ("carrier", "query"), "cookie": ("carrier", "cookie"),
        "key": "${AUTH_TOKEN|API_AUTH_TOKEN}", "bearer": ("token", "${TOKEN}"), "basic": ("user", "${U}"),
        "oauth2": ("client_secret", "${S}"), "login": ("token", "$.token"), "jwt": ("algorithm", "RS256"),
        "sigv4": ("region", "us-east-1"), "class": ("name", "mymodule:Signer"), "secrets": (("key", "${KEY}"),),
    }),
    "basic": ("source.auth", {"user": "${API_USER}", "password": "${API_PASSWORD}"}),
    "oauth2": ("source.auth", {
        "grant": "client_credentials", "token_url": "https://id.example.com/oauth/token", "client_id": "${ID}",
        "client_secret": "${S}", "refresh_token": "${REFRESH}", "scopes": ("read", "list"), "client_in": "basic",
        "params": (("account_id", "a1"),), "store": "/data/tokens.json",
    }),
    "login": ("source.auth", {
        "path": "/auth/login", "method": "GET",
        "json": ("send", (("username", "${API_USER}"), ("password", "${API_PASSWORD}"), ("expiresInMins", 30))),
        "form": ("send_as", "form"), "basic": "Basic", "token": "$.accessToken", "token_header": "X-Token",
        "expires_in": "$.expiresIn", "lives": 1800.0, "header": ("name", "X-Session"), "query": ("carrier", "query"),
        "cookie": ("carrier", "cookie"), "prefix": "Token ",
    }),
    "jwt": ("source.auth", {
        "key": "${PRIVATE_KEY}", "algorithm": "ES256", "claims": (("iss", "levada"), ("admin", False)),
        "header": (("kid", "key-1"),), "lives": 600.0, "token_url": "https://id.example.com/token", "scopes": ("read",),
    }),
    "sigv4": ("source.auth", {
        "service": "execute-api", "region": "eu-west-1", "access_key": "${AWS_ACCESS_KEY_ID}",
        "secret_key": "${AWS_SECRET_ACCESS_KEY}", "session_token": "${AWS_SESSION_TOKEN}",
    }),
    "retry": ("source.retry", {
        "attempts": 8, "wait": 2.0, "factor": 3.0, "cap": 120.0, "jitter": "none", "max_wait": 3600.0,
    }),
    "limits": ("source.limits", {
        "concurrency": 16, "page_size": 64 * 1024**2, "rate": ("rate[2].seconds", 3600.0),
        "budget": ("budget.reset", "X-Reset"),
    }),
    "budget": ("source.limits.budget", {"remaining": "X-Calls-Left", "reset": "X-Until"}),
    "a stream": (STREAM, {
        "request": ("request.path", "/sales"), "paging": ("paging.by", "page"),
        "responses": ("responses[0].means", "end"),
        "format": ("records.format.kind", "csv"), "records": ("records.path", "$.data[*]"),
        "for_each": ("for_each.row_of", ("posts",)), "pages_of": "posts", "window": 21600.0,
        "files": ("files.names[0]", "data/*.csv"),
        "incremental": ("incremental.cursor", "$.updated_at"), "raw": "raw/{date}/{page}.json",
        "raw_joined": "raw/{date}.json", "raw_split": ("raw_split.records", 100),
        "contract": ("contract.fields[0].name", "id"),
        "stage": ("stage.outputs[0].name", "stg/{date}.avro"), "load": "Load",
    }),
    "request": (f"{STREAM}.request", {
        "method": "POST", "path": "/sales/{date:%Y/%m}",
        "params": (("day", "{date}"), ("kind", "a"), ("kind", "b"), ("empty", "")), "headers": (("X-Day", "{date}"),),
        "json": ("body.content", {"day": "{date}", "n": 5, "tags": ("a",), "flag": True, "none": None}),
        "form": ("body.content", (("a", "b"), ("c", "1"), ("c", "2"))), "text": ("body.content", "day={date}"),
        "graphql": ("body.kind", "graphql"), "repeatable": True,
    }),
    "graphql": (f"{STREAM}.request.body.content", {
        "query": "query ($n: Int) { posts(first: $n) { id } }", "variables": {"n": 50, "day": "{date}"},
    }),
    "paging": (f"{STREAM}.paging", {
        "by": "link", "param": "p", "in": ("carrier", "header"), "start": 0, "limit": 100, "limit_param": "per_page",
        "next": ("next.body", "$.next_cursor"), "rel": "more", "keep_origin": True, "class": ("name", "mymodule:pages"),
        "stop_when_empty": False, "stop_when_short": True, "total_rows": ("total_rows.body", "$.total"),
        "total_pages": ("total_pages.header", "X-Pages"), "has_more": ("has_more.body", "$.has_more"), "max_pages": 500,
        "last": 20, "tolerance": 0.01, "ahead": False,
    }),
    "next": (f"{STREAM}.paging.next", {"body": "$.meta.next", "header": "X-Next", "last": "$.id"}),
    "a total": (f"{STREAM}.paging.total_rows", {"body": "$.meta.next", "header": "X-Next"}),
    "a response rule": (f"{STREAM}.responses[0]", {
        "status": ("statuses", ((404, 404), (500, 599))), "text": "no such page", "json": "$.errors",
        "header": ("x-status", "pending"), "means": "no_data",
    }),
    "format": (f"{STREAM}.records.format", {
        "type": ("kind", "json_lines"), "unpack": "gzip", "charset": "latin-1", "delimiter": ";", "quote": "'",
        "header": ("id", "name"), "columns": ("id", "name"), "nulls": ("\\N", ""),
    }),
    "records": (f"{STREAM}.records", {
        "path": "$.data[*]", "optional": True, "explode": "$.items", "keep": (("order_id", "$.id"),), "key_as": "id",
    }),
    "for_each": (f"{STREAM}.for_each", {
        "row_of": ("posts",), "rows": ({"id": 1, "kind": "a"}, {"id": 2, "kind": "b"}), "first": 10, "distinct": True,
        "batch": 50, "add": (("post_id", "id"),), "failing": "gap",
    }),
    "incremental": (f"{STREAM}.incremental", {
        "cursor": "$.updated_at", "type": "number", "start": "2022-01-01", "lookback": 3600.0,
        "end": "2022-12-31T00:00:00Z", "order": "desc", "without": "keep",
    }),
    "contract": (f"{STREAM}.contract", {
        "fields": ("fields[0].type", "int64"), "on_bad": "fail", "unknown": "keep", "max_bad": ("max_bad.share", 0.05),
        "key": ("id",), "strict": True, "decode": (("address", "python_literal"),),
    }),
    "a field": (f"{STREAM}.contract.fields[0]", {
        "type": "date", "nullable": True, "enum": ("a", "b"), "min": 0, "max": 100, "pattern": "^[a-z]+$",
        "equals": "{date}", "from": ("source", "$.address.city"), "decode": "python_literal",
        "parse": ("year_first", "%d.%m.%Y"), "timezone": "Europe/Lisbon", "items": ("item.type", "string"),
        "fields": ("parts[0].name", "city"), "length": (1, 10), "unique": True, "description": "In cents",
        "null_exactly_when": (("id", (0, 1)),),
    }),
    "raw_split": (f"{STREAM}.raw_split", {
        "name": "raw/{date}/part-{part}.json", "records": 100, "size": 10 * 1024 * 1024,
    }),
    "stage": (f"{STREAM}.stage", {
        form: ("outputs[0].name", f"stg/sales/{{date}}.{form}") for form in ("avro", "parquet", "jsonl", "csv")
    } | {"delta": ("outputs[0].name", "tables/sales")}),
    "avro": (OUTPUT, {"name": "stg/sales/{date}.avro", "codec": "zstandard"}),
    "parquet": (OUTPUT, {"name": "stg/sales/{date}.parquet", "codec": "snappy", "row_group": 64 * 1024**2}),
    "jsonl": (OUTPUT, {"name": "stg/sales/{date}.jsonl", "codec": "gzip"}),
    "csv": (OUTPUT, {"name": "stg/sales/{date}.csv", "codec": "gzip", "delimiter": ";", "null_as": ("null", "NA")}),
    "delta": (OUTPUT, {
        "table": ("name", "tables/sales"), "column": "day", "codec": "snappy", "row_group": 64 * 1024**2,
    }),
    "load": (f"{STREAM}.load", {
        "to": ("file", ""), "postgres": ("url", "${DATABASE_URL}"), "duckdb": ("file", "sales.duckdb"),
        "table": ("schema", "staging"), "mode": "append", "key": ("id",), "newest_by": "updated_at",
        "rows_by": "created_at",
    }),
    "report": (REPORT, {
        "sql": "SELECT count(*) FROM sales", "sql_file": "daily.sql", "params": (("least", 5),), "of": ("lake", True),
        "postgres": "${DATABASE_URL}", "duckdb": "sales.duckdb", "csv": "reports/{date}.csv",
        "html": "reports/{date}.html", "chart": ("chart.file", "attempts.svg"), "google_sheet": "Sheet",
    }),
    "chart": (f"{REPORT}.chart", {"file": "a.svg", "kind": "bar", "x": "date", "y": ("attempts", "users")}),
    "google_sheet": (f"{REPORT}.google_sheet", {
        "id": "${SHEET_ID}", "worksheet": "daily", "credentials": "${SHEETS_ACCOUNT}", "mode": "append",
        "key": ("date", "product"),
    }),
    "notify": ("notify", {"mail": "Mail", "webhook": "Webhook"}),
    "mail": ("notify.mail", {
        "server": "${SMTP_URL}", "to": ("ops@example.com",), "from": ("sender", "levada@example.com"),
        "subject": "Grader {partition}: {outcome}", "when": ("partial", "failure"),
    }),
    "webhook": ("notify.webhook", {"url": "${HOOK_URL}", "form": "slack", "when": ("partial", "failure")}),
    "logs": ("logs", {
        "folder": "logs", "file": "{date:%Y-%m-%d}.txt", "keep_days": 3, "form": "json", "timezone": "Europe/Lisbon",
    }),
    "history": ("history", {
        "to": ("off", True), "file": "history.sqlite", "postgres": "${DATABASE_URL}", "keep": 365 * 86400.0,
    }),
}  # fmt: skip
#: What a stream needs beside one of its sections.
BESIDE = {
    "for_each": 'request: {path: "/sales/{row.id}"}',
    "stage": "contract: {fields: {id: int64}}",
    "load": "contract: {fields: {id: int64, updated_at: timestamp, created_at: timestamp}}",
    "next": "by: cursor",
    "schedule": "partition: {by: day, default: yesterday}",
}
#: What excludes what a section needs otherwise.
INSTEAD = {"token_header": "token", "rows": "row_of", "pages_of": "request", "files": "request", "to": "postgres",
           "duckdb": "postgres", "sql_file": "sql"}  # fmt: skip
#: Where the fields of one row differ in name from the key: the header of a rule is a pair itself.
PAIRS = {("a response rule", "header"), ("auth", "secrets")}


@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda part: getattr(part, "noun", None) or part.name)
def test_the_example_of_every_key_gives_what_it_says(section, key):
    assert key.example, "a key without an example"
    spec = complete(section, key.example)
    where, gives = GIVES[section.noun]
    wanted = gives[key.name]
    field = key.name
    named = isinstance(wanted, tuple) and len(wanted) == 2 and isinstance(wanted[0], str)
    if named and (section.noun, key.name) not in PAIRS and hasattr_of(spec, where, wanted[0]):
        field, wanted = wanted
    assert told(at(spec, where, field)) == wanted


def hasattr_of(spec, where, field):
    try:
        at(spec, where, field)
    except (AttributeError, KeyError, TypeError, IndexError):
        return False
    return True


def at(noun, *paths):
    """What stands at dotted paths with indexes, below a noun."""
    for step in re.findall(r"\w+", ".".join(path for path in paths if path)):
        noun = noun[int(step)] if step.isdigit() else noun[step] if isinstance(noun, dict) else getattr(noun, step)
    return noun


def told(value):
    """A value for comparison: templates and secrets as they are written, other nouns by their kind."""
    match value:
        case Template():
            return value.text
        case SecretRef():
            return f"${{{'|'.join(value.names)}}}"
        case tuple():
            return tuple(told(item) for item in value)
        case dict():
            return {name: told(item) for name, item in value.items()}
    return type(value).__name__ if is_dataclass(value) else value


def complete(section, example):
    """The spec in which a section says just `example` and what it needs beside."""
    way = next(iter(ways(SPEC, section)))
    inner = over(section.around, example)
    for outer, name, kind in reversed(way):
        inner = Items((inner,), inner.place) if isinstance(kind, Each) else inner
        if isinstance(kind, Named):
            beside = over("", "id: int64").entries if kind.noun == "field" else {}
            inner = Keys({"sales": (inner.place, inner), **beside}, inner.place)
        node = over(outer.around, BESIDE.get(name, ""))
        node.entries[name] = (inner.place, inner)
        inner = node
    posts = over("", "request: {path: /posts}")
    streams = inner.entries["streams"][1]
    streams.entries.setdefault("posts", (posts.place, posts))
    reading = Reading({})
    given = walk(SPEC, builder.merged(inner, DEFAULTED), (), reading)
    assert reading.mistakes == []
    assert isinstance(given, Given)
    return builder._spec(given, reading, None)  # noqa: SLF001 - the tree was put together here


def over(around, example):
    """A mapping of what `example` says, and of what only `around` says."""
    found = {}
    for text in (around, example):
        root, wrong = tree(f"x: {{{text}}}")
        assert wrong == []
        found |= root.entries["x"][1].entries
    for key in [INSTEAD[key] for key in found if key in INSTEAD]:
        found.pop(key, None)
    return Keys(found, root.place)


def ways(kind, wanted, way=()):
    """How a spec leads to a section: outer section, key, kind of the key."""
    if kind is wanted:
        yield way
    elif isinstance(kind, Section):
        for key in kind.keys if kind is not DEFAULTS else ():
            inner = key.kind.of if isinstance(key.kind, Each | Named) else key.kind
            yield from ways(inner, wanted, (*way, (kind, key.name, key.kind)))
