"""A run that is killed around the commit of its Delta table is finished by the next, on a disk and on S3."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "killing_tables.py"
WHOLE = os.environ.get("LEVADA_WHOLE_MATRIX") == "1"
pytestmark = pytest.mark.timeout((180 if WHOLE else 10) * 60)


@pytest.mark.parametrize("where", ["disk", "s3"])
def test_killed_around_the_delta_commit_the_next_run_brings_it_without_asking(where, request, folder, tmp_path):
    server = request.getfixturevalue("s3") if where == "s3" else None
    place = server.lake("tables") if server else str(tmp_path / "lakes")
    variables = {**os.environ, **(server.environment if server else {}), "PYTHONPATH": str(SCRIPT.parents[1])}
    options = json.dumps({"around": 1000 if WHOLE else 2})
    command = [sys.executable, SCRIPT, place, folder / "work", options]
    ended = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    said = "\n".join(path.read_text() for path in (folder / "work").glob("said-*"))
    assert ended.returncode == 0, f"{ended.stderr[-3000:]}\n{said}"
    told = json.loads(ended.stdout)
    print(told)
    assert told["kills"] >= 10
    assert told["second_kills"] > 0
    assert told["before"] > 0
    assert told["after"] > 0
