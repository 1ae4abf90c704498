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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from levada.lake.apart import is_left
from levada.lake.fault import Fault
from levada.lake.objects import Body, Objects
from levada.lake.probing import probe
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
#: Seconds, by any clock, for which it is believed what time the store has. A clock is set, or stands still while a
#: function is frozen, at any moment, and the clocks of two machines part by up to a second in some hours.
_TOLD = 60.0
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
        #: Changes under way that no condition holds off, as other runs' would, if they come late.
        self.changes = 0
        #: Whether one of them got no answer: then it is under way for nobody knows how long.
        self.unanswered = False


@dataclass(frozen=True, slots=True)
class _Look:
    """A lock as it was found."""

    note: Note
    tag: str
    #: When it was written, by the store's clock.
    changed: datetime


@dataclass(frozen=True, slots=True)
class _Told:
    """What time the store said it was, and what the clocks of this machine showed then."""

    time: datetime
    now: float
    wall: datetime

    def is_recent(self) -> bool:
        """Whether little time went by, whichever clock is asked."""
        own, wall = _now() - self.now, (datetime.now(UTC) - self.wall).total_seconds()
        return own <= _TOLD and abs(wall) <= _TOLD


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
        self._changed = threading.Condition()
        self._told: _Told | None = None

    @property
    def proven(self) -> bool:
        """Whether the store showed that it honours conditions."""
        return self._told is not None

    def prove(self) -> None:
        """Let the store show that it honours conditions, and say what time it is; raises FixThis, and Fault."""
        self._told = _Told(probe(self._objects), _now(), datetime.now(UTC))

    def holder(self, key: str) -> bytes | None:
        """What the present holder of `key` wrote, None if nobody holds it; raises Fault."""
        seen = self._look(key)
        return None if seen is None or self._is_free(seen) else (seen.note.holder or "").encode()

    def note(self, holder: bytes) -> Note:
        """What is to be written into a lock; the same for all tries to take it once."""
        return Note(secrets.token_hex(8), 0, self._seconds, holder.decode(errors="replace"))

    def take(self, key: str, note: Note) -> Lease:
        """Take the lock `key`; raises Held, and Fault."""
        for _ in range(_TURNS):
            began, seen = _now(), self._look(key)
            mine = seen is not None and seen.note.nonce == note.nonce  # an earlier try, whose answer was lost
            if seen is not None and not mine:
                self._refuse_held(seen)
            turn = seen.note.turn + 1 if seen is not None and mine else note.turn
            taken = msgspec.structs.replace(note, turn=turn)
            if tag := self._put(key, taken, seen.tag if seen else None):
                return Lease(key, taken, tag, began + self._seconds)
        raise Held(b"")

    @contextmanager
    def keep(self, key: str, note: Note, ask: Callable[[Callable[[], None]], None]) -> Iterator[None]:
        """Take the lock `key` by way of `ask`, renew it while inside, then give it back; raises Held, and `ask`'s own.

        Whoever takes it also lets it live, and be given back: a signal may have ended the wait for it meanwhile.
        """
        over, living = threading.Event(), list[threading.Thread]()

        def take() -> None:
            lease = self.take(key, note)
            lease.over = over
            self._held.append(lease)
            target = copy_context().run
            thread = threading.Thread(target=target, args=(self._live, lease), name="levada-lease", daemon=True)
            thread.start()
            living.append(thread)

        try:
            ask(take)
            yield
        finally:
            over.set()
            self._forget(over)
            # Given back there and not here, where a signal that comes again would cut it short.
            for thread in living:
                thread.join(_PARTING)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """No lease is given back while inside: what is done there must not come once another run has the lease.

        A lease is not given back at all if the block raises a Fault that leaves open whether the store does it yet.

        Raises:
            Lost: nobody waits for it any more, and what was held may be given back.
        """
        leases = tuple(self._held)
        self._count(leases, 1)
        try:
            self._refuse_left()
            yield
        except Fault as fault:
            for lease in leases:
                lease.unanswered |= fault.in_doubt
            raise
        finally:
            self._count(leases, -1)

    def check(self) -> None:
        """Raise Lost if what the leases of this lake protect may be another run's by now, or nobody waits for it."""
        self._refuse_left()
        for lease in tuple(self._held):
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
        return _Look(note, seen.tag, seen.changed)

    def _is_free(self, seen: _Look) -> bool:
        """Whether nobody holds it; who only looks at a lake takes this machine's time for the store's."""
        told = self._told
        time = told.time + timedelta(seconds=_now() - told.now) if told else datetime.now(UTC)
        return seen.note.holder is None or (time - seen.changed).total_seconds() > seen.note.seconds + _GRACE

    def _refuse_held(self, seen: _Look) -> None:
        """Raise Held if somebody holds it, by the store's own time."""
        if seen.note.holder is not None and not (self._told and self._told.is_recent()):
            self.prove()
        if not self._is_free(seen):
            raise Held((seen.note.holder or "").encode())

    def _forget(self, over: threading.Event) -> None:
        for lease in tuple(self._held):
            if lease.over is over:
                with suppress(ValueError):  # another thread was quicker
                    self._held.remove(lease)

    def _refuse_left(self) -> None:
        if is_left():
            raise Lost(
                "nobody waits for this change any more, and its lease may be another run's by now",
                where=str(self._objects.place),
                todo="run again; what had arrived is kept",
            )

    def _count(self, leases: Iterable[Lease], more: int) -> None:
        with self._changed:
            for lease in leases:
                lease.changes += more
            self._changed.notify_all()

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
        """Renew the lease until it is over, then give it back; where a change may come yet it is left to expire."""
        self._renew(lease)
        if lease.over.is_set():
            self._forget(lease.over)  # it may have been taken only after that
        with self._changed:
            quiet = self._changed.wait_for(lambda: not lease.changes, _PARTING)
        if quiet and not lease.unanswered:
            self._give_back(lease)
        elif not lease.lost:
            _log.warning(
                "%s/%s: the lease is left to run out, in %.0f s at most: a copy or a deletion that was not answered "
                "may come yet",
                self._objects.place,
                lease.key,
                lease.note.seconds + _GRACE,
            )

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
