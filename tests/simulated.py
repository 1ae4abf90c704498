"""The command line as users start it, and the simulated sales API in a process of its own."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from patience import HELD, PATIENCE

#: `levada schedule` with other times for runs to end in, and for answers to come: a test waits for neither, and a
#: machine may stand still for longer than they give.
_TIMES = """\
from levada.cli import main, schedule
from levada.scheduler import stop
schedule.GRACE, stop.ANSWER = {}, {}
main.main()
"""
SPEC = Path(__file__).parents[1] / "examples" / "sales" / "pipeline.yaml"
TOKEN = "levada-demo"


@dataclass
class Api:
    """A simulated sales API."""

    url: str
    environment: dict[str, str] = field(default_factory=dict)

    def _ask(self, method: str, path: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        asked.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"null")

    def log(self) -> list[dict]:
        return self._ask("GET", "/_log")

    def pages_asked(self) -> list[int]:
        return [int(entry["page"]) for entry in self.log()]

    def forget(self) -> None:
        """No faults, an empty log."""
        self._ask("DELETE", "/_faults")
        self.forget_requests()

    def forget_requests(self) -> None:
        """An empty log."""
        self._ask("DELETE", "/_log")

    def fail(self, *faults: dict) -> None:
        self._ask("PUT", "/_faults", list(faults))


def started(*options: str) -> tuple[subprocess.Popen, str]:
    """A simulator on a free port, ready, and its URL."""
    command = [sys.executable, "-m", "levada", "simulate", "sales", "--port", "0", *options]
    environment = {key: value for key, value in os.environ.items() if "AUTH_TOKEN" not in key}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    line = process.stdout.readline()
    return process, line.split()[4].rstrip(";")


def api_of(*options: str) -> Iterator[Api]:
    process, url = started(*options)
    try:
        yield Api(url, {"SALES_API_URL": url, "AUTH_TOKEN": TOKEN})
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()


@dataclass
class Levada:
    """The command line."""

    environment: dict[str, str]
    folder: Path

    def __call__(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
        clean = {key: value for key, value in os.environ.items() if "AUTH_TOKEN" not in key}
        return subprocess.run(
            [sys.executable, "-m", "levada", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**clean, **self.environment, **environment},
            timeout=3 * PATIENCE,
            check=False,
        )


@contextmanager
def scheduled(
    levada: Levada, *arguments: str, grace: float = HELD, answer: float = HELD, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """`levada schedule` at work; it is not there any more afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", _TIMES.format(grace, answer), "schedule", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=levada.folder,
        env={**os.environ, **levada.environment, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
