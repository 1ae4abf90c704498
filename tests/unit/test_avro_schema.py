"""The Avro schema that comes out of a contract."""

import json

import fastavro

from levada.contract.model import Contract, Field
from levada.staging.avro import schema

SALES = Contract(
    (
        Field("client", "string"),
        Field("purchase_date", "date", equals="2022-08-09"),
        Field("product", "string"),
        Field("price", "int32"),
    )
)


def test_the_schema_of_the_sales_contract():
    assert json.dumps(schema(SALES, "sales", "sales")) == (
        '{"type": "record", "name": "sales", "namespace": "sales", "fields": ['
        '{"name": "client", "type": "string"}, '
        '{"name": "purchase_date", "type": {"type": "int", "logicalType": "date"}}, '
        '{"name": "product", "type": "string"}, '
        '{"name": "price", "type": "int"}]}'
    )


def test_types_nullable_and_what_the_contract_adds():
    contract = Contract(
        (Field("a", "int64"), Field("b", "float64"), Field("c", "boolean"), Field("d", "date", nullable=True)),
        unknown="keep",
    )
    assert schema(contract, "s", "p")["fields"] == [
        {"name": "a", "type": "long"},
        {"name": "b", "type": "double"},
        {"name": "c", "type": "boolean"},
        {"name": "d", "type": ["null", {"type": "int", "logicalType": "date"}], "default": None},
        {"name": "_unknown", "type": ["null", "string"], "default": None},
    ]


def test_nullify_makes_every_field_nullable():
    made = schema(Contract(SALES.fields, on_bad="nullify"), "sales", "sales")
    assert all(field["type"][0] == "null" and field["default"] is None for field in made["fields"])


def test_names_become_avro_names_in_one_way_and_the_keys_are_kept_as_doc():
    names = ("first-name", "first name", "2nd", "größe", "first_name_2", "")
    made = schema(Contract(tuple(Field(name, "string") for name in names)), "my-sales", "my pipe.1")
    assert (made["name"], made["namespace"]) == ("my_sales", "my_pipe._1")
    assert [(field["name"], field.get("doc")) for field in made["fields"]] == [
        ("first_name", "first-name"),
        ("first_name_3", "first name"),
        ("_2nd", "2nd"),
        ("gr__e", "größe"),
        ("first_name_2", None),
        ("_", ""),
    ]
    fastavro.parse_schema(made)
