import json
from pathlib import Path

import pytest

from levada.contract.infer import block, infer
from levada.spec.read import read_text


def records(*values, name="field"):
    return [json.dumps({name: value}).encode() for value in values]


def only(found):
    (guess,) = found.fields
    return guess


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b"], "string"),
        (["2022-08-09", "2024-02-29"], "date"),
        (["2022-08-09", "2022-02-30"], "string"),
        (["2022-08-09", ""], "string"),
        (["2022-8-9", "2022-08-10", "2022-Aug-30"], "date"),
        (["2022-8-9", "tomorrow"], "string"),
        (["2022-08-09T10:00:00Z", "2022-08-09 10:00:00.123456789+03:00"], "timestamp"),
        (["2022-08-09T10:00:00Z", "2022-08-09"], "string"),
        (["01234567-89AB-cdef-0123-456789abcdef"], "uuid"),
        ([{"a": 1}, {}], "json"),
        ([[1], []], "json"),
        ([True, False], "boolean"),
        ([1, 2], "int32"),
        ([2**31 - 1, -(2**31)], "int32"),
        ([2**31], "int64"),
        ([-(2**31) - 1], "int64"),
        ([2**63 - 1, -(2**63)], "int64"),
        ([1.5], "float64"),
        ([1, 1.5], "float64"),
        ([1.0], "float64"),
        ([2**63, 0.5], "float64"),
    ],
)
def test_the_type_is_that_of_every_value(values, kind):
    guess = only(infer(records(*values)))
    assert (guess.type, guess.nullable) == (kind, False)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([None, None], "never a value, so no type was seen, null in 2 of 2 rows"),
        ([1, "a", 2], "mixed: a whole number in 2, text in 1"),
        ([True, 1], "mixed: true or false in 1, a whole number in 1"),
        (["2022-08-09T10:00:00"], "a moment in 1 row, such as 2022-08-09T10:00:00: without offset, so name its zone"),
        ([{"a": 1}, [1]], "mixed: an object in 1, a list in 1"),
        ([2**63], "whole numbers in 1 row, some beyond 2^63"),
        ([-(2**63) - 1], "whole numbers in 1 row, some beyond 2^63"),
    ],
)
def test_what_the_contract_cannot_say_is_left_out_with_the_reason(values, said):
    found = infer(records(*values))
    assert only(found).type is None
    assert only(found).why.startswith(said)
    assert all(line.lstrip().startswith("#") for line in block(found))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["2022-8-9"], "{type: date, parse: year_first}"),
        (["2022-8-9", None], "{type: date, parse: year_first, nullable: true}"),
        (["2022-08-09T10:00:00.1234567Z"], "{type: timestamp, parse: microseconds}"),
        ([{"a": 1}], "json"),
    ],
)
def test_the_form_that_values_need_stands_in_the_contract(values, line):
    (found,) = (text for text in block(infer(records(*values))) if text.lstrip().startswith("field:"))
    assert found.partition("#")[0].strip() == f"field: {line}"


def test_numbers_of_thousands_of_digits_are_seen_as_what_they_are():
    assert "beyond 2^63" in only(infer([b'{"field": -%s}' % (b"9" * 5000)])).why
    assert "beyond 1.8e308" in only(infer([b'{"field": 1e400}'])).why


def test_null_and_missing_make_a_field_nullable_and_are_counted_apart():
    found = infer([b'{"a": 1, "b": 1}', b'{"a": null}', b'{"b": 2}', b'{"a": 2, "b": 3}'])
    a, b = found.fields
    assert (a.name, a.type, a.nullable, a.filled, a.rows) == ("a", "int32", True, 2, 4)
    assert a.why == "whole numbers in 2 rows, 1 to 2, null in 1, missing in 1 of 4 rows"
    assert (b.nullable, b.why) == (True, "whole numbers in 3 rows, 1 to 3, missing in 1 of 4 rows")


def test_how_sure_follows_from_the_rows_seen():
    found = infer(records(*range(300)))
    assert (found.doubt, only(found).doubt) == (0.01, 0.01)
    assert infer(records(1)).doubt == 1.0
    rare = infer([*records(*[1] * 60), *[b"{}"] * 240])
    assert (rare.doubt, only(rare).doubt) == (0.01, 0.05)
    assert "up to 5 % may differ" in block(rare)[-1]


def test_few_texts_in_many_rows_may_be_all_there_are():
    often = infer(records(*["TV", "Phone"] * 10))
    assert only(often).enum == ("Phone", "TV")
    assert "only these texts came: enum: [Phone, TV]" in block(often)[-1]
    assert not any("enum" in line.split("#")[0] for line in block(often))


@pytest.mark.parametrize(
    "values",
    [
        ["TV", "Phone"] * 9,
        ["TV"] * 19,
        [f"text {number}" for number in range(13)] * 20,
        ["x" * 41] * 20,
        ["", "a"] * 20,
        ["${HOME}"] * 20,
        ["2022-08-09"] * 20,
    ],
)
def test_texts_that_are_no_choices(values):
    assert only(infer(records(*values))).enum == ()


def test_records_that_are_no_objects_are_counted_and_told():
    found = infer([b"1", b'["a"]', b'{"a": 1}', b'{"a": '])
    assert (found.rows, found.odd, [guess.name for guess in found.fields]) == (1, 3, ["a"])
    assert "# CHECK: 3 more records were no objects" in "\n".join(block(found))


def test_half_a_surrogate_pair_makes_a_bad_row():
    found = infer([b'{"field": "\\ud800"}', b'{"field": "a"}'])
    assert (found.rows, found.odd) == (1, 1)


def test_names_that_no_staged_field_can_have_are_left_out_with_the_reason():
    lines = block(infer([b'{"@odata.id": "x", "id": 1}']))
    assert any(
        line.strip().startswith('# "@odata.id": string') and "no name that can be staged" in line for line in lines
    )
    assert any(line.strip().startswith("id: int64") for line in lines)


@pytest.mark.parametrize("name", ["on", "null", "True", "y", "a", "_x", "No"])
@pytest.mark.parametrize("value", ["a: b", "x #y", "{a}", "- a", '"', "é", "a\nb", "null", "12", " a", "[", "ends "])
def test_the_block_is_a_contract_that_takes_the_sample(name, value):
    found = infer([*records(*[value] * 20, name=name), b'{"n": 1.5}'])
    lines = block(found, indent=4)
    text = "\n".join(
        ["pipeline: p", "source: {url: 'http://h'}", "streams:", "  s:", "    request: {path: /s}", *lines, ""]
    )
    fields = {field.name: field for field in read_text(text, "p.yaml", {}).streams[0].contract.fields}
    assert {key: (field.type, field.nullable) for key, field in fields.items()} == {
        name: ("string", True),
        "n": ("float64", True),
    }


def test_a_suggested_enum_can_be_pasted():
    line = next(line for line in block(infer(records(*["a: b", "on", "x, y", 'q"'] * 20))) if "enum: [" in line)
    enum = line[line.index("enum: [") :]
    text = f"""pipeline: p
source: {{url: 'http://h'}}
streams:
  s:
    request: {{path: /s}}
    contract: {{fields: {{a: {{type: string, {enum}}}}}}}
"""
    (field,) = read_text(text, "p.yaml", {}).streams[0].contract.fields
    assert field.enum == ("a: b", "on", 'q"', "x, y")


def test_no_records_are_no_contract():
    lines = block(infer([]))
    assert lines[0].startswith("# Guessed from 0 rows. What none of them broke, up to 100 % of all rows")
    assert all(line.lstrip().startswith("#") for line in lines)


def test_the_example_of_the_docs_is_what_comes_out():
    rows = [
        {
            "client": f"Client {number}",
            "purchase_date": "2022-08-09",
            "price": 88 if number else 4835,
            "comment": f"Comment {number}" if number < 24 else None,
            "address": {},
        }
        for number in range(300)
    ]
    page = Path(__file__).parents[2] / "docs" / "writing-specs.md"
    assert "\n".join(block(infer(json.dumps(row).encode() for row in rows))) in page.read_text()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("id", "int64"), ("user_id", "int64"), ("userId", "int64"), ("ID", "int64"), ("paid", "int32"), ("idle", "int32")],
)
def test_ids_grow_beyond_what_a_sample_shows(name, kind):
    (guess,) = infer([f'{{"{name}": 7}}'.encode()]).fields
    assert guess.type == kind
    assert guess.why.endswith("; ids grow") == (kind == "int64")
