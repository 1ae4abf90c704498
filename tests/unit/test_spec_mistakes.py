"""Every mistake a person can make in a spec: what is said, and at which line and column."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from levada.errors import FixThis
from levada.spec import read as reader
from levada.spec.read import read_text

SALES = """\
pipeline: sales
partition: {by: day}
source:
  url: https://api.example.com
  auth: {header: Authorization, key: "${AUTH_TOKEN}"}
streams:
  sales:
    request: {path: /sales, params: {date: "{date}"}}
    paging: {by: page}
    responses:
      - {status: 404, text: no such page, means: end}
    raw: raw/{date}/{page}.json
    contract:
      fields:
        client: string
        day: {type: date, equals: "{date}"}
        price: {type: int32, min: 0}
    stage:
      avro: stg/{date}/{page}.avro
"""
SECRET = "hunter2secret"
AVRO = "avro: stg/{date}/{page}.avro"
BELOW = "\n    stage:\n      "
PRICE = f"price: {{type: int32, min: 0}}{BELOW}avro: stg/{{date}}/{{page}}.avro"


def refused(text, environment=None):
    with pytest.raises(FixThis) as caught:
        read_text(text, "sales.yaml", environment or {})
    return caught.value


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def either_parser(request, monkeypatch):
    """PyYAML with and without libyaml."""
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(reader, "_LOADER", getattr(yaml, request.param))


def answer(text, environment):
    """What is said of a text, "" for a spec; any other exception is a bug."""
    try:
        read_text(text, "sales.yaml", environment)
    except FixThis as error:
        return str(error)
    return ""


def changed(old, new):
    assert SALES.count(old) >= 1, f"{old!r} is not in the example"
    return SALES.replace(old, new, 1)


def test_the_example_itself_has_no_mistake():
    assert read_text(SALES, "sales.yaml", {}).pipeline == "sales"


#: What is replaced, by what, at which line:column the mistake is told, what is said, what to do.
CASES = [
    # names and shapes
    ("pipeline: sales", "pipeline: Sales", "1:11", '"Sales" is no name for a pipeline', "sales"),
    ("pipeline: sales", "pipeline: tmp", "1:11", "keeps for itself", ""),
    ("pipeline: sales", "pipeline: ${NAME}", "1:11", "no name for a pipeline", ""),
    ("pipeline: sales", "pipeline:", "1:10", "pipeline has no value", "leave the key out"),
    ("pipeline: sales\n", "", "1:1", "the spec lacks the key pipeline", "add pipeline"),
    ("  sales:\n", "  s ales:\n", "7:3", "no name for a stream", ""),
    ("partition: {by: day}", "partition: day", "2:12", "partition is no mapping", "by"),
    ("partition: {by: day}", "partition: [day]", "2:12", "partition is no mapping", "by"),
    ("partition: {by: day}", "partition: {by: none}", "2:17", '"none" is not known here', "use hour, day"),
    ("partition: {by: day}", "partition: {by: dya}", "2:17", '"dya" is not known here', "did you mean day?"),
    ("partition: {by: day}", "lake: ftp://bucket", "2:7", "no lakes at ftp://", "s3://bucket/prefix"),
    ("partition: {by: day}", "lake: ~/lake", "2:7", "begins with ~", "${HOME}"),
    ("partition: {by: day}", 'lake: ""', "2:7", "the text is empty", ""),
    ("partition: {by: day}", "resume_within: 60", "2:16", '"60" is no duration', "500ms, 1s"),
    ("partition: {by: day}", "keep_replaced: 99999d", "2:16", "is no duration", ""),
    ("partition: {by: day}", "notify: {at: 1m}", "2:1", 'unknown key "at" in notify', "known here: mail, webhook"),
    ("partition: {by: day}", "partitoin: {by: day}", "2:1", 'unknown key "partitoin"', "did you mean partition?"),
    ("partition: {by: day}", "colour: red", "2:1", 'unknown key "colour" in the spec', "known here: pipeline, lake"),
    # source
    ("https://api.example.com", "ftp://api.example.com", "4:8", "no http or https URL", ""),
    ("https://api.example.com", "https://", "4:8", "no http or https URL", ""),
    ("https://api.example.com", "https://a.example:99999", "4:8", "no URL", ""),
    ("https://api.example.com", "https://a.example/?x=1", "4:8", "query or a fragment", "params"),
    ("https://api.example.com", "https://a.example/{date}", "4:8", "has a template", "request"),
    ("https://api.example.com", "[a]", "4:8", "url is a list, where one value belongs", ""),
    ("https://api.example.com", "https://${1X}", "4:8", "name of a variable; write ${NAME}", ""),
    ("https://api.example.com", "https://${X-y}", "4:8", "${X is not closed", "write a URL"),
    ("https://api.example.com", "https://a.example\n  timeout: 0s", "5:12", "no time at all", "above 0"),
    ("https://api.example.com", "https://a.example\n  timeout: soon", "5:12", "no duration", ""),
    ("https://api.example.com", "https://a.example\n  retry: {attempts: 0}", "5:21", "out of range", "from 1"),
    ("https://api.example.com", "https://a.example\n  retry: {attempts: 2.5}", "5:21", "no whole number", ""),
    ("https://api.example.com", "https://a.example\n  retry: {wait: 2m}", "5:17", "longer than cap", "raise cap"),
    ("https://api.example.com", "https://a.example\n  retry: {factor: 0}", "5:19", "no number from 1 to 100", ""),
    ("https://api.example.com", "https://a.example\n  limits: {page_size: 10}", "5:23", "is no size", "256MB"),
    ("https://api.example.com", "https://a.example\n  limits: {rate: 1/x}", "5:18", "is no rate", "10/s"),
    ("https://api.example.com", "https://a.example\n  headers: {Cookie: x}", "5:13", "give it by auth", ""),
    ("https://api.example.com", "https://a.example\n  headers: {Host: x}", "5:13", "set by Levada", ""),
    ("https://api.example.com", "https://a.example\n  headers: {a b: x}", "5:13", "no name of an HTTP header", ""),
    ("https://api.example.com", 'https://a.example\n  headers: {A: "x\\ny"}', "5:16", "control character", ""),
    ("https://api.example.com", "https://a.example\n  headers: {A: x, a: y}", "5:12", "stands here twice", ""),
    ("https://api.example.com", "https://a.example\n  params: {api_key: x}", "5:12", "looks like a credential", ""),
    ("https://api.example.com", "https://a.example\n  params: [a]", "5:11", "no mapping of one parameter", "name: ..."),
    ("https://api.example.com", 'https://a.example\n  params: {"": x}', "5:12", "a parameter needs a name", ""),
    ("https://api.example.com", 'https://a.example\n  params: {token: "${T}"}', "5:12", "like a credential", ""),
    ("https://api.example.com\n", "https://a.example\n  headers: {X-K: a}\n", "5:12", "x-k stands in", "leave it out"),
    ("path: /sales", "headers: {x-k: a}, path: /sales", "8:24", "x-k stands in headers and in auth", "leave it out"),
    ("header: Authorization", "header: a b", "5:18", "no HTTP header", ""),
    ("header: Authorization, ", "", "5:9", "auth does not say what carries key", "header"),
    ("header: Authorization", "heder: Authorization", "5:10", 'unknown key "heder" in auth', "did you mean header?"),
    # request and paging
    ("path: /sales", "path: sales", "8:21", "does not begin with /", ""),
    ("path: /sales", "path: /sales?x=1", "8:21", "holds a ?", "params"),
    ("path: /sales", 'path: "/sales/{page}"', "8:21", "{page} is no variable here", "paging sends the page"),
    ("path: /sales", 'path: "/sales/{row.id}"', "8:21", "a stream without for_each has no row", "add for_each"),
    ("path: /sales", 'path: "/sales/{date"', "8:21", "{ is not closed", ""),
    ("path: /sales", "path: /a/../b", "8:21", "climbs", ""),
    ("path: /sales", "method: PUT, path: /sales", "8:23", '"PUT" is not known here', "use GET, POST"),
    ('date: "{date}"', "date: ", "8:44", "date has no value", ""),
    ('date: "{date}"', "date: {a: b}", "8:44", "date is a mapping", ""),
    ('date: "{date}"', "date: {date}", "8:44", "braces of date are a mapping", 'params: {date: "{date}"}'),
    ("by: page", "by: ofset", "9:18", '"ofset" is not known here', "did you mean offset?"),
    ("by: page", "by: none, start: 2", "9:31", "start has no meaning with by: none", ""),
    ("by: page", "by: page, max_pages: 0", "9:35", "max_pages: ", "from 1"),
    ("by: page", 'by: page, max_pages: "3"', "9:35", "no whole number", "without quotes"),
    ("by: page", "by: page, ahead: no", "9:31", "neither true nor false", ""),
    ("by: page", "by: page, param: date", "9:31", "date carries the page number", "leave date out"),
    ("by: page", "by: page, size: 3", "9:24", 'unknown key "size" in paging', "known here: by"),
    # responses
    ("status: 404", "status: 4x4", "11:18", "is no status", "5xx"),
    ("status: 404", "status: 99", "11:18", "is no status", "from 100 to 599"),
    ("means: end", "means: skp", "11:50", '"skp" is not known here', "did you mean skip?"),
    ("means: end", "means: over", "11:50", "not known here", "use end"),
    ("status: 404, text: no such page, ", "", "11:17", "matches every answer", "status"),
    ("text: no such page", "json: x", "11:29", "no JSONPath: they begin with $", "did you mean $.x?"),
    ("means: end}", "means: end}\n      - {status: 404, text: no such page!, means: end}", "12:9", "in line 11", ""),
    ("      - {status", "      {status", "11:7", "responses is no list", "- "),
    # names in the lake
    ("raw/{date}/{page}", "raw/{date}/x", "12:10", "two pages would share one name", "{page}"),
    ("raw/{date}/{page}", "raw/{page}", "12:10", "two partitions would share it", "{date}"),
    ("raw/{date}/{page}", "raw/{date:%Y%m}/{page}", "12:10", "does not tell days apart", ""),
    ("raw/{date}/{page}", "raw/{date:%Y%-m%-d}/{page}", "12:10", "runs values together", "%m"),
    ("raw/{date}/{page}", "raw/{date:%H}/{page}", "12:10", "a date has no %H", "{start:%H}"),
    ("raw/{date}/{page}", "raw/{partition:%Y}/{page}", "12:10", "only dates and times take a format", "{partition}"),
    ("raw/{date}/{page}", "raw/{dat}/{page}", "12:10", "{dat} is no variable", "{date}"),
    ("raw/{date}/{page}", "/raw/{date}/{page}", "12:10", "relative to the lake", ""),
    ("raw/{date}/{page}", "../raw/{date}/{page}", "12:10", "must not hold . or ..", ""),
    ("raw/{date}/{page}", "raw//{date}/{page}", "12:10", "nothing between its slashes", ""),
    ("raw/{date}/{page}", "C:/raw/{date}/{page}", "12:10", "relative to the lake", ""),
    ("raw/{date}/{page}", "_levada/{date}/{page}", "12:10", "Levada's own", ""),
    ("raw/{date}/{page}", f"{'x' * 250}/{{date}}/{{page}}", "12:10", "longer than 240 bytes", ""),
    ("raw/{date}/{page}.json", "stg/{partition}/{page}.avro", "19:13", "can give the same name as raw", ""),
    ("raw/{date}/{page}.json", "stg/{date}/1.avro/{page}", "19:13", "the same name as raw of sales (line 12)", ""),
    ("raw: raw/{date}/{page}.json", "raw: ~", "12:10", "raw has no value", "or none"),
    ("raw: raw/{date}/{page}.json", "raw_joined: x/{date}/{page}", "12:17", "{page} is no variable here", ""),
    ("raw: raw/{date}/{page}.json", "records: $.data[", "12:14", "no JSONPath", "RFC 9535"),
    ("raw: raw/{date}/{page}.json", "records: data", "12:14", "begin with $", ""),
    ("raw: raw/{date}/{page}.json", "decode: {}", "12:5", "decode in a stream is not built yet", ""),
    # contract
    ("client: string", "client: strnig", "15:17", "not known here", "did you mean string?"),
    ("client: string", "client:", "15:16", "a field is no mapping", "type"),
    ("client: string", "client: {nullable: true}", "15:17", "a field lacks the key type", ""),
    ("client: string", "client: {type: string, min: 1}", "15:37", "min has no meaning for a string", ""),
    ("client: string", 'client: {type: string, pattern: "("}', "15:41", "no RE2: missing )", "RE2"),
    ("client: string", "client: {type: string, enum: [a, 1]}", "15:42", '"1" in enum is no string', "quotes"),
    ("client: string", "client: {type: string, enum: []}", "15:38", "no value at all", ""),
    ("client: string", "client: {type: string, enum: [a, a]}", "15:42", "stands in enum twice", ""),
    ("client: string", "client: {type: string, enum: a}", "15:38", "enum is no list", "[...]"),
    ("client: string", "client: {type: string, enum: [a], equals: b}", "15:51", "none of the values of enum", ""),
    ("client: string", "client: {type: int32, pattern: a}", "15:40", "pattern has no meaning for a int32", ""),
    ("client: string", "client: {type: string, nullable: yes}", "15:42", "neither true nor false", ""),
    ("client: string", "client: {type: boolean, equals: 1}", "15:41", "equals is no boolean", "true or false"),
    ("client: string", "_levada_x: string", "15:9", "keeps for itself", ""),
    ("client: string", '"": string', "15:9", "a field needs a name", ""),
    ("client: string", f"client: {{type: float64, max: {'9' * 350}}}", "15:38", "in max is no float64", "a number"),
    ("client: string", "first-name: string", "15:21", "no name for a field in Avro", ""),
    ("min: 0", "min: 2147483648", "17:35", "in min is no int32", "2147483647"),
    ("min: 0", "min: 1.5", "17:35", "in min is no int32", "whole number"),
    ("min: 0", "min: true", "17:35", "in min is no int32", ""),
    ("min: 0", "min: 3, max: 2", "17:35", "min is above max", "swap"),
    ('equals: "{date}"', "equals: 2022-02-30", "16:35", "in equals is no date", "2022-08-09"),
    ('equals: "{date}"', 'equals: "{date:%d.%m.%Y}"', "16:35", "in equals is no date", ""),
    ('equals: "{date}"', 'equals: "{page}"', "16:35", "{page} is no variable here", ""),
    ('equals: "{date}"', "min: 2022-8-9", "16:32", "in min is no date", ""),
    ("      fields:", "      on_bad: drop\n      fields:", "14:15", "not known here", "quarantine"),
    ("      fields:", "      max_bad: 0.05\n      fields:", "14:16", "neither a count nor a share", "5%"),
    ("      fields:", "      max_bad: 101%\n      fields:", "14:16", "neither a count nor a share", ""),
    ("      fields:", "      max_bad: -1\n      fields:", "14:16", "neither a count nor a share", ""),
    ("    stage:\n      avro: stg/{date}/{page}.avro", "    stage: {parquet: x}", "18:22", "not tell days apart", ""),
    ("    stage:\n      avro: stg/{date}/{page}.avro", "    stage: {}", "18:12", "stage names no format", "{parquet: "),
    ("    stage:\n", "    stage:\n      codec: snappy\n", "19:7", 'unknown key "codec" in stage', "belongs into avro"),
    (PRICE, f"Client: int32{BELOW}delta: t", "17:17", '"Client" is the same name to Delta as "client"', ""),
    (PRICE, f'"pri ce": int32{BELOW}delta: t', "17:19", '"pri ce" is no name for a column in Delta', "rename it"),
    ("avro: stg/{date}/{page}.avro", "delta: {table: t, column: Price}", "17:16", "as the column of the partition", ""),
    ("avro: stg", "delta: stg", "19:14", "{date} is no variable here", "{pipeline}, {stream}"),
    ("avro: stg/{date}/{page}.avro", "parquet: {name: x, codec: gz}", "19:33", "not known here", "did you mean gzip"),
    ("avro: stg/{date}/{page}.avro", "avro: {name: x, codec: ~}", "19:30", "not known here", ""),
    ("avro: stg/{date}/{page}.avro", "delta: {codec: snappy}", "19:14", "delta lacks the key table", "folder of the"),
    (AVRO, "delta: t/x\n      jsonl: 't/x/{date}.jsonl'", "20:14", "same name as", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "at", "what", "todo"), CASES, ids=[f"{case[1][:40]}" for case in CASES])
def test_a_mistake_is_told_with_its_place(old, new, at, what, todo):
    text = changed(old, new)
    if "x-k" in what:
        text = text.replace("header: Authorization", "header: X-K")
    error = refused(text)
    assert f"sales.yaml:{at}" in error.where, error
    assert what in error.what
    assert todo in error.todo
    assert "\n" not in error.what, "one mistake, told once"


#: A whole text, place, what, what to do: mistakes of YAML itself.
BROKEN = [
    ("", "1:1", "the file is empty", "pipeline"),
    ("# only a comment\n", "1:1", "the file is empty", ""),
    ("---\n", "1:1", "the file is empty", ""),
    ("- a\n", "1:1", "the spec is no mapping", "pipeline"),
    ("just words", "1:1", "the spec is no mapping", ""),
    ("a:\n\tb: 1\n", "2:1", "a tab", "blanks"),
    ("a: b: c\n", "1:5", "second `: `", "quotes"),
    ("a: 'x\n", "1:4", "never closed", "close it"),
    ('a: "x\n', "1:4", "never closed", "close it"),
    ("a: [1, 2\n", "1:4", "a [ is opened here and not closed", "close it with ]"),
    ("a: {b: 1\nc: 2\n", "1:4", "a { is opened here and not closed", "close it with }"),
    ("a: [b: 1, c: d: e]\n", "1:15", "second `: `", "quotes"),
    ("a: {b: c d: e}\n", "1:11", "second `: `", "write a comma before the key"),
    ("a: [{b: 'it's', c: d}]\n", "1:13", "the text ends at the ' before this", "twice"),
    ("a: {b: c}}\n", "1:10", "a } that closes nothing", "take it away"),
    ("a: b\n- c: d\n", "2:1", "an item of a list, where a key belongs", "take the `- ` away"),
    ("a: {b: c{d e}}\n", "1:9", "a { inside a value", "quotes"),
    ("a:\n  b: c\n\td: e\n", "3:1", "a tab", "blanks"),
    ("a\n  b: c\n", "2:4", "a in the line above lacks its colon", "write a:"),
    ("a: b\n   c: d\n", "2:4", "below a key that has its value", "as the line above"),
    ("a: @x\n", "1:4", "must not begin with @", "quotes"),
    ("a: `x`\n", "1:4", "must not begin with `", "quotes"),
    ("a: %x\n", "1:4", "must not begin with %", "quotes"),
    ("a: 'x' y\n", "1:8", "indentation or the quotes", "indent"),
    ("a: |x\n  b\n", "1:5", "must end its line", ""),
    ("a: *\n", "1:5", "anchors", "quotes"),
    ("a: !x!y 1\n", "1:4", "a tag", "quotes"),
    ("a: \x07\n", "1:4", "U+0007 has no place", "take it away"),
    ("a: \ud800\n", "1:4", "U+D800 has no place", ""),
    ("pipeline: a\n---\npipeline: b\n", "2:1", "a second document", "split"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "what", "todo"), BROKEN)
def test_a_text_that_is_no_spec_is_refused_in_words_of_ours(text, at, what, todo, either_parser):
    error = refused(text)
    assert error.where == f"sales.yaml:{at}", error
    assert what in error.what
    assert todo in error.todo


#: One line of a spec with a template that YAML does not take as text, and that line as it should be.
UNQUOTED = [
    ("request: {path: /sales/{date}.json}", 'request: {path: "/sales/{date}.json"}'),
    ("request: {path: {date}/x}", 'request: {path: "{date}/x"}'),
    ("request: {params: {a: {date} 00:00, b: 1}}", 'request: {params: {a: "{date} 00:00", b: 1}}'),
    ("request: {params: {a: [x, y{date}]}}", 'request: {params: {a: [x, "y{date}"]}}'),
    ("request: {path: ${A:-${B}}/x, params: {}}", 'request: {path: "${A:-${B}}/x", params: {}}'),
    ("raw: {date}/{page}.json", 'raw: "{date}/{page}.json"'),
    ("raw: {date:%Y/%m/%d}.json", 'raw: "{date:%Y/%m/%d}.json"'),
]  # fmt: skip


@pytest.mark.parametrize(("line", "corrected"), UNQUOTED)
def test_a_template_without_quotes_is_shown_as_it_should_be(line, corrected, either_parser):
    error = refused(f"pipeline: x\nstreams:\n  x:\n    {line}\n")
    assert error.where.startswith("sales.yaml:4:")
    assert "needs quotes here" in error.what
    assert error.todo == f"write this line as: {corrected}"


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ('key: "${AUTH_TOKEN}"', f"key: {SECRET}", "5:38"),
        ('key: "${AUTH_TOKEN}"', f'key: "Bearer {SECRET}"', "5:38"),
        ('key: "${AUTH_TOKEN}"', f'key: "${{AUTH_TOKEN:-{SECRET}}}"', "5:38"),
        ('key: "${AUTH_TOKEN}"', f'key: "${{AUTH_TOKEN}}{SECRET}"', "5:38"),
        ('key: "${AUTH_TOKEN}"', f'key: "${{{SECRET}"', "5:38"),
        ('key: "${AUTH_TOKEN}"', f"key: {{{SECRET}}}", "5:38"),
        ('key: "${AUTH_TOKEN}"', f"key: a{{{SECRET}}}", "5:39"),
        ('key: "${AUTH_TOKEN}"', f"key: {{{SECRET}}}/{{b}}", "5:"),
        ('key: "${AUTH_TOKEN}"', f"key: *{SECRET}", "5:38"),
        ('key: "${AUTH_TOKEN}"', f"key: [{SECRET}]", "5:38"),
        ("https://api.example.com", f"https://user:{SECRET}@api.example.com", "4:8"),
        ("https://api.example.com", f"https://user:{SECRET}@${{HOST}}", "4:8"),
        ("https://api.example.com", f"${{URL:-https://u:{SECRET}@a.example}}", "4:8"),
        ("https://api.example.com", f"${{SET:-https://u:{SECRET}@a.example}}", "4:8"),
        ("https://api.example.com", "${WITH_PASSWORD}", "4:8"),
        ("https://api.example.com", "${TOKEN_BY_MISTAKE}", "4:8"),
    ],
)  # fmt: skip
def test_a_secret_in_the_spec_is_refused_and_not_shown(old, new, at):
    environment = {
        "SET": "https://a.example",
        "WITH_PASSWORD": f"https://u:{SECRET}@a.example",
        "TOKEN_BY_MISTAKE": SECRET,
    }
    error = refused(changed(old, new), environment)
    assert f"sales.yaml:{at}" in str(error)
    assert "hunter2" not in str(error)


def test_text_of_the_environment_is_not_shown_in_a_message():
    error = refused(changed("by: page", 'by: page, max_pages: "${N}"'), {"N": SECRET})
    assert "max_pages: the value of N is no whole number" in error.what
    assert SECRET not in str(error)


def test_all_mistakes_are_told_at_once_sorted_and_counted():
    text = (
        SALES.replace("by: page", "by: pge")
        .replace("pipeline: sales", "pipelin: sales")
        .replace("min: 0", "min: x, minn: 1")
        .replace("client: string", "client: strin")
        .replace("stg/{date}/{page}.avro", "../{date}/{page}.avro")
        .replace("partition: {by: day}", "partition: {by: day}\npartition: {by: day}")
    )
    lines = str(refused(text)).splitlines()
    assert lines[0] == "7 mistakes in sales.yaml:"
    found = [line.split(" ")[2].rstrip(":") for line in lines if line.startswith("  sales.yaml:")]
    assert found == [f"sales.yaml:{at}" for at in ("1:1", "3:1", "10:18", "16:17", "18:35", "18:38", "20:13")]


def test_two_streams_must_not_share_names():
    second = SALES[SALES.index("  sales:") :].replace("  sales:", "  more:", 1).replace("stg/", "staged/")
    error = refused(SALES + second)
    assert error.where == "sales.yaml:25:10"
    assert "raw of more can give the same name as raw of sales (line 12)" in error.what


def test_default_names_of_two_streams_differ():
    stream = "    request: {path: /x}\n    paging: {by: page}\n"
    head = SALES[: SALES.index("  sales:")]
    spec = read_text(f"{head}  a:\n{stream}  b:\n{stream}", "s.yaml", {})
    assert [found.name for found in spec.streams] == ["a", "b"]


def test_a_name_may_meet_the_default_name_of_another_stream():
    head = SALES[: SALES.index("  sales:")]
    request = "    request: {path: /x}\n"
    error = refused(f"{head}  a:\n{request}  b:\n{request}    raw: raw/sales/a/{{date}}/{{page}}.json\n")
    assert "raw of b can give the same name as raw of a" in error.what


CHILD = """\
  list:
    request: {path: /list}
    raw: raw/all/{date}/list.json
  detail:
    for_each: {row_of: list}
    request: {path: "/detail/{row.id}"}
    raw: NAME
"""


def test_a_file_for_each_row_may_lie_beside_the_list_of_them():
    spec = read_text(SALES + CHILD.replace("NAME", '"raw/all/{date}/{row.id}.json"'), "sales.yaml", {})
    assert [found.name for found in spec.streams] == ["sales", "list", "detail"]


@pytest.mark.parametrize("name", ["raw/{date}/{row.id}.json", "raw/all/{date}/{row.id}.json/list.json"])
def test_names_of_rows_that_are_numbers_must_not_meet_those_of_another_stream(name):
    text = SALES + CHILD.replace("list.json", "17.json") if "all" in name else SALES + CHILD
    error = refused(text.replace("NAME", f'"{name}"'))
    assert "raw of detail can give the same name as raw of" in error.what


def test_stage_needs_a_contract():
    text = SALES[: SALES.index("    contract:")] + SALES[SALES.index("    stage:") :]
    error = refused(text)
    assert "stage needs a contract" in error.what
    assert error.where == "sales.yaml:14:7"


def test_a_contract_needs_fields_and_a_spec_needs_streams():
    assert (
        "the contract has no fields"
        in refused(SALES[: SALES.index("        client")].replace("fields:", "fields: {}")).what
    )
    assert "the spec has no streams" in refused(SALES[: SALES.index("streams:")] + "streams: {}\n").what


@pytest.mark.parametrize("key", ["<<: {a: b}", "? [a]\n: b", "? {a: b}\n: c"])
def test_keys_are_words(key):
    assert "sales.yaml:1:" in str(refused(f"{key}\n{SALES}"))


def test_anchors_aliases_and_tags_are_refused_where_they_stand():
    text = SALES.replace("path: /sales", "path: &a !!str /sales").replace("by: page}", "by: page, param: *a}")
    lines = str(refused(text))
    for at, what in (("8:21", "an anchor"), ("8:21", "a tag"), ("9:31", "an alias")):
        assert f"sales.yaml:{at}: {what}" in lines


def test_nesting_without_end_is_refused():
    for deep in ("[" * 3000 + "]" * 3000, "{a: " * 3000 + "}" * 3000, "[" * 3000):
        assert isinstance(refused(f"pipeline: {deep}"), FixThis)


def test_variables_nested_without_end_are_refused():
    deep = "${A:-" * 3000 + "}" * 3000
    assert "more than 50 variables" in refused(changed("https://api.example.com", deep)).what


def test_enormous_numbers_are_no_bug():
    for number in ("9" * 5000, "1e999", "-.inf", ".nan", "0x" + "f" * 300):
        assert "no int32" in str(refused(changed("min: 0", f"min: {number}")))


ODD = (
    *(
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "'",
        '"',
        "&a ",
        "*a",
        "!x ",
        "\t",
        "\n",
        "${",
        "${A:-",
        "%",
        "#",
        "|\n",
        "~",
        "0",
    ),
    *("é", "\x00", "\ud800", "\ufeff", "<<: ", "? ", "---\n", "{date}", "{page}", "none", "${A}", "$${", "null"),
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_the_text_is_the_answer_is_a_spec_or_fix_this(data):
    """Cut, doubled and spliced examples; nothing but FixThis ever comes out."""
    start = data.draw(st.integers(0, len(SALES)))
    end = data.draw(st.integers(start, min(len(SALES), start + 40)))
    odd = st.lists(st.sampled_from(ODD), min_size=1, max_size=4).map("".join)
    put = data.draw(st.one_of(odd, st.text(max_size=8), st.just(SALES[start:end] * 2)))
    said = answer(SALES[:start] + put + SALES[end:], {"A": put})
    assert not said or "sales.yaml:" in said


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_at_all_is_a_spec_or_fix_this(text):
    assert "sales.yaml:" in answer(text, {})


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["url", "param", "path", "client", "equals", "raw", "attempts"]), st.text(max_size=20))
def test_whatever_a_variable_holds_the_answer_is_a_spec_or_fix_this(place, value):
    """Text of the environment is never YAML and never a template."""
    text = {
        "url": changed("https://api.example.com", '"${X}"'),
        "param": changed('date: "{date}"', 'date: "{date}${X}"'),
        "path": changed("path: /sales", 'path: "/${X}"'),
        "client": changed("client: string", 'client: {type: string, enum: ["${X}"]}'),
        "equals": changed('equals: "{date}"', 'equals: "${X}"'),
        "raw": changed("raw/{date}/{page}.json", "raw/${X}/{date}/{page}.json"),
        "attempts": changed("https://api.example.com", 'https://a.example\n  retry: {attempts: "${X}"}'),
    }[place]
    said = answer(text, {"X": value})
    assert not said or "sales.yaml:" in said
    assert len(value) < 8 or value not in said


FIELDS = SALES[SALES.index("        client") : SALES.index("    stage")]


@pytest.mark.parametrize(
    ("only", "output", "refuses"),
    [
        ("{type: string, nullable: true}", "csv: a/{date}", True),
        ("{type: binary, nullable: true}", "csv: {name: a/{date}, delimiter: ;}", True),
        ("{type: string, nullable: true}", "csv: {name: a/{date}, null_as: NA}", False),
        ("{type: int64, nullable: true}", "csv: a/{date}", False),
        ("string", "csv: a/{date}", False),
    ],
)
def test_a_csv_of_one_column_must_be_able_to_tell_null_from_an_empty_text(only, output, refuses):
    text = SALES.replace(FIELDS, f"        client: {only}\n").replace(
        AVRO, output.replace("a/{date}", '"a/{date}.csv"')
    )
    if not refuses:
        read_text(text, "s.yaml", {})
        return
    error = refused(text)
    assert 'a CSV of "client" alone cannot tell null from an empty text' in error.what
    assert 'null_as: "NA"' in error.todo
