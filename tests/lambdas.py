"""A function as AWS runs it: the emulator of the service, the runtime's own client, nothing but the zip's content."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from patience import PATIENCE, settles

__all__ = ["Function", "emulator", "function", "runtime", "unpacked"]

_ARCH = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
#: What lies in /var/runtime: the client and what it needs.
_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
#: As /var/runtime/bootstrap does: the function's code first, then the runtime's own.
_BOOT = """import sys
task, runtime = sys.argv[1:]
sys.path[:0] = [task, runtime]
from awslambdaric.__main__ import main
main(["bootstrap", "levada.lambda_handler.handler"])
"""
_TRIES = 5


@dataclass(frozen=True)
class Function:
    """A function that is up."""

    url: str
    log: Path

    def __call__(self, event: object) -> Any:
        """What it answers; an error of the function is an object with errorType and errorMessage."""
        asked = urllib.request.Request(self.url, data=json.dumps(event).encode(), method="POST")
        with urllib.request.urlopen(asked, timeout=2 * PATIENCE) as answer:
            return json.loads(answer.read())

    @property
    def said(self) -> str:
        """What stands in its log."""
        return self.log.read_text(errors="replace")


def emulator() -> Path | None:
    """The emulator, which lies in the wheel of aws-sam-cli; None where that is not installed."""
    found = find_spec("samcli")
    folder = Path(found.submodule_search_locations[0]) if found and found.submodule_search_locations else Path()
    binary = folder / "local" / "rapid" / f"aws-lambda-rie-{_ARCH}"
    return binary if binary.is_file() else None


def unpacked(package: Path, folder: Path) -> Path:
    """The folder with all that is in a zip."""
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def runtime(folder: Path) -> Path:
    """The runtime's client in a folder of its own."""
    for name in _CLIENT:
        here = distribution(name)
        for file in here.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(here.locate_file(file), target)
    (folder / "boot.py").write_text(_BOOT)
    return folder


@contextmanager
def function(task: Path, client: Path, environment: Mapping[str, str], *, seconds: int = 60) -> Iterator[Function]:
    """A function of the code in `task`; `seconds` is its time-out."""
    binary = emulator()
    assert binary
    for attempt in range(_TRIES):  # a port may be taken between the look and the start
        door, inner = _free_ports()
        log = client.parent / f"{task.name}-{door}-{attempt}.log"
        variables = {
            "PATH": os.environ.get("PATH", ""),
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
            "AWS_LAMBDA_FUNCTION_NAME": "land",
            **environment,
        }
        copy = client / "emulator"
        if not copy.exists():  # the wheel does not mark it as a program
            shutil.copyfile(binary, copy)
            copy.chmod(0o755)
        addresses = ("--runtime-interface-emulator-address", f"127.0.0.1:{door}")
        more = ("--runtime-api-address", f"127.0.0.1:{inner}")
        boot = (sys.executable, "-S", "-I", "-B", str(client / "boot.py"), str(task), str(client))
        with log.open("wb") as said:
            process = subprocess.Popen(
                [str(copy), *addresses, *more, *boot],
                env=variables, cwd=task, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        try:
            if settles(lambda: process.poll() is not None or _is_up(door)) and process.poll() is None:  # noqa: B023 - called at once
                yield Function(f"http://127.0.0.1:{door}/2015-03-31/functions/function/invocations", log)
                return
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    raise AssertionError("the emulator did not come up")


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _is_up(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
