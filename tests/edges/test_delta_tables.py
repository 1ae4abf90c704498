"""Delta tables on a disk: made from commit records, one Delta commit a partition, read by delta-rs and DuckDB."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from levada.edges import Edges, FixedClock
from levada.errors import FixThis, TryLater
from levada.lake.area import Area
from levada.lake.disk import DiskStore
from levada.lake.lease import read_record
from levada.lake.memory import MemoryStore
from levada.pipeline import Options, Pipeline
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text
from levada.staging import Tables, delta
from patience import PATIENCE
from shop import HEAD

DAY, NEXT = "2022-08-09", "2022-08-10"
SPEC = f"""{HEAD}\
    contract:
      fields: {{id: int64, name: {{type: string, nullable: true}}}}
    stage: {{delta: tables/sales, parquet: "stg/day={{date}}/a.parquet", jsonl: "stg/{{date}}.jsonl"}}
"""
WIDER = SPEC.replace("fields: {", "fields: {price: float64, day: date, ")
FIRST = [{"id": 1, "name": "Ana"}, {"id": 2, "name": None}]
OTHER = [{"id": 3, "name": "Rui"}]


def pipeline(lake, rows, spec=SPEC, **options):
    body = json.dumps(rows).encode()
    edges = Edges(clock=FixedClock(datetime(2022, 8, 12, 12, tzinfo=UTC)), environment={},
                  network=lambda: ScriptedWire(lambda *_: Reply(answer(200, body))))  # fmt: skip
    return Pipeline(read_text(spec, "shop.yaml", {}, lake=str(lake)), DiskStore(str(lake)), edges, Options(**options))


def run(lake, rows, date=DAY, spec=SPEC, verb="run", **options):
    chosen = pipeline(lake, rows, spec, **options)
    return chosen.work(verb, chosen.streams()[0], date)


def table(lake, name="tables/sales"):
    return DeltaTable(str(lake / name))


def held(lake):
    """Partition -> rows, as delta-rs reads them."""
    found = {}
    for row in pa.table(table(lake).to_pyarrow_table()).sort_by("id").to_pylist():
        found.setdefault(row.pop("_levada_partition"), []).append(row)
    return found


def by_the_log(lake):
    """Partition -> rows, as DuckDB reads the files that the log's entries leave standing."""
    files = {}
    for entry in sorted((lake / "tables/sales/_delta_log").glob("*.json")):
        for action in map(json.loads, entry.read_text().splitlines()):
            if "add" in action:
                files[action["add"]["path"]] = action["add"]["partitionValues"]["_levada_partition"]
            elif "remove" in action:
                del files[action["remove"]["path"]]
    rows = {}
    with duckdb.connect() as db:
        for path, partition in files.items():
            seen = db.sql(f"from read_parquet('{lake / 'tables/sales' / unquote(path)}', hive_partitioning = false)")
            rows.setdefault(partition, []).extend(dict(zip(seen.columns, row, strict=True)) for row in seen.fetchall())
    return rows


def record(lake):
    return read_record(Area(DiskStore(str(lake)), "shop", "sales", DAY))[0]


def test_a_run_brings_its_partition_into_the_table(tmp_path):
    done = run(tmp_path, FIRST)
    run(tmp_path, OTHER, NEXT)
    assert held(tmp_path) == by_the_log(tmp_path) == {DAY: FIRST, NEXT: OTHER}
    assert done.files == (f"raw/shop/sales/{DAY}/1.json", f"stg/{DAY}.jsonl", f"stg/day={DAY}/a.parquet")
    last = table(tmp_path).history(1)[0]
    assert (last["levada.partition"], len(last["levada.fingerprint"])) == (NEXT, 64)
    added = pa.table(table(tmp_path).get_add_actions(flatten=True)).to_pylist()
    assert [(each["num_records"], each["min.id"], each["max.name"]) for each in added] == [(1, 3, "Rui"), (2, 1, "Ana")]


def test_other_rows_take_the_place_of_a_partition_in_one_commit(tmp_path):
    run(tmp_path, FIRST)
    run(tmp_path, OTHER, NEXT)
    before = table(tmp_path).version()
    run(tmp_path, OTHER)
    assert table(tmp_path).version() == before + 1
    assert held(tmp_path) == by_the_log(tmp_path) == {DAY: OTHER, NEXT: OTHER}
    assert DeltaTable(str(tmp_path / "tables/sales"), version=before).to_pyarrow_table().num_rows == 3


def test_the_same_content_commits_nothing(tmp_path):
    run(tmp_path, FIRST)
    run(tmp_path, OTHER)
    run(tmp_path, FIRST)
    before = table(tmp_path).version()
    assert not run(tmp_path, FIRST).changed
    assert not run(tmp_path, [], verb="replay").changed
    assert table(tmp_path).version() == before


def test_a_partition_without_rows_is_none_of_the_table(tmp_path):
    run(tmp_path, [])
    assert not (tmp_path / "tables").exists()
    run(tmp_path, FIRST)
    run(tmp_path, OTHER, NEXT)
    run(tmp_path, [], allow_empty=True)
    assert held(tmp_path) == {NEXT: OTHER}
    before = table(tmp_path).version()
    run(tmp_path, [], allow_empty=True)
    assert table(tmp_path).version() == before


def test_landing_other_pages_leaves_the_table_until_they_are_staged(tmp_path):
    run(tmp_path, FIRST)
    assert run(tmp_path, OTHER, verb="land").level == "landed"
    assert held(tmp_path) == {DAY: FIRST}
    run(tmp_path, [], verb="stage")
    assert held(tmp_path) == {DAY: OTHER}


def test_a_column_that_the_contract_brings_is_added_and_told(tmp_path):
    run(tmp_path, FIRST)
    rows = [{"id": 4, "name": "Eva", "price": 1.5, "day": DAY}]
    done = run(tmp_path, rows, NEXT, WIDER)
    assert done.notes[:2] == (
        "Delta table tables/sales: column price (float64) added",
        "Delta table tables/sales: column day (date) added",
    )
    assert {row["id"]: row["price"] for each in held(tmp_path).values() for row in each} == {1: None, 2: None, 4: 1.5}
    narrower = run(tmp_path, OTHER, NEXT)
    assert not any("Delta" in note for note in narrower.notes)
    assert held(tmp_path)[NEXT] == [{"id": 3, "name": "Rui", "price": None, "day": None}]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ("id: int32, name: string", "column id is int64 in the table and int32 in the contract"),
        ("id: string", "column id is int64 in the table and string in the contract"),
        (
            "id: {type: list, items: 'decimal(10,2)'}",
            r"column id is int64 in the table and list<decimal\(10,2\)> in the contract",
        ),
        ("ID: int64", "column ID differs from id, which the table has, only in case"),
    ],
)
def test_what_would_change_a_column_is_refused_before_anything_is_committed(tmp_path, fields, says):
    run(tmp_path, FIRST)
    value = [1.5] if "list" in fields else "5" if "string" in fields[:10] else 5
    before, rows = record(tmp_path), [{"id": value, "ID": 5, "name": "x"}]
    spec = SPEC.replace("id: int64, name: {type: string, nullable: true}", fields)
    with pytest.raises(FixThis, match=says) as refused:
        run(tmp_path, rows, spec=spec)
    assert "name another table and `levada replay` into it" in refused.value.todo
    assert (record(tmp_path), held(tmp_path)) == (before, {DAY: FIRST})


def test_a_table_of_somebody_else_is_left_alone(tmp_path):
    write_deltalake(str(tmp_path / "tables/sales"), pa.table({"id": [9]}))
    with pytest.raises(FixThis, match="tables/sales was not made by Levada"):
        run(tmp_path, FIRST)
    run(tmp_path, FIRST, spec=SPEC.replace("tables/sales", "tables/mine"))
    other = SPEC.replace("tables/sales", "tables/mine").replace("  sales:", "  returns:").replace("stg", "ret")
    with pytest.raises(FixThis, match="belongs to shop/sales, which is another stream than shop/returns"):
        run(tmp_path, FIRST, spec=other)
    column = SPEC.replace("delta: tables/sales", "delta: {table: tables/mine, column: day}")
    with pytest.raises(FixThis, match="tells its partitions by _levada_partition, and the spec by day"):
        run(tmp_path, OTHER, spec=column)
    assert table(tmp_path).to_pyarrow_table().to_pydict() == {"id": [9]}


def test_a_lake_in_memory_has_no_tables():
    read = read_text(SPEC, "shop.yaml", {}, lake="memory:")
    body = json.dumps(FIRST).encode()
    edges = Edges(clock=FixedClock(), environment={}, network=lambda: ScriptedWire(lambda *_: Reply(answer(200, body))))
    chosen = Pipeline(read, MemoryStore(), edges)
    with pytest.raises(FixThis, match="A Delta table cannot lie in the lake memory"):
        chosen.work("run", chosen.streams()[0], DAY)


DYING = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = {path!r}
from levada.staging import delta
from test_delta_tables import OTHER, run

real = delta._Shown._commit

def dies(self, found):
    if {after}:
        real(self, found)
    os.kill(os.getpid(), signal.SIGKILL)

delta._Shown._commit = dies
run(Path({lake!r}), OTHER, spec={spec!r})
"""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_around_the_delta_commit_the_next_run_brings_it_without_asking_the_api(tmp_path, after):
    run(tmp_path, FIRST)
    here = Path(__file__).parent
    program = DYING.format(path=[str(here), str(here.parent)], after=after, lake=str(tmp_path), spec=SPEC)
    died = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=PATIENCE)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert held(tmp_path) == {DAY: OTHER if after else FIRST}
    assert not record(tmp_path).shown
    version = table(tmp_path).version()
    done = run(tmp_path, [{"id": 77, "name": "never asked for"}])
    assert done.requests == 0
    assert held(tmp_path) == by_the_log(tmp_path) == {DAY: OTHER}
    assert record(tmp_path).shown
    assert table(tmp_path).version() == version + (not after)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_while_rows_leave_a_table_the_next_run_ends_it(tmp_path, after):
    run(tmp_path, FIRST)
    here = Path(__file__).parent
    program = DYING.format(path=[str(here), str(here.parent)], after=after, lake=str(tmp_path), spec=GONE)
    died = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=PATIENCE)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert held(tmp_path) == ({} if after else {DAY: FIRST})
    version = table(tmp_path).version()
    assert run(tmp_path, [], spec=GONE).requests == 0
    assert held(tmp_path) == {}
    assert (record(tmp_path).tables, record(tmp_path).shown) == ((), True)
    assert table(tmp_path).version() == version + (not after)


def test_writers_of_many_partitions_at_once_all_come_in(tmp_path):
    days = [f"2022-08-{day:02}" for day in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda day: run(tmp_path, [{"id": int(day[-2:]), "name": day}], day), days))
    assert held(tmp_path) == {day: [{"id": int(day[-2:]), "name": day}] for day in days}
    assert table(tmp_path).version() == 8


def tables(lake, waited):
    return Tables(DiskStore(str(lake)), {}, waited.append)


def test_who_was_overtaken_tries_again_and_leaves_to_whom_the_record_belongs(tmp_path, monkeypatch):
    run(tmp_path, FIRST)
    old = record(tmp_path)
    run(tmp_path, OTHER)
    new, waited = record(tmp_path), []
    stale = table(tmp_path)
    # A run that paused with an older table in hand: the table is opened once as it was, then as it is.
    opened = [DeltaTable(str(tmp_path / "tables/sales"), version=stale.version() - 1)]
    real = delta._open  # noqa: SLF001 - what it sees first
    monkeypatch.setattr(delta, "_open", lambda *to: opened.pop() if opened else real(*to))
    late = replace(old, staged="f" * 64, run=f"{old.run}0")
    answers = [True, False]
    assert delta.show(tables(tmp_path, waited), late, lambda: answers.pop(0)) == ()
    assert (len(waited), answers) == (1, [])
    assert held(tmp_path) == {DAY: OTHER}
    assert delta.show(tables(tmp_path, waited), new, lambda: True) == ()


def test_a_table_that_others_always_change_first_is_tried_later(tmp_path, monkeypatch):
    run(tmp_path, FIRST)
    old, waited = record(tmp_path), []

    def overtaken(*_):
        raise delta._Overtaken  # noqa: SLF001 - what a conflict is

    monkeypatch.setattr(delta._Shown, "_commit", overtaken)  # noqa: SLF001 - the same
    with pytest.raises(TryLater, match="other writers were faster each time") as late:
        delta.show(tables(tmp_path, waited), replace(old, run="x", staged="f" * 64), lambda: True)
    assert max(waited) == 2.0
    assert "what the lake has committed stands" in late.value.todo


def test_a_damaged_log_is_told_before_anything_is_committed_and_made_anew_by_replay(tmp_path):
    run(tmp_path, FIRST)
    run(tmp_path, OTHER, NEXT)
    before = record(tmp_path)
    (tmp_path / "tables/sales/_delta_log/00000000000000000001.json").write_text("{")
    with pytest.raises(FixThis, match="The Delta table tables/sales is damaged: Kernel error: Json error") as told:
        run(tmp_path, OTHER)
    assert told.value.where.endswith("tables/sales")
    assert "unknown" not in told.value.what, "the frames of its stack are nobody's"
    assert told.value.__cause__ is None, "which would be told with all of them"
    assert "move it away: `levada replay` makes it anew" in told.value.todo
    assert record(tmp_path) == before
    (tmp_path / "tables/sales").rename(tmp_path / "away")
    for day in (DAY, NEXT):
        run(tmp_path, [], day, verb="replay")
    assert held(tmp_path) == by_the_log(tmp_path) == {DAY: FIRST, NEXT: OTHER}


def test_a_table_of_a_protocol_that_is_not_known_is_no_matter_of_time(tmp_path):
    run(tmp_path, FIRST)
    log = tmp_path / "tables/sales/_delta_log/00000000000000000000.json"
    known = log.read_text()
    actions = [json.loads(line) for line in known.splitlines()]
    for protocol, says in (
        ({"minReaderVersion": 9, "minWriterVersion": 9}, "minimum reader version 9"),
        ({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["madeUp"]}, "madeUp"),
    ):
        changed = [{"protocol": protocol} if "protocol" in action else action for action in actions]
        log.write_text("".join(f"{json.dumps(action)}\n" for action in changed))
        with pytest.raises(FixThis, match=f"asks for what this library cannot do: .*{says}") as told:
            run(tmp_path, OTHER)
        assert "newer deltalake" in told.value.todo
    log.write_text(known)
    run(tmp_path, OTHER)
    assert held(tmp_path) == {DAY: OTHER}


GONE = SPEC.replace("delta: tables/sales, ", "")
MOVED = SPEC.replace("delta: tables/sales", "delta: tables/moved")


@pytest.mark.parametrize("verb", ["run", "replay"])
def test_a_table_that_leaves_the_spec_loses_the_rows_of_a_partition_with_its_next_commit(tmp_path, verb):
    run(tmp_path, FIRST)
    run(tmp_path, OTHER, NEXT)
    version = table(tmp_path).version()
    done = run(tmp_path, FIRST, spec=GONE, verb=verb)
    assert done.notes[0] == f"Delta table tables/sales: the rows of {DAY} went, the spec stages none there"
    assert held(tmp_path) == by_the_log(tmp_path) == {NEXT: OTHER}
    assert table(tmp_path).version() == version + 1, "one Delta commit"
    assert (record(tmp_path).tables, record(tmp_path).shown) == ((), True)
    run(tmp_path, FIRST, spec=GONE, verb=verb)
    assert table(tmp_path).version() == version + 1
    run(tmp_path, FIRST, verb=verb)
    assert held(tmp_path) == {DAY: FIRST, NEXT: OTHER}


def test_a_table_of_another_name_takes_the_rows_over(tmp_path):
    run(tmp_path, FIRST)
    run(tmp_path, FIRST, spec=MOVED, verb="replay")
    assert held(tmp_path) == {}
    assert table(tmp_path, "tables/moved").to_pyarrow_table().num_rows == len(FIRST)


def test_landing_in_between_forgets_no_table(tmp_path):
    run(tmp_path, FIRST)
    run(tmp_path, OTHER, spec=GONE, verb="land")
    assert held(tmp_path) == {DAY: FIRST}
    assert [each.name for each in record(tmp_path).tables] == ["tables/sales"]
    run(tmp_path, [], spec=GONE, verb="stage")
    assert held(tmp_path) == {}
    run(tmp_path, FIRST)
    run(tmp_path, OTHER, verb="land")
    run(tmp_path, [], verb="stage")
    assert held(tmp_path) == {DAY: OTHER}
    assert record(tmp_path).stale_tables == ()


@pytest.mark.parametrize("spec", [GONE, MOVED])
def test_a_damaged_table_that_the_spec_names_no_more_is_told_before_anything_is_committed(tmp_path, spec):
    run(tmp_path, FIRST)
    before = record(tmp_path)
    (tmp_path / "tables/sales/_delta_log/00000000000000000001.json").write_text("{")
    for verb in ("run", "replay"):
        with pytest.raises(FixThis, match="The Delta table tables/sales is damaged") as told:
            run(tmp_path, OTHER, spec=spec, verb=verb)
        assert told.value.todo.endswith("or move it away: the spec names it no more; then run again")
        assert record(tmp_path) == before
    (tmp_path / "tables/sales").rename(tmp_path / "away")
    run(tmp_path, OTHER, spec=spec)
    assert (record(tmp_path).stale_tables, record(tmp_path).shown) == ((), True)


@pytest.mark.parametrize("verb", ["run", "stage", "replay"])
def test_who_finishes_a_commit_tells_that_its_rows_left_a_table(tmp_path, monkeypatch, verb):
    run(tmp_path, FIRST)
    with monkeypatch.context() as away:
        away.setattr(delta._Shown, "_commit", late_store)  # noqa: SLF001 - a table that cannot be written
        with pytest.raises(TryLater):
            run(tmp_path, FIRST, spec=GONE)
    assert not record(tmp_path).shown
    done = run(tmp_path, FIRST, spec=GONE, verb=verb)
    assert f"Delta table tables/sales: the rows of {DAY} went, the spec stages none there" in done.notes
    assert (done.changed, record(tmp_path).shown, held(tmp_path)) == (True, True, {})


def late_store(*_):
    raise TryLater("the store is away")


def test_a_table_that_is_not_ours_any_more_loses_no_rows(tmp_path):
    run(tmp_path, FIRST)
    (tmp_path / "tables/sales").rename(tmp_path / "away")
    write_deltalake(str(tmp_path / "tables/sales"), pa.table({"id": [9]}))
    assert run(tmp_path, FIRST, spec=GONE).changed
    assert table(tmp_path).to_pyarrow_table().to_pydict() == {"id": [9]}


def test_a_partition_without_rows_looks_at_its_table_before_it_is_committed(tmp_path):
    run(tmp_path, FIRST)
    before = record(tmp_path)
    other = SPEC.replace("delta: tables/sales", "delta: {table: tables/sales, column: day}")
    with pytest.raises(FixThis, match="tells its partitions by _levada_partition, and the spec by day"):
        run(tmp_path, [], spec=other, allow_empty=True)
    assert record(tmp_path) == before


def test_merged_files_are_the_same_content(tmp_path):
    run(tmp_path, FIRST)
    at = table(tmp_path)
    run(tmp_path, OTHER, NEXT)
    known = record(tmp_path)
    # Somebody rewrites the partition's file, as merging does: other name, same rows, not ours.
    write_deltalake(str(tmp_path / "tables/sales"), at.to_pyarrow_table(),
                    mode="overwrite", predicate=f"_levada_partition = '{DAY}'")  # fmt: skip
    version = table(tmp_path).version()
    assert not run(tmp_path, FIRST).changed
    assert table(tmp_path).version() == version
    assert record(tmp_path) == known


@pytest.mark.parametrize("verb", ["run", "stage", "replay"])
def test_rows_that_somebody_changed_are_shown_again_as_committed(tmp_path, verb):
    run(tmp_path, FIRST)
    run(tmp_path, OTHER, NEXT)
    table(tmp_path).update({"name": "'Eva'"}, predicate=f"id = 1 and _levada_partition = '{DAY}'")
    assert held(tmp_path)[DAY][0]["name"] == "Eva", "as many rows, under our number"
    done = run(tmp_path, FIRST, verb=verb)
    assert held(tmp_path) == by_the_log(tmp_path) == {DAY: FIRST, NEXT: OTHER}
    assert done.notes == (f"Delta table tables/sales: the rows of {DAY} were not as committed; they are again",)
    assert done.changed
    version = table(tmp_path).version()
    assert not run(tmp_path, FIRST, verb=verb).changed
    assert table(tmp_path).version() == version


def test_a_table_that_was_compacted_has_the_same_content(tmp_path):
    run(tmp_path, FIRST)
    for part in (FIRST[:1], FIRST[1:]):  # as other writers do: small files, our number
        says = pa.schema(table(tmp_path).schema().to_arrow())
        rows = pa.Table.from_pylist([{**row, "_levada_partition": DAY} for row in part], says)
        mode = "overwrite" if part == FIRST[:1] else "append"
        write_deltalake(str(tmp_path / "tables/sales"), rows, mode=mode)
    assert delta.compact(tables(tmp_path, []), "tables/sales", 2**20, 168) == (2, 1, 0)
    version = table(tmp_path).version()
    assert not run(tmp_path, FIRST).changed
    assert table(tmp_path).version() == version


def test_the_data_files_are_those_of_the_record(tmp_path):
    run(tmp_path, FIRST)
    (file,) = [file for file in record(tmp_path).files if file.format == "delta"]
    (uri,) = table(tmp_path).file_uris()
    assert Path(uri).read_bytes() == (tmp_path / file.key).read_bytes()
    Path(uri).unlink()
    run(tmp_path, FIRST)
    assert held(tmp_path) == {DAY: FIRST}


def test_every_type_comes_back_from_the_table(tmp_path):
    fields = """{id: int64, s: string, i: int32, f: float64, d: "decimal(10,2)", b: boolean, day: date, at: timestamp,
        t: time, u: uuid, j: json, tags: {type: list, items: string}, raw: binary,
        of: {type: struct, fields: {n: int64, t: {type: time, nullable: true}}}}"""
    spec = SPEC.replace("{id: int64, name: {type: string, nullable: true}}", fields)
    row = {"id": 1, "s": "ç", "i": -1, "f": 0.1, "d": 12.3, "b": True, "day": DAY, "at": "2022-08-09T12:30:15.000001Z",
           "t": "23:59:59", "u": "12345678-1234-5678-1234-567812345678", "j": {"a": 1}, "tags": ["x", "y"],
           "raw": "AP8=", "of": {"n": 7, "t": "01:02:03"}}  # fmt: skip
    done = run(tmp_path, [row], spec=spec)
    assert done.counts.quarantined == 0
    (found,) = held(tmp_path)[DAY]
    assert found == {
        **row,
        "d": Decimal("12.30"),
        "day": date(2022, 8, 9),
        "at": datetime(2022, 8, 9, 12, 30, 15, 1, tzinfo=UTC),
        "j": '{"a": 1}',
        "raw": b"\x00\xff",
    }
    assert not run(tmp_path, [row], spec=spec).changed
    assert run(tmp_path, [{**row, "id": 2}], NEXT, spec).notes == ()
    kinds = {field.name: field.type.type for field in table(tmp_path).schema().fields if hasattr(field.type, "type")}
    assert (kinds["t"], kinds["at"], kinds["id"], kinds["i"]) == ("string", "timestamp", "long", "integer")


def test_names_of_partitions_are_told_apart_whatever_is_in_them(tmp_path):
    names = ["O'Brien", "a/b", "a_b", "a b", "50%", "x=1", "ç", "null", '"']
    listed = f"pipeline: shop\npartition: {{by: list, names: {json.dumps(names)}}}"
    spec = SPEC.replace("pipeline: shop", listed).replace("{date}", "{partition}")
    spec = spec.replace('parquet: "stg/day={partition}/a.parquet", ', "")
    for number, name in enumerate(names):
        run(tmp_path, [{"id": number, "name": name}], name, spec)
    run(tmp_path, [{"id": 77, "name": None}], "a/b", spec)
    rows = {name: [{"id": number, "name": name}] for number, name in enumerate(names)}
    assert held(tmp_path) == by_the_log(tmp_path) == {**rows, "a/b": [{"id": 77, "name": None}]}
    version = table(tmp_path).version()
    assert not any(run(tmp_path, rows[name], name, spec).changed for name in names if name != "a/b")
    assert table(tmp_path).version() == version


def test_a_file_that_was_merged_away_is_not_put_back(tmp_path):
    run(tmp_path, FIRST)
    (mine,) = (tmp_path / "tables/sales").rglob("*.parquet")
    write_deltalake(str(tmp_path / "tables/sales"), table(tmp_path).to_pyarrow_table(), mode="overwrite")
    table(tmp_path).vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert not mine.exists()
    assert not run(tmp_path, FIRST).changed
    assert not mine.exists()
    assert held(tmp_path) == {DAY: FIRST}
