"""SIGTERM ends the program, also when it comes where Python swallows exceptions."""

import subprocess
import sys

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


def test_a_sigterm_that_python_swallows_still_ends_the_program():
    command = [sys.executable, "-c", SWALLOWED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout == "swallowed\n", done.stderr
    assert done.returncode == 143
