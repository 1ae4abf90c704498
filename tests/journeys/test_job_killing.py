"""Killing a job loses nothing: kill -9 at every change of the disk, with and without an exchange of names."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulated import SPEC, Api, api_of

SCRIPT = Path(__file__).parent / "killing_jobs.py"
MINUTES = 60


@pytest.fixture(scope="module")
def older_api() -> Iterator[Api]:
    """The sales API as it was before some rows came: 3 pages of 120 rows."""
    yield from api_of("--rows", "300", "--page-size", "120")


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: kill -9 spares the page cache, and fsync costs most of the time."""
    tmpfs = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="levada-", dir=tmpfs if tmpfs.is_dir() else None))
    yield path
    shutil.rmtree(path)


@pytest.mark.timeout(20 * MINUTES)
def test_jobs_killed_at_every_change_of_the_disk(api, older_api, memory):
    command = [sys.executable, SCRIPT, api.url, older_api.url, SPEC, memory / "work"]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20 * MINUTES, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["job"], each["exchange"], each["start"]) for each in told] == [
        (job, exchange, start)
        for job in ("land", "stage")
        for exchange in (True, False)
        for start in ("missing", "stale")
    ]
    for each in told:
        changes = each["changes"]
        if each["exchange"]:
            assert each["kills"] == sum(changes.values()) - changes["fsync"] + changes["write"], each
        assert each["waiting"], "none died between commit and shown"
        assert each["second_kills"], each
        # Where names are exchanged the folder is never away; else there are moments in which it is.
        assert bool(each["away"]) is (not each["exchange"] and each["start"] == "stale"), each
        swap = ("exchange",) if each["exchange"] else ("move_out", "move_in")
        swap += ("chmod",) if each["start"] == "stale" else ()
        assert all(changes.get(call) for call in swap), each
