"""GCS (its XML API) and Azure Blob Storage in memory, as far as a lake asks them; no signature is looked at.

Written after https://cloud.google.com/storage/docs/xml-api/reference-methods and
https://learn.microsoft.com/rest/api/storageservices/operations-on-blobs. What differs from S3 is kept: a tag names a
write and not the bytes, GCS's conditions are generations, Azure's lists tell tags without quotes and it answers 409
where a blob is there already.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from typing import Literal
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from webserver import Asked, Said, WebServer

__all__ = ["BUCKET", "CloudStore", "Kind", "cloud_store"]

Kind = Literal["gs", "az"]
BUCKET = "levada"
_BLOCK = re.compile(r"<(?:Latest|Uncommitted|Committed)>(.*?)</")
_XML = (("Content-Type", "application/xml"),)


@dataclass(frozen=True)
class _Object:
    data: bytes
    media: str
    write: int
    changed: datetime

    @property
    def tag(self) -> str:
        return f"0x{self.write:016X}"


class CloudStore:
    """Answers what a lake asks; `BUCKET` is the only bucket or container."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.kept: dict[str, _Object] = {}
        #: Parts by upload (GCS), or by key (Azure), and their numbers or names.
        self.parts: dict[str, dict[str, bytes]] = {}
        #: Conditions that are not looked at: "create", "replace".
        self.ignored: set[str] = set()
        self._writes = count(1000)
        self._guard = threading.Lock()

    def answer(self, asked: Asked) -> Said:
        bucket, _, key = unquote(asked.path.lstrip("/")).partition("/")
        if bucket != BUCKET:
            return _refused(404, "NoSuchBucket" if self.kind == "gs" else "ContainerNotFound")
        with self._guard:
            if not key:
                return self._delete_all(asked) if asked.value("comp") == "batch" else self._list(asked)
            doors = {"PUT": self._put, "POST": self._post, "DELETE": self._delete}
            return doors.get(asked.method, self._get)(asked, key)

    # -- reading

    def _get(self, asked: Asked, key: str) -> Said:
        found = self.kept.get(key)
        if found is None:
            return _refused(404, "NoSuchKey" if self.kind == "gs" else "BlobNotFound")
        if asked.headers.get("if-match", f'"{found.tag}"') != f'"{found.tag}"':
            return _refused(412, "PreconditionFailed" if self.kind == "gs" else "ConditionNotMet")
        fields = self._fields(found)
        if (span := asked.headers.get("range") or asked.headers.get("x-ms-range")) is None:
            return Said(found.data, 200, fields)
        start, _, end = span.removeprefix("bytes=").partition("-")
        part = found.data[int(start) : int(end) + 1]
        told = f"bytes {start}-{int(start) + len(part) - 1}/{len(found.data)}"
        return Said(part, 206, (*fields, ("Content-Range", told)))

    def _list(self, asked: Asked) -> Said:
        start = asked.value("prefix") or ""
        found = [(key, kept) for key, kept in sorted(self.kept.items()) if key.startswith(start)]
        if self.kind == "az":
            inside = "".join(map(_blob, found))
            return _xml("EnumerationResults", f"<Blobs>{inside}</Blobs><NextMarker/>")
        inside = "".join(map(_contents, found))
        return _xml("ListBucketResult", f"<KeyCount>{len(found)}</KeyCount><IsTruncated>false</IsTruncated>{inside}")

    # -- writing

    def _put(self, asked: Asked, key: str) -> Said:
        if asked.value("comp") == "block":
            self.parts.setdefault(key, {})[asked.value("blockid") or ""] = asked.body
            return Said(None, 201)
        if upload := asked.value("uploadId"):
            self.parts[upload][f"{asked.number('partNumber', 1):06}"] = asked.body
            return Said(b"", 200, (("ETag", f'"{len(self.parts[upload])}"'),))
        if refusal := self._refusal(asked, key):
            return refusal
        if source := asked.headers.get("x-goog-copy-source") or asked.headers.get("x-ms-copy-source"):
            return self._copy(unquote(urlsplit(source).path), key)
        body = asked.body
        if asked.value("comp") == "blocklist":
            blocks = self.parts.pop(key)
            body = b"".join(blocks[name] for name in _BLOCK.findall(asked.body.decode()))
        made = self._keep(
            key, body, asked.headers.get("x-ms-blob-content-type") or asked.headers.get("content-type", "")
        )
        return Said(b"", 200 if self.kind == "gs" else 201, self._fields(made)[:-1])

    def _refusal(self, asked: Asked, key: str) -> Said | None:
        found, headers = self.kept.get(key), asked.headers
        if self.kind == "gs":
            wanted = headers.get("x-goog-if-generation-match")
            ignored = ("create" if wanted == "0" else "replace") in self.ignored
            kept = ignored or wanted in {None, str(found.write if found else 0)}
            return None if kept else _refused(412, "PreconditionFailed")
        if headers.get("if-none-match") == "*" and found and "create" not in self.ignored:
            return _refused(409, "BlobAlreadyExists")
        if "replace" in self.ignored:
            return None
        if "if-match" in headers and (found is None or headers["if-match"] != f'"{found.tag}"'):
            return _refused(412, "ConditionNotMet")
        return None

    def _copy(self, source: str, key: str) -> Said:
        origin = self.kept.get(source.lstrip("/").partition("/")[2])
        if origin is None:
            return _refused(404, "NoSuchKey" if self.kind == "gs" else "BlobNotFound")
        made = self._keep(key, origin.data, origin.media)
        if self.kind == "az":
            return Said(b"", 202, (*self._fields(made)[:2], ("x-ms-copy-status", "success")))
        return _xml("CopyObjectResult", f"<ETag>{escape(made.tag)}</ETag>")

    def _post(self, asked: Asked, key: str) -> Said:
        upload = asked.value("uploadId")
        if upload is None:
            upload = f"upload-{next(self._writes)}"
            self.parts[upload] = {}
            inside = f"<Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
            return _xml("InitiateMultipartUploadResult", inside)
        parts = self.parts.pop(upload)
        made = self._keep(key, b"".join(data for _, data in sorted(parts.items())), "application/octet-stream")
        inside = f"<Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><ETag>{escape(made.tag)}</ETag>"
        return _xml("CompleteMultipartUploadResult", inside, (("x-goog-generation", str(made.write)),))

    def _delete(self, asked: Asked, key: str) -> Said:
        if upload := asked.value("uploadId"):
            self.parts.pop(upload, None)
        elif self.kept.pop(key, None) is None:
            return _refused(404, "NoSuchKey" if self.kind == "gs" else "BlobNotFound")
        return Said(None, 204) if self.kind == "gs" else Said(b"", 202)

    def _delete_all(self, asked: Asked) -> Said:
        """Azure's way to delete: requests within a request, answers within an answer."""
        told = []
        for number, path in enumerate(re.findall(r"^DELETE /(\S+) HTTP", asked.body.decode(), re.MULTILINE)):
            gone = self.kept.pop(unquote(path).partition("/")[2], None) is None
            status = "404 The specified blob does not exist." if gone else "202 Accepted"
            head = f"Content-Type: application/http\r\nContent-ID: {number}"
            told.append(f"--answers\r\n{head}\r\n\r\nHTTP/1.1 {status}\r\nx-ms-version: 2023-11-03\r\n\r\n")
        return Said("".join([*told, "--answers--\r\n"]), 202, (("Content-Type", "multipart/mixed; boundary=answers"),))

    def _keep(self, key: str, data: bytes, media: str) -> _Object:
        self.kept[key] = _Object(data, media, next(self._writes), datetime.now(UTC))
        return self.kept[key]

    def _fields(self, found: _Object) -> tuple[tuple[str, str], ...]:
        own = ("x-goog-generation", str(found.write)) if self.kind == "gs" else ("x-ms-blob-type", "BlockBlob")
        stamp = format_datetime(found.changed, usegmt=True)
        return (("ETag", f'"{found.tag}"'), ("Last-Modified", stamp), own, ("Content-Type", found.media))


@contextmanager
def cloud_store(kind: Kind) -> Iterator[tuple[CloudStore, Mapping[str, str]]]:
    """The store, and the variables that lead to it; its lakes are `gs://levada/...` or `az://levada/...`."""
    store = CloudStore(kind)
    with WebServer(store.answer) as server:
        variables = {
            "gs": {"GOOGLE_BASE_URL": server.url, "GOOGLE_BEARER_TOKEN": "a-token-of-tests"},
            "az": {
                "AZURE_STORAGE_ENDPOINT": server.url,
                "AZURE_STORAGE_ACCOUNT_NAME": "account",
                "AZURE_STORAGE_ACCOUNT_KEY": "a2V5LW9mLXRlc3Rz",
            },
        }
        yield store, variables[kind]


def _contents(one: tuple[str, _Object]) -> str:
    key, kept = one
    stamp = f"{kept.changed:%Y-%m-%dT%H:%M:%S.%f}"[:-3]
    return (
        f"<Contents><Key>{escape(key)}</Key><Generation>{kept.write}</Generation><LastModified>{stamp}Z</LastModified>"
        f'<ETag>"{kept.tag}"</ETag><Size>{len(kept.data)}</Size></Contents>'
    )


def _blob(one: tuple[str, _Object]) -> str:
    key, kept = one
    stamp = format_datetime(kept.changed, usegmt=True)
    return (
        f"<Blob><Name>{escape(key)}</Name><Properties><Last-Modified>{stamp}</Last-Modified><Etag>{kept.tag}</Etag>"
        f"<Content-Length>{len(kept.data)}</Content-Length><Content-Type>{kept.media}</Content-Type>"
        "<BlobType>BlockBlob</BlobType></Properties></Blob>"
    )


def _xml(name: str, inside: str, more: tuple[tuple[str, str], ...] = ()) -> Said:
    return Said(f'<?xml version="1.0" encoding="UTF-8"?><{name}>{inside}</{name}>', 200, (*_XML, *more))


def _refused(status: int, code: str) -> Said:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Said(text, status, _XML)
