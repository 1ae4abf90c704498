"""AWS Signature Version 4 in headers, as the reference for IAM's "signing elements of an API request" has it."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from levada.edges import Call, Credential
from levada.secret import Secret
from levada.source.auth.signer import Ask
from levada.source.origin import origin
from levada.spec.auth import SigV4
from levada.spec.bind import secret

__all__ = ["AwsSigner", "sigv4"]

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-._~"
#: Headers of the call that are signed besides Host: whoever signs Content-Type must send it so.
_SIGNED = re.compile(r"content-type|x-amz-.*")
_BLANKS = re.compile(r" +")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class AwsSigner:
    """A Signer that signs each call by itself: nothing is fetched, nothing refreshed."""

    service: str
    region: str
    access_key: Secret
    secret_key: Secret
    session_token: Secret | None = None

    def ready(self, ask: Ask, now: datetime) -> None:
        """There is nothing to fetch."""

    def sign(self, call: Call, now: datetime) -> Call:
        """`call` with X-Amz-Date and a signature over method, URL, body and the headers that AWS reads."""
        if origin(call.url) != call.origin:
            return call
        stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        added = [("X-Amz-Date", stamp)]
        if self.service == "s3":
            added.append(("X-Amz-Content-Sha256", _hash(call.body or b"")))
        headers = (*call.headers, *added)
        token = () if self.session_token is None else (("X-Amz-Security-Token", self.session_token),)
        seen = _seen(call.url, (*headers, *((name, each.value) for name, each in token)))
        # Good for this request and a few minutes: to look for each in all texts would cost more than it hides.
        line = Secret("signature", self._line(call, stamp, seen), "never")
        credentials = [Credential("header", name, each) for name, each in (*token, ("Authorization", line))]
        return replace(call, headers=headers, credentials=(*call.credentials, *credentials))

    def refused(self, call: Call | None = None) -> bool:  # noqa: ARG002 - the protocol's
        """Nothing new can be had."""
        return False

    def _line(self, call: Call, stamp: str, seen: Mapping[str, str]) -> str:
        """The Authorization header."""
        names = ";".join(seen)
        lines = "".join(f"{name}:{value}\n" for name, value in seen.items())
        parts = urlsplit(call.url)
        path, query = _path(parts.path, self.service), _query(parts.query)
        canonical = "\n".join([call.method, path, query, lines, names, _hash(call.body or b"")])
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        text = "\n".join([_ALGORITHM, stamp, scope, _hash(canonical.encode())])
        key = f"AWS4{self.secret_key.value}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        return f"{_ALGORITHM} Credential={self.access_key.value}/{scope}, SignedHeaders={names}, Signature={signature}"


def sigv4(auth: SigV4, environment: Mapping[str, str]) -> AwsSigner:
    """A signer for one service in one region.

    Raises:
        FixThis: a key is not set.
    """
    token = None if auth.session_token is None else secret(auth.session_token, environment)
    keys = secret(auth.access_key, environment), secret(auth.secret_key, environment)
    return AwsSigner(auth.service, auth.region, *keys, session_token=token)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _seen(url: str, headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The signed headers, in the order of their names, values trimmed."""
    parts = urlsplit(url)
    # As the wire writes it: case kept, without a default port and a last dot.
    port = "" if parts.port is None else f":{parts.port}"
    host = parts.netloc.rpartition("@")[2].removesuffix(port).rstrip(".")
    host += "" if parts.port == _DEFAULT_PORTS.get(parts.scheme) else port
    signed = {name.lower(): value for name, value in headers if _SIGNED.fullmatch(name.lower())}
    values = {"host": host, **signed}
    return {name: _BLANKS.sub(" ", values[name].strip()) for name in sorted(values)}


def _path(path: str, service: str) -> str:
    """The path as it is sent; for all services but S3 without dot segments, and encoded once more."""
    if service == "s3":
        return path or "/"
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    last = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
    return quote(f"/{'/'.join(kept)}{last}", safe=f"/{_UNRESERVED}")


def _query(query: str) -> str:
    """Parameters in the order of their encoded names, then values."""
    pairs = (pair.partition("=")[::2] for pair in query.split("&") if pair)
    encoded = sorted(tuple(quote(unquote(part), safe=_UNRESERVED) for part in pair) for pair in pairs)
    return "&".join("=".join(pair) for pair in encoded)
