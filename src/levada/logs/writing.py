"""What the rooms say, on its way into a pipeline's log files while it is at work.

logging ──► the ear ──► the book of this context ──► a line
                └─────► whoever else listens, as if the ear were not there

Rooms, and a user's own code, speak to loggers named `levada` or `levada.…` and know nothing of this.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

from levada.edges import Clock
from levada.logs.book import PROBLEMS, Book
from levada.logs.lines import MILESTONES, About
from levada.spec.telling import Logs

__all__ = ["about", "is_heard", "note_error", "of_now", "say", "trouble", "writing"]

_ROOT = "levada"
#: What tells of lost lines, and of the requests to a job server, which are no pipeline's.
_OTHERS = frozenset({PROBLEMS, "levada.access"})
_milestones = logging.getLogger(MILESTONES)
#: Whose lines are said here: None where a pipeline has no log files; unset on threads that nobody told.
_book: ContextVar[Book | None] = ContextVar("levada_log")
_about: ContextVar[About] = ContextVar("levada_log_about")
_turn = threading.Lock()
_open: list[Book] = []


@contextmanager
def writing(logs: Logs | None, pipeline: str, beside: Path, clock: Clock) -> Iterator[Book | None]:
    """While inside, what is said on this thread and those that it starts goes to the pipeline's log files.

    Within another one for the same files, that one goes on. Nothing that happens to a file is raised.

    Args:
        logs: What the spec says of logs; None: nothing is written.
        pipeline: Its name.
        beside: The spec's folder.
        clock: Tells the day and the time of a line.

    Raises:
        FixThis: this machine has no such time zone.
    """
    now = _book.get(None)
    if now is not None and now.of == (logs, pipeline, beside):
        yield now
        return
    book = None if logs is None else Book(logs, pipeline, beside, clock)
    was = of_now()  # a process that does a part of a round is told which
    before, was_about = _book.set(book), _about.set(About(pipeline, round="" if was.pipeline else was.round))
    if book:
        _listen(book)
    try:
        yield book
    finally:
        if book:
            _leave(book)
        _about.reset(was_about)
        _book.reset(before)


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
    return _milestones.isEnabledFor(level)


def say(of: About, event: str, words: str, level: int = logging.INFO, **facts: Any) -> None:
    """Say what happens: to everybody, by the standard logging; what is worse than INFO to the log files alone.

    For of that whoever called learns in another way: it is raised, or stands in what is given back.

    Args:
        of: What it is about.
        event: What, in a word or two that never change.
        words: The same for people, with figures.
        level: Of logging.
        facts: The figures, by name.
    """
    if level <= logging.INFO and not is_heard(level):
        return
    named = {"pipeline": of.pipeline, "stream": of.stream, "partition": of.partition}
    extra = {**facts, **named, "event": event, "words": words}
    if level <= logging.INFO:
        _milestones.log(level, "%s: %s", of.where, words, extra=extra)
    elif book := _book.get(None):
        _write(book, level, extra)


def note_error(error: BaseException, words: str, facts: Mapping[str, str], *, traced: bool = False) -> None:
    """Write an error into the log files of this context, unless it was the last: it passes several who would.

    Args:
        error: What was raised.
        words: It, for people.
        facts: It, by name.
        traced: Whether to tell where it was raised.
    """
    book = _book.get(None)
    if book is not None and book.told is not error:
        book.told = error
        _write(book, logging.ERROR, {**facts, "event": "failed", "words": words}, error if traced else None)


def trouble() -> str:
    """Why lines of the log files of this context were lost; "" where none was."""
    book = _book.get(None)
    return book.trouble if book else ""


def _write(book: Book, level: int, extra: dict[str, Any], error: BaseException | None = None) -> None:
    trace = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(MILESTONES, level, "", 0, extra["words"], (), trace)
    vars(record).update(extra)
    book.take(record, _about.get(About(book.pipeline)))


class _Ear(logging.Handler):
    """Hears what is said below `levada` at INFO and above, and hands on what others would have heard without it."""

    def __init__(self) -> None:
        super().__init__()
        self._level, self._propagates = logging.NOTSET, True

    def begin(self) -> None:
        """Listen."""
        root = logging.getLogger(_ROOT)
        self._level, self._propagates = root.level, root.propagate
        if root.getEffectiveLevel() > logging.INFO:
            root.setLevel(logging.INFO)
        root.propagate = False
        root.addHandler(self)

    def end(self) -> None:
        """Leave things as they were."""
        root = logging.getLogger(_ROOT)
        root.removeHandler(self)
        root.propagate = self._propagates
        root.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        """Write it into the book that it is for."""
        book = None if record.name in _OTHERS else _of_this_context()
        if book is not None:
            book.take(record, _about.get(About(book.pipeline)))
        if self._was_meant(record):
            self._hand_on(record)

    def _was_meant(self, record: logging.LogRecord) -> bool:
        """Whether it would have been said at all: its logger's level, or the nearest above that has one."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            level = self._level if logger.name == _ROOT else logger.level
            if level:
                return record.levelno >= level
            logger = logger.parent
        return True

    def _hand_on(self, record: logging.LogRecord) -> None:
        above = logging.getLogger(_ROOT).parent if self._propagates else None
        if above is not None and above.hasHandlers():
            above.callHandlers(record)
        elif logging.lastResort and not self._others(record) and record.levelno >= logging.lastResort.level:
            logging.lastResort.handle(record)

    def _others(self, record: logging.LogRecord) -> bool:
        """Whether somebody else listens below `levada`."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None and logger.name != "root":
            if any(handler is not self for handler in logger.handlers):
                return True
            logger = logger.parent
        return False


_ear = _Ear()


def _of_this_context() -> Book | None:
    """The book for what is said here; on a thread of somebody else's, the only one that is open."""
    try:
        return _book.get()
    except LookupError:
        return _open[0] if len(_open) == 1 else None


def _listen(book: Book) -> None:
    with _turn:
        _open.append(book)
        if len(_open) == 1:
            _ear.begin()


def _leave(book: Book) -> None:
    with _turn:
        _open.remove(book)
        if not _open:
            _ear.end()
