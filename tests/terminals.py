"""The command line on a terminal (a pty)."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable

from patience import PATIENCE
from simulated import Levada

__all__ = ["Terminal"]

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\[\?25[lh]|\r")
#: A new session has no terminal until it takes one; Ctrl-C and passwords need it.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "levada", *sys.argv[1:]])
"""


class Terminal:
    """`levada …` on a terminal of 80 columns, its own session leader: Ctrl-C and questions work as for a person."""

    def __init__(self, levada: Levada, *arguments: object, **environment: str) -> None:
        clean = {key: value for key, value in os.environ.items() if "AUTH_TOKEN" not in key and key != "NO_COLOR"}
        given = {**clean, "TERM": "xterm", "COLUMNS": "80", **levada.environment, **environment}
        self._terminal, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *map(str, arguments)],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            cwd=levada.folder,
            env=given,
            start_new_session=True,
        )
        os.close(inside)
        self.raw = ""

    def until(self, condition: Callable[[], object]) -> None:
        """Wait, and read meanwhile, as the command stands still when nobody does."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, self.raw
            self._read(0.05)

    def asked(self, text: str) -> None:
        """Wait until the question stands there and what is typed is not shown."""
        self.until(lambda: text in self.raw)
        self.until(lambda: not termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def end(self) -> int:
        while self._read():
            pass
        os.close(self._terminal)
        return self.process.wait(PATIENCE)

    @property
    def text(self) -> str:
        return ESCAPE.sub("", self.raw)

    def _read(self, seconds: float = PATIENCE) -> bool:
        try:
            ready, _, _ = select.select([self._terminal], [], [], seconds)
            got = os.read(self._terminal, 65536) if ready else b""
        except OSError:  # the other end is closed
            return False
        self.raw += got.decode(errors="replace")
        return bool(got)
