"""Killing loses nothing, on a disk and on an object store; nor do runs that are there at once, or stand still.

The suite tries a sample of the moments. LEVADA_WHOLE_MATRIX=1 has all of them tried, which takes hours: every change
of a run and the middle of every write, and at every change of the run that recovers from each of those; and fifty
times each the runs that are there at once. docs/how-it-commits.md has the figures.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from objectstore import ObjectServer, object_server

SCRIPT = Path(__file__).parent / "matrix.py"
WHOLE = os.environ.get("LEVADA_WHOLE_MATRIX") == "1"
TIMES = 50
MINUTES = 60
pytestmark = pytest.mark.timeout((180 if WHOLE else 10) * MINUTES)


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: what is killed is a process, not the machine."""
    shared = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="levada-", dir=shared if shared.is_dir() else None))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def server(memory) -> Iterator[ObjectServer]:
    with object_server(memory / "server") as started:
        yield started


@pytest.fixture(params=["disk", "s3"])
def place(request, memory) -> str:
    """Where the lakes go."""
    return request.getfixturevalue("server").lake("matrix") if request.param == "s3" else str(memory / "lakes")


def done(mode: str, place: str, request: pytest.FixtureRequest, folder: Path, **options: object) -> dict:
    """What the script did."""
    server = request.getfixturevalue("server").environment if place.startswith("s3:") else {}
    variables = {**os.environ, **server, "PYTHONPATH": str(SCRIPT.parents[1]), "PYTHONWARNINGS": ""}
    command = [sys.executable, SCRIPT, mode, place, folder / "work", json.dumps(options)]
    ended = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    told = "\n".join(path.read_text() for path in sorted((folder / "work").glob("said-*"))[-3:])
    assert ended.returncode == 0, f"{ended.stderr[-3000:]}\n{told}"
    return json.loads(ended.stdout)


@pytest.mark.parametrize("replacing", [False, True])
def test_killed_at_changes_of_the_lake_and_again_in_the_recovery(place, replacing, request, folder):
    on_disk = not place.startswith("s3:")
    step = 1 if WHOLE else (12 if on_disk else 17)
    seconds = (-1 if replacing else 0) if WHOLE else 1
    told = done("kills", place, request, folder, replacing=replacing, step=step, seconds=seconds)
    print(told)
    assert told["kills"] >= told["points"] // step
    assert told["second_kills"] > (told["kills"] / 4 if seconds else -1)
    assert told["looks"] > told["kills"]
    changes = (
        ("write", "rename", "link", "unlink", "fsync") if on_disk else ("put", "begin", "part", "complete", "copy")
    )
    assert all(told["kinds"][kind] for kind in changes)


# That just one wins on a disk when all begin at once is tried in test_killing.py.
@pytest.mark.parametrize(("processes", "gate"), [(2, True), (8, True), (8, False)])
def test_one_of_many_runs_at_once_wins(place, processes, gate, request, folder):
    times = TIMES if WHOLE else 1
    told = done("together", place, request, folder, processes=processes, times=times, gate=gate)
    print(told)
    assert told["wins"] == times if gate else told["wins"] >= times


def test_who_comes_after_a_killed_holder_of_a_lease_takes_over(server, request, folder):
    told = done("taken_over", server.lake("taken"), request, folder, lease=5, at=14)
    assert told["seconds"] > 1


def test_a_holder_that_stood_still_while_another_took_over_commits_nothing(server, request, folder):
    told = done("stopped", server.lake("stopped"), request, folder, lease=3, step=1 if WHOLE else 11)
    print(told)
    assert told["stopped"] > (20 if WHOLE else 2)


@pytest.mark.parametrize("taker", ["same", "fetching", "stage", "replay"])
def test_a_late_commit_is_refused_whatever_the_one_does_that_took_over(taker, server, request, folder):
    told = done("stopped", server.lake(taker), request, folder, taker=taker, step=1 if WHOLE else 0)
    print(told)
    assert told["late"] == 0
    assert f"{told['commit']} put 75" in told["told"]


def test_a_late_first_commit_is_whole(server, request, folder):
    options = {"taker": "fetching", "replacing": False, "step": 1 if WHOLE else 0}
    told = done("stopped", server.lake("first"), request, folder, **options)
    print(told)
    # Stopped just before its put, it may notice what it lost, and commit nothing: what it commits is whole.
    assert told["late"] in (0, 1)
