"""Values that PostgreSQL does not store: what the rule lets through is taken, what it stops is refused there."""

import json
import random
import string
from dataclasses import replace

import pyarrow as pa
import pytest
from adbc_driver_postgresql import dbapi

from levada.contract.check import check_page, prepare
from levada.contract.model import Column, Contract, Field, columns
from levada.contract.storable import for_postgres, is_jsonb, is_text
from levada.errors import FixThis
from levada.staging.arrow import batch, schema
from warehouse import Warehouse, loading

JSON = {
    "NUL": r'"\u0000"',
    "NUL in a key": r'{"a": [{"\u0000": 1}]}',
    "a backslash before": r'"\\u0000"',
    "two backslashes before": r'"\\\u0000"',
    "half a pair": r'"\ud800"',
    "the other half": r'["\udc00"]',
    "a pair": r'"\ud83d\ude00"',
    "a pair the wrong way": r'"\ude00\ud83d"',
    "control characters": r'"\u0001\u001f\uffff"',
    "as many digits as there may be": "9" * 131_072,
    "a digit more": f"[{'9' * 131_073}]",
    "200,000 digits in a key": json.dumps({"9" * 200_000: 1}),
    "the highest exponent": '{"a": 1e131071}',
    "one beyond": '{"a": 1E+131072}',
    "one far beyond": "1e99999999999",
    "the lowest exponent": "[-1e-16383]",
    "one below": "[-1e-16384]",
    "one that the digits make up for": f"{'1' * 20_000}e-20000",
    "many places": f"0.{'1' * 16_383}",
    "a place more": f"0.{'1' * 16_384}",
    "zero": "0e999999",
    "zero with many places": "0e-20000",
    "beyond 64 bits": "123456789012345678901234567890",
    "as deep as JSON is read": f"{'[' * 900}{']' * 900}",
    "what looks like a number in a text": '"1e999999"',
    "what looks like one in a text with quotes": r'"\"1e999999\"9"',
    "keys twice": '{"a": 1, "a": 2}',
}


@pytest.fixture(scope="module")
def cursor(postgres):
    with dbapi.connect(postgres.url(), autocommit=True) as connection, connection.cursor() as one:
        yield one


def stores(cursor, text, kind):
    try:
        cursor.adbc_ingest("trial", pa.table({"v": [text]}), mode="replace", temporary=True)
        cursor.execute(f"CREATE TEMPORARY TABLE stored AS SELECT v::{kind} FROM trial")
        cursor.execute("DROP TABLE stored")
    except dbapi.Error:
        return False
    return True


@pytest.mark.parametrize("name", JSON)
def test_json_is_taken_as_the_server_takes_it(cursor, name):
    assert is_jsonb(JSON[name]) == stores(cursor, JSON[name], "jsonb")


@pytest.mark.parametrize("text", ["a", "a\0b", "\0", "\u0001\uffff\U0010ffff", ""])
def test_texts_are_taken_as_the_server_takes_them(cursor, text):
    assert is_text(text) == stores(cursor, text, "text")


def noise(length):
    """A text that no index makes shorter."""
    chance = random.Random(1)
    return "".join(chance.choices(string.printable[:90], k=length))


KEYED = Contract(
    (
        Field("id", "string"),
        Field("more", "string"),
        Field("doc", "json", nullable=True),
        Field("tags", "list", nullable=True, item=Field("", "string")),
        Field("place", "struct", nullable=True, parts=(Field("city", "string"),)),
    ),
    unknown="keep",
)


def test_what_the_contract_lets_through_is_loaded_and_the_rest_is_set_aside(postgres):
    """All kinds at once: nothing that is good by the contract stops the load."""
    wholes = [
        {"id": noise(1300), "more": noise(1300)},
        {"id": noise(1301), "more": "x"},
        {"id": "1", "more": "a\0b"},
        {"id": "2", "more": "x", "doc": {"a": ["\0"]}},
        {"id": "3", "more": "x", "tags": ["a", "\0"]},
        {"id": "4", "more": "x", "place": {"city": "\0"}},
        {"id": "5", "more": "x", "beyond": {"\0": "\0"}},
        {"id": "6", "more": "x", "doc": {"a": "\\u0000"}, "tags": ["a"], "place": {"city": "b"}},
    ]
    contract = for_postgres(KEYED, ("id", "more"))
    told = check_page(prepare(contract), 1, [json.dumps(each).encode() for each in wholes])
    assert [(one.index, one.violations[0].path, one.violations[0].rule) for one in told.rejected] == [
        (1, "id", "postgres"),
        (2, "more", "postgres"),
        (3, "doc", "postgres"),
        (4, "tags[1]", "postgres"),
        (5, "place.city", "postgres"),
    ]
    assert "stores no NUL" in told.rejected[1].violations[0].reason
    assert "up to 1300 bytes" in told.rejected[0].violations[0].reason
    made = columns(contract)
    coming = replace(
        loading([], columns=made, mode="merge", key=("id", "more")),
        batches=lambda: iter([batch(told.rows, made, schema(made))]),
    )
    place = Warehouse("postgres", postgres.database())
    assert place.load(coming).inserted == 3
    found = place.ask("SELECT id, _unknown FROM orders WHERE _unknown IS NOT NULL")
    assert found == [{"id": "5", "_unknown": r'{"beyond":{"\u0000": "\u0000"}}'}]


def test_a_key_of_more_bytes_is_what_the_index_refuses(postgres):
    place = Warehouse("postgres", postgres.database())
    made = (Column("id", "string", nullable=False),)
    with pytest.raises(FixThis, match="index row size"):
        place.load(loading([{"id": noise(4000)}], columns=made, mode="merge", key=("id",)))
