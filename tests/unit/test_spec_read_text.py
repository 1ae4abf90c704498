"""What a good spec becomes: nouns, defaults, typed values, variables."""

import json
import pickle
from dataclasses import fields, is_dataclass

import pytest

from grammars import sections
from levada.contract.model import Contract, MaxBad
from levada.errors import FixThis
from levada.nouns import Format, Place, Records, plain
from levada.spec.auth import ApiKey, Jwt, Login, OAuth2, SecretRef
from levada.spec.engine import Reading, Value, walk
from levada.spec.model import ForEach, Incremental, Limits, Missing, Output, Paging, Partitioning, Retry, Source, Stage
from levada.spec.read import duration, read_text
from levada.spec.template import fill, parse
from levada.spec.tree import Word, core

SMALL = """\
pipeline: sales
source: {url: https://api.example.com}
streams:
  sales:
    request: {path: /sales}
"""


def spec(text, environment=None, **more):
    return read_text(text, "/data/folder/sales.yaml", environment or {}, **more)


def stream(below, environment=None):
    indented = "".join(f"    {line}\n" for line in below.splitlines())
    return spec(SMALL + indented, environment).streams[0]


def source(below, environment=None):
    text = SMALL.replace("{url: https://api.example.com}", "{url: https://api.example.com, " + below + "}")
    return spec(text, environment).source


def test_the_small_spec_takes_every_default():
    found = spec(SMALL)
    only = found.streams[0]
    assert (found.pipeline, found.lake, found.partition) == ("sales", "/data/folder/lake", Partitioning())
    assert (found.resume_within, found.keep_replaced, found.missing) == (3600.0, 3600.0, ())
    assert found.file == "/data/folder/sales.yaml"
    assert found.source == Source("https://api.example.com", Place(found.file, 2, 9))
    assert only.paging == Paging(by="none")
    assert (only.responses, only.records, only.raw_joined, only.contract, only.stage) == (
        (),
        Records(),
        None,
        None,
        None,
    )
    assert only.raw == parse("raw/{pipeline}/{stream}/{partition}/{page}.json")
    assert only.place == Place(found.file, 5, 5)


def test_the_lake_is_relative_to_the_spec_or_to_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert spec(SMALL + "lake: data\n").lake == "/data/folder/data"
    assert spec(SMALL + "lake: /data\n").lake == "/data"
    assert spec(SMALL + "lake: data\n", lake="here").lake == str(tmp_path / "here")
    assert spec(SMALL + "lake: ${LAKE}\n", {"LAKE": "/x y"}).lake == "/x y"


def test_a_lake_that_the_command_line_names_wrongly_is_refused():
    wrong = {"hdfs://b": "no lakes at hdfs://", "~/x": "begins with ~", "": "empty", "a\0b": "control"}
    for lake, what in wrong.items():
        with pytest.raises(FixThis) as caught:
            spec(SMALL, lake=lake)
        assert what in caught.value.what
        assert caught.value.where == "--lake"


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert spec("\ufeff" + SMALL).pipeline == "sales"


def test_everything_a_source_can_say():
    found = source(
        'auth: {header: X-Key, key: "${A:-${B}}"}, headers: {Accept: application/json}, '
        'params: {limit: 0100, tag: [a, "{date}", ""], flag: true}, timeout: 500ms, '
        "retry: {attempts: 1, wait: 0, cap: 2m, max_wait: 1h}, limits: {concurrency: 16, page_size: 1GB}"
    )
    assert found.auth == ApiKey("header", "X-Key", SecretRef(("A", "B"), found.auth.key.place), found.auth.place)
    assert found.headers == (("Accept", parse("application/json")),)
    assert [(name, value.text) for name, value in found.params] == [
        ("limit", "0100"),
        ("tag", "a"),
        ("tag", "{date}"),
        ("tag", ""),
        ("flag", "true"),
    ]
    assert found.timeout == 0.5
    assert found.retry == Retry(attempts=1, wait=0.0, cap=120.0, max_wait=3600.0)
    assert found.limits == Limits(concurrency=16, page_size=1024**3)


def test_everything_a_stream_can_say():
    found = stream(
        "paging: {by: page, param: p, start: 0, max_pages: 3, ahead: off}\n"
        "responses:\n"
        "  - {status: 404, text: over, means: end}\n"
        "  - {text: 'none: at all', means: no_data}\n"
        "  - {status: 404, means: fail}\n"
        "records: $\n"
        "raw: none\n"
        "raw_joined: all/{date}.json\n"
        "contract: {on_bad: nullify, unknown: keep, max_bad: 5%, fields: {id: int64}}\n"
        "stage: {avro: {name: 'x/{partition}.avro', codec: null}}\n"
    )
    assert found.paging == Paging(by="page", param="p", start=0, max_pages=3, ahead=False)
    assert [(rule.statuses, rule.text, rule.means) for rule in found.responses] == [
        (((404, 404),), "over", "end"),
        ((), "none: at all", "no_data"),
        (((404, 404),), None, "fail"),
    ]
    assert (found.records, found.raw, found.raw_joined) == (Records("$"), None, parse("all/{date}.json"))
    assert (found.contract.on_bad, found.contract.unknown) == ("nullify", "keep")
    assert found.contract.max_bad == MaxBad(share=0.05)
    (output,) = found.stage.outputs
    assert output == Output("avro", parse("x/{partition}.avro"), output.place, "null")


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("{type: string, enum: [a, 'true', no], pattern: '^a$', equals: \"{date} {{x}}\"}", ("a", "true", "no")),
        ("{type: int32, enum: [0x1f, 0o17, -3]}", (31, 15, -3)),
        ("{type: int64, enum: [9223372036854775807], min: -9223372036854775808}", (2**63 - 1,)),
        ("{type: float64, enum: [1, 1.5, -2e3], min: 0, max: 1e300}", (1.0, 1.5, -2000.0)),
        ("{type: boolean, enum: [true, False]}", (True, False)),
        ("{type: date, enum: [2022-08-09], min: 2022-01-01, max: 2022-12-31}", ("2022-08-09",)),
    ],
)
def test_rules_of_a_field_have_its_type(written, typed):
    found = stream(f"contract: {{fields: {{x: {written}}}}}").contract.fields[0]
    assert found.enum == typed
    assert [type(value) for value in found.enum] == [type(value) for value in typed]


def test_floats_stay_floats_and_bounds_are_kept():
    found = stream("contract: {fields: {x: {type: float64, min: 0, max: 2, nullable: true}}}").contract.fields[0]
    assert (found.min, found.max, found.nullable) == (0.0, 2.0, True)
    assert isinstance(found.min, float)


@pytest.mark.parametrize(("written", "kept"), [("5", 5), ('"{date:%Y}"', "{date:%Y}"), ("2_000", None), ('"5"', "5")])
def test_equals_of_a_number(written, kept):
    below = f"contract: {{fields: {{x: {{type: int64, equals: {written}}}}}}}"
    if kept is None or kept == "5":
        with pytest.raises(FixThis):
            stream(below)
    else:
        assert stream(below).contract.fields[0].equals == kept


@pytest.mark.parametrize(
    ("written", "bad"), [("0", MaxBad(count=0)), ("12", MaxBad(count=12)), ("0.5%", MaxBad(share=0.005))]
)
def test_max_bad_is_a_count_or_a_share(written, bad):
    assert stream(f"contract: {{max_bad: {written}, fields: {{x: string}}}}").contract.max_bad == bad


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("nUll", "nUll"),
        ("true", True), ("FALSE", False), ("yes", "yes"), ("off", "off"), ("on", "on"), ("n", "n"),
        ("0", 0), ("-12", -12), ("+7", 7), ("012", 12), ("0o17", 15), ("0x1F", 31), ("1_000", "1_000"), ("0b1", "0b1"),
        ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-.inf", float("-inf")), ("1:30", "1:30"),
        ("2022-08-09", "2022-08-09"), ("2022-08-09 10:00:00", "2022-08-09 10:00:00"), ("=", "="), ("-", "-"),
        (".", "."),
    ],
)  # fmt: skip
def test_plain_scalars_are_what_yaml_1_2_says(text, value):
    assert core(text) == value
    assert type(core(text)) is type(value)


def test_variables_come_from_the_environment_or_their_default():
    below = 'request: {path: "/${A}/${B:-b}/${C:-${D}}/$x/$${A}"}'
    text = SMALL.replace("request: {path: /sales}", below)
    found = spec(text, {"A": "1", "B": "", "C": "", "D": "4"}).streams[0].request.path
    assert fill(found, {}) == "/1/b/4/$x/${A}"


def test_an_empty_variable_counts_as_not_set_and_a_default_may_be_empty():
    assert fill(source('params: {q: "${A}"}', {"A": ""}).params[0][1], {}) == "${A}"
    assert fill(source('params: {q: "${A:-}"}', {"A": ""}).params[0][1], {}) == ""


def test_text_of_the_environment_is_no_template():
    found = source('params: {q: "{date}${A}"}', {"A": "{page}}{"}).params[0][1]
    assert fill(found, {"date": "D"}) == "D{page}}{"


def test_a_variable_may_be_a_number_with_or_without_quotes():
    for written in ('"${N}"', '"${N:-3}"'):
        assert stream(f"paging: {{by: page, max_pages: {written}}}", {"N": "3"}).paging.max_pages == 3
    assert stream('paging: {by: page, max_pages: "${N:-3}"}').paging.max_pages == 3


def test_text_of_a_variable_is_a_string_where_the_field_is_one():
    field = "contract: {fields: {x: {type: KIND, enum: ['${A}', '${B:-7}'], equals: '${A}'}}}"
    text = stream(field.replace("KIND", "string"), {"A": "5"}).contract.fields[0]
    number = stream(field.replace("KIND", "int32"), {"A": "5"}).contract.fields[0]
    assert (text.enum, text.equals) == (("5", "7"), "5")
    assert (number.enum, number.equals) == ((5, 7), 5)


def test_a_spec_travels():
    text = SMALL.replace("https://api.example.com", 'https://a.example, auth: {header: K, key: "${T}"}')
    below = "    contract: {max_bad: 1, fields: {x: {type: float64, min: 0}, y: {type: string, enum: ['1']}}}\n"
    found = spec(text + below + "    stage: {avro: '{date:%Y/%m/%d}.avro'}\n")
    assert pickle.loads(pickle.dumps(found)) == found
    assert json.loads(json.dumps(plain(found)))["source"]["auth"]["key"]["names"] == ["T"]


def test_what_is_not_set_is_noted_and_stays_as_written():
    text = (
        SMALL.replace("https://api.example.com", '"${URL}", auth: {header: K, key: "${T:-${U}}"}')
        + '    paging: {by: page, max_pages: "${N}"}\n    raw: ${TEAM}/{date}/{page}\nlake: ${LAKE:-${DATA}}\n'
    )
    found = spec(text)
    assert found.source.url == "${URL}"
    assert found.lake == "/data/folder/${LAKE:-${DATA}}"
    assert found.streams[0].paging.max_pages is None
    assert fill(found.streams[0].raw, {"date": "d", "page": 1}) == "${TEAM}/d/1"
    assert [(gap.names, gap.used_in, gap.secret) for gap in found.missing] == [
        (("URL",), "source.url", False),
        (("T", "U"), "source.auth.key", True),
        (("N",), "streams.sales.paging.max_pages", False),
        (("TEAM",), "streams.sales.raw", False),
        (("LAKE", "DATA"), "lake", False),
    ]
    assert found.missing[0] == Missing(("URL",), "source.url", Place(found.file, 2, 15), said="${URL}")
    assert "lake" not in [gap.used_in for gap in spec(text, lake="x").missing]


def test_what_shapes_the_spec_cannot_be_missing():
    with pytest.raises(FixThis) as caught:
        stream('paging: {by: "${BY}"}')
    assert "by hangs on a variable that is not set" in caught.value.what


def test_a_secret_that_is_set_is_not_missing_and_not_in_the_spec():
    text = SMALL.replace("https://api.example.com", 'https://a.example, auth: {header: K, key: "${T:-${U}}"}')
    found = spec(text, {"T": "", "U": "hunter2secret"})
    assert found.missing == ()
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("1s", 1), ("5m", 300), ("2h", 7200), ("7d", 604800), ("1.5h", 5400), ("0", 0)],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 s", "-5s", "5S", "1w", "s", "1e3s", "1.2.3s", "99999d", "\uff11s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(FixThis) as caught:
        duration(text)
    assert caught.value.what == f'"{text}" is no duration.'
    assert "500ms" in caught.value.todo


#: The noun of a section, where its defaults stand.
NOUNS = {
    "retry": Retry,
    "limits": Limits,
    "paging": Paging,
    "source": Source,
    "contract": Contract,
    "stage": Stage,
    "partition": Partitioning,
    "oauth2": OAuth2,
    "login": Login,
    "jwt": Jwt,
    "format": Format,
    "for_each": ForEach,
    "incremental": Incremental,
}


def test_defaults_in_the_table_are_those_of_the_nouns():
    compared = 0
    for section in sections():
        noun = NOUNS.get(section.noun)
        assert noun is None or is_dataclass(noun)
        known = {field.name: field.default for field in fields(noun)} if noun else {}
        for key in section.keys:
            said = key.default not in {"", "none", "any", "all"} and " " not in key.default
            if isinstance(key.kind, Value) and said and key.name in known:
                reading = Reading({})
                value = walk(key.kind, Word(key.default, Place("x", 1, 1)), (key.name,), reading)
                value = value.value if isinstance(value, Word) else value  # another key decides its type
                assert value == known[key.name], f"{section.noun}.{key.name}"
                compared += 1
    assert compared >= 25


def test_no_key_is_built_and_not_built():
    for section in sections():
        assert not {key.name for key in section.keys} & section.later.keys(), section.noun
        assert len({key.name for key in section.keys}) == len(section.keys)


def test_a_lake_on_an_object_store_is_the_same_wherever_the_spec_lies():
    assert spec(SMALL + "lake: s3://bucket/a/b\n").lake == "s3://bucket/a/b"
    assert spec(SMALL + "lake: s3://${BUCKET}\n", {"BUCKET": "gold"}).lake == "s3://gold"
    assert spec(SMALL + "lake: data\n", lake="gs://bucket").lake == "gs://bucket"
    assert spec(SMALL, lake="memory:").lake == "memory:"
    with pytest.raises(FixThis, match=r"s3:///sales names no bucket"):
        spec(SMALL + "lake: s3:///sales\n")
