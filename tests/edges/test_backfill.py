"""Many partitions, several at once in processes of their own, on a real disk."""

import multiprocessing
import os
import signal
import threading
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from levada.backfill import Bug, Ended, cores, each
from levada.edges import Edges
from levada.errors import FixThis, LeaseHeld, TryLater
from levada.lake.area import Area
from levada.lake.disk import DiskStore
from levada.lake.memory import MemoryStore
from levada.pipeline import Options, load
from levada.pipeline.choosing import Choice
from patience import PATIENCE, settles
from shop import SALES, Shop, public

DAYS = ("2022-08-09", "2022-08-10", "2022-08-11", "2022-08-12")
SPEC = f"""{SALES}\
  copies:
    pages_of: sales
    raw: none
    contract:
      fields: {{price: int32}}
    stage: {{avro: "copies/{{date}}.avro"}}
"""
MENDED = SPEC.replace("price: int32", "price: {type: int32, nullable: true}")


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def lake(tmp_path, spec):
    """Four days, each with a price that is missing; the contract is mended since."""
    api = Shop([{"price": 1}, {"price": None}], [{"price": 3}])
    filled = load(spec, lake=str(tmp_path / "lake"), edges=Edges(environment={}, network=api.wire))
    for day in DAYS:
        filled.run(date=day)
    spec.write_text(MENDED)
    return tmp_path / "lake"


@pytest.fixture
def pipeline(lake, spec):
    return load(spec, lake=str(lake), edges=Edges(environment={}))


def work(pipeline):
    return pipeline.chosen("replay", Choice()).work


def names(found):
    return [(one.partition, one.stream) for one in found]


ALL = [(day, stream) for day in DAYS for stream in ("sales", "copies")]


def test_what_several_processes_do_is_what_one_does(pipeline, lake, tmp_path):
    together = list(each(pipeline, "replay", work(pipeline), jobs=3))
    assert names(together) == ALL
    assert all(one.run.changed and one.run.returned == 1 for one in together)
    shown = public(pipeline.store)
    alone = replace(pipeline, store=DiskStore(tmp_path / "other"))
    api = Shop([{"price": 1}, {"price": None}], [{"price": 3}])
    for day in DAYS:
        replace(alone, edges=Edges(environment={}, network=api.wire)).run(date=day)
    assert shown == public(alone.store)
    again = list(each(pipeline, "replay", work(pipeline), jobs=2))
    assert [one.run.changed for one in again] == [False] * len(ALL)
    assert public(pipeline.store) == shown


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_partition_that_fails_does_not_stop_the_others(pipeline, lake, jobs):
    damaged = lake / "raw" / DAYS[1] / "1.json"
    damaged.unlink()
    found = list(each(pipeline, "replay", work(pipeline), jobs=jobs))
    assert names(found) == ALL
    failed = [one for one in found if one.error]
    assert [(one.partition, type(one.error)) for one in failed] == [(DAYS[1], FixThis)]
    assert f"raw/{DAYS[1]}/1.json is missing" in str(failed[0].error)
    assert f"--date {DAYS[1]}" in failed[0].error.todo
    assert all(one.run.changed for one in found if one.run)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_bug_is_told_with_its_traceback(pipeline, jobs):
    found = list(each(pipeline, "nonsense", work(pipeline)[:4], jobs=jobs))
    assert [type(one.error) for one in found] == ([KeyError] if jobs == 1 else [Bug]) * 4
    assert "nonsense" in str(found[0].error)
    if jobs > 1:
        assert "Traceback" in str(found[0].error)


def held(pipeline, stack, *days):
    for day in days:
        stack.enter_context(pipeline.store.lock(Area(pipeline.store, "shop", "sales", day).lock, b""))


def only_child():
    children = multiprocessing.active_children()
    return children[0] if len(children) == 1 else None


def test_a_process_that_is_killed_costs_its_partition_only(pipeline):
    patient = pipeline.having(Options(wait=PATIENCE * 10))
    with ExitStack() as stack:
        held(pipeline, stack, DAYS[1])
        with closing(each(patient, "replay", work(pipeline)[:4], jobs=2)) as found:
            first = [next(found), next(found)]
            os.kill(settles(only_child).pid, signal.SIGKILL)
            rest = list(found)
    assert names([*first, *rest]) == ALL[:4]
    assert all(one.run for one in first)
    assert [type(one.error) for one in rest] == [TryLater, TryLater]
    assert "ended (signal 9) before it was through" in str(rest[0].error)
    assert "fewer --jobs" in rest[0].error.todo


def test_the_place_of_a_process_that_was_killed_is_taken(pipeline):
    patient = pipeline.having(Options(wait=PATIENCE * 10))
    with ExitStack() as stack:
        held(pipeline, stack, DAYS[0], DAYS[1])
        with closing(each(patient, "replay", work(pipeline), jobs=2)) as found:
            killer = threading.Thread(target=kill_two)
            killer.start()
            ended = list(found)
            killer.join()
    assert names(ended) == ALL
    assert [one.partition for one in ended if one.error] == [DAYS[0]] * 2 + [DAYS[1]] * 2
    assert all(one.run.changed for one in ended if one.run)


def kill_two():
    for pid in settles(two_workers):
        os.kill(pid, signal.SIGKILL)


def two_workers():
    """The processes that work, once there are two: by their command lines, for only their parent may wait for them."""
    found = " ".join(path.read_text() for path in Path("/proc/self/task").glob("*/children")).split()
    workers = [int(pid) for pid in found if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    return workers if len(workers) == 2 else None


def test_processes_end_with_the_iterator(pipeline):
    patient = pipeline.having(Options(wait=PATIENCE * 10))
    with ExitStack() as stack:
        held(pipeline, stack, DAYS[1])
        found = each(patient, "replay", work(pipeline)[:4], jobs=2)
        next(found)
        found.close()
        assert multiprocessing.active_children() == []


def test_options_reach_the_processes(pipeline):
    with ExitStack() as stack:
        held(pipeline, stack, DAYS[0])
        found = list(each(pipeline, "replay", work(pipeline)[:4], jobs=2))
    assert [type(one.error) for one in found] == [LeaseHeld, type(None), type(None), type(None)]


def test_a_lake_in_memory_is_worked_on_in_this_process(pipeline):
    api = Shop([{"price": 1}])
    here = replace(pipeline, store=MemoryStore(), edges=Edges(environment={}, network=api.wire))
    here.run(date=DAYS[0])
    here.run(date=DAYS[1])
    found = list(each(here, "replay", work(here), jobs=4))
    assert [one.run.outcome for one in found] == ["done"] * 4


def test_no_work_is_no_work(pipeline):
    assert list(each(pipeline, "replay", (), jobs=4)) == []
    assert cores() >= 1
    assert Ended("2022-08-09", "sales").run is None
