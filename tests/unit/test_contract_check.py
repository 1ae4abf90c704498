"""The record path: types, rules and what their violations say."""

from datetime import date

import pytest

from levada.contract.check import check_page, check_record, prepare
from levada.contract.model import Contract, Field
from levada.errors import ContractBroken, FixThis
from levada.nouns import Place, Violation

SALES = Contract(
    (
        Field("client", "string"),
        Field("purchase_date", "date", equals="2022-08-11"),
        Field("product", "string"),
        Field("price", "int32", min=0),
    )
)
GOOD = b'{"client": "Ann", "purchase_date": "2022-08-11", "product": "TV", "price": 346}'
ROW = {"client": "Ann", "purchase_date": date(2022, 8, 11), "product": "TV", "price": 346}
INT32 = "int32 (a whole number from -2147483648 to 2147483647)"
INT64 = "int64 (a whole number from -9223372036854775808 to 9223372036854775807)"


def checked(contract, raw):
    return check_record(prepare(contract), raw)


def of(kind, value, **rules):
    return checked(Contract((Field("x", kind, **rules),)), b'{"x":' + value + b"}")


def only(found):
    assert isinstance(found, tuple), found
    (violation,) = found
    return violation


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", b'"a"', "a"),
        ("string", b'""', ""),
        ("string", b'"\\ud83d\\ude00"', "\U0001f600"),
        ("int32", b"346", 346),
        ("int32", b"346.0", 346),
        ("int32", b"1e2", 100),
        ("int32", b"-0.0", 0),
        ("int32", b"-2147483648", -(2**31)),
        ("int64", b"9223372036854775807", 2**63 - 1),
        ("int64", b"9007199254740993.0", 2**53 + 1),
        ("float64", b"1", 1.0),
        ("float64", b"1.5", 1.5),
        ("float64", b"-1e-400", 0.0),
        ("boolean", b"true", True),
        ("date", b'"2022-08-09"', date(2022, 8, 9)),
        ("date", b'"2024-02-29"', date(2024, 2, 29)),
    ],
)
def test_a_good_value_becomes_the_python_value_of_exactly_its_type(kind, value, expected):
    row = of(kind, value)
    assert row == {"x": expected}
    assert type(row["x"]) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", b"5", "a string"),
        ("string", b'{"a" :\n 1}', "a string"),
        ("int32", b"1.7", INT32),
        ("int32", b"true", INT32),
        ("int32", b'"346"', INT32),
        ("int32", b"2147483648", INT32),
        ("int32", b"2147483648.0", INT32),
        ("int32", b"1e400", INT32),
        ("int32", b"1e99999999999999999999", INT32),
        ("int32", b"1e-400000000", INT32),
        ("int32", b"[1]", INT32),
        ("int64", b"9223372036854775808", INT64),
        ("int64", b"0.5", INT64),
        ("float64", b"1e400", "float64 (a number up to 1.8e308)"),
        ("float64", b"true", "float64 (a number up to 1.8e308)"),
        ("float64", b'"NaN"', "float64 (a number up to 1.8e308)"),
        ("boolean", b"1", "true or false"),
        ("boolean", b'"true"', "true or false"),
        ("date", b'"2022-8-9"', 'a date that exists, as "YYYY-MM-DD"'),
        ("date", b'"2022-02-30"', 'a date that exists, as "YYYY-MM-DD"'),
        ("date", b'"2022-08-09T00:00:00"', 'a date that exists, as "YYYY-MM-DD"'),
        ("date", b"20220809", 'a date that exists, as "YYYY-MM-DD"'),
    ],
)
def test_a_value_of_another_type_is_told_with_what_was_expected_and_found(kind, value, expected):
    found = " ".join(value.decode().split())
    assert only(of(kind, value)) == Violation("x", "type", f"expected {expected}, found {found}")


def test_a_long_value_is_shortened_to_sixty_characters():
    reason = only(of("int32", b'"' + b"a" * 500 + b'"')).reason
    assert reason == f'expected {INT32}, found "{"a" * 58}…'


@pytest.mark.parametrize(
    ("kind", "rules", "value", "rule", "reason"),
    [
        ("string", {"enum": ("TV", "Phone")}, b'"tv"', "enum", 'expected one of "TV", "Phone", found "tv"'),
        ("int32", {"enum": (1, 2)}, b"3", "enum", "expected one of 1, 2, found 3"),
        ("int32", {"min": 0}, b"-1", "min", "expected at least 0, found -1"),
        ("float64", {"max": 5}, b"5.01", "max", "expected at most 5, found 5.01"),
        (
            "date",
            {"min": "2022-08-09"},
            b'"2022-08-08"',
            "min",
            'expected at least "2022-08-09", found "2022-08-08"',
        ),
        ("date", {"max": "2022-08-09"}, b'"2023-01-01"', "max", 'expected at most "2022-08-09", found "2023-01-01"'),
        ("string", {"pattern": "^a+$"}, b'"ab"', "pattern", 'expected text that matches ^a+$, found "ab"'),
        ("date", {"equals": "2022-08-11"}, b'"2022-08-09"', "equals", 'expected "2022-08-11", found "2022-08-09"'),
        ("int64", {"equals": "7"}, b"8", "equals", 'expected "7", found 8'),
        ("boolean", {"equals": True}, b"false", "equals", "expected true, found false"),
    ],
)
def test_each_rule_says_what_it_expects(kind, rules, value, rule, reason):
    assert only(of(kind, value, **rules)) == Violation("x", rule, reason)


@pytest.mark.parametrize(
    ("kind", "rules", "value"),
    [
        ("string", {"enum": ("TV", "Phone")}, b'"TV"'),
        ("int32", {"min": 3, "max": 3}, b"3"),
        ("date", {"min": "2022-08-09", "max": "2022-08-09"}, b'"2022-08-09"'),
        ("string", {"pattern": "b"}, b'"abc"'),
        ("int64", {"equals": "7"}, b"7.0"),
        ("int64", {"equals": 7, "min": 100, "nullable": True}, b"null"),
    ],
)
def test_bounds_are_inclusive_patterns_search_and_null_meets_no_rule(kind, rules, value):
    found = of(kind, value, **rules)
    assert isinstance(found, dict)


def test_a_missing_key_and_a_null_are_told_apart():
    contract = Contract((Field("a", "string"), Field("b", "boolean")))
    assert checked(contract, b'{"b": null}') == (
        Violation("a", "required", "expected a string, but the key is missing"),
        Violation("b", "nullable", "expected true or false, found null"),
    )


def test_nullable_lets_a_key_be_null_or_missing():
    contract = Contract((Field("a", "string", nullable=True), Field("b", "date", nullable=True)))
    assert checked(contract, b'{"b": null}') == {"a": None, "b": None}


def test_all_violations_are_told_in_the_contracts_order():
    found = checked(SALES, b'{"price": -1.5, "purchase_date": "2022-08-09"}')
    assert [(each.path, each.rule) for each in found] == [
        ("client", "required"),
        ("purchase_date", "equals"),
        ("product", "required"),
        ("price", "type"),
    ]


def test_one_value_can_break_several_rules():
    found = of("string", b'"b"', enum=("a",), max="a", pattern="^a")
    assert [each.rule for each in found] == ["enum", "max", "pattern"]


def test_the_row_has_the_contracts_order():
    row = checked(SALES, b'{"price": 346, "product": "TV", "x": 1, "purchase_date": "2022-08-11", "client": "Ann"}')
    assert list(row.items()) == list(ROW.items())


@pytest.mark.parametrize(
    ("raw", "rule", "reason"),
    [
        (b"17", "type", "expected an object, found 17"),
        (b'["a"]', "type", 'expected an object, found ["a"]'),
        (b"null", "type", "expected an object, found null"),
        (b'{"x": "\xff"}', "json", 'expected an object in JSON, found {"x": "�"}: it is not UTF-8 (byte 7)'),
        (
            b'{"x": "\\ud800"}',
            "json",
            r'expected an object in JSON, found {"x": "\ud800"}: half of a surrogate pair stands alone',
        ),
        (b'{"x": NaN}', "json", 'expected an object in JSON, found {"x": NaN}: invalid character (byte 6)'),
        (b'{"x": 1', "json", 'expected an object in JSON, found {"x": 1: Input data was truncated'),
        (b"", "json", "expected an object in JSON, found nothing: Input data was truncated"),
    ],
)
def test_a_record_that_is_no_object_in_json_is_one_violation_of_the_record(raw, rule, reason):
    found = only(checked(Contract((Field("x", "string"),)), raw))
    assert (found.path, found.rule) == ("$", rule)
    assert found.reason == reason


def test_a_record_nested_too_deeply_is_bad_not_fatal():
    found = only(checked(Contract(()), b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"))
    assert (found.path, found.rule) == ("$", "json")
    assert found.reason == f'expected an object in JSON, found {{"x":{"[" * 54}…: it is nested too deeply'


@pytest.mark.parametrize(
    "raw",
    [
        b'{"x": "a", "x": "a"}',
        b'{"x": "a", "\\u0078": "b"}',
        b'{"x" : "a", "y": {"x": "::"}, "x" : "12:30"}',
    ],
)
def test_a_key_that_comes_twice_is_a_violation_for_the_first_value_would_be_lost(raw):
    found = only(checked(Contract((Field("x", "string"),)), raw))
    assert found == Violation("x", "json", 'expected each key once, found 2 values for "x"')


@pytest.mark.parametrize(
    "raw",
    [b'{"x": "a:b", "y:z": ":"}', b'{"x":"a","y":{"x":1,"x":2}}', b'{"x":"\\":","y":' + b"9" * 5000 + b',":":1}'],
)
def test_colons_in_texts_and_keys_within_values_are_not_taken_for_repetition(raw):
    assert "x" in checked(Contract((Field("x", "string"),)), raw)


def test_unknown_keys_are_dropped_by_default():
    assert checked(SALES, GOOD[:-1] + b', "more": [1]}') == ROW


def test_unknown_keys_are_kept_as_the_api_wrote_them():
    contract = Contract((Field("a", "int32"),), unknown="keep")
    assert checked(contract, b'{"z": 1.0, "a": 1, "b": {"c":  [1e2, null]}}') == {
        "a": 1,
        "_unknown": '{"z":1.0,"b":{"c":  [1e2, null]}}',
    }
    assert checked(contract, b'{"a": 1}') == {"a": 1, "_unknown": None}


def test_unknown_keys_are_refused_each_by_name():
    contract = Contract((Field("a", "int32"),), unknown="refuse")
    assert checked(contract, b'{"b": "x", "a": 1.5, "c": 2}') == (
        Violation("a", "type", f"expected {INT32}, found 1.5"),
        Violation("b", "unknown", 'expected no key beyond the contract\'s, found "x"'),
        Violation("c", "unknown", "expected no key beyond the contract's, found 2"),
    )


def test_quarantine_takes_bad_records_out_with_their_text_and_place():
    bad = GOOD.replace(b"346", b"1.7")
    batch = check_page(prepare(SALES), 3, [GOOD, bad, GOOD])
    assert batch.rows == (ROW, ROW)
    (rejected,) = batch.rejected
    assert (rejected.page, rejected.index, rejected.raw) == (3, 1, bad)
    assert rejected.violations == (Violation("price", "type", f"expected {INT32}, found 1.7"),)
    assert (batch.read, batch.nullified) == (3, 0)


def test_nullify_keeps_the_row_and_counts_the_values():
    contract = Contract(SALES.fields, on_bad="nullify")
    raw = b'{"client": null, "purchase_date": "2022-08-09", "price": "?"}'
    batch = check_page(prepare(contract), 1, [raw, GOOD])
    nothing = {"client": None, "purchase_date": None, "product": None, "price": None}
    assert batch.rows == (nothing, ROW)
    assert (batch.nullified, batch.rejected) == (4, ())


@pytest.mark.parametrize("raw", [b"[1]", b"{", GOOD[:-1] + b', "price": 346}'])
def test_nullify_has_nothing_to_null_in_a_record_that_is_broken_itself(raw):
    batch = check_page(prepare(Contract(SALES.fields, on_bad="nullify")), 1, [raw])
    assert (batch.rows, batch.nullified, len(batch.rejected)) == ((), 0, 1)


def test_nullify_sets_records_with_refused_keys_aside():
    contract = Contract(SALES.fields, on_bad="nullify", unknown="refuse")
    batch = check_page(prepare(contract), 1, [GOOD[:-1] + b', "more": 1}'])
    assert [each.rule for rejected in batch.rejected for each in rejected.violations] == ["unknown"]


def test_fail_stops_at_the_first_bad_record_and_says_where():
    checker = prepare(Contract(SALES.fields, on_bad="fail"))
    with pytest.raises(ContractBroken) as broken:
        check_page(checker, 2, [GOOD, b'{"client": 5, "purchase_date": "2022-08-11", "product": "TV"}'])
    assert broken.value.what == (
        "Page 2, record 1 (from 0), `client`: expected a string, found 5 (1 more in this record)."
    )
    assert broken.value.where == ""
    assert "on_bad: quarantine" in broken.value.todo


@pytest.mark.parametrize(
    ("field", "what"),
    [
        (Field("x", "int32", min="a"), f'`min` of `x` is "a", which is not {INT32}.'),
        (Field("x", "int32", enum=(1, True)), f"`enum` of `x` is true, which is not {INT32}."),
        (Field("x", "string", equals=5), "`equals` of `x` is 5, which is not a string."),
        (
            Field("x", "date", equals="2022-8-9"),
            '`equals` of `x` is "2022-8-9", which is not a date that exists, as "YYYY-MM-DD".',
        ),
        (Field("x", "int32", pattern="1"), "`pattern` is for strings; `x` is int32."),
        (Field("x", "string", pattern="(?=a)"), "RE2 refuses the pattern of `x`: invalid perl operator: (?=."),
    ],
)
def test_a_rule_that_does_not_fit_its_field_is_the_specs_mistake(field, what):
    place = Place("sales.yaml", 12, 9)
    with pytest.raises(FixThis) as wrong:
        prepare(Contract((Field("y", "string"), Field(**{**fields_of(field), "place": place}))))
    assert wrong.value.what == what
    assert wrong.value.where == "sales.yaml:12:9"
    assert wrong.value.todo


def fields_of(field):
    return {name: getattr(field, name) for name in Field.__slots__}


def test_the_column_for_unknown_keys_cannot_be_a_field_too():
    contract = Contract((Field("_unknown", "string"),), unknown="keep", place=Place("sales.yaml", 9, 1))
    with pytest.raises(FixThis, match="`_unknown`") as wrong:
        prepare(contract)
    assert wrong.value.where == "sales.yaml:9:1"
