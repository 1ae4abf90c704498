"""The wire: HTTP by aiohttp. Does not decide what an answer means, nor whether to ask again."""

import asyncio
import io
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Self
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from levada.edges import Answer, Call, WireFault, WireFaultKind
from levada.errors import FixThis
from levada.secret import redact, shown_url
from levada.source.decode import Body
from levada.source.hop import Hop, first, follow, sent_headers, sent_url

__all__ = ["HttpWire"]

#: Seconds until a connection must stand, name lookup and TLS included.
CONNECT = 10.0
#: Bytes of one header field; aiohttp's 8190 is less than some Link headers need.
MAX_FIELD = 65536
#: Characters of a library's words that a message shows.
SHOWN = 200
#: Variables that name a file or folder of certificates to trust instead of the machine's own; the first that is set.
_TRUST = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_NO_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

#: First match counts: aiohttp's tree has the special below the general.
_KINDS: tuple[tuple[type[Exception], WireFaultKind], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientSSLError, "tls"),
    (ssl.SSLError, "tls"),
    (aiohttp.ServerFingerprintMismatch, "tls"),
    (aiohttp.ClientHttpProxyError, "refused"),
    (aiohttp.ClientConnectorError, "refused"),
    (aiohttp.InvalidURL, "no_such_host"),
    (aiohttp.ClientPayloadError, "cut"),
    (aiohttp.ClientResponseError, "cut"),
)


class HttpWire:
    """A Wire over the network: one session, no cookies kept, redirects followed, credentials for their origin only."""

    _session: aiohttp.ClientSession
    _proxies: dict[str, str]

    async def __aenter__(self) -> Self:
        """Open connections."""
        self._proxies = getproxies()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # how many at once is the reader's to say
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT),
            max_line_size=MAX_FIELD,
            max_field_size=MAX_FIELD,
            trace_configs=[_departures()],
        )
        # aiohttp asks once more by itself when a kept connection breaks; every request is to be seen, and counted.
        self._session._retry_connection = False  # noqa: SLF001 - there is no public switch (aiohttp 3.14)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, call: Call) -> Answer:
        """The answer to `call`, its body whole and decoded.

        Raises:
            FixThis: REQUESTS_CA_BUNDLE or SSL_CERT_FILE names no certificates.
            WireFault: no complete answer came.
        """
        try:
            async with asyncio.timeout(call.timeout) as patience:
                return await self._follow(call, patience)
        except (aiohttp.ClientError, OSError) as error:
            fault = _fault(error, call)
        # Outside of the handler: aiohttp's errors hold the whole request, credentials included.
        raise fault

    async def _follow(self, call: Call, patience: asyncio.Timeout) -> Answer:
        hops = [first(call)]
        while True:
            answer = await self._exchange(call, hops[-1], patience)
            hop = follow(call, hops, answer)
            if hop is None:
                return answer
            hops.append(hop)

    async def _exchange(self, call: Call, hop: Hop, patience: asyncio.Timeout) -> Answer:
        left: list[float] = []
        async with self._response(call, hop, left) as response:
            headers: dict[str, str] = {}
            for name, value in response.headers.items():
                low = name.lower()
                headers[low] = f"{headers[low]}, {value}" if low in headers else value
            sink = call.sink(response.status, headers) if call.sink else None
            body = Body(headers.get("content-encoding", ""), call.size_limit, sink)
            async for chunk in response.content.iter_any():
                body.feed(chunk)
                if sink:  # silence counts, not how long a large file takes
                    patience.reschedule(asyncio.get_running_loop().time() + call.timeout)
            took = asyncio.get_running_loop().time() - left[-1] if left else None
            return Answer(status=response.status, headers=headers, body=body.finish(), url=hop.url, took=took)

    @asynccontextmanager
    async def _response(self, call: Call, hop: Hop, left: list[float]) -> AsyncIterator[aiohttp.ClientResponse]:
        url = URL(sent_url(call, hop), encoded=True)
        host = (url.host or "").rstrip(".")
        if host.lower().rpartition(".")[2] == "invalid":
            raise WireFault("no_such_host", f"{host}: names in .invalid never exist (RFC 6761, 6.4)")
        proxy = self._proxy(url)
        request = self._session.request(
            hop.method,
            url,
            headers=sent_headers(call, hop),
            # A stream, as aiohttp warns of large bodies of bytes; it tells its length all the same.
            data=None if hop.body is None else io.BytesIO(hop.body),
            skip_auto_headers=("Content-Type",),
            allow_redirects=False,
            proxy=proxy,
            # Not before it is needed: reading a machine's certificates takes 0.1 s.
            ssl=_trust() if url.scheme == "https" or (proxy or "").startswith("https:") else True,
            trace_request_ctx=left,
        )
        async with request as response:
            yield response

    def _proxy(self, url: URL) -> str | None:
        # Not aiohttp's trust_env: that would send credentials from ~/.netrc, which no spec names.
        return None if proxy_bypass(url.raw_authority) else self._proxies.get(url.scheme)


def _departures() -> aiohttp.TraceConfig:
    """Notes in each request's list when it has left: looking up a name and TLS take their time before that."""

    async def note(_session: aiohttp.ClientSession, context: SimpleNamespace, _sent: object) -> None:
        context.trace_request_ctx.append(asyncio.get_running_loop().time())

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note)
    return trace


@lru_cache(maxsize=4)
def _context(path: str, _changed: int) -> ssl.SSLContext:
    """The certificates of a file or folder; read again when it changes."""
    if Path(path).is_dir():
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)


def _trust() -> ssl.SSLContext | bool:
    """The certificates to trust: those that the environment names, else the machine's own.

    Raises:
        FixThis: REQUESTS_CA_BUNDLE or SSL_CERT_FILE names none.
    """
    for name in _TRUST:
        if path := os.environ.get(name):
            try:
                return _context(path, Path(path).stat().st_mtime_ns)
            except (OSError, ssl.SSLError) as error:
                what = f"{name} names no certificates: {path} ({error.strerror or error})."
                raise FixThis(what, where=name, todo=f"Let {name} name a PEM file, or unset it.") from None
    return True


def _fault(error: Exception, call: Call) -> WireFault:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        lookup: WireFaultKind = "no_such_host" if error.os_error.errno in _NO_NAME else "dns"
        return WireFault(lookup, f"{error.host} ({error.os_error.strerror})")
    kinds = [kind for type_, kind in _KINDS if isinstance(error, type_)]
    return WireFault(kinds[0] if kinds else "reset", _text(error, call))


def _text(error: Exception, call: Call) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {CONNECT:g} s"
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError) and error.errno is None:
        return f"{call.timeout:g} s have passed"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        # aiohttp's own words name its TLS setting and asyncio's call.
        return f"{error.host}:{error.port} ({os.strerror(error.os_error.errno)})"
    said = f"{error.status}, {error.message}" if isinstance(error, aiohttp.ClientResponseError) else str(error)
    if isinstance(error, aiohttp.InvalidURL):
        said = shown_url(call.url)  # its own words hold the URL as it was sent
    # aiohttp quotes what it could not read as HTTP, at any length and over several lines.
    # What it quotes may be a secret that the sender gave back: blacked out before the cut, so that none shows in part.
    return redact(" ".join(said.split()))[:SHOWN] or type(error).__name__
