"""Bad moments: another run holds the partition, or somebody stops this one."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from patience import HELD, PATIENCE, settles
from refusals import DAY, HELD_BACK, Careful, durable, patient, public, told, told_as_json
from simulated import SPEC

ON_DAY = ("--date", DAY)


@pytest.fixture
def levada(levada):
    return Careful(levada.environment, levada.folder)


def started(levada: Careful, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "levada", *map(str, arguments)]
    environment = {**os.environ, **levada.environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=levada.folder, env=environment, text=True, **pipes)


def test_a_partition_that_another_run_holds(levada, api, lake):
    spec = patient(levada.folder)
    api.fail(HELD_BACK)
    first = started(levada, "run", spec, *ON_DAY, "--lake", lake)
    assert settles(lambda: durable(lake))
    done = levada("run", spec, *ON_DAY, "--lake", lake)
    told(
        done,
        75,
        what=f"process {first.pid} on {socket.gethostname()}, since 20",
        where=f"{lake}/_levada",
        todo="--wait",
    )
    assert told_as_json(levada("stage", spec, *ON_DAY, "--lake", lake, "--json"), 75, "LeaseHeld")["what"]
    assert public(lake) == {}
    assert first.poll() is None, "it is still at work"
    # When it ends the next one waits already, or nearly so: it says the same in either case.
    ending = threading.Timer(1, api.forget)
    ending.start()
    waited = levada("run", spec, *ON_DAY, "--lake", lake, "--wait", "2m")
    ending.join()
    assert "done (nothing changed), 4 pages, 338 rows read" in waited.stdout, waited.stderr
    assert first.communicate()[1] == ""
    assert first.returncode == 0


@pytest.mark.parametrize(
    ("number", "code", "options"),
    [(signal.SIGTERM, 143, ()), (signal.SIGINT, 130, ()), (signal.SIGTERM, 143, ("--json",))],
)
def test_a_run_that_is_stopped(levada, api, number, code, options):
    lake = levada.folder / "lake"
    api.fail({"match": {"page": 3}, "times": None, "fault": {"delay": HELD}})
    first = started(levada, "run", SPEC, *ON_DAY, "--lake", lake, *options)
    assert settles(lambda: {1, 2} <= durable(lake))
    began = time.monotonic()
    first.send_signal(number)
    out, said = first.communicate()
    assert (first.returncode, time.monotonic() - began < PATIENCE) == (code, True), said
    assert "the same command goes on from there" in said
    if options:
        assert json.loads(out)["errors"][0]["kind"] == "Interrupted"
    assert public(lake) == {}
    api.forget()
    again = levada("run", SPEC, *ON_DAY, "--lake", lake)
    assert "2 pages taken over" in again.stdout, again.stderr
    assert set(api.pages_asked()) >= {3, 4, 5}
    assert not {1, 2} & set(api.pages_asked())
    assert len(public(lake)) == 8
