"""Sends what waits over one channel, the oldest first, and says what became of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from levada.edges import Edges, holder
from levada.errors import LevadaError
from levada.lake.store import Store
from levada.notify.notice import Kind, Notice, failed, is_over
from levada.notify.outbox import MOST, Damaged, Taken, kind_of, name_of, taken
from levada.notify.sent import Sent

__all__ = ["BUDGET", "Channel", "Fate", "Posted", "State", "discarded", "post"]

#: Seconds after which no further notice is begun: a round, and who waits for it, is not held up by a slow server.
BUDGET = 120.0
#: What became of a notice: it is sent; it waits for another try; it is tried no more; it cannot be read.
State = Literal["sent", "waits", "given up", "damaged"]


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell people."""

    kind: Kind
    #: Sends a notice; raises nothing.
    send: Callable[[Notice], Sent]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a notice."""

    kind: str
    state: State
    #: Its name, where the notice itself cannot be read.
    notice: Notice | str
    error: LevadaError | None = None
    #: Recipients who were refused for good, and why.
    notes: tuple[str, ...] = ()
    #: Whether the next one may fare better.
    alone: bool = True

    @property
    def title(self) -> str:
        """What it is, for a person."""
        said = self.notice if isinstance(self.notice, str) else self.notice.subject
        return f'The {self.kind} "{said}"'


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of the notices of one channel."""

    fates: tuple[Fate, ...]
    #: How many it did not come to.
    left: int = 0


def post(store: Store, channel: Channel, keys: Sequence[str], edges: Edges) -> Posted:
    """Send these notices, until the channel fails as a whole or too much time has passed.

    Args:
        store: The lake's.
        channel: Over which they go.
        keys: Of the notices, the oldest first; of more than a hundred the first are given up.
        edges: The clock.

    Raises:
        LevadaError: the lake does not let its files be read or changed.
    """
    found, until = discarded(store, keys[:-MOST], edges), edges.clock.monotonic() + BUDGET
    for number, key in enumerate(keys[-MOST:], 1):
        fate = _with(store, key, edges, lambda held: _tried(channel, held, edges.clock.now()))
        found += [fate] if fate else []
        if (fate and not fate.alone) or edges.clock.monotonic() > until:
            return Posted(tuple(found), len(keys[-MOST:]) - number)
    return Posted(tuple(found))


def discarded(store: Store, keys: Sequence[str], edges: Edges) -> list[Fate]:
    """Give these notices up without another try."""
    return [fate for key in keys if (fate := _with(store, key, edges, _given_up))]


def _with(store: Store, key: str, edges: Edges, act: Callable[[Taken], Fate]) -> Fate | None:
    """What `act` makes of a notice; None where it is gone, or another process has it."""
    me = holder(edges)
    try:
        with taken(store, key, f"{me.host} {me.process}".encode()) as held:
            return act(held) if held else None
    except Damaged as error:
        return Fate(kind_of(key), "damaged", name_of(key), error)


def _given_up(held: Taken) -> Fate:
    held.remove()
    return Fate(held.notice.kind, "given up", held.notice)


def _tried(channel: Channel, held: Taken, now: datetime) -> Fate:
    notice = held.notice
    if is_over(notice, now):
        return _given_up(held)
    sent = channel.send(notice)
    if sent.error is None:
        held.remove()
        return Fate(channel.kind, "sent", notice, notes=sent.notes)
    after = failed(notice, sent.error, sent.settled, now)
    fate = Fate(channel.kind, "waits", after, sent.error, sent.notes, sent.alone)
    if is_over(after, now):
        held.remove()
        return replace(fate, state="given up")
    held.keep(after)
    return fate
