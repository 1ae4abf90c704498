"""The wire: HTTP by aiohttp. Does not decide what an answer means, nor whether to ask again."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from urllib.parse import quote, urldefrag, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from levada.edges import Answer, Call, WireFault, WireFaultKind
from levada.secret import redact
from levada.source.decode import Body
from levada.source.request import origin

__all__ = ["HttpWire"]

#: Seconds until a connection must stand, name lookup and TLS included.
CONNECT = 10.0
MAX_REDIRECTS = 10
#: Bytes of one header field; aiohttp's 8190 is less than some Link headers need.
MAX_FIELD = 65536
#: Characters of a library's words that a message shows.
SHOWN = 200
_REDIRECTS = {301, 302, 303, 307, 308}
_ASCII = "".join(map(chr, range(33, 127)))
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
    """A Wire over the network: one session, no cookies kept, redirects followed, the key sent to its origin only."""

    _session: aiohttp.ClientSession
    _proxies: dict[str, str]

    async def __aenter__(self) -> Self:
        self._proxies = getproxies()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # how many at once is the reader's to say
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT),
            max_line_size=MAX_FIELD,
            max_field_size=MAX_FIELD,
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
            WireFault: no complete answer came.
        """
        try:
            async with asyncio.timeout(call.timeout):
                return await self._follow(call)
        except (aiohttp.ClientError, OSError) as error:
            raise _fault(error, call) from error

    async def _follow(self, call: Call) -> Answer:
        asked = [call.url]
        while True:
            answer = await self._exchange(call, asked[-1])
            target = _target(answer)
            if target is None:
                return answer
            if target in asked:
                raise WireFault("redirects", f"{target} is redirected to itself")
            if len(asked) > MAX_REDIRECTS:
                raise WireFault("redirects", f"more than {MAX_REDIRECTS}, the last to {target}")
            asked.append(target)

    async def _exchange(self, call: Call, url: str) -> Answer:
        async with self._response(call, url) as response:
            headers: dict[str, str] = {}
            for name, value in response.headers.items():
                low = name.lower()
                headers[low] = f"{headers[low]}, {value}" if low in headers else value
            body = Body(headers.get("content-encoding", ""), call.size_limit)
            async for chunk in response.content.iter_any():
                body.feed(chunk)
            return Answer(status=response.status, headers=headers, body=body.finish(), url=url)

    @asynccontextmanager
    async def _response(self, call: Call, url: str) -> AsyncIterator[aiohttp.ClientResponse]:
        host = (urlsplit(url).hostname or "").rstrip(".")
        if host.rpartition(".")[2] == "invalid":
            raise WireFault("no_such_host", f"{host}: names in .invalid never exist (RFC 6761, 6.4)")
        headers = list(call.headers)
        if origin(url) == call.origin:
            headers += [(each.name, each.secret.value) for each in call.credentials]
        request = self._session.request(
            call.method,
            URL(url, encoded=True),
            headers=headers,
            allow_redirects=False,
            proxy=self._proxy(url),
        )
        async with request as response:
            yield response

    def _proxy(self, url: str) -> str | None:
        parts = urlsplit(url)
        # Not aiohttp's trust_env: that would send credentials from ~/.netrc, which no spec names.
        return None if proxy_bypass(parts.netloc) else self._proxies.get(parts.scheme)


def _target(answer: Answer) -> str | None:
    """Where a redirect leads, None for any other answer (RFC 9110, 15.4)."""
    location = answer.headers.get("location")
    if answer.status not in _REDIRECTS or location is None:
        return None
    try:
        target = urldefrag(urljoin(answer.url, quote(location, safe=_ASCII))).url
        scheme, host = urlsplit(target).scheme, urlsplit(target).hostname
        origin(target)
    except ValueError:
        raise WireFault("redirects", f"{location!r} is no URL") from None
    if scheme not in {"http", "https"} or not host:
        raise WireFault("redirects", f"{target} is no http address")
    return target


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
    # aiohttp quotes what it could not read as HTTP, at any length and over several lines.
    # What it quotes may be a secret that the sender gave back: blacked out before the cut, so that none shows in part.
    return redact(" ".join(said.split()))[:SHOWN] or type(error).__name__
