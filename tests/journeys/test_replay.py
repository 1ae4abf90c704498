"""levada replay over many partitions, and levada quarantine redrive, as a user sees them."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from levada.edges import Edges
from levada.lake.area import Area
from levada.lake.disk import DiskStore
from levada.lake.opening import open_store
from levada.pipeline import load
from patience import PATIENCE, settles
from shop import SALES, Shop, public

DAYS = ("2022-08-09", "2022-08-10", "2022-08-11")
MENDED = SALES.replace("price: int32", "price: {type: int32, nullable: true}")
GOOD, BAD = [{"price": 1}], [{"price": 1}, {"price": None}, {"price": "two"}]


@pytest.fixture
def store(lake, tmp_path):
    """Three days; the second has two rows in quarantine, and the contract lets one of them in since."""
    path = tmp_path / "shop.yaml"
    path.write_text(SALES)
    for day in DAYS:
        api = Shop(BAD if day == DAYS[1] else GOOD)
        load(path, lake=str(lake), edges=Edges(environment={}, network=api.wire)).run(date=day)
    path.write_text(MENDED)
    return DiskStore(lake)


def told(done):
    return json.loads(done.stdout)


def test_replay_tells_every_partition_in_order(shell, store):
    done = shell("replay", "shop.yaml", "--lake", store.describe(), "--jobs", 3)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[1] for line in done.stdout.splitlines()] == [f"{day}:" for day in DAYS]
    assert "2 kept, 1 quarantined" in done.stdout
    assert "1 row came back from quarantine" in done.stdout
    shown = public(store)
    again = shell("replay", "shop.yaml", "--lake", store.describe())
    assert again.stdout.count("(nothing changed)") == 3
    assert public(store) == shown


def test_all_failures_are_told_and_the_worst_is_the_exit_code(shell, store):
    (Path(store.describe()) / "raw" / DAYS[0] / "1.json").unlink()
    with store.lock(Area(store, "shop", "sales", DAYS[2]).lock, b""):
        done = shell("replay", "shop.yaml", "--lake", store.describe(), "--jobs", 2)
        machine = shell("replay", "shop.yaml", "--lake", store.describe(), "--jobs", 2, "--json")
    assert done.returncode == 2, "a held partition is tried later, a damaged one is mended by a person"
    assert "sales 2022-08-10: done" in done.stdout
    assert f"raw/{DAYS[0]}/1.json is missing" in done.stderr
    assert "another run holds shop/sales 2022-08-11" in done.stderr
    assert done.stderr.endswith("levada: 2 of 3 partitions failed; the others are done\n")
    result = told(machine)
    assert machine.returncode == 2
    assert [run["partition"] for run in result["runs"]] == [DAYS[1]]
    assert [error["kind"] for error in result["errors"]] == ["FixThis", "LeaseHeld"]
    assert result["not_tried"] == []


def test_where_all_fail_no_others_are_done(shell, store):
    for day in DAYS:
        (Path(store.describe()) / "raw" / day / "1.json").unlink()
    done = shell("replay", "shop.yaml", "--lake", store.describe(), "--jobs", 2)
    assert done.returncode == 2
    assert done.stderr.endswith("levada: 3 of 3 partitions failed\n")


def test_a_replay_that_only_waits_says_try_later(shell, store):
    with store.lock(Area(store, "shop", "sales", DAYS[2]).lock, b""):
        assert shell("replay", "shop.yaml", "--lake", store.describe()).returncode == 75


def test_a_damaged_record_stops_its_own_partition_only(shell, store):
    path = Path(store.describe(), "_levada/shop/sales", DAYS[0], "commit.json")
    path.write_text("{}")
    done = shell("replay", "shop.yaml", "--lake", store.describe())
    assert done.returncode == 2
    assert "the commit record is damaged" in done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == [f"{day}:" for day in DAYS[1:]]


def test_days_that_were_never_committed_are_told_and_no_failure(shell, store):
    span = ("--lake", store.describe(), "--from", "2022-08-07", "--to", "2022-08-14")
    done = shell("replay", "shop.yaml", *span, "--jobs", 2)
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()] == [f"{day}:" for day in DAYS]
    never = "sales 2022-08-07, sales 2022-08-08, sales 2022-08-12 and 1 more"
    assert done.stderr == f"levada: 4 partitions of shop not committed, nothing to replay: {never}\n"
    result = told(shell("replay", "shop.yaml", *span, "--json"))
    assert (len(result["runs"]), result["errors"]) == (3, [])
    assert [each["partition"] for each in result["not_tried"]] == [f"2022-08-{day:02}" for day in (7, 8, 12, 13)]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (("--date", "2022-08-07"), "of 2022-08-07."),
        (("--from", "2022-08-01", "--to", "2022-08-04"), "of 3 partitions from 2022-08-01 to 2022-08-03."),
    ],
)
def test_a_span_without_anything_committed_is_told(shell, store, chosen, said):
    done = shell("replay", "shop.yaml", "--lake", store.describe(), *chosen)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Nothing of pipeline shop is committed {said}\n" in done.stderr
    assert "levada run" in done.stderr


def test_redrive_tells_a_damaged_record_and_counts_it(shell, store):
    Path(store.describe(), "_levada/shop/sales", DAYS[0], "commit.json").write_text("{")
    done = shell("quarantine", "redrive", "shop.yaml", "--lake", store.describe())
    assert done.returncode == 2
    assert "the commit record is damaged" in done.stderr
    assert done.stderr.endswith("levada: 1 of 2 partitions failed; the others are done\n")
    last = done.stdout.splitlines()[-1]
    assert last == "1 row came back from quarantine, 1 row is in it; 1 partition failed, whose rows are not counted"


def test_redrive_replays_what_has_rows_in_quarantine_only(shell, store):
    done = shell("quarantine", "redrive", "shop.yaml", "--lake", store.describe())
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert first.startswith(f"shop/sales {DAYS[1]}: done with quarantine, 1 page, 3 rows read, 2 kept, 1 quarantined")
    assert last == "1 row came back from quarantine, 1 row is in it"
    machine = told(shell("quarantine", "redrive", "shop.yaml", "--lake", store.describe(), "--json"))
    assert [(run["partition"], run["returned"], run["changed"]) for run in machine["runs"]] == [(DAYS[1], 0, False)]


def test_redrive_of_a_span_leaves_others_alone(shell, store):
    done = shell("quarantine", "redrive", "shop.yaml", "--lake", store.describe(), "--date", DAYS[0])
    assert done.returncode == 0
    assert done.stdout == "No row of shop is in quarantine there: nothing to put through again.\n"
    nothing = shell("quarantine", "redrive", "shop.yaml", "--lake", store.describe(), "--date", DAYS[0], "--json")
    assert told(nothing) == {"runs": [], "errors": [], "not_tried": [], "reports": [], "notes": []}


def test_redrive_does_not_touch_what_a_failed_run_left(shell, store, tmp_path):
    strict = SALES.replace("contract:\n", "contract:\n      max_bad: 0\n")
    (tmp_path / "shop.yaml").write_text(strict)
    edges = Edges(environment={}, network=Shop(BAD).wire)
    with pytest.raises(Exception, match="max_bad"):
        load(tmp_path / "shop.yaml", lake=store.describe(), edges=edges).run(date=DAYS[0])
    (tmp_path / "shop.yaml").write_text(MENDED)
    assert DAYS[0] in shell("quarantine", "--lake", store.describe()).stdout
    done = shell("quarantine", "redrive", "shop.yaml", "--lake", store.describe())
    assert DAYS[0] not in done.stdout


def test_the_list_of_quarantine_is_the_same_by_both_names(shell, store):
    short, long = (
        shell("quarantine", "--lake", "lake", "--json"),
        shell("quarantine", "show", "--lake", "lake", "--json"),
    )
    assert told(short) == told(long) != []
    rows = shell("quarantine", f"shop/sales/{DAYS[1]}", "--lake", "lake")
    assert "two" in rows.stdout
    assert "redrive" in shell("quarantine", "--help").stdout


def test_a_lake_on_s3_is_replayed_by_several_processes_and_verified(shell, s3, tmp_path):
    path, lake = tmp_path / "shop.yaml", s3.lake()
    path.write_text(SALES)
    for day in DAYS:
        edges = Edges(environment=dict(s3.environment), network=Shop(BAD).wire)
        load(path, lake=lake, edges=edges).run(date=day)
    path.write_text(MENDED)
    done = shell("quarantine", "redrive", "shop.yaml", "--lake", lake, "--jobs", 2, **s3.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[1] for line in done.stdout.splitlines()[:3]] == [f"{day}:" for day in DAYS]
    assert done.stdout.endswith("3 rows came back from quarantine, 3 rows are in it\n")
    verified = shell("verify", "--lake", lake, **s3.environment)
    assert verified.returncode == 0, verified.stdout
    assert verified.stdout.startswith("3 partitions, 9 files, ")


def test_a_replay_on_s3_that_is_stopped_gives_its_leases_back(s3, tmp_path):
    path, lake = tmp_path / "shop.yaml", s3.lake()
    path.write_text(SALES)
    environment = dict(s3.environment)
    for day in DAYS:
        edges = Edges(environment=environment, network=Shop([{"price": number} for number in range(50_000)]).wire)
        load(path, lake=lake, edges=edges).run(date=day)
    path.write_text(MENDED)
    store = open_store(lake, environment)
    locks = [Area(store, "shop", "sales", day).lock for day in DAYS]
    command = [sys.executable, "-m", "levada", "replay", "shop.yaml", "--lake", lake, "--jobs", "2"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    assert settles(lambda: any(store.held(lock) is not None for lock in locks))
    process.terminate()
    assert process.wait(PATIENCE) == 143
    assert [store.held(lock) for lock in locks] == [None] * 3


def children_of(pid):
    """The processes that work for another one."""
    found = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")).split()
    return [int(one) for one in found if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()]


def gone(pids):
    return not any(Path(f"/proc/{pid}").exists() and "spawn_main" in cmdline(pid) for pid in pids)


def cmdline(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_no_process_outlives_a_replay(store, tmp_path, number, code):
    command = [sys.executable, "-m", "levada", "replay", "shop.yaml", "--lake", store.describe(), "--jobs", "2"]
    with ExitStack() as held:
        for day in DAYS:
            held.enter_context(store.lock(Area(store, "shop", "sales", day).lock, b""))
        process = subprocess.Popen([*command, "--wait", "1h"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        workers = settles(lambda: pids if len(pids := children_of(process.pid)) == 2 else None)
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == code
        assert number == signal.SIGKILL or "stopped; what was committed stands" in said
        assert settles(lambda: gone(workers))


def test_a_lost_record_is_found_and_its_advice_makes_the_partition_anew(shell, store):
    before = public(store)
    lost = f"_levada/shop/sales/{DAYS[0]}/commit.json"
    store.delete(lost)
    done = shell("verify", "--lake", store.describe())
    assert done.returncode == 2
    assert f"{lost} is missing: the commit record is gone: run " in done.stdout
    assert f"raw/{DAYS[0]}/1.json is extra" in done.stdout
    assert "damaged" in shell("status", "--lake", store.describe()).stdout
    span = ("--from", DAYS[0], "--to", DAYS[2])
    assert "1 partition of shop not committed" in shell("replay", "shop.yaml", "--lake", store.describe(), *span).stderr
    again = shell("stage", "shop.yaml", "--lake", store.describe(), "--date", DAYS[0], "--adopt")
    assert (again.returncode, again.stderr) == (0, "")
    done = shell("verify", "--lake", store.describe())
    assert (done.returncode, "extra" in done.stdout) == (0, False)
    assert public(store).keys() == before.keys()
