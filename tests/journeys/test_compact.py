"""levada compact: Delta tables in place, Parquet files of many partitions as one."""

import json
import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from levada.lake.area import Area
from levada.lake.disk import DiskStore
from levada.lake.lease import read_record
from levada.lake.record import as_json
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


def test_partitions_that_cannot_be_merged_are_told_and_counted(levada, staged):
    assert levada("land", "pipeline.yaml", "--date", "2022-08-11").returncode == 0
    area = Area(DiskStore(str(staged / "lake")), "sales", "sales", DAYS[1])
    record, tag = read_record(area)
    area.store.replace(area.commit, as_json(replace(record, shown=False)), tag)
    done = levada("compact", "pipeline.yaml", "--from", DAYS[0], "--to", "2022-08-13", "--into", "merged/all.parquet")
    first, *left_out = done.stdout.splitlines()
    total = rows(staged / "lake/merged/all.parquet")
    assert (done.returncode, first.split(" of ")[0]) == (4, f"merged/all.parquet: {total} rows")
    assert left_out == [
        "left out: 3 of 4 partitions",
        "  2022-08-10: its commit is not shown yet: `levada run`",
        "  2022-08-11: its pages are not staged: `levada stage`",
        "  2022-08-12: nothing is committed",
    ]
    again = levada("compact", "pipeline.yaml", "--last", "3650d", "--into", "merged/all.parquet", "--adopt", "--json")
    (told,) = json.loads(again.stdout)["compacted"]
    assert (again.returncode, told["rows"], told["partitions"]) == (4, total, 1)
    assert len(told["left_out"]) == 3649
    none = levada("compact", "pipeline.yaml", "--date", DAYS[1], "--into", "merged/none.parquet")
    assert (none.returncode, "to merge: 2022-08-10: its commit is not shown" in none.stderr) == (2, True)
    assert not (staged / "lake/merged/none.parquet").exists()


def test_a_span_without_anything_committed_is_told_to_who_merges(levada, staged):
    done = levada("compact", "pipeline.yaml", "--from", "2021-08-01", "--to", "2021-08-03", "--into", "merged.parquet")
    assert done.returncode == 2
    assert "Nothing of pipeline sales is committed of 2 partitions from 2021-08-01 to 2021-08-02.\n" in done.stderr


def test_partitions_of_another_format_are_told(levada, staged):
    spec = staged / "pipeline.yaml"
    text = spec.read_text()
    spec.write_text(text.replace(', parquet: "stg/day={date}/{page}.parquet"', ', csv: "csv/{date}.csv"'))
    assert levada("replay", "pipeline.yaml", "--date", DAYS[0]).returncode == 0
    none = levada("compact", "pipeline.yaml", "--into", "merged/all.parquet")
    assert (none.returncode, "stages no Parquet files to merge" in none.stderr) == (2, True)
    spec.write_text(text)
    done = levada("compact", "pipeline.yaml", "--into", "merged/all.parquet")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (
        4,
        [
            "left out: 1 of 2 partitions",
            f"  {DAYS[0]}: its rows are staged as csv, delta, not as Parquet: `levada replay`",
        ],
    )


def test_partitions_without_rows_are_told_and_nothing_is_missing(levada, staged):
    empty = re.sub("max_bad: .*\n", "", (staged / "pipeline.yaml").read_text())
    (staged / "pipeline.yaml").write_text(empty)
    assert levada("run", "pipeline.yaml", "--date", "1999-01-01").returncode == 0
    done = levada("compact", "pipeline.yaml", "--into", "merged/all.parquet")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["1 partition without rows"])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tables/sales/all.parquet", "would lie among the files of "),
        ("tables/sales/_levada_partition=x/all.parquet", "would lie among the files of "),
        ("stg/all.parquet", "would lie among the files of stream sales"),
        ("tables", "would lie among the files of "),
        (f"stg/day={DAYS[0]}/all.parquet", f"would lie among the files of sales/sales {DAYS[0]}"),
        ("elsewhere/part/all.parquet", "would lie in the Delta table elsewhere"),
    ],
)
def test_a_merged_file_lies_among_no_others(levada, staged, name, says):
    write_deltalake(str(staged / "lake/elsewhere"), pa.table({"id": [1]}))
    done = levada("compact", "pipeline.yaml", "--into", name, "--adopt")
    assert done.returncode == 2
    assert f"{name} {says}" in done.stderr
    assert "merged/all.parquet" in done.stderr


def test_options_of_merging_mean_nothing_to_tables(levada, staged):
    done = levada("compact", "pipeline.yaml", "--date", DAYS[0])
    assert (done.returncode, "--date has no meaning without --into" in done.stderr) == (2, True)


def test_another_order_of_columns_is_none_of_other_rows(levada, staged):
    spec = staged / "pipeline.yaml"
    fields = re.search(r"^( +)fields:\n((?:\1 +.*\n)+)", spec.read_text(), flags=re.MULTILINE)
    lines = fields[2].splitlines(keepends=True)
    assert len(lines) > 2
    spec.write_text(spec.read_text().replace(fields[2], "".join([*lines[1:], lines[0]])))
    assert levada("replay", "pipeline.yaml", "--date", DAYS[1]).returncode == 0
    done = levada("compact", "pipeline.yaml", "--into", "merged/all.parquet")
    assert done.returncode == 0, done.stderr
    one, other = (pq.read_table(staged / f"lake/stg/day={day}/1.parquet", partitioning=None) for day in DAYS)
    assert one.column_names != other.column_names
    merged = pq.read_table(staged / "lake/merged/all.parquet")
    assert merged.column_names == one.column_names
    assert set(map(str, other.to_pylist()[0].items())) <= {
        str(item) for row in merged.to_pylist() for item in row.items()
    }


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
