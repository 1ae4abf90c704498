"""Sends what waits over one channel, the oldest first, and says what became of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from levada.edges import Edges, holder
from levada.errors import FixThis, LevadaError, TryLater
from levada.lake.store import Conflict, Held, Store
from levada.notify.notice import Kind, Notice, failed, is_over
from levada.notify.outbox import MOST, Damaged, Taken, kind_of, name_of, taken
from levada.notify.sent import WHOLE, Sent

__all__ = ["Channel", "Fate", "Posted", "State", "discarded", "post", "send"]

#: Seconds below which a notice is not begun: it could not come to its end.
_LEAST = 0.5
#: What became of a notice: it is sent; it waits for another try; it is tried no more; it cannot be read; another
#: process has it in hand.
State = Literal["sent", "waits", "given up", "damaged", "held"]


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell people."""

    kind: Kind
    #: Sends a notice, in so many seconds at most; raises nothing.
    send: Callable[[Notice, float], Sent]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a notice."""

    kind: str
    state: State
    #: Its name, where the notice itself cannot be read.
    notice: Notice | str
    error: LevadaError | None = None
    #: Recipients who were refused for good, and why; what else is to be told of it.
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


def post(store: Store, channel: Channel, keys: Sequence[str], edges: Edges, until: float) -> Posted:
    """Send these notices, until the channel fails as a whole or the time is up.

    Args:
        store: The lake's.
        channel: Over which they go.
        keys: Of the notices, the oldest first; of more than a hundred the first are given up.
        edges: The clock.
        until: When the time is up, by the clock's `monotonic`.

    Raises:
        LevadaError: the lake does not let its files be read or locked.
    """
    found, rest = discarded(store, keys[:-MOST], edges, f"More than {MOST} wait"), keys[-MOST:]
    for number, key in enumerate(rest):
        if until - edges.clock.monotonic() < _LEAST:
            return Posted(tuple(found), len(rest) - number)
        fate = _with(store, key, edges, partial(_tried, channel, edges, until))
        found += [fate] if fate else []
        if fate and not fate.alone:
            return Posted(tuple(found), len(rest) - number - 1)
    return Posted(tuple(found))


def send(channel: Channel, notice: Notice, edges: Edges, until: float) -> Sent:
    """Send a notice in what is left of the time."""
    seconds = min(WHOLE, until - edges.clock.monotonic())
    if seconds < _LEAST:
        return Sent(TryLater("There was no time left to send it.", where="notify"))
    return channel.send(notice, seconds)


def discarded(store: Store, keys: Sequence[str], edges: Edges, why: str) -> list[Fate]:
    """Give these notices up without another try."""
    return [fate for key in keys if (fate := _with(store, key, edges, partial(_given_up, why)))]


def _with(store: Store, key: str, edges: Edges, act: Callable[[Taken], Fate | None]) -> Fate | None:
    """What `act` makes of a notice; None where it is gone."""
    me = holder(edges)
    try:
        with taken(store, key, f"{me.host} {me.process}".encode()) as held:
            return act(held) if held else None
    except Damaged as error:
        return Fate(kind_of(key), "damaged", name_of(key), error)
    except Held:
        return Fate(kind_of(key), "held", name_of(key))


def _given_up(why: str, held: Taken) -> Fate | None:
    notice = held.notice
    notes = _removed(held)
    if notice.over:
        return None
    last = f", and the last try failed: {notice.error}" if notice.error else ""
    error = FixThis(f"{why}{last}.", where="notify")
    return Fate(notice.kind, "given up", notice, error, notes)


def _tried(channel: Channel, edges: Edges, until: float, held: Taken) -> Fate | None:
    notice, now = held.notice, edges.clock.now()
    if notice.over:
        _removed(held)
        return None
    sent = send(channel, notice, edges, until)
    if sent.error is None:
        return Fate(channel.kind, "sent", notice, notes=(*sent.notes, *_removed(held)))
    after = failed(notice, sent.error, sent.settled, now)
    # After the try and not before: the next round of a weekly pipeline comes when a week is over.
    over = is_over(after, now)
    notes = (*sent.notes, *(_removed(held) if over else _kept(held, after)))
    return Fate(channel.kind, "given up" if over else "waits", after, sent.error, notes, sent.alone)


def _removed(held: Taken) -> tuple[str, ...]:
    """Take a notice away that is done with, or at least see to it that it is not sent again; what is to be told."""
    try:
        held.remove()
    except LevadaError as error:
        if held.notice.over:
            return ()
        why = f"it could not be deleted from the outbox: {error.what}"
        done = not _kept(held, replace(held.notice, over=True))
        return (f"{why}{'' if done else ' Nor could that be noted, so it comes again.'}",)
    return ()


def _kept(held: Taken, notice: Notice) -> tuple[str, ...]:
    """Leave a notice in the outbox as it is now; what is to be told."""
    try:
        held.keep(notice)
    except Conflict:  # it is gone: what was lost was the answer to the deletion
        return ()
    except LevadaError as error:
        return (f"that it was tried could not be noted in the outbox: {error.what}",)
    return ()
