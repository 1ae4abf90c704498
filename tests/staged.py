"""Contracts and rows of every type, and outputs as a spec has them, for the tests of formats."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from uuid import UUID

from levada.contract.model import Column, Contract, Field
from levada.nouns import Place
from levada.spec.model import Output
from levada.spec.template import parse
from levada.staging import How, writer

__all__ = ["ALL", "ID", "PLAIN", "PLAIN_ROWS", "ROW", "kept", "output", "plain_rows", "written"]

PLACE = Place("spec.yaml", 1, 1)
CODECS = {"avro": "deflate", "parquet": "zstd", "delta": "zstd", "jsonl": "none", "csv": "none"}

#: A column of each type, and a row that fits them.
ALL = (
    Column("s", "string", nullable=False),
    Column("i", "int32", nullable=False),
    Column("l", "int64", nullable=False),
    Column("f", "float64", nullable=False),
    Column("d", "decimal", nullable=False, precision=10, scale=2),
    Column("b", "boolean", nullable=False),
    Column("day", "date", nullable=False),
    Column("at", "timestamp", nullable=False),
    Column("t", "time", nullable=False),
    Column("raw", "binary", nullable=False),
    Column("u", "uuid", nullable=False),
    Column("j", "json", nullable=False),
    Column("us", "list", nullable=False, item=Column("item", "uuid", nullable=True)),
    Column(
        "st",
        "struct",
        nullable=True,
        parts=(Column("n", "int64", nullable=False), Column("u", "uuid", nullable=True)),
        description="nested",
    ),
)
ID = UUID("12345678-1234-5678-1234-567812345678")
ROW = {
    "s": 'a "b",\nç',
    "i": -1,
    "l": 2**62,
    "f": 0.1,
    "d": Decimal("12.30"),
    "b": True,
    "day": date(2022, 8, 9),
    "at": datetime(2022, 8, 9, 12, 30, 15, 1, tzinfo=UTC),
    "t": time(23, 59, 59, 5),
    "raw": b"\x00\xff",
    "u": ID,
    "j": '{"a":\n 1}',
    "us": [ID, None],
    "st": {"n": 1, "u": ID},
}

PLAIN = Contract(
    (
        Field("name", "string", nullable=True),
        Field("n", "int64"),
        Field("share", "float64", nullable=True),
        Field("day", "date"),
        Field("ok", "boolean"),
    )
)


def plain_rows(count):
    return [
        {
            "name": None if number % 5 == 0 else f"nó {number}" * (number % 3),
            "n": number,
            "share": None if number % 4 == 0 else number / 7,
            "day": date(2022, 8, number % 28 + 1),
            "ok": number % 2 == 0,
        }
        for number in range(count)
    ]


PLAIN_ROWS = plain_rows(9000)


def output(form, name="stg/{date}.x", **given):
    return Output(**{"format": form, "name": parse(name), "place": PLACE, "codec": CODECS[form], **given})


def written(form, batches, contract=PLAIN, **given):
    """The bytes of one file of these rows."""
    out = BytesIO()
    with writer(out, contract, How("sales", "shop", output(form, **given))) as taking:
        for batch in batches:
            taking.write(batch)
    return out.getvalue()


def kept(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
