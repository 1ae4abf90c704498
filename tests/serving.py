"""Job servers as users start them, `levada serve`, in a process of their own; and trees of files before and after."""

import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from patience import PATIENCE, settles
from simulated import SPEC

__all__ = ["DAY", "READY", "Answer", "Server", "command", "environment", "outside_control", "serving", "tree"]

DAY = "2022-08-09"
#: As `python -m levada`.
_MAIN = "import sys; sys.argv[0] = 'levada'; from levada.__main__ import main; main()"
READY = re.compile(r"^(land|stage) jobs: POST http://localhost:([0-9]+)/ ", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What came back; `headers` by names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return self.json["message"]


@dataclass
class Server:
    """A process of `levada serve` that takes requests."""

    process: subprocess.Popen
    root: Path
    #: Where its stdout and stderr go.
    out: Path
    err: Path
    #: By the kind of job.
    ports: dict[str, int] = field(default_factory=dict)

    def raw_dir(self, day: str = DAY) -> Path:
        return self.root / "raw" / "sales" / day

    def stg_dir(self, day: str = DAY) -> Path:
        return self.root / "stg" / "sales" / day

    def land(self, day: str = DAY, folder: object = None) -> Answer:
        """A land job, done when this returns; into the usual folder if none is named."""
        return self.post("land", {"date": day, "raw_dir": str(folder or self.raw_dir(day))})

    def stage(self, day: str = DAY, folder: object = None, raw: object = None) -> Answer:
        """A stage job, done when this returns; from and into the usual folders if none are named."""
        given = {"raw_dir": str(raw or self.raw_dir(day)), "stg_dir": str(folder or self.stg_dir(day))}
        return self.post("stage", given)

    def post(self, kind: str, body: object) -> Answer:
        """POST /; `body` is sent as it is if it is bytes, else as JSON."""
        return self.ask(kind, "POST", "/", body, {"Content-Type": "application/json"})

    def ask(
        self, kind: str, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Any request; it waits long enough for a job that waits for another one."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[kind], timeout=3 * PATIENCE)
        try:
            connection.request(method, path, sent, dict(headers or {}))
            came = connection.getresponse()
            return Answer(came.status, {name.lower(): value for name, value in came.getheaders()}, came.read())
        finally:
            connection.close()

    def connected(self, kind: str) -> socket.socket:
        """A plain connection, for what no client would send."""
        return socket.create_connection(("127.0.0.1", self.ports[kind]), timeout=PATIENCE)

    def log(self) -> list[dict]:
        """The lines of its log so far; each must be a JSON object."""
        return [json.loads(line) for line in self.err.read_text().splitlines()]

    def logged(self, **facts: object) -> dict:
        """The latest line with these facts; waits for it."""

        def found() -> dict | None:
            lines = [line for line in self.log() if line.items() >= facts.items()]
            return lines[-1] if lines else None

        line = settles(found)
        assert line, f"no line with {facts} in: {self.err.read_text()}"
        return line

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and tell the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """This process's, without tokens, and `given`."""
    clean = {key: value for key, value in os.environ.items() if "AUTH_TOKEN" not in key}
    return {**clean, **given}


def command(root: object, *options: object, spec: object = SPEC, first: str = "") -> list[str]:
    """`levada serve` on free ports, if the options name none; `first` is code that its process runs before."""
    ports = () if "--port" in options else ("--port", "0")
    levada = ("-c", f"{first}\n{_MAIN}") if first else ("-m", "levada")
    return [sys.executable, *levada, *map(str, ("serve", spec, "--root", root, *ports, *options))]


@contextmanager
def serving(
    given: Mapping[str, str], root: Path, *options: object, spec: object = SPEC, first: str = ""
) -> Iterator[Server]:
    """A job server that is ready; it is killed in the end if it still runs.

    Args:
        given: Variables to set, such as `api.environment`.
        root: The lake; the logs go beside it.
        options: More of the command line, such as `"--job", "land"`; both kinds of jobs if it names none.
        spec: Its file.
        first: Code that its process runs before anything else.
    """
    count = len(list(root.parent.glob(f"{root.name}-*.out")))
    out, err = (root.with_name(f"{root.name}-{count}.{name}") for name in ("out", "err"))
    with out.open("wb") as said, err.open("wb") as told:
        process = subprocess.Popen(
            command(root, *options, spec=spec, first=first),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=told,
            env=environment(given),
        )
    try:
        settles(lambda: "Ctrl-C" in out.read_text() or process.poll() is not None)
        ports = {kind: int(port) for kind, port in READY.findall(out.read_text())}
        assert ports, f"exit {process.poll()}: {out.read_text()}{err.read_text()}"
        yield Server(process, root, out, err, ports)
    finally:
        process.kill()
        process.wait(PATIENCE)


def tree(folder: Path) -> dict[str, tuple]:
    """All below a folder, itself included: what it is, its rights, inode, time of change, and bytes or aim."""
    return {str(path.relative_to(folder)): _facts(path) for path in (folder, *sorted(folder.rglob("*")))}


def outside_control(folder: Path) -> dict[str, tuple]:
    """As `tree`, of a lake without its control files."""
    return {name: facts for name, facts in tree(folder).items() if name.split("/")[0] not in ("_levada", ".")}


def _facts(path: Path) -> tuple:
    status = path.lstat()
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(status.st_mode):
        content = sha256(path.read_bytes()).hexdigest()
    return (oct(status.st_mode), status.st_ino, status.st_mtime_ns, content)
