"""Leases on an object store: an object that says who holds a lock until when, renewed while its holder lives.

Whoever finds the object not renewed for its time takes it over, by a conditional put: of several, one does. A holder
that could not renew in time (a stopped machine, a cut network) knows by its own clock that it lost the lease, and
changes nothing any more; were it to come too late even for that, its commit fails because the record has another tag
(`fence.py`).
"""

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from levada.lake.fault import Fault
from levada.lake.objects import Body, Objects
from levada.lake.store import Held, Lost

__all__ = ["LEASE", "Lease", "Leases", "Note"]

_log = logging.getLogger(__name__)
#: Seconds for which a lease is good without renewal.
LEASE = 60.0
#: A lease is renewed so many times in its time.
_RENEWALS = 3
#: Stores tell times in whole seconds: seconds after its time that a lease is not taken over yet.
_GRACE = 2.0
_MEDIA = "application/json"
_LARGEST = 64 * 1024
#: Seconds after each try to give a lease back: a run that comes next would wait for all of its time.
_GIVING_BACK = (0.1, 0.5, 1.0, 0.0)
#: Seconds for which giving back is waited for.
_PARTING = 15.0
#: Tries to take a lease that others take and leave meanwhile.
_TURNS = 5
#: Linux has a clock that goes on while the machine sleeps, as the store's does; `time.monotonic` stands still then.
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def _now() -> float:
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of a lock: no two are alike, so that no two have the same tag."""

    nonce: str
    turn: int
    seconds: float
    #: What the holder wrote of itself; None in a lock that nobody holds.
    holder: str | None = None


class Lease:
    """A lease that this process holds."""

    def __init__(self, key: str, note: Note, tag: str, until: float) -> None:
        self.key = key
        self.note = note
        self.tag = tag
        #: By this process's own clock, from before the request that renewed it last.
        self.until = until
        #: Whether a renewal got no answer: then the store may have it, counted from when it came.
        self.in_doubt = False
        self.lost = False
        self.over = threading.Event()


@dataclass(frozen=True, slots=True)
class _Look:
    """A lock as it was found."""

    note: Note
    tag: str
    free: bool


class Leases:
    """The leases of one lake.

    Args:
        objects: The requests.
        seconds: For how long a lease is good.
    """

    def __init__(self, objects: Objects, seconds: float = LEASE) -> None:
        self._objects = objects
        self._seconds = seconds
        self._held: list[Lease] = []
        #: Changes under way that no condition holds off, as other runs' would, if they come late.
        self._changes = 0
        self._changed = threading.Condition()
        #: How far the store's clock is ahead of this machine's.
        self.ahead = timedelta()

    def holder(self, key: str) -> bytes | None:
        """What the present holder of `key` wrote, None if nobody holds it; raises Fault."""
        seen = self._look(key)
        return None if seen is None or seen.free else (seen.note.holder or "").encode()

    def note(self, holder: bytes) -> Note:
        """What is to be written into a lock; the same for all tries to take it once."""
        return Note(secrets.token_hex(8), 0, self._seconds, holder.decode(errors="replace"))

    def take(self, key: str, note: Note) -> Lease:
        """Take the lock `key`; raises Held, and Fault."""
        for _ in range(_TURNS):
            began, seen = _now(), self._look(key)
            mine = seen is not None and seen.note.nonce == note.nonce  # an earlier try, whose answer was lost
            if seen is not None and not (seen.free or mine):
                raise Held((seen.note.holder or "").encode())
            turn = seen.note.turn + 1 if seen is not None and mine else note.turn
            taken = msgspec.structs.replace(note, turn=turn)
            if tag := self._put(key, taken, seen.tag if seen else None):
                return Lease(key, taken, tag, began + self._seconds)
        raise Held(b"")

    @contextmanager
    def keep(self, lease: Lease) -> Iterator[None]:
        """Renew the lease while inside, then give it back."""
        self._held.append(lease)
        thread = threading.Thread(target=self._live, args=(lease,), name="levada-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            lease.over.set()
            self._held.remove(lease)
            # Given back there and not here, where a signal that comes again would cut it short.
            thread.join(_PARTING)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """No lease is given back while inside: what is done there must not come once another run has the lease."""
        with self._changed:
            self._changes += 1
        try:
            yield
        finally:
            with self._changed:
                self._changes -= 1
                self._changed.notify_all()

    def check(self) -> None:
        """Raise Lost if a lease of this lake was lost: what it protected may be another run's by now."""
        for lease in self._held:
            if lease.lost or _now() >= lease.until:
                raise Lost(
                    "the lease was lost: it could not be renewed in time, and another run may have taken over",
                    where=f"{self._objects.place}/{lease.key}",
                    todo="run again; what had arrived is kept",
                )

    def _look(self, key: str) -> _Look | None:
        """What lies under `key`; None where nothing does."""
        try:
            found = self._objects.get(key, _LARGEST)
        except Fault as fault:
            if fault.kind == "missing":
                return None
            raise
        try:
            note = msgspec.json.decode(found.data if isinstance(found, Body) else b"", type=Note)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Somebody else's file: as good as a lock by an unknown holder that is never renewed.
            note = Note("", 0, self._seconds, "")
        seen = found.seen if isinstance(found, Body) else found
        age = (datetime.now(UTC) + self.ahead - seen.changed).total_seconds()
        return _Look(note, seen.tag, free=note.holder is None or age > note.seconds + _GRACE)

    def _put(self, key: str, note: Note, expected: str | None) -> str | None:
        """The new tag; None if the lock changed meanwhile, unless it was an earlier try of this very put."""
        data = msgspec.json.encode(note)
        try:
            return self._objects.put(key, data, _MEDIA, expected)
        except Fault as fault:
            if fault.kind not in {"exists", "changed", "missing"}:
                raise
        try:
            found = self._objects.get(key, _LARGEST)
        except Fault as fault:
            if fault.kind == "missing":
                return None
            raise  # whose the lock is now is not known, and the same put may be tried again
        return found.seen.tag if isinstance(found, Body) and found.data == data else None

    def _live(self, lease: Lease) -> None:
        """Renew the lease until it is over, then give it back; where a change hangs it is left to expire."""
        self._renew(lease)
        with self._changed:
            quiet = self._changed.wait_for(lambda: not self._changes, _PARTING)
        if quiet:
            self._give_back(lease)

    def _renew(self, lease: Lease) -> None:
        """Renew until told that it is over, or lost."""
        pause = lease.note.seconds / _RENEWALS
        while not lease.over.wait(pause):
            pause = self._renewed(lease)
            if lease.lost:
                return

    def _renewed(self, lease: Lease) -> float:
        """Renew once; seconds until the next time."""
        began = _now()
        try:
            self._learn(lease)
            note = msgspec.structs.replace(lease.note, turn=lease.note.turn + 1)
            tag = self._put(lease.key, note, lease.tag)
        except Fault as fault:
            _log.warning("%s/%s: the lease could not be renewed (%s)", self._objects.place, lease.key, fault.text)
            lease.in_doubt, lease.lost = True, _now() >= lease.until
            return min(1.0, lease.note.seconds / _RENEWALS / 2)
        if tag is None:
            lease.lost = True
        else:
            lease.note, lease.tag, lease.until = note, tag, began + note.seconds
        return lease.note.seconds / _RENEWALS

    def _learn(self, lease: Lease) -> None:
        """Take up a renewal whose answer was lost: the next one is another put, and counts from its own time."""
        if not lease.in_doubt:
            return
        seen = self._look(lease.key)
        if seen is not None and seen.note.nonce == lease.note.nonce:
            lease.note, lease.tag = seen.note, seen.tag
        lease.in_doubt = False

    def _give_back(self, lease: Lease) -> None:
        """Leave word that the lock is free; where that fails it is free once its time is over."""
        for pause in () if lease.lost else _GIVING_BACK:
            try:
                self._learn(lease)
                free = Note(lease.note.nonce, lease.note.turn + 1, lease.note.seconds)
                self._put(lease.key, free, lease.tag)
            except Fault as fault:
                if fault.passes:
                    time.sleep(pause)
                    continue
            return
