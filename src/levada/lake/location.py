"""Where a lake lies: a folder, or a prefix of a bucket, named by a URL. Pure."""

import re
from dataclasses import dataclass
from typing import Literal, cast

from levada.errors import FixThis
from levada.secret import remember_url

__all__ = ["MEMORY", "Location", "Scheme", "is_remote", "location"]

Scheme = Literal["s3", "gs", "az"]
#: A lake that lives as long as the process.
MEMORY = "memory:"
_URL = re.compile(r"(s3|gs|az)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}[a-z0-9]")
_STEPS = frozenset({"", ".", ".."})
#: Object stores name keys by up to 1,024 bytes; what Levada adds below a prefix needs most of them.
_LONGEST_PREFIX = 300
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Location:
    """A prefix of a bucket, "" for all of it; on Azure the bucket is called a container."""

    scheme: Scheme
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def is_remote(lake: str) -> bool:
    """Whether `lake` is a URL of an object store."""
    return _URL.match(lake) is not None


def location(lake: str) -> Location:
    """The place that the URL of a lake names; a slash at its end means nothing.

    Raises:
        FixThis: it is no such URL, names no bucket or no prefix that a store takes, or holds a user or parameters.
    """
    found = _URL.fullmatch(lake)
    _refuse_secrets(lake)
    if found is None:
        raise FixThis(f"{lake!r} is no URL of a lake", where="lake", todo="write s3://bucket/prefix, gs:// or az://")
    bucket, _, prefix = found[2].partition("/")
    prefix = prefix.removesuffix("/")
    if not _BUCKET.fullmatch(bucket):
        todo = "write s3://bucket/prefix with the bucket's name: a-z, 0-9, . and -"
        raise FixThis(f"{bucket!r} is no name of a bucket", where="lake", todo=todo)
    if prefix and (
        not _STEPS.isdisjoint(prefix.split("/")) or _UNPRINTABLE.search(prefix) or len(prefix) > _LONGEST_PREFIX
    ):
        todo = "write a short prefix such as lakes/sales, without empty parts, `.`, `..`, and backslashes"
        raise FixThis(f"{prefix!r} is no prefix for a lake", where="lake", todo=todo)
    return Location(cast("Scheme", found[1]), bucket, prefix)


def _refuse_secrets(lake: str) -> None:
    """Refuse what may hold credentials, which would be told with the name of the lake; none of it is told."""
    remember_url(lake)
    todo = "write s3://bucket/prefix; docs/stores.md has the variables that say who asks"
    if "@" in lake.partition("://")[2].partition("/")[0]:
        raise FixThis("a user or password in the URL of a lake is a secret in the open", where="lake", todo=todo)
    if "?" in lake:
        raise FixThis("the URL of a lake takes no parameters", where="lake", todo=todo)
