"""Structs on their way into a database that takes them as JSON."""

import json

from levada.contract.model import Column
from levada.loads.arrow import carried
from warehouse import loading

PARTS = (Column("text", "string", nullable=True), Column("number", "float64", nullable=True))
PLACE = (Column("id", "int64", nullable=False), Column("place", "struct", nullable=True, parts=PARTS))
ODD = ("a\nb", "\u2028\u0085\r", '"', "", None, "é")


def texts(values):
    rows = [{"id": number, "place": value} for number, value in enumerate(values)]
    one = loading(rows, columns=PLACE, size=4)
    return carried(one, lambda column: column.type == "struct").reader.read_all().column("place").to_pylist()


def test_each_struct_is_one_text():
    values = [{"text": text, "number": 0.5} for text in ODD]
    assert [json.loads(text) for text in texts(values)] == values


def test_null_stays_null_among_them():
    values = [None, *({"text": text, "number": None} for text in ODD), None, None, None, None, None]
    assert [text and json.loads(text) for text in texts(values)] == values


def test_no_rows_are_no_texts():
    assert texts([]) == []
