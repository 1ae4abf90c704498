"""kill -9 of a job server at every change of the disk that a job makes: the next job, on another server, ends right."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from filling import asked_once, durable, tree
from levada.edges import Edges
from levada.pipeline import Pipeline, load
from patience import HELD, PATIENCE, settles
from serving import Server, serving
from simulated import SPEC, Api, api_of

SCRIPT = Path(__file__).parent / "killing_server.py"
DATE, OTHER = "2022-08-09", "2022-08-10"
RAW, RAW_OTHER, STG = f"raw/sales/{DATE}", f"raw/sales/{OTHER}", f"stg/sales/{DATE}"
MINUTES = 60
#: Of the slow API; and how often a server of it is killed.
PAGES, KILLS = 40, 10
#: Every page takes a while.
SLOW = {"match": {}, "times": None, "fault": {"delay": 0.05}}


def of(api: Api, root: Path) -> Pipeline:
    return load(SPEC, lake=str(root), edges=Edges(environment={**os.environ, **api.environment}))


def spoiled(folder: Path) -> None:
    """Files that no job wrote, some under names that the next job needs."""
    for name in ("notes.txt", ".hidden", f"sales_{DATE}_4.json", f"sales_{DATE}_4.avro", f"sales_{DATE}_7.json"):
        (folder / name).write_text(f"{name} is not of a job")


@pytest.fixture(params=["land", "stage"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def missing(api, folder, kind) -> Path:
    """A lake without the folder that the job fills; what a stage job needs is landed."""
    root = folder / "start"
    root.mkdir()
    if kind == "stage":
        of(api, root).land_into(str(root / RAW), date=DATE)
        of(api, root).land_into(str(root / RAW_OTHER), date=OTHER)
    return root


@pytest.fixture
def older(api, smaller_api, folder, kind) -> Path:
    """A lake whose folder holds an older commit, under names that come again with other bytes, and foreign files."""
    root = folder / "start"
    of(smaller_api, root).land_into(str(root / RAW), date=DATE)
    if kind == "stage":
        of(smaller_api, root).stage_into(str(root / STG), raw_dir=str(root / RAW))
        of(api, root).land_into(str(root / RAW), date=DATE)
        of(api, root).land_into(str(root / RAW_OTHER), date=OTHER)
    spoiled(root / {"land": RAW, "stage": STG}[kind])
    return root


def killed(api: Api, folder: Path, spec: Path = SPEC, **options: object) -> dict:
    command = [sys.executable, SCRIPT, "every_change", api.url, spec, folder / "work", json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20 * MINUTES, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.timeout(20 * MINUTES)
def test_a_server_killed_at_every_change_of_a_job_that_replaces_an_older_one(api, folder, kind, older):
    done = killed(api, folder, kind=kind, start=str(older))
    assert done["kills"] == done["moments"] > sum(done["changes"].values())
    assert done["before"] > done["after"] > 5
    assert done["second_kills"] > 10
    # Files have no name before they are whole, so that nothing need be unlinked.
    made = {change for change, count in done["changes"].items() if count}
    assert {"write", "fsync", "link", "rename", "mkdir", "exchange"} <= made


@pytest.mark.timeout(20 * MINUTES)
def test_a_server_killed_where_folders_cannot_be_exchanged(api, folder, kind, older):
    """At every change of a folder, and at every tenth moment else: the other changes are those of the test before."""
    done = killed(api, folder, kind=kind, start=str(older), every=10, exchanging=False)
    assert (done["changes"]["move_out"], done["changes"]["move_in"]) == (1, 1)
    assert done["between"] > 0
    assert done["kills"] > done["moments"] / 10


@pytest.mark.timeout(20 * MINUTES)
def test_a_server_killed_while_it_fills_a_folder_that_was_not_there(api, folder, kind, missing):
    """At every change of a folder, and at every tenth moment else."""
    done = killed(api, folder, kind=kind, start=str(missing), every=10)
    assert (done["changes"]["exchange"], done["changes"]["move_in"]) == (1, 1)
    assert done["kills"] > done["moments"] / 10


@pytest.mark.timeout(20 * MINUTES)
def test_a_server_killed_while_it_clears_away_what_jobs_before_left(api, smaller_api, folder, kind, older):
    """At every change of a folder, which clearing makes many of, and at every tenth moment else."""
    spec = folder / "forgetful.yaml"
    spec.write_text(f"{SPEC.read_text()}\nkeep_replaced: 0s\n")
    if kind == "land":
        of(smaller_api, older).land_into(str(older / RAW), date=OTHER)
    else:
        of(api, older).stage_into(str(older / STG), raw_dir=str(older / RAW_OTHER))
    spoiled(older / {"land": RAW, "stage": STG}[kind])
    done = killed(api, folder, spec, kind=kind, start=str(older), every=10)
    assert done["changes"]["rmdir"] > 1
    assert done["kills"] > done["moments"] / 10


@pytest.fixture(scope="module")
def slow_api() -> Iterator[Api]:
    """40 pages."""
    yield from api_of("--rows", "4000")


def breaks_off(server: Server, folder: Path) -> None:
    """A client whose connection breaks while it waits for its answer."""
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        server.land(DATE, folder)


@pytest.mark.timeout(20 * MINUTES)
def test_a_server_killed_from_outside_at_moments_spread_over_a_slow_job(slow_api, folder):
    """Each server ends the job that the one before it was killed over, then is killed over one of its own."""
    root, had, unfinished = folder / "root", [], None
    of(slow_api, root).land_into(str(root / "undisturbed"), date=DATE)
    good = tree(root / "undisturbed")
    for number in range(KILLS + 1):
        slow_api.fail(SLOW)
        slow_api.forget_requests()
        with ThreadPoolExecutor(1) as clients, serving(slow_api.environment, root) as server:
            if unfinished:
                answer = server.land(DATE, root / unfinished)
                assert answer.status == 201, answer
                asked = asked_once(slow_api.log(), DATE)
                assert not had[-1] & set(asked), f"durable {sorted(had[-1])}, yet asked for {asked}"
                assert tree(root / unfinished) == good
            if number == KILLS:
                break
            unfinished, before = f"raw/{number}", number * PAGES // KILLS
            # No job is over before its server is killed, however late that comes.
            held = {"match": {"page": min(before + 3, PAGES + 1)}, "times": None, "fault": {"delay": HELD}}
            slow_api.fail(held, SLOW)
            client = clients.submit(breaks_off, server, root / unfinished)
            assert settles(lambda: len(durable(root, unfinished)) > before)  # noqa: B023 - called at once
            assert server.stop(signal.SIGKILL) == -signal.SIGKILL
            client.result(PATIENCE)
            had.append(durable(root, unfinished))
            assert tree(root / unfinished) == {}
    assert len({len(pages) for pages in had}) == KILLS
    assert all(tree(root / "raw" / str(number)) == good for number in range(KILLS))
