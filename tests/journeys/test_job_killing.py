"""Killing a job loses nothing: kill -9 at every change of the disk, with and without an exchange of names."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulated import SPEC

SCRIPT = Path(__file__).parent / "killing_jobs.py"
MINUTES = 60


@pytest.mark.timeout(20 * MINUTES)
def test_jobs_killed_at_every_change_of_the_disk(api, smaller_api, folder):
    command = [sys.executable, SCRIPT, api.url, smaller_api.url, SPEC, folder / "work"]
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
