"""levada verify of lakes with Delta tables: damage of every kind is found, and put right from the commits."""

import json

import pyarrow as pa
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable, write_deltalake

from levada import extras
from levada.cli.verify import verify
from levada.edges import Edges
from levada.lake.disk import DiskStore
from levada.lake.opening import open_store
from levada.pipeline import load
from shop import SALES, Shop

DAYS = ("2022-08-09", "2022-08-10")
SPEC = SALES.replace('avro: "stg/{date}/{page}.avro"', "delta: stg/sales")


@pytest.fixture
def table(lake, tmp_path):
    """Two days in a table."""
    (tmp_path / "shop.yaml").write_text(SPEC)
    for number, day in enumerate(DAYS):
        api = Shop([{"price": number}, {"price": 10 + number}])
        load(tmp_path / "shop.yaml", lake=str(lake), edges=Edges(environment={}, network=api.wire)).run(date=day)
    return lake / "stg/sales"


def part(table, day=DAYS[0]):
    """The file of a partition that the log names."""
    (found,) = [uri for uri in DeltaTable(str(table)).file_uris() if day in uri]
    return table.parent / found[found.index("sales/") :]


def spoil(path, at=-9):
    """One byte of a file, in a copy, so that what else shares its bytes keeps them."""
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.unlink()
    path.write_bytes(data)


def verified(shell, *more):
    done = shell("verify", "--lake", "lake", "--json", *more)
    told = json.loads(done.stdout)
    findings = [finding for one in told["partitions"] for finding in one["findings"]]
    return done.returncode, [(each["kind"], each["key"]) for each in findings], told


def prices(table):
    return sorted(pa.table(DeltaTable(str(table)).to_pyarrow_table())["price"].to_pylist())


def repaired(shell, table):
    """Put right, with the rows of the commits; and stays so."""
    code, findings, told = verified(shell, "--repair")
    assert (code, findings, told["errors"]) == (0, [], [])
    assert any(
        "as committed" in text or "written again" in text for one in told["partitions"] for text in one["repaired"]
    )
    assert prices(table) == [0, 1, 10, 11]
    assert verified(shell)[:2] == (0, [])


def name(table, path):
    return f"stg/sales/{path.relative_to(table)}"


def test_a_table_as_it_was_committed_has_no_findings(shell, table):
    code, findings, told = verified(shell)
    assert (code, findings, told["extra"]) == (0, [], [])


@pytest.mark.parametrize("at", [0, 50, -9])
def test_a_flipped_byte_of_a_file_is_found_and_the_file_put_back(shell, table, at):
    path = part(table)
    spoil(path, at)
    assert verified(shell)[:2] == (2, [("changed", name(table, path))])
    repaired(shell, table)


def test_a_file_that_is_gone_is_found_and_put_back(shell, table):
    path = part(table)
    path.unlink()
    assert verified(shell, "--quick")[:2] == (2, [("missing", name(table, path))])
    repaired(shell, table)


def test_a_table_without_its_log_is_found_and_made_anew(shell, table):
    for path in (table / "_delta_log").iterdir():
        path.unlink()
    missing = ("missing", "stg/sales/_delta_log")
    assert verified(shell)[:2] == (2, [missing, missing])
    repaired(shell, table)


def test_a_damaged_log_is_told_with_what_to_do(shell, table):
    path = table / "_delta_log/00000000000000000001.json"
    path.write_text(path.read_text().replace('"add"', '"a', 1))
    code, findings, told = verified(shell, "--repair")
    assert (code, findings) == (2, [("damaged", "stg/sales/_delta_log")] * 2)
    assert "move the table's folder away" in told["partitions"][0]["findings"][0]["todo"]
    done = shell("replay", "shop.yaml", "--lake", "lake", "--date", DAYS[0])
    what, *others = done.stderr.splitlines()
    assert what.startswith("levada: The Delta table stg/sales is damaged: ")
    assert [line.split(":")[0].strip() for line in others] == ["where", "to do"], "no frames of a stack"
    table.rename(table.with_name("away"))
    repaired(shell, table)


def test_a_partition_that_the_log_does_not_have_is_found_and_shown(shell, table):
    DeltaTable(str(table)).delete(f"_levada_partition = '{DAYS[0]}'")
    code, findings, told = verified(shell)
    assert (code, findings) == (2, [("changed", "stg/sales")])
    assert f"other rows of partition {DAYS[0]}" in told["partitions"][0]["findings"][0]["why"]
    repaired(shell, table)


def test_rows_that_somebody_added_are_found_and_taken_out(shell, table):
    rows = pa.table({"price": pa.array([7], pa.int32()), "_levada_partition": [DAYS[1]]})
    write_deltalake(str(table), rows, mode="append", partition_by=["_levada_partition"])
    assert verified(shell)[:2] == (2, [("changed", "stg/sales")])
    repaired(shell, table)


def test_rows_of_a_partition_that_nobody_committed_are_extra(shell, table):
    rows = pa.table({"price": pa.array([7], pa.int32()), "_levada_partition": ["2022-08-11"]})
    write_deltalake(str(table), rows, mode="append", partition_by=["_levada_partition"])
    code, findings, told = verified(shell)
    assert (code, findings) == (0, [])
    (extra,) = told["extra"]
    assert (extra["kind"], extra["key"]) == ("extra", "stg/sales")
    assert "2022-08-11 are of no commit" in extra["why"]
    assert verified(shell, "--strict")[0] == 2


def test_rows_that_somebody_changed_are_found_and_a_replay_mends_them_as_is_said(shell, table):
    DeltaTable(str(table)).update({"price": "77"}, predicate="price = 10")
    code, findings, told = verified(shell)
    assert (code, [kind for kind, _ in findings]) == (2, ["changed"])
    assert "so does the next `levada run` or `replay`" in told["partitions"][0]["findings"][0]["todo"]
    done = shell("replay", "shop.yaml", "--lake", "lake")
    assert f"the rows of {DAYS[0]} were not as committed; they are again" in done.stdout
    assert prices(table) == [0, 1, 10, 11]
    assert verified(shell)[:2] == (0, [])


@pytest.mark.parametrize("how", ["spoilt", "gone"])
def test_files_into_which_rows_were_merged_are_held_to_the_commit(shell, table, how):
    day = pa.table(DeltaTable(str(table)).to_pyarrow_table(filters=[("_levada_partition", "=", DAYS[0])]))
    version = DeltaTable(str(table)).transaction_version(f"levada/shop/sales/{DAYS[0]}")
    assert version is not None
    write_deltalake(str(table), day, mode="overwrite", predicate=f"_levada_partition = '{DAYS[0]}'")
    assert verified(shell)[:2] == (0, []), "the same rows in another file"
    path = part(table)
    if how == "spoilt":
        spoil(path, 8)
    else:
        path.unlink()
    kind = "changed" if how == "spoilt" else "missing"
    assert verified(shell)[:2] == (2, [(kind, name(table, path))])
    repaired(shell, table)


def test_kept_bytes_come_back_from_the_table(shell, table, lake):
    (kept,) = [path for path in (lake / "_levada").rglob("*.delta") if DAYS[0] in str(path)]
    kept.unlink()
    key = str(kept.relative_to(lake))
    assert verified(shell)[:2] == (2, [("missing", key)])
    repaired(shell, table)
    assert kept.exists()


def test_a_damaged_file_is_never_shown_in_the_table(shell, table, lake):
    path = part(table)
    (kept,) = [one for one in (lake / "_levada").rglob("*.delta") if DAYS[0] in str(one)]
    spoil(kept)
    spoil(path, 50)
    before = path.read_bytes()
    code, findings, _ = verified(shell, "--repair")
    assert code == 2
    assert findings == [("changed", str(kept.relative_to(lake))), ("changed", name(table, path))]
    assert path.read_bytes() == before
    assert shell("replay", "shop.yaml", "--lake", "lake").returncode == 0
    assert verified(shell)[:2] == (0, [])
    assert prices(table) == [0, 1, 10, 11]


def test_a_commit_that_was_not_shown_is_shown_in_its_table_too(shell, table, lake):
    (record,) = [path for path in (lake / "_levada").rglob("commit.json") if DAYS[1] in str(path)]
    told = json.loads(record.read_text())
    record.unlink()
    record.write_text(json.dumps({**told, "shown": False}))
    DeltaTable(str(table)).delete(f"_levada_partition = '{DAYS[1]}'")
    assert verified(shell)[1] == [("not shown", str(record.relative_to(lake)))]
    code, findings, _ = verified(shell, "--repair")
    assert (code, findings) == (0, [])
    assert prices(table) == [0, 1, 10, 11]
    assert DiskStore(lake).head("raw/2022-08-10/1.json")


def test_a_commit_whose_rows_are_to_leave_a_table_is_finished_as_verify_says(shell, table, lake):
    (record,) = [path for path in (lake / "_levada").rglob("commit.json") if DAYS[1] in str(path)]
    told = json.loads(record.read_text())
    (shell.folder / "shop.yaml").write_text(SALES.replace('avro: "stg/{date}/{page}.avro"', "delta: stg/other"))
    # As a run leaves it that was stopped before the old table gave the rows up.
    moved = {"table": {**told["table"], "name": "stg/other"}, "stale_tables": [told["table"]]}
    record.unlink()
    record.write_text(json.dumps({**told, **moved, "shown": False}))
    assert prices(table) == [0, 1, 10, 11]
    for more in ((), ("--repair",)):
        code, findings, said = verified(shell, *more)
        assert (code, findings) == (2, [("not shown", str(record.relative_to(lake)))])
        (finding,) = said["partitions"][1]["findings"]
        assert "its rows taken out of stg/sales" in finding["why"]
        assert finding["todo"] == "the next `levada run` or `levada replay` of this partition finishes it"
    done = shell("replay", "shop.yaml", "--lake", "lake", "--date", DAYS[1])
    assert f"Delta table stg/sales: the rows of {DAYS[1]} went" in done.stdout
    assert verified(shell)[:2] == (0, [])
    assert (prices(table), prices(lake / "stg/other")) == ([0, 10], [1, 11])


def test_without_the_library_for_tables_the_rest_is_looked_at_and_put_right(table, lake, monkeypatch):
    real = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "deltalake" else real(name))
    raw = lake / "raw" / DAYS[0] / "1.json"
    raw.unlink()
    done = CliRunner().invoke(verify, ["--lake", str(lake), "--repair"])
    assert done.exit_code == 2
    assert done.stderr.count("Delta tables need deltalake") == 1
    assert "pip install 'levada[delta]'" in done.stderr
    assert f"repaired: raw/{DAYS[0]}/1.json is missing" in done.stdout
    assert raw.exists()


def test_a_table_on_s3_is_held_to_its_commits_and_put_right(s3, tmp_path, monkeypatch):
    for variable, value in s3.environment.items():
        monkeypatch.setenv(variable, value)
    (tmp_path / "shop.yaml").write_text(SPEC)
    lake = s3.lake()
    for number, day in enumerate(DAYS):
        edges = Edges(environment=dict(s3.environment), network=Shop([{"price": number}]).wire)
        load(tmp_path / "shop.yaml", lake=lake, edges=edges).run(date=day)
    store = open_store(lake, s3.environment)
    first, second = [entry.key for entry in store.list("stg/sales") if entry.key.endswith(".parquet")]
    spoilt = store.read(first)[::-1]
    store.delete(first)
    store.create(first, spoilt)
    store.delete(second)
    done = CliRunner().invoke(verify, ["--lake", lake])
    assert (done.exit_code, f"{first} was changed" in done.stdout, f"{second} is missing" in done.stdout) == (
        2,
        True,
        True,
    )
    assert CliRunner().invoke(verify, ["--lake", lake, "--repair"]).exit_code == 0
    assert CliRunner().invoke(verify, ["--lake", lake]).exit_code == 0
