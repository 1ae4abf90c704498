"""The lease of a partition: one run at a time, and what that run saw when its turn came."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import msgspec

from levada.edges import Edges, holder
from levada.errors import LeaseHeld
from levada.lake.area import Area
from levada.lake.record import Record, from_json
from levada.lake.store import Held, Missing
from levada.nouns import Holder

__all__ = ["Lease", "hold", "holder_from", "read_record", "record_of", "reread", "stands", "take_turn"]

#: Seconds between two tries of a run that waits for its turn.
_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a partition, and the record that stood when it was given: a commit replaces only that."""

    area: Area
    holder: Holder
    record: Record | None
    #: Tag of the record; None where there is none.
    tag: str | None


@contextmanager
def hold(area: Area, edges: Edges, wait: float = 0.0) -> Iterator[Lease]:
    """The lease of `area` while inside, waiting up to `wait` seconds for another run to end.

    Raises:
        LeaseHeld: another run holds it; the text says which host and process, and since when.
        FixThis: the commit record is damaged or newer than this Levada.
    """
    with _alone(area, area.lock, edges, wait) as me:
        record, tag = read_record(area)
        yield Lease(area, me, record, tag)


@contextmanager
def take_turn(area: Area, edges: Edges, wait: float = 0.0) -> Iterator[None]:
    """Be the only run that moves the cursor of `area`'s stream while inside; raises LeaseHeld as `hold` does."""
    with _alone(area, area.turn, edges, wait):
        yield


@contextmanager
def _alone(area: Area, key: str, edges: Edges, wait: float) -> Iterator[Holder]:
    me = holder(edges)
    deadline = edges.clock.monotonic() + wait
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(area.store.lock(key, msgspec.json.encode(me)))
                break
            except Held as error:
                left = deadline - edges.clock.monotonic()
                if left <= 0:
                    raise _lease_held(area, key, error.holder) from None
                edges.clock.pause(min(_POLL, left))
        yield me


def reread(lease: Lease) -> Lease:
    """The same lease with the record as it is now: after one's own commit, to go on and make another."""
    record, tag = read_record(lease.area)
    return dataclasses.replace(lease, record=record, tag=tag)


def read_record(area: Area) -> tuple[Record | None, str | None]:
    """The commit record and its tag, both None where nothing is committed; raises FixThis for a damaged one."""
    entry = area.store.head(area.commit)
    record = record_of(area) if entry else None
    return (record, entry.tag) if record and entry else (None, None)


def record_of(area: Area) -> Record | None:
    """The commit record alone, with one request; raises FixThis for a damaged one."""
    try:
        return from_json(area.store.read(area.commit), area.named(area.commit))
    except Missing:
        return None


def stands(area: Area, record: Record) -> bool:
    """Whether a commit is still the partition's: another run may have taken over."""
    now = record_of(area)
    return now is not None and now.run == record.run


def holder_from(text: bytes) -> Holder | None:
    """Who wrote `text` into a lock, None where that cannot be told."""
    try:
        return msgspec.json.decode(text, type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _lease_held(area: Area, key: str, text: bytes) -> LeaseHeld:
    by = holder_from(text)
    who = f"process {by.process} on {by.host}, since {by.since:%Y-%m-%d %H:%M:%S} UTC" if by else "another process"
    what = str(area) if key == area.lock else f"{area.pipeline}/{area.stream}"
    return LeaseHeld(
        f"another run holds {what}: {who}",
        where=area.named(key),
        todo="let it end, then run again; or wait for it with --wait 5m",
    )
