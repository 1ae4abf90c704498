"""Every type of the contract, from JSON through an Avro file and back."""

from datetime import UTC, datetime, time
from decimal import Decimal
from uuid import UUID

import fastavro
import pytest

from levada.contract.check import check_page, prepare
from levada.contract.model import Contract, Field
from levada.staging import avro

ITEM = Field("item", "string")
LINE = Field("item", "struct", parts=(Field("unit price", "decimal", precision=8, scale=2), Field("n", "int32")))
CONTRACT = Contract(
    (
        Field("price", "decimal", precision=20, scale=4),
        Field("at", "timestamp", timezone="Europe/Lisbon"),
        Field("clock", "time"),
        Field("photo", "binary", description="A picture"),
        Field("id", "uuid"),
        Field("rest", "json", nullable=True),
        Field("tags", "list", nullable=True, item=ITEM),
        Field("lines", "list", item=LINE),
        Field("address", "struct", nullable=True, parts=(Field("city", "string", nullable=True), ITEM)),
    )
)
RECORD = b"""{"price": -12345678901234.5, "at": "2022-08-09T10:11:12.5+03:00", "clock": "10:30", "photo": "AAH/",
 "id": "01234567-89AB-cdef-0123-456789abcdef", "rest": {"a" : 1.0}, "tags": ["a", "b"],
 "lines": [{"unit price": "1.5", "n": 2}], "address": {"city": null, "item": "x"}}"""
SPARSE = b"""{"price": 0, "at": "2022-01-09 10:11", "clock": "23:59:59.999999", "photo": "",
 "id": "01234567-89ab-cdef-0123-456789abcdef", "rest": null, "lines": []}"""
ROWS = [
    {
        "price": Decimal("-12345678901234.5000"),
        "at": datetime(2022, 8, 9, 7, 11, 12, 500_000, tzinfo=UTC),
        "clock": time(10, 30),
        "photo": b"\x00\x01\xff",
        "id": UUID("01234567-89ab-cdef-0123-456789abcdef"),
        "rest": '{"a" : 1.0}',
        "tags": ["a", "b"],
        "lines": [{"unit_price": Decimal("1.50"), "n": 2}],
        "address": {"city": None, "item": "x"},
    },
    {
        "price": Decimal("0.0000"),
        "at": datetime(2022, 1, 9, 10, 11, tzinfo=UTC),
        "clock": time(23, 59, 59, 999_999),
        "photo": b"",
        "id": UUID("01234567-89ab-cdef-0123-456789abcdef"),
        "rest": None,
        "tags": None,
        "lines": [],
        "address": None,
    },
]


def written(path, contract, records):
    batch = check_page(prepare(contract), 1, records)
    assert batch.rejected == ()
    with path.open("xb") as file, avro.writer(file, contract, name="s", namespace="p", codec="null") as writer:
        writer.write(batch.rows)
    return path.read_bytes()


@pytest.mark.parametrize("on_bad", ["quarantine", "nullify"])
def test_every_type_comes_back_as_it_was_checked(tmp_path, on_bad):
    contract = Contract(CONTRACT.fields, on_bad=on_bad)
    written(tmp_path / "a.avro", contract, [RECORD, SPARSE])
    with (tmp_path / "a.avro").open("rb") as file:
        assert list(avro.rows(file)) == ROWS


def test_equal_rows_give_equal_bytes(tmp_path):
    first, second = (written(tmp_path / name, CONTRACT, [RECORD, SPARSE]) for name in "ab")
    assert first == second


def test_the_schema_of_further_types():
    made = {field["name"]: field for field in avro.schema(CONTRACT, "sales", "p")["fields"]}
    assert made["price"]["type"] == {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}
    assert made["at"]["type"] == {"type": "long", "logicalType": "timestamp-micros"}
    assert made["clock"]["type"] == {"type": "long", "logicalType": "time-micros"}
    assert made["photo"] == {"name": "photo", "doc": "A picture", "type": "bytes"}
    assert made["id"]["type"] == {"type": "string", "logicalType": "uuid"}
    assert made["rest"] == {"name": "rest", "type": ["null", "string"], "default": None}
    assert made["tags"]["type"] == ["null", {"type": "array", "items": "string"}]
    assert made["lines"]["type"]["items"] == {
        "type": "record",
        "name": "sales_lines_item",
        "fields": [
            {
                "name": "unit_price",
                "doc": "unit price",
                "type": {"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2},
            },
            {"name": "n", "type": "int"},
        ],
    }
    assert made["address"]["type"][1]["name"] == "sales_address"


def test_records_within_a_schema_have_names_of_their_own():
    inner = Field("b", "struct", parts=(Field("x", "int32"),))
    contract = Contract((Field("a", "struct", parts=(inner,)), Field("a_b", "struct", parts=inner.parts)))
    fastavro.parse_schema(avro.schema(contract, "s", "p"))


def test_a_doc_tells_the_key_and_the_description():
    contract = Contract((Field("unit price", "int32", description="In cents"),))
    assert avro.schema(contract, "s", "p")["fields"][0]["doc"] == "unit price: In cents"
