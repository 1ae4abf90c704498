"""Where the lakes of the crash matrix lie, a folder or a bucket: opened so that a change kills, looked at from outside.

For scripts that fork: nothing of the object store's library is used before a fork, as its threads would be gone after.
"""

import functools
import hashlib
import os
import re
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from killing import CHANGES, Deadly

from levada.lake import leases, remote
from levada.lake.disk import DiskStore
from levada.lake.location import location
from levada.lake.opening import open_store
from levada.lake.reaching import LEASE_VARIABLE
from levada.lake.store import Store

__all__ = ["Bomb", "BucketHome", "DiskHome", "Home", "home"]

#: Seconds for which leases are good here, unless a test says otherwise.
LEASE = 60.0
#: Bytes above which files leave in parts, which happens with 8 MB otherwise; S3 takes a last part of any size.
PART = 100
_PATIENCE = 60


class Bomb:
    """Counts the changes of a lake and kills its process at one of them: before it, or in the middle of a write.

    With another signal than SIGKILL the change follows once the process goes on, and `woken` was called.
    """

    def __init__(
        self,
        at: int = 0,
        *,
        halfway: bool = False,
        how: signal.Signals = signal.SIGKILL,
        woken: Callable[[], object] = lambda: None,
    ) -> None:
        self.at = self.left = at
        self.halfway, self.how, self.woken = halfway, how, woken
        #: The kinds of all changes, in order.
        self.kinds: list[str] = []
        self.guard = threading.Lock()

    def change(self, kind: str, half: Callable[[], object] | None = None) -> None:
        """A change comes now; `half` does half of it."""
        with self.guard:
            self.kinds.append(kind)
            self.left -= 1
            if self.left == 0:
                if self.halfway and half:
                    half()
                os.kill(os.getpid(), self.how)
                self.woken()


class Home(Protocol):
    """A place for lakes."""

    #: Kinds of changes that can be killed in their middle.
    halves: frozenset[str]
    #: Seconds between two looks of a reader that goes on and on: it shall not take the machine from those it follows.
    pause: float

    def lake(self, name: str) -> str:
        """A lake that nothing lies in."""
        ...

    def store(self, lake: str, bomb: Bomb | None = None, lease: float = LEASE) -> Store:
        """The store of a lake, for a child."""
        ...

    def sums(self, lake: str) -> dict[str, str]:
        """Key -> MD5 of all that lies there, as others see it."""
        ...

    def read(self, lake: str, key: str) -> bytes | None:
        """The bytes of a key as others read it, None where there is none."""
        ...

    def remove(self, lake: str) -> None:
        """Forget a lake."""
        ...


def home(where: str) -> Home:
    """The home at a folder or at a bucket's URL; the variables AWS_* lead to that."""
    return BucketHome(where) if where.startswith("s3:") else DiskHome(Path(where))


class DiskHome:
    """Lakes in folders."""

    halves = frozenset({"write"})
    pause = 0.003

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def lake(self, name: str) -> str:
        return str(self.folder / name)

    def store(self, lake: str, bomb: Bomb | None = None, lease: float = LEASE) -> Store:  # noqa: ARG002 - flock needs none
        return DiskStore(lake, _DeadlyCalls(bomb) if bomb else None)

    def sums(self, lake: str) -> dict[str, str]:
        files = (path for path in Path(lake).rglob("*") if path.is_file())
        return {str(path.relative_to(lake)): _md5(path.read_bytes()) for path in files}

    def read(self, lake: str, key: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return Path(lake, key).read_bytes()
        return None

    def remove(self, lake: str) -> None:
        shutil.rmtree(lake)


class _DeadlyCalls(Deadly):
    def __init__(self, bomb: Bomb) -> None:
        super().__init__(0)
        self.bomb = bomb

    def die_when_due(self, kind: str, half: Callable[[], object] | None = None) -> None:
        self.bomb.change(kind, half)


class BucketHome:
    """Lakes below prefixes of a bucket."""

    halves = frozenset({"put"})
    pause = 0.03

    def __init__(self, url: str) -> None:
        self.url, self.bucket = url, urlsplit(url).netloc
        self.environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        self._client: tuple[int, object] = (0, None)

    def lake(self, name: str) -> str:
        return f"{self.url}/{name}"

    def store(self, lake: str, bomb: Bomb | None = None, lease: float = LEASE) -> Store:
        remote.PART = PART
        store = open_store(lake, {**self.environment, LEASE_VARIABLE: str(lease)})
        if bomb:
            _arm(store._objects, bomb)  # noqa: SLF001 - no other way to it
        return store

    def sums(self, lake: str) -> dict[str, str]:
        start = f"{location(lake).prefix}/"
        tags = {found["Key"].removeprefix(start): found["ETag"].strip('"') for found in self._listed(start)}
        # What came in parts has a tag of another kind.
        return {key: _md5(self.read(lake, key) or b"") if "-" in tag else tag for key, tag in tags.items()}

    def read(self, lake: str, key: str) -> bytes | None:
        try:
            found = self._s3.get_object(Bucket=self.bucket, Key=f"{location(lake).prefix}/{key}")
        except self._s3.exceptions.NoSuchKey:
            return None
        return found["Body"].read()

    def remove(self, lake: str) -> None:
        keys = [{"Key": found["Key"]} for found in self._listed(f"{location(lake).prefix}/")]
        self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})

    def _listed(self, start: str) -> Iterator[Mapping[str, str]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start):
            yield from page.get("Contents", [])

    @property
    def _s3(self):
        """A client of another make than Levada's, one for each process."""
        if self._client[0] != os.getpid():
            config = Config(retries={"max_attempts": 10}, connect_timeout=_PATIENCE, read_timeout=_PATIENCE)
            self._client = os.getpid(), boto3.client("s3", config=config)
        return self._client[1]


def _arm(asking, bomb: Bomb) -> None:
    """Let each change that is asked of the object store pass the bomb."""
    for kind in ("put", "upload", "copy", "delete"):
        real = getattr(asking, kind)

        @functools.wraps(real)
        def change(*arguments, kind=kind, real=real):
            if kind == "upload":
                key, parts, media = arguments
                bomb.change("begin")
                return real(key, _passing(parts, bomb), media)
            bomb.change(kind, (lambda: _put_half(asking, *arguments)) if kind == "put" else None)
            return real(*arguments)

        setattr(asking, kind, change)


def _passing(parts: Iterator[bytes], bomb: Bomb) -> Iterator[bytes]:
    """The parts of an upload, each a change, and its end one more."""
    for part in parts:
        bomb.change("part")
        yield part
    bomb.change("complete")


def _put_half(asking, key: str, data: bytes, media: str, expected: str | None) -> None:
    """Send half of a signed put to the server, which is then left waiting for the rest."""
    import obstore

    url = urlsplit(obstore.sign(asking._quick, "PUT", key, timedelta(minutes=5)))  # noqa: SLF001 - no other way to it
    condition = "If-None-Match: *" if expected is None else f"If-Match: {expected}"
    lines = [f"PUT {url.path}?{url.query} HTTP/1.1", f"Host: {url.netloc}", f"Content-Length: {len(data)}", condition]
    connection = socket.create_connection((url.hostname, url.port), _PATIENCE)
    connection.sendall("\r\n".join([*lines, f"Content-Type: {media}", "", ""]).encode() + data[: len(data) // 2])


def time_goes_by() -> None:
    """In this process every lease of another one is over, as if it had waited for that."""
    leases._GRACE = -2 * LEASE  # noqa: SLF001 - no other way to it


def hours_went_by() -> None:
    """In this process every lease of its own is over, as if it had stood still for that long."""
    real = leases._now  # noqa: SLF001 - no other way to it
    leases._now = lambda: real() + 3600  # noqa: SLF001 - no other way to it


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


#: What a change of a lake can be, on a disk and on an object store.
KINDS = frozenset({*CHANGES, "put", "begin", "part", "complete", "copy", "delete"})
RUN = re.compile(r"/runs/([^/]+)/")
