"""A small S3-alike in memory that keeps all promises of conditional puts, or not: whoever needs them must find out."""

import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal
from urllib.parse import unquote
from xml.sax.saxutils import escape, unescape

from webserver import Asked, Said, WebServer

__all__ = ["BadStore", "Conditions", "bad_store"]

#: What becomes of If-Match and If-None-Match: kept, not even looked at, or answered with 501.
Conditions = Literal["kept", "ignored", "no If-Match", "no If-None-Match", "refused"]
_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
_HEARD: Mapping[Conditions, frozenset[str]] = {
    "kept": frozenset({"if-match", "if-none-match"}),
    "ignored": frozenset(),
    "no If-Match": frozenset({"if-none-match"}),
    "no If-None-Match": frozenset({"if-match"}),
    "refused": frozenset({"if-match", "if-none-match"}),
}


@dataclass(frozen=True)
class _Object:
    data: bytes
    media: str
    changed: datetime

    @property
    def tag(self) -> str:
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        stamp = format_datetime(self.changed, usegmt=True)
        return (("ETag", self.tag), ("Last-Modified", stamp), ("Content-Type", self.media))


class BadStore:
    """Answers what a lake asks an S3 server; looks at no signature. `bucket` is the only one."""

    def __init__(self, conditions: Conditions, bucket: str = "levada") -> None:
        self.conditions = conditions
        self.bucket = bucket
        #: Key -> object.
        self.kept: dict[str, _Object] = {}
        self._uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self._guard = threading.Lock()

    def answer(self, asked: Asked) -> Said:
        bucket, _, key = unquote(asked.path.lstrip("/")).partition("/")
        if bucket != self.bucket:
            return _error(404, "NoSuchBucket")
        with self._guard:
            if not key:
                return self._delete_many(asked) if asked.method == "POST" else self._list(asked)
            if asked.value("uploads") is not None or asked.value("uploadId"):
                return self._upload(asked, key)
            return {"PUT": self._put, "DELETE": self._delete}.get(asked.method, self._get)(asked, key)

    def _get(self, asked: Asked, key: str) -> Said:
        found = self.kept.get(key)
        if found is None:
            return _error(404, "NoSuchKey")
        if (span := asked.headers.get("range")) is None:
            return Said(found.data, 200, found.fields)
        start, _, end = span.removeprefix("bytes=").partition("-")
        part = found.data[int(start) : int(end) + 1]
        told = f"bytes {start}-{int(start) + len(part) - 1}/{len(found.data)}"
        return Said(part, 206, (*found.fields, ("Content-Range", told)))

    def _put(self, asked: Asked, key: str) -> Said:
        if refusal := self._refusal(asked, key):
            return refusal
        if source := asked.headers.get("x-amz-copy-source"):
            origin = self.kept.get(unquote(source).lstrip("/").partition("/")[2])
            if origin is None:
                return _error(404, "NoSuchKey")
            made = self._keep(key, origin.data, origin.media)
            stamp = made.changed.isoformat().replace("+00:00", "Z")
            inside = f"<ETag>{escape(made.tag)}</ETag><LastModified>{stamp}</LastModified>"
            return _xml("CopyObjectResult", inside)
        made = self._keep(key, asked.body, asked.headers.get("content-type", "application/octet-stream"))
        return Said(b"", 200, (("ETag", made.tag),))

    def _delete(self, _: Asked, key: str) -> Said:
        self.kept.pop(key, None)
        return Said(None, 204)

    def _delete_many(self, asked: Asked) -> Said:
        keys = [unescape(key) for key in _KEY.findall(asked.body.decode())]
        for key in keys:
            self.kept.pop(key, None)
        return _xml("DeleteResult", "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys))

    def _refusal(self, asked: Asked, key: str) -> Said | None:
        told = {name: asked.headers[name] for name in _HEARD[self.conditions] & asked.headers.keys()}
        if told and self.conditions == "refused":
            return _error(501, "NotImplemented")
        found = self.kept.get(key)
        if "if-none-match" in told and found is not None:
            return _error(412, "PreconditionFailed")
        if "if-match" in told and (found is None or found.tag != told["if-match"]):
            return _error(412 if found else 404, "PreconditionFailed" if found else "NoSuchKey")
        return None

    def _upload(self, asked: Asked, key: str) -> Said:
        number = asked.value("uploadId")
        if number is None:
            number = f"upload-{len(self._uploads)}"
            self._uploads[number] = key, {}
            inside = f"<Bucket>{self.bucket}</Bucket><Key>{escape(key)}</Key><UploadId>{number}</UploadId>"
            return _xml("InitiateMultipartUploadResult", inside)
        parts = self._uploads[number][1]
        if asked.method == "PUT":
            parts[asked.number("partNumber", 1)] = asked.body
            return Said(b"", 200, (("ETag", f'"{hashlib.md5(asked.body, usedforsecurity=False).hexdigest()}"'),))
        del self._uploads[number]
        if asked.method == "DELETE":
            return Said(None, 204)
        if refusal := self._refusal(asked, key):
            return refusal
        made = self._keep(key, b"".join(data for _, data in sorted(parts.items())), "application/octet-stream")
        return _xml("CompleteMultipartUploadResult", f"<Key>{escape(key)}</Key><ETag>{escape(made.tag)}</ETag>")

    def _list(self, asked: Asked) -> Said:
        start = asked.value("prefix") or ""
        found = [(key, kept) for key, kept in sorted(self.kept.items()) if key.startswith(start)]
        inside = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(kept.data)}</Size><ETag>{escape(kept.tag)}</ETag>"
            f"<LastModified>{kept.changed:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
            for key, kept in found
        )
        return _xml("ListBucketResult", f"<KeyCount>{len(found)}</KeyCount><IsTruncated>false</IsTruncated>{inside}")

    def _keep(self, key: str, data: bytes, media: str) -> _Object:
        self.kept[key] = _Object(data, media, datetime.now(UTC))
        return self.kept[key]


@contextmanager
def bad_store(conditions: Conditions) -> Iterator[tuple[BadStore, Mapping[str, str]]]:
    """The store, and the variables that lead to it; its lakes are `s3://levada/...`."""
    store = BadStore(conditions)
    with WebServer(store.answer) as server:
        yield (
            store,
            {
                "AWS_ACCESS_KEY_ID": "anyone",
                "AWS_SECRET_ACCESS_KEY": "any-secret-at-all",
                "AWS_ENDPOINT_URL": server.url,
                "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )


def _xml(name: str, inside: str) -> Said:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{name}>{inside}</{name}>'
    return Said(text, 200, (("Content-Type", "application/xml"),))


def _error(status: int, code: str) -> Said:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Said(text, status, (("Content-Type", "application/xml"),))
