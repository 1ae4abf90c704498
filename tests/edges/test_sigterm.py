"""SIGTERM ends the program, also when it comes where Python swallows exceptions."""

import json
import subprocess
import sys

import pytest

from patience import PATIENCE

SWALLOWED = """
import os, signal, time, weakref
from levada.cli.main import _terminate
signal.signal(signal.SIGTERM, _terminate)
# The second try is not to come before the print, however long that takes.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
class Thing: pass
thing = Thing()
watched = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
del thing
print("swallowed", flush=True)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
time.sleep(600)
"""
#: Stopped at work, on a machine on which each step of leaving takes longer than the time after which it is insisted.
SLOW = """
import atexit, os, signal, sys, time
from types import SimpleNamespace as Some
from levada.cli import report
from levada.cli.door import closing
from levada.cli.main import INSIST, _terminate
from levada.edges import Edges
from levada.lake.memory import MemoryStore
from levada.nouns import Place
from levada.pipeline.course import Course
from levada.spec.model import Partitioning, Source, Spec
def slowly(text):
    time.sleep(1.5 * INSIST)
    print(text, flush=True)
def work(*_):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(600)
signal.signal(signal.SIGTERM, _terminate)
stream = Some(name="s", for_each=None, pages_of=None)
spec = Spec("p", "p.yaml", "memory:", Partitioning(), Source("", Place("p.yaml", 1, 1)), ())
pipeline = Some(spec=spec, course=Course(spec, MemoryStore(), Edges()), observed=lambda _: Some(work=work))
report.warn = slowly
atexit.register(slowly, "the end")
with closing(as_json=True):
    ACT
"""
RUNNING = 'report.report(pipeline, "run", [("2022-08-09", stream)], as_json=True)'
STOPPED = "levada: stopped; what had arrived is kept, and the same command goes on from there\n"


def test_a_sigterm_that_python_swallows_still_ends_the_program():
    command = [sys.executable, "-c", SWALLOWED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout == "swallowed\n", done.stderr
    assert done.returncode == 143


@pytest.mark.parametrize(("act", "first"), [(RUNNING, STOPPED), ("work()", "")], ids=["a run", "anything else"])
def test_a_sigterm_that_was_heard_does_not_come_again_while_the_program_leaves(act, first):
    command = [sys.executable, "-c", SLOW.replace("ACT", act)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.stderr, done.returncode) == ("", 143)
    assert done.stdout.startswith(first + "{")
    assert done.stdout.endswith("}\nthe end\n")
    assert json.loads(done.stdout[len(first) : -len("the end\n")])["errors"][0]["exit"] == 143
