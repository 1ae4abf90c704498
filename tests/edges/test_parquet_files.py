"""Parquet files as other programs read them: pyarrow and DuckDB; types, statistics, row groups by size, Hive keys."""

from datetime import date
from decimal import Decimal
from io import BytesIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from levada.contract.model import Contract, Field
from levada.errors import FixThis
from levada.staging import arrow
from levada.staging.parquet import merge
from staged import ALL, PLAIN_ROWS, ROW, kept, written


def test_parquet_is_read_by_pyarrow_and_duckdb(tmp_path):
    path = kept(tmp_path / "a.parquet", written("parquet", [PLAIN_ROWS]))
    assert pq.read_table(path).to_pylist() == PLAIN_ROWS
    with duckdb.connect() as db:
        names = db.sql(f"select * from '{path}'").columns
        found = db.sql(f"select * from '{path}' order by n").fetchall()
    assert [dict(zip(names, row, strict=True)) for row in found] == PLAIN_ROWS


def test_every_type_comes_back_from_parquet(tmp_path):
    says = arrow.schema(ALL)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_batches([arrow.batch([ROW, {**ROW, "st": None}], ALL, says)]), path)
    first, second = pq.read_table(path).to_pylist()
    text = str(ROW["u"])
    assert first == {**ROW, "t": "23:59:59.000005", "u": text, "us": [text, None], "st": {"n": 1, "u": text}}
    assert second["st"] is None
    assert pq.read_schema(path).field("st").metadata[b"description"] == b"nested"
    assert not pq.read_schema(path).field("s").nullable
    with duckdb.connect() as db:
        db.sql("set timezone = 'UTC'")
        seen = db.sql(f"from '{path}'")
        kinds = dict(zip(seen.columns, seen.types, strict=True))
        (row,) = db.sql(f"select d, day, t, \"at\"::text, us, st.n from '{path}' limit 1").fetchall()
    assert str(kinds["d"]) == "DECIMAL(10,2)"
    assert str(kinds["at"]) == "TIMESTAMP WITH TIME ZONE"
    assert row[:3] == (Decimal("12.30"), date(2022, 8, 9), "23:59:59.000005")
    assert row[3] == "2022-08-09 12:30:15.000001+00"
    assert row[4:] == ([text, None], 1)


def test_row_groups_end_by_size_and_have_statistics():
    small = pq.ParquetFile(BytesIO(written("parquet", [PLAIN_ROWS], row_group=1)))
    assert [small.metadata.row_group(number).num_rows for number in range(small.num_row_groups)] == [1024] * 8 + [808]
    whole = pq.ParquetFile(BytesIO(written("parquet", [PLAIN_ROWS])))
    assert whole.num_row_groups == 1
    column = whole.metadata.row_group(0).column(1)
    assert (column.compression, column.statistics.min, column.statistics.max) == ("ZSTD", 0, 8999)
    assert "RLE_DICTIONARY" in whole.metadata.row_group(0).column(3).encodings
    assert column.has_offset_index


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (pa.field("name", pa.string()), "name may be null in some and not in others."),
        (pa.field("name", pa.int64(), nullable=False), "name is string in one and int64 in another."),
        (pa.field("title", pa.string(), nullable=False), "name is not in each."),
    ],
)
def test_columns_that_keep_files_from_being_merged_are_told_in_words(other, says):
    files = []
    for field in (pa.field("name", pa.string(), nullable=False), other):
        files.append(BytesIO())
        pq.write_table(pa.table([pa.array([], field.type)], schema=pa.schema([field])), files[-1])
    with pytest.raises(FixThis) as told:
        merge(files, BytesIO(), "zstd", 2**20)
    assert told.value.what == f"Not all of these files have the same columns: {says}"


def test_wide_rows_end_row_groups_sooner():
    wide = Contract((Field("text", "string"),))
    rows = [{"text": f"{number}" * 500} for number in range(20_000)]
    file = pq.ParquetFile(BytesIO(written("parquet", [rows], wide, row_group=4 * 1024**2)))
    assert file.num_row_groups > 8
    assert max(file.metadata.row_group(number).total_byte_size for number in range(5)) < 8 * 1024**2


def test_keys_of_hive_are_columns_to_duckdb(tmp_path):
    for country in ("PT", "ES"):
        folder = tmp_path / f"country={country}" / "day=2022-08-09"
        folder.mkdir(parents=True)
        kept(folder / "a.parquet", written("parquet", [PLAIN_ROWS[:10]]))
    with duckdb.connect() as db:
        files = f"read_parquet('{tmp_path}/**/*.parquet', hive_partitioning = true)"
        found = db.sql(f"select country, count(*) from {files} group by 1 order by 1").fetchall()
    assert found == [("ES", 10), ("PT", 10)]
