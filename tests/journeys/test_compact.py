"""levada compact: Delta tables in place, Parquet files of many partitions as one."""

import json
import re

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from simulated import SPEC

DAYS = ("2022-08-09", "2022-08-10")
STAGE = 'stage: {delta: tables/sales, parquet: "stg/day={date}/{page}.parquet"}\n'


@pytest.fixture
def staged(levada, tmp_path):
    """A spec whose two days are staged as Delta and Parquet."""
    text = re.sub(r"^( +)stage:.*(\n\1 +.*)*\n", rf"\1{STAGE}", SPEC.read_text(), flags=re.MULTILINE)
    assert STAGE in text
    (tmp_path / "pipeline.yaml").write_text(text)
    assert levada("run", "pipeline.yaml", "--from", DAYS[0], "--to", "2022-08-11").returncode == 0
    return tmp_path


def rows(path):
    return pq.read_table(path, partitioning=None).num_rows


def test_parquet_files_of_many_partitions_become_one(levada, staged):
    done = levada("compact", "pipeline.yaml", "--from", DAYS[0], "--to", "2022-08-11", "--into", "merged/all.parquet")
    files = sorted((staged / "lake/stg").rglob("*.parquet"))
    total = sum(rows(file) for file in files)
    assert done.stdout == f"merged/all.parquet: {total} rows of {len(files)} files\n"
    merged = pq.read_table(staged / "lake/merged/all.parquet")
    assert merged.to_pylist() == [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    assert pq.ParquetFile(staged / "lake/merged/all.parquet").num_row_groups == 1
    again = levada("compact", "pipeline.yaml", "--date", DAYS[0], "--into", "merged/all.parquet")
    assert again.returncode == 2
    assert "merged/all.parquet is there already" in again.stderr
    once = levada("compact", "pipeline.yaml", "--date", DAYS[0], "--into", "merged/all.parquet", "--adopt", "--json")
    (told,) = json.loads(once.stdout)["compacted"]
    assert told["rows"] == rows(staged / "lake/merged/all.parquet") < total
    assert not list((staged / "lake/_levada/tmp").glob("*"))


def test_a_merged_file_takes_no_name_of_a_commit(levada, staged):
    name = f"stg/day={DAYS[0]}/1.parquet"
    done = levada("compact", "pipeline.yaml", "--date", DAYS[1], "--into", name, "--adopt")
    assert done.returncode == 2
    assert f"{name} belongs to sales/sales {DAYS[0]}" in done.stderr


def test_a_damaged_file_is_merged_into_none(levada, staged):
    victim = next((staged / "lake/stg").rglob("*.parquet"))
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-9] + b"x" * 9)
    done = levada("compact", "pipeline.yaml", "--date", victim.parent.name[4:], "--into", "merged.parquet")
    assert done.returncode == 2
    assert "was changed since it was committed" in done.stderr
    assert not (staged / "lake/merged.parquet").exists()


def test_files_of_other_columns_are_not_merged(levada, staged):
    spec = staged / "pipeline.yaml"
    spec.write_text(
        re.sub(r"^( +)contract:\n", r"\1contract:\n\1  unknown: keep\n", spec.read_text(), flags=re.MULTILINE)
    )
    assert levada("replay", "pipeline.yaml", "--date", DAYS[1]).returncode == 0
    done = levada("compact", "pipeline.yaml", "--into", "merged.parquet")
    assert done.returncode == 2
    assert "Not all of these files have the same columns" in done.stderr
    assert "`levada replay`" in done.stderr


def test_small_files_of_a_table_become_large_ones(levada, staged):
    where = str(staged / "lake/tables/sales")
    before = DeltaTable(where).to_pyarrow_table()
    # Small files in one partition, as another writer leaves them.
    part = before.filter([value == DAYS[0] for value in before["_levada_partition"].to_pylist()])
    half = part.num_rows // 2
    write_deltalake(where, part.slice(0, half), mode="overwrite", predicate=f"_levada_partition = '{DAYS[0]}'")
    write_deltalake(where, part.slice(half), mode="append")
    assert len(DeltaTable(where).file_uris()) == 3
    done = levada("compact", "pipeline.yaml")
    assert done.stdout == "tables/sales: 2 files merged into 1, 0 old files removed\n"
    table = DeltaTable(where)
    assert len(table.file_uris()) == 2
    assert table.to_pyarrow_table().num_rows == before.num_rows
    version = table.version()
    assert levada("compact", "pipeline.yaml").stdout == "tables/sales: nothing to merge, 0 old files removed\n"
    assert DeltaTable(where).version() == version
    again = levada("run", "pipeline.yaml", "--date", DAYS[0])
    assert again.returncode == 0
    assert DeltaTable(where).version() == version


def test_a_spec_without_a_table_is_told(levada, staged):
    spec = staged / "pipeline.yaml"
    spec.write_text(spec.read_text().replace("delta: tables/sales, ", ""))
    done = levada("compact", "pipeline.yaml")
    assert (done.returncode, "has no Delta table" in done.stdout) == (0, True)
