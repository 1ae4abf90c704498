"""Killing loses nothing: kill -9 at every change of the disk and at moments spread over a run; runs at one barrier."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulated import SPEC, Api, api_of

SCRIPT = Path(__file__).parent / "killing.py"
MINUTES = 60


@pytest.fixture(scope="module")
def slow_api() -> Iterator[Api]:
    """40 pages, 50 ms each."""
    for api in api_of("--rows", "4000"):
        api.fail({"match": {}, "times": None, "fault": {"delay": 0.05}})
        yield api


def killed(mode: str, api: Api, folder: Path, **options: object) -> dict:
    command = [sys.executable, SCRIPT, mode, api.url, SPEC, folder / "work", json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20 * MINUTES, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.timeout(20 * MINUTES)
def test_killed_at_every_change_of_the_disk(api, folder):
    done = killed("every_change", api, folder)
    assert done["kills"] > 2 * done["changes"]
    assert done["second_kills"] > done["changes"] / 2
    assert all(done["kinds"][kind] for kind in ("write", "rename", "link", "unlink", "mkdir", "fsync"))


@pytest.mark.timeout(20 * MINUTES)
def test_killed_at_every_change_while_replacing_an_older_commit(api, smaller_api, folder):
    old = folder / "old"
    levada = [sys.executable, "-m", "levada", "run", SPEC, "--date", "2022-08-09", "--lake", old]
    subprocess.run(levada, env=smaller_api.environment, check=True, capture_output=True)
    done = killed("every_change", api, folder, start=str(old))
    assert done["kills"] > 2 * done["changes"]
    assert done["second_kills"] > done["changes"] / 2


@pytest.mark.timeout(20 * MINUTES)
def test_killed_at_moments_spread_over_a_run_of_40_slow_pages(slow_api, folder):
    done = killed("spread", slow_api, folder, kills=20, pages=40)
    assert done["kills"] == 20
    assert len(set(done["durable"])) >= 15


@pytest.mark.timeout(20 * MINUTES)
@pytest.mark.parametrize(("processes", "times"), [(2, 50), (8, 50)])
def test_runs_released_by_one_barrier(api, folder, processes, times):
    assert killed("together", api, folder, processes=processes, times=times) == {"times": times, "processes": processes}
