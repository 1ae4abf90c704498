"""A real SMTP server for tests: TLS by an authority of its own, log-ins, refusals by plan; keeps what it took."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from patience import PATIENCE

__all__ = ["PASSWORD", "USER", "MailServer", "Taken", "certificates", "talking"]

USER, PASSWORD = "levada@example.com", "s3cr3t/p@ss:wörd"


@dataclass(frozen=True)
class Taken:
    """A mail as the server took it."""

    sender: str
    to: tuple[str, ...]
    mail: EmailMessage
    raw: bytes
    #: Whether it came over TLS, and as whom.
    secure: bool
    user: str | None

    def part(self, kind: str) -> str:
        """The text of its part of this kind, line ends as Python has them."""
        return self.mail.get_body((kind,)).get_content().replace("\r\n", "\n")


@contextmanager
def certificates(folder: Path) -> Iterator[tuple[ssl.SSLContext, dict[str, str]]]:
    """What a server on localhost shows, and the environment of a client that trusts it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    trusted = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    yield context, {"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": str(trusted)}  # the machine may have the first


class MailServer:
    """Takes mail on a free port while a `with` block lasts.

    Args:
        tls: What it shows; None: it speaks no TLS.
        whole: Whether TLS begins at once; else by STARTTLS.
        utf8: Whether it takes addresses that are not ASCII.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, whole: bool = False, utf8: bool = False) -> None:
        self.taken: list[Taken] = []
        #: Answers to single recipients, and to the next mails: "550 no such user".
        self.refused: dict[str, str] = {}
        self.planned: list[str] = []
        #: Who may log in; what is said to a log-in instead.
        self.known = (USER, PASSWORD)
        self.log_in = ""
        #: Users and passwords as they came.
        self.log_ins: list[tuple[str, str]] = []
        self.connections = 0
        self._tls, self._whole, self._utf8 = tls, whole, utf8
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def url(self, login: str = "levada%40example.com:s3cr3t%2Fp%40ss%3Aw%C3%B6rd@", host: str = "localhost") -> str:
        """The server as a spec's variable names it; without TLS nobody logs in."""
        if self._tls is None:
            return f"smtp://{host}:{self.port}?tls=none"
        return f"{'smtps' if self._whole else 'smtp'}://{login}{host}:{self.port}"

    async def _listen(self) -> asyncio.Server:
        context = self._tls if self._whole else None
        return await self._loop.create_server(self._session, "127.0.0.1", 0, ssl=context)

    async def _end(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks(self._loop) if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _session(self) -> SMTP:
        self.connections += 1
        return SMTP(
            self,
            hostname="mail.test",
            tls_context=None if self._whole else self._tls,
            require_starttls=bool(self._tls) and not self._whole,
            auth_require_tls=not self._whole,
            authenticator=self._authenticate,
            enable_SMTPUTF8=self._utf8,
            loop=self._loop,
        )

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.log_ins.append((given.login.decode(), given.password.decode()))
        if self.log_in:
            return AuthResult(success=False, handled=False, message=self.log_in)
        right = self.log_ins[-1] == self.known
        return AuthResult(success=right, handled=False, auth_data=given.login.decode())

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if answer := self.refused.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        answer = self.planned.pop(0) if self.planned else "250 OK"
        if answer.startswith("2"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            secure = server.transport.get_extra_info("sslcontext") is not None
            user = session.auth_data if session.authenticated else None
            to = tuple(envelope.rcpt_tos)
            self.taken.append(Taken(envelope.mail_from, to, mail, envelope.content, secure, user))
        return answer


@contextmanager
def talking(
    answer: Callable[[bytes], bytes | None], greeting: bytes = b"220 hello\r\n", tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """A server on a free port that answers each line that it hears, or with None cuts the connection; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_now: list[socket.socket] = []

    def talk(plain: socket.socket) -> None:
        with (
            tls.wrap_socket(plain, server_side=True) if tls else plain as connection,
            connection.makefile("rb") as lines,
        ):
            open_now.append(connection)
            connection.sendall(greeting)
            for line in lines:
                said = answer(line)
                if said is None:
                    connection.shutdown(socket.SHUT_RDWR)
                    return
                connection.sendall(said)

    def serve() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with plain, suppress(OSError):
                    talk(plain)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)
