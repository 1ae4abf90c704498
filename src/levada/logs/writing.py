"""What the rooms say, on its way into a pipeline's log files while it is at work.

a milestone ──────────┬─► the book of this context ──► a line
logging ──► the ear ──┤
                      └─► who listens (`levada -v`)

Rooms, and a user's own code, speak to loggers named `levada` or `levada.…` and know nothing of this. Milestones do
not pass logging on their way: a program that sets levels, or sets logging up anew, has them in its files all the same.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from levada.edges import Clock
from levada.logs.book import PROBLEMS, Book
from levada.logs.ear import Ear
from levada.logs.lines import MILESTONES, About
from levada.spec.telling import Logs

__all__ = ["about", "is_heard", "listening", "note_error", "of_now", "say", "troubles", "writing"]

#: What tells of lost lines, and of the requests to a job server, which are no pipeline's.
_OTHERS = frozenset({PROBLEMS, "levada.access"})
_milestones = logging.getLogger(MILESTONES)


@dataclass(slots=True, eq=False)
class _Work:
    """Whose lines are said."""

    of: tuple[Logs | None, str, Path]
    #: None where a pipeline has no log files.
    book: Book | None
    #: The error that was told last.
    told: BaseException | None = None


#: Unset on threads that nobody told.
_work: ContextVar[_Work] = ContextVar("levada_log")
_about: ContextVar[About] = ContextVar("levada_log_about")
_turn = threading.Lock()
_open: list[_Work] = []
_listeners: list[Callable[[logging.LogRecord, About], None]] = []
#: From which level on those who are open and those who listen want to know what is said.
_levels: list[int] = []


@contextmanager
def writing(logs: Logs | None, pipeline: str, beside: Path, clock: Clock) -> Iterator[Book | None]:
    """While inside, what is said in this context goes to the pipeline's log files.

    So does what is said on threads that are given the context (`levada.lake.apart`), and on any others while no other
    files are open. Within another one for the same files, that one goes on. Nothing that happens to a file is raised.

    Args:
        logs: What the spec says of logs; None: nothing is written.
        pipeline: Its name.
        beside: The spec's folder.
        clock: Tells the day and the time of a line.

    Raises:
        FixThis: this machine has no such time zone.
    """
    now, of = _work.get(None), (logs, pipeline, beside)
    if now is not None and now.of == of:
        yield now.book
        return
    work = _Work(of, None if logs is None else Book(logs, pipeline, beside, clock))
    was = of_now()  # a process that does a part of a round is told which
    before, was_about = _work.set(work), _about.set(About(pipeline, round="" if was.pipeline else was.round))
    if work.book:
        _begin(_open, work, logging.INFO)
    try:
        yield work.book
    finally:
        if work.book:
            _end(_open, work, logging.INFO)
        _about.reset(was_about)
        _work.reset(before)


@contextmanager
def listening(take: Callable[[logging.LogRecord, About], None], level: int) -> Iterator[None]:
    """While inside, `take` is given all that is said, with what is worked on; all that log files are given is in it.

    Args:
        take: Takes a record.
        level: Of logging: what is said below it is not asked for.
    """

    def heard(record: logging.LogRecord, of: About) -> None:
        if record.levelno >= level:
            take(record, of)

    _begin(_listeners, heard, level)
    try:
        yield
    finally:
        _end(_listeners, heard, level)


@contextmanager
def about(**known: str) -> Iterator[None]:
    """While inside, lines tell these facts of what is worked on: stream, partition, round."""
    before = _about.set(replace(of_now(), **known))
    try:
        yield
    finally:
        _about.reset(before)


def of_now() -> About:
    """What is worked on in this context, as far as it is known."""
    return _about.get(About(""))


def is_heard(level: int) -> bool:
    """Whether anybody hears what is said at this level, of DEBUG and INFO."""
    return _milestones.isEnabledFor(level) or any(level >= wanted for wanted in _levels)


def say(of: About, event: str, words: str, level: int = logging.INFO, **facts: Any) -> None:
    """Say what happens: to log files, to who listens, and by the standard logging to everybody.

    What is worse than INFO is not said to everybody: whoever called learns of that in another way, it is raised, or
    stands in what is given back.

    Args:
        of: What it is about.
        event: What, in a word or two that never change.
        words: The same for people, with figures.
        level: Of logging.
        facts: The figures, by name.
    """
    if level > logging.INFO or is_heard(level):
        named = {"pipeline": of.pipeline, "stream": of.stream, "partition": of.partition}
        _utter(level, (of.where, words), {**facts, **named, "event": event, "words": words})


def note_error(error: BaseException, words: str, facts: Mapping[str, str], *, traced: bool = False) -> None:
    """Say that something failed, unless that was said last: an error passes several who would.

    Args:
        error: What was raised.
        words: It, for people.
        facts: It, by name.
        traced: Whether to tell where it was raised.
    """
    work = _work.get(None)
    if work is not None and work.told is not error:
        work.told = error
        extra = {**facts, "event": "failed", "words": words}
        _utter(logging.ERROR, (of_now().where, words), extra, error if traced else None)


def troubles() -> tuple[str, ...]:
    """Why lines of the log files of this context were lost, or old files stay; empty where neither is so."""
    work = _work.get(None)
    return work.book.troubles if work and work.book else ()


def _utter(level: int, said: tuple[str, str], extra: Mapping[str, Any], error: BaseException | None = None) -> None:
    trace = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(MILESTONES, level, "", 0, "%s: %s", said, trace)
    vars(record).update(extra)
    _tell(record)
    if level <= logging.INFO and _milestones.isEnabledFor(level):
        _milestones.handle(record)


def _tell(record: logging.LogRecord) -> None:
    """The one way into a log file, and to who listens."""
    book = None if record.name in _OTHERS else _of_this_context()
    of = _about.get(About(book.pipeline if book else ""))
    if book:
        book.take(record, of)
    for take in tuple(_listeners):
        take(record, of)


def _of_this_context() -> Book | None:
    """The book for what is said here; on a thread of somebody else's, the only one that is open."""
    try:
        return _work.get().book
    except LookupError:
        there = tuple(_open)
        return there[0].book if there and all(work.of == there[0].of for work in there) else None


_ear = Ear(_tell, lambda: bool(_listeners))


def _begin(among: list[Any], one: object, level: int) -> None:
    with _turn:
        among.append(one)
        _levels.append(level)
        if len(_levels) == 1:
            _ear.begin()
        _ear.at(min(_levels))


def _end(among: list[Any], one: object, level: int) -> None:
    with _turn:
        among.remove(one)
        _levels.remove(level)
        if _levels:
            _ear.at(min(_levels))
        else:
            _ear.end()
