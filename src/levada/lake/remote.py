"""The store on S3, GCS or Azure: objects below a prefix of a bucket.

A new key is a put on condition that there is none; the commit record is replaced on condition of its tag; a file is
shown by a copy on the server; a lock is a lease (`leases.py`). A put is whole or not there, and durable when the store
says so: there is nothing to sync. Before the first lock the store shows that it honours conditions (`probing.py`).
"""

import hashlib
import io
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import BinaryIO, TypeVar

from levada.errors import FixThis, TryLater
from levada.lake.apart import apart
from levada.lake.bucket import make_bucket
from levada.lake.fault import Fault, explained
from levada.lake.leases import LEASE, Leases
from levada.lake.listing import TEMPORARY
from levada.lake.media import media_of
from levada.lake.objects import PART, Body, Objects, Seen
from levada.lake.patience import Patience
from levada.lake.refusal import no_whole_folders, refuse_subfolder
from levada.lake.store import (
    Conflict,
    Entry,
    Exists,
    Missing,
    Writer,
    Written,
    checked_folder,
    checked_key,
)
from levada.lake.streams import Ranged, Upload

__all__ = ["RemoteStore"]

_Result = TypeVar("_Result")
#: Names that the library or a server would change: what comes back would be another key.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\]")
_EVERYTHING = 1 << 62


class RemoteStore:
    """Bytes by key below a prefix of a bucket.

    Args:
        objects: The requests.
        lease: Seconds for which a lease is good; another run takes over so long after its holder died.
        patience: How to wait for a store that is busy, and whom to tell.
        unable: Why nothing can be asked of it, if that is known already.
    """

    def __init__(
        self,
        objects: Objects,
        lease: float = LEASE,
        patience: Patience | None = None,
        unable: FixThis | None = None,
    ) -> None:
        self._objects = objects
        self._unable = unable
        self._patience = patience or Patience()
        self._leases = Leases(objects, lease)

    #: A request takes 20 to 100 ms on S3: a partition of 450 files is shown in 3 s instead of 45.
    abreast = 16

    def describe(self) -> str:
        """The URL of the lake."""
        return str(self._objects.place)

    # -- reading

    def read(self, key: str) -> bytes:
        """All bytes of `key`; raises Missing."""
        found = self._got(key, _EVERYTHING)
        return found.data if isinstance(found, Body) else b""

    def open(self, key: str) -> BinaryIO:
        """A stream of the bytes of `key`, read range by range where they are many; raises Missing."""
        found = self._got(key, PART)
        if isinstance(found, Body):
            return io.BytesIO(found.data)
        return io.BufferedReader(Ranged(found.size, lambda start, end: self._part(found, start, end)), PART)

    def head(self, key: str) -> Entry | None:
        """The entry of `key`, None where there is none."""
        seen = self._ask(key, "to look at it", lambda _: self._objects.head(_named(key)))
        return _entry(seen) if seen else None

    def list(self, prefix: str) -> Iterator[Entry]:
        """Entries of all keys below the folder `prefix`, sorted by key; probes that died are left out."""
        folder = _named(prefix) if prefix else ""
        found = self._ask(prefix, "to list it", lambda _: self._objects.list(folder))
        return (_entry(seen) for seen in found if not _temporary(seen.key))

    # -- writing

    @contextmanager
    def writer(self, key: str, media: str = "") -> Iterator[Writer]:
        """Create `key` from a stream: whole under its name after a clean exit, not there at all otherwise.

        What is larger than a part (5 MB) leaves while it comes. No store makes such an upload on a condition by this
        library: whether the key is free is looked at before the first part and before the last.
        """
        name, kind = _named(key), media_of(key, media)
        upload = Upload(lambda pieces: self._uploaded(name, pieces, kind), PART)
        try:
            yield upload
            if upload.in_parts:
                self._refuse_taken(name)  # not from within the pieces: the library runs them where it cannot ask
                self._leases.check()
                self._end(key, upload)
            else:
                self._put(key, upload.kept(), kind, None)
        except Fault as fault:
            raise explained(fault, f"{self.describe()}/{key}", "to put it") from fault
        finally:
            upload.abandon()

    def create(self, key: str, data: bytes, media: str = "") -> Written:
        """Create `key` at once; raises Exists."""
        self._put(key, data, media_of(key, media), None)
        return Written(len(data), hashlib.sha256(data).hexdigest())

    def replace(self, key: str, data: bytes, expected: str | None) -> str:
        """Put `data` under `key` if its tag is still `expected` (None: if there is no such key); the new tag."""
        try:
            return self._put(key, data, media_of(key), expected)
        except (Exists, Missing):
            raise Conflict(key) from None

    def copy(self, source: str, target: str) -> None:
        """Show `source` under `target` too, whatever was there, in one step; raises Missing."""
        origin, aim = _named(source), _named(target)
        self._ask(source, "to copy it", lambda _: self._change(lambda: self._objects.copy(origin, aim)), changing=True)

    def delete(self, key: str) -> None:
        """Take `key` away; a missing key is fine."""
        name = _named(key)
        self._ask(key, "to delete it", lambda _: self._change(lambda: self._objects.delete(name)), changing=True)

    # -- folders

    def entries(self, folder: str) -> tuple[Entry, ...]:
        """What lies in `folder` itself, sorted by key; raises FixThis where a folder lies in it."""
        found = tuple(self.list(checked_key(folder)))
        for seen in found:
            name, below, _ = seen.key[len(folder) + 1 :].partition("/")
            if below:
                refuse_subfolder(stat.S_IFDIR, name, f"{self.describe()}/{folder}")
        return found

    def replaceable(self, folder: str) -> None:
        """Refuse: no object store replaces several objects in one step.

        Raises:
            FixThis: always.
        """
        raise no_whole_folders(f"{self.describe()}/{checked_folder(folder)}")

    def replace_folder(self, folder: str, files: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's
        """Refuse, as `replaceable` does."""
        self.replaceable(folder)
        return False

    def sync(self, keys: Iterable[str]) -> None:
        """A put is safe once it was answered."""
        for key in keys:
            checked_key(key)

    # -- locks

    @contextmanager
    def lock(self, key: str, holder: bytes) -> Iterator[None]:
        """Hold `key` alone while inside, by a lease that a thread renews; raises Held."""
        name, note = _named(key), self._leases.note(holder)
        if not self._leases.proven:
            self._ask("", "to write on conditions", lambda _: self._leases.prove())
        with self._leases.keep(name, note, lambda take: self._ask(key, "to lock it", lambda _: take())):
            yield

    def holding(self) -> None:
        """Do nothing while the leases of this process are good and this call is waited for; raises Lost."""
        self._leases.check()

    def held(self, key: str) -> bytes | None:
        """What the present holder of the lock `key` wrote, None if nobody holds it."""
        return self._ask(key, "to look at it", lambda _: self._leases.holder(_named(key)))

    def tidy(self, before: datetime) -> None:
        """Clear away probes of processes that died before `before`."""
        for seen in self._ask(TEMPORARY, "to list it", lambda _: self._objects.list(TEMPORARY)):
            if _temporary(seen.key) and seen.changed < before:
                self.delete(seen.key)

    def make_bucket(self) -> bool:
        """Make the bucket if there is none; whether it was made now.

        Raises:
            FixThis: it is somebody else's, this identity may not, or the store is none of S3's kind.
        """
        place = self._objects.place
        if place.scheme != "s3":
            todo = "make it with the tools of its provider (gcloud storage, az storage)"
            raise FixThis("Levada makes buckets on S3 only", where=str(place), todo=todo)
        try:
            self._ask("", "to list it", lambda _: self._objects.list(TEMPORARY))
        except FixThis as error:
            if not (isinstance(error.__cause__, Fault) and error.__cause__.kind == "no_bucket"):
                raise
        else:
            return False
        url, region = self._ask("", "to make a bucket", lambda _: self._objects.bucket_url())
        return make_bucket(url, region, place.bucket)

    # -- asking

    def _got(self, key: str, most: int) -> Body | Seen:
        found = self._ask(key, "to get it", lambda _: self._objects.get(_named(key), most))
        if isinstance(found, Body) and len(found.data) != found.seen.size:
            raise TryLater(
                f"{len(found.data)} of {found.seen.size} bytes came back",
                where=f"{self.describe()}/{key}",
                todo="run again",
            )
        return found

    def _part(self, seen: Seen, start: int, end: int) -> bytes:
        data = self._ask(seen.key, "to get it", lambda _: self._objects.part(seen, start, end))
        if len(data) != end - start:
            raise TryLater(
                f"{len(data)} of {end - start} bytes came back", where=f"{self.describe()}/{seen.key}", todo="run again"
            )
        return data

    def _put(self, key: str, data: bytes, media: str, expected: str | None) -> str:
        """Put on condition; the new tag. What an earlier try wrote although its answer was lost is no conflict."""
        name = _named(key)
        self._leases.check()

        def act(number: int) -> str:
            try:
                return self._objects.put(name, data, media, expected)
            except Fault as fault:
                if number and fault.kind in {"exists", "changed"} and (tag := self._written(name, data)):
                    return tag
                raise

        return self._ask(key, "to put it", act, changing=True)

    def _written(self, name: str, data: bytes) -> str | None:
        found = self._objects.get(name, len(data))
        return found.seen.tag if isinstance(found, Body) and found.data == data else None

    def _uploaded(self, name: str, pieces: Iterator[bytes], media: str) -> None:
        """Send the pieces in parts, beginning anew while none of them was taken."""
        self._refuse_taken(name)
        taken: list[int] = []
        ended: Fault | None = None
        for each in self._patience.tries(f"{self.describe()}/{name}"):
            with each:
                self._check_again(each.number)
                try:
                    self._objects.upload(name, _counted(pieces, taken), media)
                except Fault as fault:
                    if not taken:
                        raise
                    ended = fault
        if ended is not None:
            raise ended

    def _refuse_taken(self, name: str) -> None:
        if self.head(name) is not None:
            raise Exists(name)

    def _end(self, key: str, upload: Upload) -> None:
        """Wait for the last part. Where the last answer was lost, the size of what lies there tells how it was."""
        fault = None
        try:
            upload.finish()
        except Fault as error:
            fault = error
        entry, written = self.head(key), upload.written()
        if entry is None or entry.size != written.size:
            if fault is not None:
                raise fault
            raise TryLater(
                f"the store has {entry.size if entry else 'none'} of {written.size} bytes",
                where=f"{self.describe()}/{key}",
                todo="run again",
            )

    def _change(self, act: Callable[[], None]) -> None:
        """Do what no condition holds off if it comes late."""
        with self._leases.changing():
            act()

    def _check_again(self, number: int) -> None:
        """Raise Lost before a further try of a change if a lease was lost since: tries may go on for minutes."""
        if number:
            self._leases.check()

    def _ask(self, key: str, doing: str, act: Callable[[int], _Result], *, changing: bool = False) -> _Result:
        """The result of `act`, which is told how often it was tried before; raises what the protocol says.

        What is `changing` ends with TryLater, and not with FixThis, once a try of it got no answer: it may be done yet.
        """
        where = f"{self.describe()}/{key}" if key else self.describe()
        if self._unable is not None:
            raise self._unable
        try:
            for each in self._patience.tries(where):
                with each:
                    if changing:
                        self._check_again(each.number)
                    return apart(partial(act, each.number))
        except Fault as fault:
            told = {"missing": Missing, "exists": Exists, "changed": Conflict}.get(fault.kind)
            if told:
                raise told(key) from None
            raise explained(fault, where, doing, in_doubt=changing and each.in_doubt) from fault
        raise AssertionError("a last try returns or raises")


def _counted(pieces: Iterator[bytes], sizes: list[int]) -> Iterator[bytes]:
    for piece in pieces:
        sizes.append(len(piece))
        yield piece


def _named(key: str) -> str:
    """`key` itself; raises FixThis for what is no key, or would be another one there."""
    if _UNPRINTABLE.search(checked_key(key)):
        raise FixThis(
            f"{key!r} is no name for a lake file on an object store",
            where="lake",
            todo="use names without control characters and backslashes; change the template that it comes from",
        )
    return key


def _temporary(key: str) -> bool:
    """Whether it is a probe's: a pipeline called `tmp` has folders there."""
    return key.startswith(f"{TEMPORARY}/") and "/" not in key[len(TEMPORARY) + 1 :]


def _entry(seen: Seen) -> Entry:
    return Entry(seen.key, seen.size, seen.tag, seen.changed)
