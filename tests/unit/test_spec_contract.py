"""Contracts in a spec: what each form gives, and what wrong ones are told."""

import pytest

from levada.contract.model import Contract, Field, Length
from levada.spec.bind import bind_contract
from levada.spec.partition import parse_day, values
from levada.spec.read import read_text
from mistakes import refused

HEAD = """\
pipeline: sales
partition: {by: day}
source: {url: https://api.example.com}
streams:
  sales:
    request: {path: /sales, params: {day: "{date}"}}
    contract:
"""


def contract(text):
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    return read_text(HEAD + lines, "s.yaml", {}).streams[0].contract


def plain(noun):
    """A noun without its places."""
    if isinstance(noun, Field | Contract):
        names = (name for name in noun.__dataclass_fields__ if name != "place")
        return type(noun), {name: plain(getattr(noun, name)) for name in names}
    return tuple(map(plain, noun)) if type(noun) is tuple else noun


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("decimal(10,2)", Field("x", "decimal", precision=10, scale=2)),
        (
            '{type: "decimal(10,1)", min: 0.5, max: "9.5"}',
            Field("x", "decimal", precision=10, scale=1, min=0.5, max="9.5"),
        ),
        (
            "{type: timestamp, timezone: UTC, min: 2022-01-01T00:00:00}",
            Field("x", "timestamp", timezone="UTC", min="2022-01-01T00:00:00"),
        ),
        ("{type: string, length: 3}", Field("x", "string", length=Length(3, 3))),
        ('{type: string, length: "1.."}', Field("x", "string", length=Length(1, None))),
        ('{type: string, length: "..5"}', Field("x", "string", length=Length(0, 5))),
        ("{type: boolean, parse: zero_one}", Field("x", "boolean", parse=("zero_one",))),
        ("{type: string, from: a.b}", Field("x", "string", source="a.b")),
        ("{type: string, from: \"$['a b'][0]\"}", Field("x", "string", source="$['a b'][0]")),
        ("{type: list, items: {type: int32, min: 0}}", Field("x", "list", item=Field("item", "int32", min=0))),
        (
            "{type: struct, fields: {items: {type: list, items: date}}}",
            Field("x", "struct", parts=(Field("items", "list", item=Field("item", "date")),)),
        ),
        (
            "{type: uuid, enum: [01234567-89ab-cdef-0123-456789abcdef]}",
            Field("x", "uuid", enum=("01234567-89ab-cdef-0123-456789abcdef",)),
        ),
    ],
)
def test_a_field_is_what_it_says(text, field):
    assert plain(contract(f"fields:\n  x: {text}").fields[0]) == plain(field)


def test_conditions_are_of_the_type_of_the_field_they_name():
    made = contract(
        "fields:\n"
        "  a: {type: string, null_exactly_when: {b: [run, null], c: 1}}\n"
        "  b: {type: string, nullable: true}\n"
        "  c: float64\n"
    )
    assert made.fields[0].null_exactly_when == (("b", ("run", None)), ("c", (1.0,)))
    assert made.fields[0].optional


def test_a_contract_is_what_it_says():
    made = contract("strict: true\nkey: [a, b]\ndecode: {c: json}\nfields: {a: int64, b: string}")
    assert (made.strict, made.key, made.decode) == (True, ("a", "b"), (("c", "json"),))


CASES = [
    ("decimal", "not known here", "decimal(10,2)"),
    ("decimal(39,2)", "no decimal that there can be", "1 to 38"),
    ("decimal(2,3)", "no decimal that there can be", "decimal(10,2)"),
    ("timestmp", "not known here", "did you mean timestamp?"),
    ("datetime", "not known here", "did you mean timestamp?"),
    ("array", "not known here", "did you mean list?"),
    ('{type: string, from: "$.a[*]"}', "leads to no one value", "$.address.city"),
    ('{type: string, from: "$.a["}', "no JSONPath", "$.address.city"),
    ("{type: string, from: $}", "leads to no one value", ""),
    ("{type: int64, parse: zero_one}", "zero_one is for boolean", "use number, comma_number"),
    ("{type: date, parse: dmy}", "there is no form dmy", "year_first"),
    ('{type: date, parse: "%d/%m"}', "lacks %Y", ""),
    ('{type: date, parse: "%d/%m/%y"}', "%y is no part of a form", "%Y"),
    ('{type: date, parse: "%d/%m/%Y %H"}', "a date has no %H", ""),
    ('{type: date, parse: ["%d/%m/%Y", "%m/%d/%Y"]}', "read 05/01/2022 as different values", "leave one"),
    ('{type: date, parse: [iso, "%Y-%d-%m"]}', "read 2022-05-01 as different values", "leave one"),
    ('{type: date, parse: [year_first, "%Y.%d.%m"]}', "as different values", "leave one"),
    ('{type: date, parse: ["%Y%m%d", "%d%m%Y"]}', "as different values", "leave one"),
    ('{type: date, parse: ["%a %d/%m/%Y", "%a %m/%d/%Y"]}', "as different values", "leave one"),
    ('{type: time, parse: ["%H:%M", "%M:%H"]}', "as different values", "leave one"),
    ('{type: timestamp, timezone: UTC, parse: [epoch, "%Y%m%d"]}', "as different values", "leave one"),
    ("{type: timestamp, parse: [epoch, epoch_ms]}", "as different values", ""),
    ("{type: float64, parse: [number, comma_number]}", "read 1,234 as different values", ""),
    ("{type: int32, parse: [number, comma_number]}", "read 1,234 as different values", ""),
    ("{type: date, parse: [iso, iso]}", "stands in parse twice", "leave one"),
    ('{type: timestamp, parse: "%d.%m.%Y %H:%M"}', "lacks %z, and the field has no timezone", ""),
    ("{type: string, parse: number}", "number is for int32", "no other forms"),
    ("{type: string, parse: []}", "parse names no form", ""),
    ("{type: string, decode: pickle}", "not known here", "python_literal"),
    ("{type: date, timezone: UTC}", "timezone has no meaning for a date", "timestamp"),
    ("{type: timestamp, timezone: Mars}", "no time zone", ""),
    ("{type: int64, length: 3}", "length has no meaning for a int64", "string, binary, list"),
    ("{type: string, length: 5..1}", "ends before it begins", ""),
    ("{type: string, length: long}", "is no length", "1..10"),
    ("list", "a list lacks the key items", "items: string"),
    ("struct", "a struct lacks the key fields", "fields: {a: int64}"),
    ("{type: struct, fields: {}}", "the struct has no fields", ""),
    ("{type: int64, items: string}", "items has no meaning for a int64", "list"),
    ("{type: list, items: strng}", "not known here", "string"),
    ("{type: list, items: {type: string, unique: true}}", "unique is for whole columns", ""),
    ("{type: json, unique: true}", "unique has no meaning for a json", ""),
    ("{type: json, enum: [a]}", "enum has no meaning for a json", ""),
    ("{type: list, items: string, equals: a}", "equals has no meaning for a list", ""),
    ("{type: string, null_exactly_when: {y: 1}}", '"y" in null_exactly_when is no other field', ""),
    ("{type: string, null_exactly_when: {x: a}}", '"x" in null_exactly_when is no other field', ""),
    ("{type: string, null_exactly_when: {}}", "names no field", "status"),
    ('{type: "decimal(4,2)", min: 1.005}', "in min is no decimal", "decimal(4,2)"),
    ("{type: timestamp, min: 2022-08-09T10:00:00}", "in min is no timestamp", "offset"),
    ("{type: time, max: 25:00}", "in max is no time", "10:30"),
    ("{type: uuid, equals: abc}", "in equals is no uuid", ""),
]


@pytest.mark.parametrize(("text", "what", "todo"), CASES, ids=[case[0] for case in CASES])
def test_a_wrong_field_is_told_with_its_place(text, what, todo):
    error = refused(HEAD + "      fields:\n" + f"        x: {text}\n")
    assert "s.yaml:9:" in error.where
    assert what in error.what
    assert todo in error.todo
    assert "\n" not in error.what


@pytest.mark.parametrize(
    "text",
    [
        '{type: date, parse: [iso, year_first, "%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "%d %b %Y", "%b %d %Y"]}',
        '{type: timestamp, timezone: UTC, parse: [epoch, iso, microseconds, "%d.%m.%Y %H:%M", "%d.%m.%Y"]}',
        '{type: time, parse: ["%H:%M", "%I:%M %p", iso]}',
        "{type: boolean, parse: [zero_one, true_false]}",
    ],
)
def test_forms_that_no_text_is_in_doubt_between_stand_together(text):
    assert len(contract(f"fields:\n  x: {text}").fields[0].parse) > 1


@pytest.mark.parametrize(
    ("text", "at", "what", "todo"),
    [
        ("key: idd", "8:12", '"idd" in key is no field', "did you mean id?"),
        ("key: []", "8:12", "the key has no fields", ""),
        ("key: [id, id]", "8:12", "stands in key twice", ""),
        ("key: note", "8:12", "may be null", "nullable"),
        ("key: parts", "8:12", "is a list", ""),
        ("strict: 1", "8:15", "neither true nor false", ""),
        ("decode: {a: repr}", "8:19", "not known here", "python_literal, json"),
    ],
)
def test_a_wrong_contract_is_told_with_its_place(text, at, what, todo):
    fields = "{id: int64, note: {type: string, nullable: true}, parts: {type: list, items: string}}"
    error = refused(f"{HEAD}      {text}\n      fields: {fields}\n")
    assert f"s.yaml:{at}" in error.where, error
    assert what in error.what
    assert todo in error.todo


def test_the_comma_of_a_decimal_within_braces_is_explained():
    error = refused(HEAD + "      fields: {x: decimal(10,2)}\n")
    assert 'put quotes around it, because a comma ends a value within {...}: "decimal(10,2)"' in str(error)


def test_a_condition_of_another_type_is_told():
    fields = "{x: {type: string, null_exactly_when: {n: [1, a]}}, n: int64}"
    error = refused(f"{HEAD}      fields: {fields}\n")
    assert error.what == '"a" in null_exactly_when is no int64, as n is'
    fields = "{x: {type: string, null_exactly_when: {n: a}}, n: json}"
    assert "is a json" in refused(f"{HEAD}      fields: {fields}\n").what


@pytest.mark.parametrize("text", ["{x: {type: struct, fields: {a-b: string}}}", "{a-b: string}"])
def test_names_that_avro_refuses_are_told_wherever_they_stand(text):
    error = refused(f'{HEAD}      fields: {text}\n    stage: {{avro: "s/{{date}}"}}\n')
    assert '"a-b" is no name for a field in Avro' in error.what
    assert "from: a-b" in error.todo


def test_templates_within_structs_are_filled_for_a_partition():
    made = contract('fields: {x: {type: struct, fields: {day: {type: date, equals: "{date}"}}}}')
    bound = bind_contract(made, values("p", "s", parse_day("2022-08-09")))
    assert bound.fields[0].parts[0].equals == "2022-08-09"
