"""Rows as Avro bytes: what fastavro writes for good rows; an error for any other."""

import struct
from datetime import datetime
from io import BytesIO

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.contract.model import Column, Contract, Field, columns
from levada.staging.avro import schema
from levada.staging.avro_binary import encoded, encoders

VALUES = {
    "string": st.text(),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(),
    "boolean": st.booleans(),
    "date": st.dates(),
}


@given(st.data(), st.lists(st.tuples(st.sampled_from(sorted(VALUES)), st.booleans()), max_size=6))
def test_bytes_are_those_that_fastavro_writes(data, kinds):
    contract = Contract(tuple(Field(f"f{at}", kind, nullable) for at, (kind, nullable) in enumerate(kinds)))
    cells = {
        field.name: st.none() | VALUES[field.type] if field.nullable else VALUES[field.type]
        for field in contract.fields
    }
    drawn = data.draw(st.lists(st.fixed_dictionaries(cells), max_size=5))
    rows = [{name: row[name] for name in cells} for row in drawn]
    theirs = []
    for row in rows:
        out = BytesIO()
        fastavro.schemaless_writer(out, schema(contract, "s", "p"), row)
        theirs.append(out.getvalue())
    assert list(encoded(rows, encoders(columns(contract)))) == theirs


@pytest.mark.parametrize("length", [0, 1, 63, 64, 255, 256, 8191, 8192, 100_000])
def test_texts_of_any_length(length):
    column = encoders([Column("x", "string", nullable=False)])
    (data,) = encoded([{"x": "é" * length}], column)
    assert fastavro.schemaless_reader(BytesIO(data), "string", None) == "é" * length


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("int32", 1.7, "column `x`: 1.7 is no integer of 32 bits"),
        ("int32", True, "column `x`: True is no integer of 32 bits"),
        ("int32", "5", "column `x`: '5' is no integer of 32 bits"),
        ("int32", 2**31, "column `x`: 2147483648 is no integer of 32 bits"),
        ("int64", -(2**63) - 1, "column `x`: -9223372036854775809 is no integer of 64 bits"),
        ("float64", 1, "column `x`: 1 is no float"),
        ("boolean", 1, "column `x`: 1 is no boolean"),
        ("date", datetime(2022, 8, 9, 12), "column `x`: datetime.datetime(2022, 8, 9, 12, 0) is no date"),  # noqa: DTZ001 - no zone on purpose
        ("date", "2022-08-09", "column `x`: '2022-08-09' is no date"),
        ("string", 5, "column `x`: descriptor 'encode' for 'str' objects doesn't apply to a 'int' object"),
        ("string", b"a", "column `x`: descriptor 'encode' for 'str' objects doesn't apply to a 'bytes' object"),
        ("string", [1], "column `x`: descriptor 'encode' for 'str' objects doesn't apply to a 'list' object"),
    ],
)
@pytest.mark.parametrize("nullable", [False, True])
def test_a_value_of_another_type_is_an_error_never_a_cast(kind, value, says, nullable):
    column = encoders([Column("x", kind, nullable)])
    with pytest.raises(TypeError) as error:
        list(encoded([{"x": value}], column))
    assert str(error.value) == says


def test_null_is_an_error_where_the_column_says_so():
    assert list(encoded([{"x": None}], encoders([Column("x", "int64", nullable=True)]))) == [b"\x00"]
    with pytest.raises(TypeError, match="None is no integer of 64 bits"):
        list(encoded([{"x": None}], encoders([Column("x", "int64", nullable=False)])))


def test_rows_without_columns_are_still_rows():
    assert list(encoded([{}, {}], ())) == [b"", b""]


def test_a_value_that_was_good_does_not_vouch_for_one_that_equals_it():
    column = encoders([Column("x", "int32", nullable=False)])
    assert list(encoded([{"x": 1}], column)) == [b"\x02"]
    for value in (True, 1.0):
        with pytest.raises(TypeError, match="no integer"):
            list(encoded([{"x": value}], column))


@pytest.mark.parametrize("row", [{"a": 1}, {"a": 1, "b": 2.0, "c": 3}, {"b": 2.0, "a": 1}, {}])
def test_a_row_with_other_keys_is_an_error(row):
    made = encoders([Column("a", "int32", nullable=False), Column("b", "float64", nullable=True)])
    assert list(encoded([{"a": 1, "b": 2.0}], made)) == [b"\x02\x02" + struct.pack("<d", 2.0)]
    with pytest.raises(TypeError) as error:
        list(encoded([{"a": 1, "b": 2.0}, row], made))
    assert str(error.value) == f"a row has the keys {list(row)}, the columns are ['a', 'b']"
