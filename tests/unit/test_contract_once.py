"""Values that come once in a partition: across pages, the first row is the good one."""

import pytest

from levada.contract.check import Memory, check_page, prepare
from levada.contract.model import Contract, Field
from levada.errors import ContractBroken

LINES = Contract(
    (Field("order", "int64"), Field("line", "int32"), Field("mail", "string", nullable=True, unique=True)),
    key=("order", "line"),
)


def line(order, number, mail=None):
    said = f', "mail": "{mail}"' if mail else ""
    return f'{{"order": {order}, "line": {number}{said}}}'.encode()


def test_a_row_whose_key_came_on_an_earlier_page_is_bad_and_told_where():
    checker, memory = prepare(LINES), Memory()
    first = check_page(checker, 1, [line(1, 1), line(1, 2)], memory)
    second = check_page(checker, 2, [line(2, 1), line(1, 2), line("1.0", 2)], memory)
    assert (len(first.rows), len(second.rows)) == (2, 1)
    said = "expected a key that no other row of the partition has, found 1, 2, which record 1 of page 1 has"
    assert [(one.index, one.violations[0].path, one.violations[0].reason) for one in second.rejected] == [
        (1, "$", said),
        (2, "$", said),
    ]


def test_null_repeats_nothing():
    batch = check_page(prepare(LINES), 1, [line(1, 1), line(1, 2)])
    assert len(batch.rows) == 2


def test_every_demand_that_is_broken_is_told():
    batch = check_page(prepare(LINES), 1, [line(1, 1, "a"), line(1, 1, "a")])
    (bad,) = batch.rejected
    assert [each.rule for each in bad.violations] == ["key", "unique"]
    assert bad.violations[1].reason == (
        'expected a value that no other row of the partition has, found "a", which record 0 of page 1 has'
    )


def test_a_row_that_is_bad_anyway_takes_no_value():
    batch = check_page(prepare(LINES), 1, [line("1.5", 1, "a"), line(1, 1, "a"), line(1, 1, "b"), line(2, 1, "b")])
    assert [row["mail"] for row in batch.rows] == ["a", "b"]
    assert [one.index for one in batch.rejected] == [0, 2]


def test_nullify_takes_a_value_that_comes_again_and_keeps_the_row_but_never_one_without_its_key():
    contract = Contract(LINES.fields, key=LINES.key, on_bad="nullify")
    page = [line(1, 1, "a"), line(1, 2, "a"), line(1, 2, "b"), line('"x"', 3, "c"), line(1, 4, "c")]
    batch = check_page(prepare(contract), 1, page)
    assert [(row["line"], row["mail"]) for row in batch.rows] == [(1, "a"), (2, None), (4, "c")]
    assert batch.nullified == 1
    assert [(one.index, one.violations[0].rule) for one in batch.rejected] == [(2, "key"), (3, "type")]


def test_fail_ends_the_run_at_the_first_row_that_comes_again():
    with pytest.raises(ContractBroken, match=r"Page 1, record 1 .*a key that no other row"):
        check_page(prepare(Contract(LINES.fields, key=LINES.key, on_bad="fail")), 1, [line(1, 1), line(1, 1)])


@pytest.mark.parametrize(
    ("kind", "one", "same"),
    [
        ("float64", "0.0", "-0.0"),
        ("int64", "5", "5.0"),
        ("decimal", "1.5", '"1.50"'),
        ("timestamp", '"2022-08-09T10:00Z"', '"2022-08-09T13:00:00.0+03:00"'),
        ("uuid", '"01234567-89ab-cdef-0123-456789abcdef"', '"01234567-89AB-CDEF-0123-456789ABCDEF"'),
        ("string", '"\\u00e9"', '"é"'),
    ],
)
def test_equal_values_are_one_however_they_are_written(kind, one, same):
    sizes = {"precision": 5, "scale": 2} if kind == "decimal" else {}
    checker = prepare(Contract((Field("x", kind, unique=True, **sizes),)))
    assert len(check_page(checker, 1, [f'{{"x": {value}}}'.encode() for value in (one, same)]).rejected) == 1


def test_values_of_two_fields_are_not_one():
    contract = Contract((Field("a", "string", unique=True), Field("b", "string", unique=True)))
    assert len(check_page(prepare(contract), 1, [b'{"a": "x", "b": "y"}', b'{"a": "y", "b": "x"}']).rows) == 2


def test_a_key_of_texts_is_not_what_they_are_together():
    contract = Contract((Field("a", "string"), Field("b", "string")), key=("a", "b"))
    assert len(check_page(prepare(contract), 1, [b'{"a": "x,", "b": "y"}', b'{"a": "x", "b": ",y"}']).rows) == 2
