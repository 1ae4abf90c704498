"""Killing loses nothing of incremental streams and of children: kill -9 all through a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "killing_streams.py"
MINUTES = 60


@pytest.mark.timeout(20 * MINUTES)
@pytest.mark.parametrize(("mode", "step"), [("news", 1), ("gap", 2), ("children", 4)])
def test_killed_at_changes_of_the_disk(mode, step, folder):
    command = [sys.executable, SCRIPT, mode, folder / "work", str(step)]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20 * MINUTES, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["kills"] > 30
    assert told["resumed"] > 5
