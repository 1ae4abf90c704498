"""Which partitions of which streams a command works on: those that it names, else those that the spec means. Pure.

A name, a span or a time of the past is of the streams with partitions; of incremental streams only where no other is
chosen. Without any: incremental streams go on, the others take the spec's default.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from typing import TypeAlias, TypeVar

from levada.errors import FixThis
from levada.nouns import Level
from levada.spec.interval import between, interval_of, named, order
from levada.spec.model import Incremental, Partitioning, Stream
from levada.spec.partition import default, last, names_of, parse, span
from levada.spec.template import moment_text

__all__ = ["OF_THE_LAKE", "Choice", "Chosen", "Kept", "Known", "chosen"]

Found = TypeVar("Found")

#: Stream -> its committed partitions with their levels, oldest first.
Kept: TypeAlias = Mapping[str, Mapping[str, Level]]
#: Verbs that work on what is committed, all of it where nothing is chosen.
OF_THE_LAKE = ("replay", "load")
_WAYS = "--date, --from, --to"
_EITHER = "give either --date 2022-08-09, or --from 2022-08-09 --to 2022-08-12 (--to is not included)"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person asks for: a partition, a span of them, the last ones, or none of these."""

    date: str | None = None
    start: str | None = None
    end: str | None = None
    #: Seconds.
    last: float | None = None

    @property
    def given(self) -> bool:
        """Whether anything was asked for."""
        return (self.date, self.start, self.end, self.last) != (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Known:
    """What the choice depends on besides the spec."""

    now: datetime
    #: The streams that go on where they stopped: incremental ones, and those that take rows or pages of them; with the
    #: cursor whose intervals they have.
    going_on: Mapping[str, Incremental] = field(default_factory=dict)
    kept: Kept = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to work on, in order: names of partitions with their streams; "" is where an incremental stream goes on."""

    work: tuple[tuple[str, Stream], ...]
    #: Names of chosen streams that the command has nothing for.
    left_out: tuple[str, ...] = ()
    #: What was named and cannot be replayed: it was never committed.
    nothing: tuple[tuple[str, Stream], ...] = ()


def chosen(verb: str, partitioning: Partitioning, streams: Sequence[Stream], choice: Choice, known: Known) -> Chosen:
    """What `verb` works on.

    Raises:
        FixThis: the choice is no choice, names no partition, or one is needed.
    """
    _refuse_mixed(choice)
    going_on = [stream for stream in streams if stream.name in known.going_on]
    others = [stream for stream in streams if stream.name not in known.going_on]
    if choice.given and others:
        return Chosen(_product(_named(partitioning, choice, known.now), others), _names(going_on))
    if choice.given:
        named = {stream.name: _interval(known.going_on[stream.name], stream, choice, known.now) for stream in going_on}
        within = verb in OF_THE_LAKE and choice.date is None
        keys = {name: _within(known, name, one) if within else [one] for name, one in named.items()}
        return Chosen(tuple((key, stream) for stream in going_on for key in keys[stream.name]))
    if verb in OF_THE_LAKE:
        return Chosen(_kept(streams, known.kept, staged=verb == "load"))
    meant = () if verb == "stage" and partitioning.by == "tick" else default(known.now, partitioning)
    onward = _landed(going_on, known.kept) if verb == "stage" else tuple(("", stream) for stream in going_on)
    if others and not meant and not going_on:
        raise _not_told(verb, partitioning)
    return Chosen((*_product([one.key for one in meant], others), *onward), () if meant else _names(others))


def _refuse_mixed(choice: Choice) -> None:
    ways = [choice.date is not None, (choice.start, choice.end) != (None, None), choice.last is not None]
    if sum(ways) > 1 or (choice.start is None) != (choice.end is None):
        what = "--date names one partition, --from and --to together name several, --last those before now; this is"
        raise FixThis(f"{what} neither.", where=_WAYS, todo=_EITHER)


def _named(partitioning: Partitioning, choice: Choice, now: datetime) -> list[str]:
    """The keys of the partitions that a person names."""
    if choice.date is not None:
        return [_at("--date", lambda: parse(str(choice.date), partitioning)).key]
    if choice.last is not None:
        return [one.key for one in _at("--last", lambda: last(choice.last or 0, now, partitioning))]
    if partitioning.by not in ("list", "tick"):
        _at("--from", lambda: parse(str(choice.start), partitioning))
        _at("--to", lambda: parse(str(choice.end), partitioning))
    return [one.key for one in _at("--from, --to", lambda: span(str(choice.start), str(choice.end), partitioning))]


def _interval(incremental: Incremental, stream: Stream, choice: Choice, now: datetime) -> str:
    """What a person names of a stream with this cursor, its own or that of the stream it follows."""
    if choice.date is not None:
        _at("--date", lambda: interval_of(incremental, str(choice.date)))
        return choice.date
    if choice.last is None:
        start, end = str(choice.start), str(choice.end)
    elif incremental.type == "timestamp":
        present = now.replace(microsecond=0)
        start, end = moment_text(present - timedelta(seconds=choice.last)), moment_text(present)
    else:
        what = f"The cursor of stream {stream.name} is no time, so there is no last time of it."
        raise FixThis(what, where="--last", todo="give --from and --to as values of the cursor")
    return named(incremental, _at("--from, --to", lambda: between(incremental, start, end)))


def _within(known: Known, stream: str, span: str) -> list[str]:
    """The committed intervals that begin in the span of a person, oldest first."""
    incremental = known.going_on[stream]
    kind, whole = incremental.type, interval_of(incremental, span)
    begins = {key: order(kind, interval_of(incremental, key).start) for key in known.kept.get(stream, {})}
    first, end = order(kind, whole.start), order(kind, whole.end)
    return [key for key, begin in sorted(begins.items()) if first <= begin < end]


def _at(option: str, read: Callable[[], Found]) -> Found:
    """What is read; errors name the option that said it."""
    try:
        return read()
    except FixThis as error:
        error.where = option
        raise


def _product(keys: Iterable[str], streams: Sequence[Stream]) -> tuple[tuple[str, Stream], ...]:
    return tuple(product(keys, streams))


def _names(streams: Iterable[Stream]) -> tuple[str, ...]:
    return tuple(stream.name for stream in streams)


def _kept(streams: Sequence[Stream], kept: Kept, *, staged: bool = False) -> tuple[tuple[str, Stream], ...]:
    """Every committed partition, oldest first, of each stream that has it; of those with staged rows alone."""
    keys = sorted({key for stream in streams for key in kept.get(stream.name, {})})
    levels = ("staged",) if staged else ("landed", "staged")
    return tuple(
        (key, stream) for key, stream in product(keys, streams) if kept.get(stream.name, {}).get(key) in levels
    )


def _landed(streams: Sequence[Stream], kept: Kept) -> tuple[tuple[str, Stream], ...]:
    """The intervals that are landed and not staged."""
    return tuple((key, stream) for key, stream in _kept(streams, kept) if kept[stream.name][key] == "landed")


def _not_told(verb: str, partitioning: Partitioning) -> FixThis:
    one = names_of(partitioning)
    todo = _EITHER if partitioning.by == "day" else f"name one: --date {one}"
    return FixThis(f"`levada {verb}` is not told which partition to work on.", where=_WAYS, todo=todo)
