"""Every format as its readers have it: rows at the edges of every type, and nulls at every depth."""

import csv
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO, StringIO
from uuid import UUID

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from levada.contract.model import Contract, Field, columns
from levada.staging.text import as_json, as_text
from staged import kept, written

SMALL = Field("d", "decimal", nullable=True, precision=5, scale=2)
WHOLE = Contract(
    (
        Field("id", "int64"),
        Field("s", "string", nullable=True),
        Field("i", "int32", nullable=True),
        Field("f", "float64", nullable=True),
        Field("d", "decimal", nullable=True, precision=38, scale=10),
        Field("whole", "decimal", nullable=True, precision=38, scale=0),
        Field("b", "boolean", nullable=True),
        Field("day", "date", nullable=True),
        Field("at", "timestamp", nullable=True),
        Field("t", "time", nullable=True),
        Field("raw", "binary", nullable=True),
        Field("u", "uuid", nullable=True),
        Field("j", "json", nullable=True),
        Field("tags", "list", nullable=True, item=Field("item", "string", nullable=True)),
        Field("deep", "list", nullable=True, item=Field("item", "list", nullable=True, item=Field("item", "int64"))),
        Field(
            "of",
            "struct",
            nullable=True,
            parts=(
                Field("n", "int64", nullable=True),
                Field("days", "list", nullable=True, item=Field("item", "date", nullable=True)),
                Field("in", "struct", nullable=True, parts=(SMALL,)),
            ),
        ),
        Field("each", "list", nullable=True,
              item=Field("item", "struct", nullable=True, parts=(Field("x", "float64", nullable=True),))),
    )
)  # fmt: skip
FULL = {
    "s": 'ç "x", \\\r\n\u2028 é', "i": -(2**31), "f": 5e-324, "d": Decimal("9999999999999999999999999999.9999999999"),
    "whole": Decimal(10**38 - 1), "b": False, "day": date.max, "at": datetime.max.replace(tzinfo=UTC),
    "t": time.max, "raw": b"\x00\xff", "u": UUID(int=2**128 - 1), "j": '{"a": [1, null]}', "tags": ["x", None, ""],
    "deep": [[1, 2], [], None], "of": {"n": 7, "days": [date.min, None], "in": {"d": Decimal("-999.99")}},
    "each": [{"x": 1.5}, {"x": None}, None],
}  # fmt: skip
LEAST = {
    "s": "", "i": 2**31 - 1, "f": -1.7976931348623157e308, "d": Decimal("-0.0000000001"), "whole": Decimal(0),
    "b": True, "day": date.min, "at": datetime.min.replace(tzinfo=UTC), "t": time.min, "raw": b"",
    "u": UUID(int=0), "j": "null",
    "tags": [], "deep": [], "of": {"n": None, "days": None, "in": None}, "each": [],
}  # fmt: skip
ROWS = [
    {"id": 2**63 - 1, **FULL},
    {"id": 0, **dict.fromkeys(FULL)},
    {"id": -(2**63), **LEAST},
    {"id": 1, **LEAST, "of": {"n": 0, "days": [], "in": {"d": None}}, "tags": [None]},
]


def plain(value):
    """A value as readers have it who know no UUID and no time of day."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, time) else value


PLAIN = [plain(row) for row in ROWS]


def by_duckdb(said):
    """Rows as DuckDB has them, instants of UTC without their zone."""
    with duckdb.connect() as db:
        db.sql("set timezone = 'UTC'")
        found = db.sql(said)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


NAIVE = [{**row, "at": row["at"] and row["at"].replace(tzinfo=None)} for row in PLAIN]


def test_parquet_has_the_rows_to_pyarrow_and_duckdb(tmp_path):
    path = kept(tmp_path / "a.parquet", written("parquet", [ROWS], WHOLE))
    assert pq.read_table(path).to_pylist() == PLAIN
    assert by_duckdb(f"""select * replace ("at"::timestamp as "at") from '{path}'""") == NAIVE


def test_avro_has_the_rows_to_fastavro():
    assert list(fastavro.reader(BytesIO(written("avro", [ROWS], WHOLE)))) == ROWS


def test_json_lines_have_the_rows_to_json_and_duckdb(tmp_path):
    path = kept(tmp_path / "a.jsonl", written("jsonl", [ROWS], WHOLE))
    made = {column.name: as_json(column) for column in columns(WHOLE)}
    texts = [{name: json.loads(made[name](value)) for name, value in row.items()} for row in ROWS]
    assert [json.loads(line) for line in path.read_bytes().splitlines()] == texts
    assert texts[0]["d"] == str(FULL["d"])
    kinds = """{id: 'bigint', s: 'varchar', i: 'integer', f: 'double', d: 'decimal(38,10)', whole: 'decimal(38,0)',
        b: 'boolean', day: 'date', "at": 'timestamp', t: 'varchar', raw: 'varchar', u: 'varchar', j: 'json',
        tags: 'varchar[]', deep: 'bigint[][]', of: 'struct(n bigint, days date[], "in" struct(d decimal(5,2)))',
        each: 'struct(x double)[]'}"""
    found = by_duckdb(f"from read_json('{path}', format = 'newline_delimited', columns = {kinds})")
    other = ("raw", "j")
    assert [{name: row[name] for name in row if name not in other} for row in found] == [
        {name: row[name] for name in row if name not in other} for row in NAIVE
    ]


def test_csv_has_the_rows_to_python_pyarrow_and_duckdb(tmp_path):
    data = written("csv", [ROWS], WHOLE, null="NULL")
    made = {column.name: as_text(column) for column in columns(WHOLE)}
    texts = [{name: None if value is None else made[name](value) for name, value in row.items()} for row in ROWS]
    found = list(csv.DictReader(StringIO(data.decode(), newline="")))
    assert [{name: None if value == "NULL" else value for name, value in row.items()} for row in found] == texts
    path = kept(tmp_path / "a.csv", data)
    how = "header = true, all_varchar = true, delim = ',', nullstr = 'NULL', allow_quoted_nulls = false"
    assert by_duckdb(f"from read_csv('{path}', {how})") == texts
    options = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(made, pa.string()), null_values=["NULL"], strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )  # fmt: skip
    lines = arrow_csv.ParseOptions(newlines_in_values=True)
    assert arrow_csv.read_csv(path, parse_options=lines, convert_options=options).to_pylist() == texts
