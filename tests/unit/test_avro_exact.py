"""What fastavro would cast, drop or fill in never reaches it."""

import io
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.contract.model import Column, Contract, Field
from levada.staging import avro
from levada.staging.exact import see_exact

DAY = date(2022, 8, 9)
NOON = datetime(2022, 8, 9, 12)  # noqa: DTZ001 - no zone on purpose


class Text(str):
    __slots__ = ()


GOOD = {
    "string": ["", "é", "x" * 100_000],
    "int32": [0, -(2**31), 2**31 - 1],
    "int64": [0, -(2**63), 2**63 - 1],
    "float64": [0.0, -1.5, float("inf"), float("nan")],
    "boolean": [True, False],
    "date": [date.min, DAY, date.max],
}
BAD = {
    "string": [5, b"a", ["a"], True, ("string", "a"), Text("a")],
    "int32": [1.0, 1.7, True, "5", 2**31, -(2**31) - 1, DAY],
    "int64": [1.0, 1.7, True, "5", 2**63, -(2**63) - 1],
    "float64": [1, True, "1.5"],
    "boolean": [1, 0, 1.0, "true"],
    "date": [NOON, "2022-08-09", 19213],
}
KINDS = sorted(GOOD)


@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_values_of_the_columns_type_pass(kind, nullable):
    see_exact([{"x": value} for value in GOOD[kind]], [Column("x", kind, nullable)])
    see_exact([], [Column("x", kind, nullable)])


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in KINDS for value in BAD[kind]])
def test_a_value_of_another_type_is_an_error_wherever_it_stands(kind, value):
    for nullable, says in ((False, kind), (True, f"{kind} or null")):
        for at in range(len(GOOD[kind]) + 1):
            values = [*GOOD[kind][:at], value, *GOOD[kind][at:]]
            with pytest.raises(TypeError) as error:
                see_exact([{"x": each} for each in values], [Column("x", kind, nullable)])
            assert str(error.value) == f"column `x`: {value!r} is no {says}"


@pytest.mark.parametrize("kind", KINDS)
def test_null_is_an_error_where_the_column_says_so(kind):
    rows = [{"x": value} for value in [None, *GOOD[kind], None]]
    see_exact(rows, [Column("x", kind, nullable=True)])
    see_exact(rows[:1], [Column("x", kind, nullable=True)])
    with pytest.raises(TypeError) as error:
        see_exact(rows, [Column("x", kind, nullable=False)])
    assert str(error.value) == f"column `x`: None is no {kind}"


@pytest.mark.parametrize("row", [{"a": 1}, {"a": 1, "b": 2.0, "c": 3}, {"b": 2.0, "a": 1}, {"a": 1, "c": 2.0}, {}])
def test_a_row_with_other_keys_is_an_error(row):
    made = [Column("a", "int32", nullable=False), Column("b", "float64", nullable=True)]
    with pytest.raises(TypeError) as error:
        see_exact([{"a": 1, "b": 2.0}, row], made)
    assert str(error.value) == f"a row has the keys {list(row)}, the columns are ['a', 'b']"


def written(contract, rows):
    out = io.BytesIO()
    with avro.writer(out, contract, name="s", namespace="p", codec="null") as writer:
        writer.write(rows)
    out.seek(0)
    return list(avro.rows(out))


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**33), 2**33),
    st.sampled_from([2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1]),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.dates(),
    st.datetimes(),
)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans(), anything), min_size=1, max_size=4))
def test_what_the_writer_takes_comes_back_as_it_was_and_of_the_same_type(cells):
    contract = Contract(tuple(Field(f"f{at}", kind, nullable) for at, (kind, nullable, _) in enumerate(cells)))
    row = {f"f{at}": value for at, (_, _, value) in enumerate(cells)}
    try:
        (back,) = written(contract, [row])
    except TypeError:
        return
    assert repr(back) == repr(row)


def test_the_writer_looks_before_it_writes_while_fastavro_alone_casts():
    contract = Contract((Field("x", "int32"),))
    out = io.BytesIO()
    fastavro.writer(out, avro.schema(contract, "s", "p"), [{"x": 1.7, "y": 2}, {"x": True}])
    assert list(avro.rows(io.BytesIO(out.getvalue()))) == [{"x": 1}, {"x": 1}]
    for row in ({"x": 1.7}, {"x": True}, {"x": 1, "y": 2}):
        with pytest.raises(TypeError):
            written(contract, [{"x": 1}, row])


def test_rows_without_columns_are_still_rows():
    assert written(Contract(()), [{}, {}]) == [{}, {}]


PARTS = (Column("a", "int32", nullable=False), Column("b", "string", nullable=True))
FURTHER = {
    "decimal": Column("x", "decimal", nullable=True, precision=4, scale=2),
    "timestamp": Column("x", "timestamp", nullable=True),
    "time": Column("x", "time", nullable=True),
    "binary": Column("x", "binary", nullable=True),
    "uuid": Column("x", "uuid", nullable=True),
    "json": Column("x", "json", nullable=True),
    "list": Column("x", "list", nullable=True, item=Column("item", "int32", nullable=False)),
    "struct": Column("x", "struct", nullable=True, parts=PARTS),
}
UTC_NOON = NOON.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("decimal", Decimal("12.30")),
        ("decimal", Decimal("0.00")),
        ("timestamp", UTC_NOON),
        ("time", time(10, 30)),
        ("binary", b""),
        ("uuid", UUID(int=5)),
        ("json", "[1]"),
        ("list", []),
        ("list", [1, 2]),
        ("struct", {"a": 1, "b": None}),
    ],
)
def test_values_of_further_types_pass(kind, value):
    see_exact([{"x": value}, {"x": None}], [FURTHER[kind]])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("decimal", 12.3),
        ("decimal", Decimal("12.3")),
        ("decimal", Decimal("123.45")),
        ("timestamp", NOON),
        ("timestamp", UTC_NOON.astimezone(timezone(timedelta(hours=1)))),
        ("timestamp", DAY),
        ("time", time(10, 30, tzinfo=UTC)),
        ("binary", "a"),
        ("uuid", "01234567-89ab-cdef-0123-456789abcdef"),
        ("json", {"a": 1}),
        ("list", (1, 2)),
        ("list", [1, True]),
        ("list", [2**31]),
        ("struct", {"a": 1}),
        ("struct", {"b": None, "a": 1}),
        ("struct", {"a": "1", "b": None}),
    ],
)
def test_a_value_that_is_none_of_a_further_type_is_an_error(kind, value):
    with pytest.raises(TypeError, match=r"is no |a row has the keys"):
        see_exact([{"x": None}, {"x": value}], [FURTHER[kind]])


def test_the_error_of_a_decimal_tells_its_digits():
    with pytest.raises(TypeError, match=r"is no decimal\(4,2\) or null"):
        see_exact([{"x": 1}], [FURTHER["decimal"]])
