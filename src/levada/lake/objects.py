"""Object stores by obstore: one request a call, every refusal a Fault. Nothing here waits or tries again.

What was looked up in obstore 0.12: an exception of an iterator ends its multipart upload with an abort; a put with
`mode` never is multipart; with `max_retries=0` each call is one request, so that whoever calls knows what was sent
once and what twice. The parts of an upload are tried again by the library, which loses nothing: a part has a number.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore import store as stores
from obstore.exceptions import BaseError

from levada.errors import FixThis
from levada.lake.fault import Fault, fault_of
from levada.lake.location import Location

__all__ = ["PART", "Body", "Objects", "Seen", "objects", "profile_keys"]

#: Seconds: for a connection, and between two bytes of an answer. A store that stalls for 10 s is waited for.
_CONNECT, _SILENCE = 10, 60
#: Seconds for a whole exchange: a part of 5 MB on a slow line.
_WHOLE = 300
#: Tries of one part of an upload, and seconds after which there are no more.
_PART_TRIES, _PART_PATIENCE = 10, 180
#: Bytes of a part of an upload, the fewest that S3 takes, and of what is read at a time.
#: 165 MB written and read again: 62 MB of peak memory with parts of 8 MB, 52 MB with these.
PART = 5 * 1024 * 1024
_QUOTE = '"'
#: A generation that no object has: they are microseconds since 1970. The server itself is to refuse it.
_NEVER = "1"
#: Settings that say who gives credentials.
_ASIDES = ("metadata_endpoint", "container_credentials_full_uri", "aws_endpoint_url_sts")
#: Parts on their way at once: four of them are in memory.
_ABREAST = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store says of an object."""

    key: str
    size: int
    #: Names the bytes for conditional requests.
    tag: str
    changed: datetime


@dataclass(frozen=True, slots=True)
class Body:
    """An object's bytes, all of them or those asked for."""

    seen: Seen
    data: bytes


class Objects:
    """The requests that a lake makes of its bucket; keys are relative to the lake's prefix."""

    def __init__(
        self,
        quick: "stores.ObjectStore",
        patient: "stores.ObjectStore",
        place: Location,
        root: Any = None,
        asides: Collection[str] = (),
    ) -> None:
        self.place = place
        #: The bucket without the prefix, made only where one is to be made.
        self._root = root
        #: Hosts that are asked for credentials only.
        self._asides = asides
        #: Asks once.
        self._quick = quick
        #: For uploads in parts: each part is tried again.
        self._patient = patient

    def head(self, key: str) -> Seen | None:
        """What is known of `key`, None where there is none."""
        try:
            with self._faults():
                return self._seen(obstore.head(self._quick, key))
        except Fault as fault:
            if fault.kind == "missing":
                return None
            raise

    def get(self, key: str, most: int) -> Body | Seen:
        """All bytes of `key`, or what is known of it if they are more than `most`; faults: missing."""
        with self._faults():
            found = obstore.get(self._quick, key)
            seen = self._seen(found.meta)
            return Body(seen, bytes(found.bytes())) if seen.size <= most else seen

    def part(self, seen: Seen, start: int, end: int) -> bytes:
        """The bytes of `seen` from `start` to `end`, which is not included; faults: missing, changed."""
        options: obstore.GetOptions = {"range": (start, end), "if_match": self._etag(seen.tag)}
        with self._faults():
            found = obstore.get(self._quick, seen.key, options=options)
            now = self._seen(found.meta)
            # Not every server looks at the condition of a read.
            if (now.tag, now.size) != (seen.tag, seen.size):
                raise Fault("changed", "another version came back")
            return bytes(found.bytes())

    def put(self, key: str, data: bytes, media: str, expected: str | None) -> str:
        """Put `data` where nothing is, or what has the tag `expected`; the new tag. Faults: exists, changed."""
        with self._faults():
            mode: Any = "create" if expected is None else self._version(key, expected)
            made = obstore.put(self._quick, key, data, attributes={"Content-Type": media}, mode=mode)
        return self._tag(key, made["e_tag"])

    def upload(self, key: str, parts: Iterator[bytes], media: str) -> str:
        """Put all `parts` under `key`, whatever is there, once the last one came; an exception of theirs ends it."""
        with self._faults():
            made = obstore.put(
                self._patient,
                key,
                parts,
                attributes={"Content-Type": media},
                use_multipart=True,
                chunk_size=PART,
                max_concurrency=_ABREAST,
            )
        return self._tag(key, made["e_tag"])

    def copy(self, source: str, target: str) -> None:
        """Copy on the server, over whatever is there; faults: missing."""
        with self._faults():
            obstore.copy(self._quick, source, target)

    def delete(self, key: str) -> None:
        """Take `key` away; a missing one is fine."""
        try:
            with self._faults():
                obstore.delete(self._quick, key)
        except Fault as fault:
            if fault.kind != "missing":
                raise

    def list(self, folder: str) -> list[Seen]:
        """All objects below `folder` ("" is everything), sorted by key."""
        with self._faults():
            found = obstore.list(self._quick, folder or None, chunk_size=1000).collect()
            return sorted((self._seen(each) for each in found), key=lambda seen: seen.key)

    def bucket_url(self) -> tuple[str, str]:
        """Where to put a bucket, signed for five minutes, and the region that was configured."""
        root = self._root()
        with self._faults():
            url = obstore.sign(root, "PUT", "", timedelta(minutes=5))
        return url, root.config.get("region") or "us-east-1"

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise fault_of(type(error).__name__, str(error), self._asides) from None

    def _seen(self, found: "obstore.ObjectMeta") -> Seen:
        # Of one object, lists tell milliseconds where its headers tell seconds (GCS).
        changed = found["last_modified"].replace(microsecond=0)
        return Seen(found["path"], found["size"], self._tag(found["path"], found["e_tag"]), changed)

    def _tag(self, key: str, etag: str | None) -> str:
        """S3's ETag is made of the content. Elsewhere it may name a write, and be the same for two keys.

        Azure's lists tell it without the quotes that it has in headers.
        """
        return etag or "" if self.place.scheme == "s3" else f"{(etag or '').strip(_QUOTE)} {key}"

    def _etag(self, tag: str) -> str:
        """What `_tag` was made of, as a header tells it."""
        return tag if self.place.scheme == "s3" else f"{_QUOTE}{tag.partition(' ')[0]}{_QUOTE}"

    def _version(self, key: str, tag: str) -> dict[str, str]:
        """What a put on condition of `tag` is to say. GCS takes generations there, which its lists do not tell."""
        if self.place.scheme != "gs":
            return {"e_tag": self._etag(tag)}
        found = obstore.head(self._quick, key)
        same = self._tag(key, found["e_tag"]) == tag
        return {"e_tag": self._etag(tag), "version": (same and found["version"]) or _NEVER}


def profile_keys(name: str) -> Any:
    """What gives the credentials of a profile of the AWS tools whenever they are needed: by SSO, a role, a process."""
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return Boto3CredentialProvider(boto3.Session(profile_name=name))
    except Exception as error:
        raise FixThis(
            f"the profile {name} gives no credentials ({type(error).__name__}: {error})",
            where="AWS_PROFILE",
            todo="log in (`aws sso login`), or choose another profile",
        ) from error


def objects(place: Location, config: Mapping[str, Any], provider: Any = None) -> Objects:
    """The requests of the lake at `place`.

    Args:
        place: Bucket and prefix.
        config: As obstore names the settings of the kind of store.
        provider: Gives credentials whenever they are needed, where `config` has none.
    """
    options = {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=_CONNECT),
        "read_timeout": timedelta(seconds=_SILENCE),
        "timeout": timedelta(seconds=_WHOLE),
        "user_agent": "levada",
    }
    kinds: dict[str, Any] = {"s3": stores.S3Store, "gs": stores.GCSStore, "az": stores.AzureStore}
    given: dict[str, Any] = {"config": dict(config), "client_options": options}
    if provider is not None:
        given["credential_provider"] = provider
    waits = {"max_retries": _PART_TRIES, "retry_timeout": timedelta(seconds=_PART_PATIENCE)}
    try:
        quick = kinds[place.scheme](place.bucket, prefix=place.prefix or None, **given, retry_config={"max_retries": 0})
        patient = kinds[place.scheme](place.bucket, prefix=place.prefix or None, **given, retry_config=waits)
    except (BaseError, ValueError) as error:
        raise fault_of(type(error).__name__, str(error)) from None
    asides = {urlsplit(config[name]).netloc for name in _ASIDES if name in config}
    return Objects(quick, patient, place, lambda: kinds[place.scheme](place.bucket, **given), asides)
