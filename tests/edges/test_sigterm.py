"""SIGTERM ends the program, also when it comes where Python swallows exceptions."""

import subprocess
import sys

SWALLOWED = """
import os, signal, time, weakref
from levada.cli.main import _terminate
signal.signal(signal.SIGTERM, _terminate)
class Thing: pass
thing = Thing()
watched = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
del thing
print("swallowed", flush=True)
time.sleep(30)
"""


def test_a_sigterm_that_python_swallows_still_ends_the_program():
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "swallowed\n", done.stderr
    assert done.returncode == 143
