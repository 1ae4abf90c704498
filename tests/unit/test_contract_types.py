"""Further types, other forms, packed texts, sources: what each takes and what it refuses."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from levada.contract.check import check_page, check_record, prepare
from levada.contract.model import Contract, Field, Length
from levada.contract.packed import LIMIT, TOKENS, literal
from levada.errors import FixThis


def checked(field, raw, **contract):
    found = check_record(prepare(Contract((field,), **contract)), raw)
    return next(iter(found.values())) if isinstance(found, dict) else found


def of(kind, value, **rules):
    return checked(Field("x", kind, **rules), b'{"x":' + value.encode() + b"}")


def moment(*parts):
    return datetime(*parts, tzinfo=UTC)


SIZED = {"precision": 6, "scale": 2}
LISBON = {"timezone": "Europe/Lisbon"}


@pytest.mark.parametrize(
    ("kind", "rules", "value", "expected"),
    [
        ("decimal", SIZED, "12", Decimal("12.00")),
        ("decimal", SIZED, "-1234.5", Decimal("-1234.50")),
        ("decimal", SIZED, '"12.50"', Decimal("12.50")),
        ("decimal", SIZED, "1.25e1", Decimal("12.50")),
        ("decimal", SIZED, "-0", Decimal("0.00")),
        ("decimal", {"precision": 38, "scale": 0}, "9" * 38, Decimal("9" * 38)),
        ("timestamp", {}, '"2022-08-09T10:11:12Z"', moment(2022, 8, 9, 10, 11, 12)),
        ("timestamp", {}, '"2022-08-09 10:11:12.123456000+03:00"', moment(2022, 8, 9, 7, 11, 12, 123456)),
        ("timestamp", {}, '"2022-08-09t10:11-0230"', moment(2022, 8, 9, 12, 41)),
        ("timestamp", LISBON, '"2022-08-09T10:11"', moment(2022, 8, 9, 9, 11)),
        ("timestamp", LISBON, '"2022-08-09T10:11Z"', moment(2022, 8, 9, 10, 11)),
        ("time", {}, '"10:30"', time(10, 30)),
        ("time", {}, '"23:59:59.5"', time(23, 59, 59, 500_000)),
        ("binary", {}, '"AAH/"', b"\x00\x01\xff"),
        ("uuid", {}, '"01234567-89AB-CDEF-0123-456789abcdef"', UUID("01234567-89ab-cdef-0123-456789abcdef")),
        ("json", {}, '{"b" : 1.0, "a": [null]}', '{"b" : 1.0, "a": [null]}'),
        ("json", {}, '"null"', '"null"'),
        ("list", {"item": Field("item", "int32", nullable=True)}, "[1, null, 2.0]", [1, None, 2]),
        ("struct", {"parts": (Field("b", "date"), Field("a", "string", source="$.c[1]"))}, None, None),
    ],
)
def test_a_good_value_becomes_the_python_value_of_its_column(kind, rules, value, expected):
    if kind == "struct":
        value, expected = '{"c": [0, "x"], "b": "2022-08-09"}', {"b": date(2022, 8, 9), "a": "x"}
    found = of(kind, value, **rules)
    assert (found, type(found)) == (expected, type(expected))
    assert list(found) == list(expected) if kind == "struct" else str(found) == str(expected)


@pytest.mark.parametrize(
    ("kind", "rules", "value", "reason"),
    [
        ("decimal", SIZED, "12.345", "expected decimal(6,2) (up to 4 digits, 2 after the point), found 12.345"),
        ("decimal", SIZED, "12345", "expected decimal(6,2) (up to 4 digits, 2 after the point), found 12345"),
        ("decimal", SIZED, '"NaN"', 'found "NaN"'),
        ("decimal", SIZED, "true", "found true"),
        ("decimal", SIZED, "1e99999999999999999999", "found 1e99999999999999999999"),
        ("timestamp", {}, '"2022-08-09T10:11:12"', 'a moment with an offset, as "2022-08-09T10:30:00Z"'),
        ("timestamp", {}, '"2022-08-09T24:00:00Z"', "found"),
        ("timestamp", {}, '"2022-08-09T10:11:60Z"', "found"),
        ("timestamp", {}, '"2022-08-09T10:11:12.1234567Z"', "to the microsecond, found"),
        ("timestamp", {}, '"0001-01-01T00:00:00+14:00"', "found"),
        ("timestamp", {}, "1660000000", "found 1660000000"),
        ("timestamp", LISBON, '"2022-03-27 01:30"', "or without offset (Europe/Lisbon)"),
        ("timestamp", LISBON, '"2022-10-30 01:30"', "or without offset (Europe/Lisbon)"),
        ("time", {}, '"24:00"', "a time of day"),
        ("time", {}, '"10:30Z"', "a time of day"),
        ("binary", {}, '"AAH"', "bytes, as text in base64"),
        ("uuid", {}, '"0123456789abcdef0123456789abcdef"', "a UUID"),
    ],
)
def test_another_value_is_told(kind, rules, value, reason):
    (violation,) = of(kind, value, **rules)
    assert violation.rule == "type"
    assert reason in violation.reason


def test_the_place_in_lists_and_structs_is_told():
    line = Field("item", "struct", parts=(Field("price", "int32", min=0), Field("name", "string")))
    found = of("list", '[{"price": -1, "name": "a"}, {"price": 1.5}, 7, null]', item=line)
    assert [(each.path, each.rule) for each in found] == [
        ("x[0].price", "min"),
        ("x[1].price", "type"),
        ("x[1].name", "required"),
        ("x[2]", "type"),
        ("x[3]", "nullable"),
    ]


def test_a_key_twice_in_a_struct_is_told():
    (violation,) = of("struct", '{"a": 1, "a": 2}', parts=(Field("a", "int32"),))
    assert (violation.path, violation.rule) == ("x.a", "json")


def test_keys_within_structs_are_dropped_kept_or_refused():
    field = Field("x", "struct", parts=(Field("a", "int32"),))
    raw = b'{"x": {"a": 1, "b": [2]}, "y": 0}'
    rows = {how: check_record(prepare(Contract((field,), unknown=how)), raw) for how in ("drop", "keep", "refuse")}
    assert rows["drop"] == {"x": {"a": 1}}
    assert rows["keep"] == {"x": {"a": 1}, "_unknown": '{"y":0,"x.b":[2]}'}
    assert [each.path for each in rows["refuse"]] == ["y", "x.b"]


@pytest.mark.parametrize(
    ("value", "bound", "good"),
    [
        ('"abc"', Length(1, 3), True),
        ('""', Length(1, 3), False),
        ('"abcd"', Length(1, 3), False),
        ('"é"', Length(1, 1), True),
    ],
)
def test_lengths_of_texts(value, bound, good):
    found = of("string", value, length=bound)
    assert isinstance(found, str) == good
    assert good or "expected 1 to 3 characters, found" in found[0].reason


def test_lengths_of_lists_and_bytes():
    assert "exactly 2 items" in of("list", "[1]", item=Field("item", "int32"), length=Length(2, 2))[0].reason
    assert "at least 3 bytes" in of("binary", '"AAE="', length=Length(3, None))[0].reason
    with pytest.raises(FixThis, match="`length` is for string, binary, list"):
        prepare(Contract((Field("x", "int32", length=Length(1)),)))


@pytest.mark.parametrize(
    ("kind", "parse", "value", "expected"),
    [
        ("int32", "number", '"712$"', 712),
        ("int32", "number", '"USD 712"', 712),
        ("int32", "number", '"$ 1,234"', 1234),
        ("int32", "number", '" -712 "', -712),
        ("int32", "number", '"-$5"', -5),
        ("int32", "number", '"R$ 5.00"', 5),
        ("int64", "number", '"1 000 000"', 1_000_000),
        ("float64", "number", '"12.5 EUR"', 12.5),
        ("float64", "number", '"1e3"', 1000.0),
        ("int32", "number", "712", 712),
        ("float64", "comma_number", '"1.234,5 €"', 1234.5),
        ("float64", "comma_number", '"12,50"', 12.5),
        ("boolean", "zero_one", "1", True),
        ("boolean", "zero_one", '"0"', False),
        ("boolean", "zero_one", "true", True),
        ("boolean", "true_false", '"False"', False),
        ("timestamp", "epoch", "1660000000", moment(2022, 8, 8, 23, 6, 40)),
        ("timestamp", "epoch", "1660000000.123456", moment(2022, 8, 8, 23, 6, 40, 123456)),
        ("timestamp", "epoch_ms", '"1660000000123"', moment(2022, 8, 8, 23, 6, 40, 123000)),
        ("timestamp", "epoch_us", "-1", moment(1969, 12, 31, 23, 59, 59, 999999)),
        ("timestamp", "microseconds", '"2022-08-09T10:11:12.123456789Z"', moment(2022, 8, 9, 10, 11, 12, 123456)),
        ("timestamp", "%a, %d %b %Y %H:%M:%S %z", '"Tue, 09 Aug 2022 10:11:12 +0300"', moment(2022, 8, 9, 7, 11, 12)),
        ("date", "year_first", '"2022-9-7"', date(2022, 9, 7)),
        ("date", "year_first", '"2022/09/14"', date(2022, 9, 14)),
        ("date", "year_first", '"2022-Aug-30"', date(2022, 8, 30)),
        ("date", "year_first", '"2022-08-30"', date(2022, 8, 30)),
        ("date", "%d/%m/%Y", '"7/9/2022"', date(2022, 9, 7)),
        ("date", "%Y%m%d", '"20221101"', date(2022, 11, 1)),
        ("date", "%d%b%Y", '"7Sep2022"', date(2022, 9, 7)),
        ("date", "%B %d, %Y", '"August 30, 2022"', date(2022, 8, 30)),
        ("time", "%I:%M %p", '"12:05 am"', time(0, 5)),
    ],
)
def test_other_forms_are_taken_where_the_contract_names_them(kind, parse, value, expected):
    assert of(kind, value, parse=(parse,)) == expected
    if value not in ("712", "true", '"2022-08-30"'):
        assert isinstance(of(kind, value), tuple), "strict without it"


@pytest.mark.parametrize(
    ("kind", "parse", "value"),
    [
        ("int32", "number", '"712.5$"'),
        ("int32", "number", '"$712$"'),
        ("int32", "number", '"1,23"'),
        ("int32", "number", '"1.234,5"'),
        ("int32", "number", '"seven"'),
        ("int32", "number", '""'),
        ("int32", "number", '"usd 5"'),
        ("int32", "number", "true"),
        ("float64", "number", '"1e400"'),
        ("float64", "comma_number", '"1,234.5"'),
        ("float64", "comma_number", '"1.50"'),
        ("float64", "comma_number", '"12.50 €"'),
        ("int32", "number", '"0,123"'),
        ("int32", "number", '"1,234 567"'),
        ("float64", "number", '"1 234,567"'),
        ("date", "%Y%m%d", '"2022111"'),
        ("date", "%d%m%Y", '"1112022"'),
        ("timestamp", "epoch", "1e999999"),
        ("timestamp", "epoch", "1e-999999999"),
        ("timestamp", "epoch", "1660000000.50000000000000000000000000000000001"),
        ("boolean", "zero_one", "2"),
        ("boolean", "zero_one", "1.0"),
        ("boolean", "true_false", '"yes"'),
        ("timestamp", "epoch", "1660000000.1234567"),
        ("timestamp", "epoch", "1e30"),
        ("timestamp", "epoch", "true"),
        ("timestamp", "%a %d %b %Y", '"Mon 09 Aug 2022"'),
        ("date", "year_first", '"2022-9/7"'),
        ("date", "year_first", '"2022-Aux-30"'),
        ("date", "year_first", '"2022-02-30"'),
        ("date", "%d/%m/%Y", '"30/2/2022"'),
        ("time", "%I:%M %p", '"13:05 pm"'),
    ],
)
def test_a_form_takes_nothing_else_and_the_reason_names_it(kind, parse, value):
    rules = {"timezone": "UTC"} if kind == "timestamp" else {}
    (violation,) = of(kind, value, parse=(parse,), **rules)
    assert violation.rule == "type"
    assert f" in the form {parse}, found {value}" in violation.reason


@pytest.mark.parametrize(
    ("kind", "parse", "value", "expected"),
    [
        ("date", ("%Y-%d-%m",), '"2022-03-04"', date(2022, 4, 3)),
        ("date", ("%Y-%d-%m",), '"2022-03-14"', None),
        ("date", ("%d/%m/%Y",), '"2022-03-04"', None),
        ("date", ("%d/%m/%Y", "iso"), '"2022-03-04"', date(2022, 3, 4)),
        ("date", ("%d/%m/%Y", "iso"), '"4/3/2022"', date(2022, 3, 4)),
        ("date", ("iso",), '"2022-3-4"', None),
        ("decimal", ("comma_number",), '"1.234"', Decimal("1234.00")),
        ("decimal", ("comma_number",), '"12.50"', None),
        ("decimal", ("comma_number",), "12.5", Decimal("12.50")),
        ("decimal", ("number",), '"1.25"', Decimal("1.25")),
        ("timestamp", ("epoch",), '"2022-08-09T10:11:12Z"', None),
        ("timestamp", ("epoch", "iso"), '"2022-08-09T10:11:12Z"', moment(2022, 8, 9, 10, 11, 12)),
        ("timestamp", ("epoch", "iso"), "1", moment(1970, 1, 1, 0, 0, 1)),
        ("timestamp", ("microseconds",), '"2022-08-09T10:11:12Z"', moment(2022, 8, 9, 10, 11, 12)),
        ("time", ("%M:%H",), '"10:11"', time(11, 10)),
        ("time", ("%I:%M %p", "iso"), '"10:11:12"', time(10, 11, 12)),
        ("boolean", ("zero_one",), '"true"', None),
        ("boolean", ("true_false",), "false", False),
        ("int32", ("number",), "7.0", 7),
        ("int32", ("number",), "null", "null"),
        ("date", ("year_first",), "null", "null"),
    ],
)
def test_texts_are_read_in_the_forms_that_are_named_and_in_no_other(kind, parse, value, expected):
    rules = SIZED if kind == "decimal" else {}
    found = of(kind, value, parse=parse, nullable=expected == "null", **rules)
    if expected is None:
        assert [each.rule for each in found] == ["type"]
    else:
        assert found == (None if expected == "null" else expected)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("712 USD", 712),
        ("USD712", 712),
        ("712 ABC", "ABC"),
        ("XXX 712", "XXX"),
        ("712 XTS", "XTS"),
        ("KGS 712", 712),
        ("HRK 712", 712),
        ("712 €", 712),
        ("£712", 712),
        ("¥ 712", 712),
        ("R$ 712", 712),
        ("US$712", 712),
        ("USD$ 712", 712),
        ("ABC$ 712", "ABC"),
        ("-712 ZZZ", "ZZZ"),
    ],
)
def test_three_letters_beside_an_amount_are_a_currency_of_iso_4217(text, value):
    found = of("int32", f'"{text}"', parse=("number",))
    if isinstance(value, int):
        assert found == value
        return
    (violation,) = found
    assert violation.reason == (
        "expected int32 (a whole number from -2147483648 to 2147483647), or in the form number, "
        f'found "{text}": {value} is no currency of ISO 4217'
    )


def test_a_literal_of_a_field_with_forms_is_written_as_the_type_is():
    field = Field("x", "date", parse=("%d.%m.%Y",), min="01.02.2022")
    with pytest.raises(FixThis, match='which is not a date that exists, as "YYYY-MM-DD"'):
        prepare(Contract((field,)))


DIRTY = Contract(
    (
        Field("client", "string"),
        Field("purchase_date", "date", parse=("year_first",)),
        Field("price", "int32", parse=("number",), min=0),
    )
)


def test_dirty_sales_are_read_and_what_is_none_is_told():
    days = ["2022-09-07", "2022-9-7", "2022/09/14", "2022-Aug-30", "2022-Sep-1", "07.09.2022"]
    prices = ['"712$"', '"USD 712"', '"712USD"', "712", '"712"', '"712"']
    page = [
        f'{{"client": "Ann", "purchase_date": "{day}", "price": {price}}}'.encode()
        for day, price in zip(days, prices, strict=True)
    ]
    batch = check_page(prepare(DIRTY), 1, page)
    assert [row["price"] for row in batch.rows] == [712] * 5
    assert [row["purchase_date"].isoformat() for row in batch.rows] == [
        "2022-09-07",
        "2022-09-07",
        "2022-09-14",
        "2022-08-30",
        "2022-09-01",
    ]
    (bad,) = batch.rejected
    assert bad.violations[0].reason == ('expected a date that exists in the form year_first, found "07.09.2022"')


def test_a_packed_value_is_read_by_the_type():
    assert of("list", "\"['a', 'b']\"", decode="python_literal", item=Field("item", "string")) == ["a", "b"]
    assert of("json", '"{\\"a\\": 1}"', decode="json") == '{"a": 1}'
    assert of("int32", '"None"', decode="python_literal", nullable=True) is None
    (violation,) = of("json", '"{\\"a\\": }"', decode="json")
    assert (violation.rule, violation.reason) == ("decode", r'expected text with JSON in it, found "{\"a\": }"')
    (violation,) = of("int32", "5", decode="python_literal")
    assert violation.rule == "decode"
    (violation,) = of("int32", "\"'5'\"", decode="python_literal")
    assert violation.rule == "type"


PARTS = Contract(
    (
        Field("key", "string", source="$.params.key", nullable=True),
        Field("url", "string", source="$.params.url"),
    ),
    decode=(("params", "python_literal"),),
)


def test_a_key_that_is_packed_is_unpacked_before_fields_are_taken_from_it():
    checker = prepare(PARTS)
    assert check_record(checker, b"""{"params": "{'key': 'a', 'url': 'b'}"}""") == {"key": "a", "url": "b"}
    for raw in (b'{"params": "None"}', b'{"params": null}', b"{}"):
        (violation,) = check_record(checker, raw)
        assert (violation.path, violation.rule) == ("url", "required")
    found = check_record(checker, b'{"params": "{"}')
    assert [(each.path, each.rule) for each in found] == [("key", "decode"), ("url", "decode")]


@pytest.mark.parametrize(
    ("source", "value"),
    [("a.b", 1), ("$.a.b", 2), ("$['a']['c d'][0]", 3), ("$.a['c d'][-1]", 4)],
)
def test_a_field_comes_from_a_key_or_a_path(source, value):
    raw = b'{"a.b": 1, "a": {"b": 2, "c d": [3, 4]}}'
    assert checked(Field("x", "int32", source=source), raw) == value


@pytest.mark.parametrize(
    ("raw", "rule", "reason"),
    [
        (b'{"a": {}}', "required", "the key is missing"),
        (b'{"a": null}', "required", "the key is missing"),
        (b'{"a": 5}', "type", "expected an object, found 5"),
        (b'{"a": {"b": null}}', "nullable", "found null"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(raw, rule, reason):
    (violation,) = checked(Field("x", "int32", source="$.a.b"), raw)
    assert (violation.path, violation.rule) == ("x", rule)
    assert reason in violation.reason


def test_keys_that_fields_come_from_are_known():
    field = Field("x", "int32", source="a")
    assert checked(field, b'{"a": 1}', unknown="refuse") == 1
    assert [each.path for each in checked(field, b'{"a": 1, "x": 2}', unknown="refuse")] == ["x"]


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("float64", "12", False),
        ("float64", "12.0", True),
        ("float64", "-0", False),
        ("float64", "null", True),
        ("int64", "1.0", False),
        ("int64", "1", True),
        ("int64", "true", False),
        ("int32", "1e2", False),
    ],
)
def test_strict_takes_numbers_only_as_they_are_written(kind, value, good):
    field = Field("x", kind, nullable=True, min=-5 if kind != "float64" else 0)
    raw = f'{{"x": {value}}}'.encode()
    row, quick = check_record(prepare(Contract((field,), strict=True)), raw), check_page
    assert isinstance(row, dict) == good
    assert len(quick(prepare(Contract((field,), strict=True)), 1, [raw]).rows) == good


PURCHASES = Contract(
    (Field("ean", "int64"), Field("price", "float64"), Field("store", "int64"), Field("dateTime", "string")),
    strict=True,
    on_bad="nullify",
)


def test_nullify_with_strict_keeps_the_row_and_counts_the_values():
    page = [
        b'{"ean": 5, "price": 1.5, "store": 3, "dateTime": "a", "more": 1}',
        b'{"ean": 5.0, "price": 12, "store": true, "dateTime": "a"}',
        b'{"price": "error"}',
    ]
    batch = check_page(prepare(PURCHASES), 1, page)
    nothing = dict.fromkeys(("ean", "price", "store", "dateTime"))
    assert batch.rows == (
        {"ean": 5, "price": 1.5, "store": 3, "dateTime": "a"},
        nothing | {"dateTime": "a"},
        nothing,
    )
    assert (batch.nullified, batch.rejected) == (7, ())


def test_a_bad_part_makes_the_whole_column_null():
    contract = Contract((Field("x", "list", item=Field("item", "int32")),), on_bad="nullify")
    batch = check_page(prepare(contract), 1, [b'{"x": [1, "a", "b"]}'])
    assert (batch.rows, batch.nullified) == (({"x": None},), 1)


RUNS = Contract(
    (
        Field("is_correct", "boolean", parse=("zero_one",), null_exactly_when=(("type", ("run", None)), ("n", (1,)))),
        Field("type", "string", nullable=True),
        Field("n", "int64"),
    )
)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"is_correct": null, "type": "run", "n": 1}', None),
        (b'{"type": null, "n": 1}', None),
        (b'{"is_correct": 1, "type": "submit", "n": 1}', None),
        (b'{"is_correct": 1, "type": "run", "n": 2}', None),
        (b'{"is_correct": 1, "type": "run", "n": 1}', 'null, because type is "run" or null and n is 1, found true'),
        (b'{"type": "submit", "n": 1}', 'a value, because not type is "run" or null and n is 1, found null'),
    ],
)
def test_null_exactly_when(raw, reason):
    found = check_record(prepare(RUNS), raw)
    if reason is None:
        assert isinstance(found, dict)
        return
    (violation,) = found
    assert violation == type(violation)("is_correct", "null_exactly_when", f"expected {reason}")


def test_null_exactly_when_is_not_asked_of_fields_that_are_bad():
    assert [each.path for each in check_record(prepare(RUNS), b'{"is_correct": 1, "type": 5, "n": 1}')] == ["type"]


def odd(**rules):
    return Contract((Field("x", "string", **rules), Field("y", "string")))


@pytest.mark.parametrize(
    ("contract", "what"),
    [
        (odd(null_exactly_when=(("y", ["a"]),)), "`null_exactly_when` of `x` is (('y', ['a']),), which is no tuple"),
        (odd(null_exactly_when=(("y", ({"a"},)),)), "`null_exactly_when` of `x` is (('y', ({'a'},)),), which is no"),
        (odd(null_exactly_when=[("y", ("a",))]), "`null_exactly_when` of `x` is [('y', ('a',))], which is no tuple"),
        (odd(null_exactly_when={"y": "a"}), "`null_exactly_when` of `x` is {'y': 'a'}, which is no tuple"),
        (odd(null_exactly_when=(("y", "run"),)), "`null_exactly_when` of `x` has ('y', 'run'), which is no field"),
        (odd(null_exactly_when=("y",)), "`null_exactly_when` of `x` has 'y', which is no field with a tuple"),
        (odd(null_exactly_when=(("y", (1j,)),)), "`null_exactly_when` of `y` is 1j"),
        (odd(enum=["a"]), "`enum` of `x` is ['a'], which is no tuple"),
        (odd(enum="abc"), "`enum` of `x` is 'abc', which is no tuple"),
        (odd(min=[]), "`min` of `x` is [], which is no tuple"),
        (odd(min=object), "`min` of `x` is <class 'object'>"),
        (odd(parse="number"), "`parse` of `x` is 'number', which is no tuple"),
        (replace(odd(), key=["x"]), "`key` of `the contract` is ['x'], which is no tuple"),
        (replace(odd(), fields=[*odd().fields]), "`fields` of `the contract` is ["),
        (Contract((Field("x", "list", item=Field("i", "string", enum=["a"])),)), "`enum` of `i` is ['a'], which is"),
        (Contract((Field("x", "struct", parts=(Field("i", "date", enum={"a"}),)),)), "`enum` of `i` is {'a'}, which"),
    ],
)
def test_what_python_code_gives_instead_of_tuples_is_refused(contract, what):
    with pytest.raises(FixThis) as refused:
        prepare(contract)
    assert what in refused.value.what
    assert "Write" in refused.value.todo


@pytest.mark.parametrize(
    ("contract", "what"),
    [
        (Contract((Field("x", "string", null_exactly_when=(("y", ("a",)),)),)), "`y`, which is no other field"),
        (Contract((Field("x", "json", enum=("a",)),)), "`enum` has no meaning for a json"),
        (Contract((Field("x", "date", parse=("number",)),)), "number is for int32"),
        (Contract((Field("x", "date", source="$.a[*]"),)), "leads to no one value"),
        (Contract((Field("x", "list", item=Field("item", "int32", unique=True)),)), "stands in a list or struct"),
        (Contract((Field("x", "json", unique=True),)), "whose values are not told apart"),
        (Contract((Field("x", "string", nullable=True),), key=("x",)), "a field that may be null"),
        (Contract((Field("x", "string"),), key=("y",)), "which is no field"),
    ],
)
def test_rules_that_do_not_fit_are_refused(contract, what):
    with pytest.raises(FixThis, match=what):
        prepare(contract)


def test_the_page_tells_the_limit_of_literals():
    page = Path(__file__).parents[2] / "docs" / "contract.md"
    assert f"up to {LIMIT:,} characters, {TOKENS:,} texts, numbers and signs" in page.read_text(encoding="utf-8")
    assert len(literal("[" + "1," * (TOKENS // 2 - 1) + "]")) == TOKENS // 2 - 1
    assert literal(f"'{'a' * (LIMIT - 2)}'") == "a" * (LIMIT - 2)


@pytest.mark.parametrize(
    ("kind", "within", "inside", "outside"),
    [
        ("date", ("2024-10-08", "2024-10-09"), ["2024-10-08"], ["2024-10-07", "2024-10-09"]),
        (
            "timestamp",
            ("2024-10-08T00:00:00+01:00", "2024-10-09T00:00:00+01:00"),
            ["2024-10-07T23:00:00Z", "2024-10-08T22:59:59.999999Z", "2024-10-08T12:00:00+05:00"],
            ["2024-10-07T22:59:59.999999Z", "2024-10-08T23:00:00Z"],
        ),
    ],
)
def test_within_takes_the_first_moment_and_not_the_last(kind, within, inside, outside):
    for text in inside:
        assert not isinstance(of(kind, f'"{text}"', within=within), tuple)
    for text in outside:
        (violation,) = of(kind, f'"{text}"', within=within)
        assert (violation.path, violation.rule) == ("x", "within")
        assert violation.reason == f'expected a value from {within[0]} on, before {within[1]}, found "{text}"'
