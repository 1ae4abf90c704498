"""A round from its begin to its end: what comes of the partitions is gathered; then reports, history, notices.

runs ──► reports ──► history ──► notices

The data stands whatever becomes of these: a report that fails is told as an error of the round, a history that cannot
be written and a notice that cannot be sent are notes.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from levada.edges import run_id
from levada.logs.writing import about, troubles
from levada.notify.sent import LONGEST
from levada.nouns import Run
from levada.pipeline.course import Course
from levada.pipeline.milestones import failed, logged, tell_begin, tell_end, tell_reports
from levada.pipeline.notifying import notified
from levada.pipeline.remembering import remembered
from levada.pipeline.reporting import reported
from levada.round import Door, Round, failure_of
from levada.spec.model import Stream

__all__ = ["Ongoing", "begun"]

_log = logging.getLogger(__name__)


class Ongoing:
    """A round that goes on. `close` ends it; nothing is gathered after that."""

    def __init__(self, course: Course, verb: str, door: Door, left: Callable[[], float] | None = None) -> None:
        now = course.edges.clock.now()
        self._course = course
        self._left = left or (lambda: LONGEST)
        #: What asked for an end while notices were sent; `begun` raises it once the round is told.
        self.signal: BaseException | None = None
        #: As it was in the beginning.
        self.begin = Round(course.spec.pipeline, run_id(course.edges), verb, door, now, now)
        self._round = self.begin
        self._error: BaseException | None = None
        self._left_over: list[tuple[str, str]] = []
        self.closed = False

    def meant(self, work: Iterable[tuple[str, Stream]]) -> None:
        """What is to be done, partitions with their streams: what neither ran nor failed in the end was not tried."""
        self._left_over = [(stream.name, key) for key, stream in work]

    def _over(self, stream: str, partition: str) -> None:
        """Of an incremental stream that goes on, the partition has a name only once it ran."""
        for one in ((stream, partition), (stream, "")):
            if one in self._left_over:
                self._left_over.remove(one)
                return

    def ran(self, run: Run) -> None:
        """A partition is done."""
        self._over(run.stream, run.partition)
        self._round = replace(self._round, runs=(*self._round.runs, run))

    def failed(self, error: BaseException, stream: str = "", partition: str = "") -> None:
        """A partition failed, or the round itself; the same error is taken once, where it was told first."""
        if error is self._error:
            return
        self._error = error
        self._over(stream, partition)
        failure = failure_of(error, stream, partition)
        self._round = replace(self._round, failures=(*self._round.failures, failure))

    @contextmanager
    def of(self, stream: str, partition: str) -> Iterator[None]:
        """What fails inside is a failure of this partition, and raised."""
        try:
            yield
        except Exception as error:
            self.failed(error, stream, partition)
            raise

    def close(self, *, stopped: bool = False) -> Round:
        """Reports, history, notices; all of the round. Raises nothing that the data could be blamed for.

        Args:
            stopped: Whether a signal ended it: then there is no time for more than the history.
        """
        self.finish(stopped=stopped)
        return self.tell()

    def finish(self, *, stopped: bool = False) -> None:
        """Reports and history: what the round itself is. `tell` is to follow."""
        course, now = self._course, self._course.edges.clock.now()
        done = replace(self._round, ended=now, not_tried=tuple(self._left_over), stopped=stopped)
        if not stopped:
            done = reported(course, done)  # a signal in it ends the round as stopped, so it is not closed yet
            tell_reports(done)
        self.closed = True
        self._round = _noted(remembered(course, _noted(done)))

    def tell(self) -> Round:
        """Notices, in what is left of the time; all of the round. A signal ends no more than these."""
        if not self._round.stopped:
            try:
                self._round = notified(self._course, self._round, self._left())
            except (KeyboardInterrupt, SystemExit) as signal:
                self.signal = signal
                self._round = self._unsent("a signal came")
        return self._ended()

    def untold(self, why: str) -> Round:
        """All of the round, where `tell` was cut off."""
        self._round = self._unsent(why)
        return self._ended()

    def _unsent(self, why: str) -> Round:
        note = f"notices were not sent to the end, {why}: those in the outbox wait for the next round"
        return replace(self._round, notes=(*self._round.notes, note))

    def _ended(self) -> Round:
        tell_end(self._round)
        return self._round


def _noted(done: Round) -> Round:
    """The round with a note of each reason why lines of its log were lost, so far."""
    return replace(done, notes=(*done.notes, *(why for why in troubles() if why not in done.notes)))


@contextmanager
def begun(course: Course, verb: str, door: Door, left: Callable[[], float] | None = None) -> Iterator[Ongoing]:
    """A round to gather in; one that is not closed by the end of the block is closed as stopped, or as failed.

    Args:
        course: What is worked on.
        verb: What is done.
        door: Who asked for it.
        left: Seconds that its notices may take; None: as long as they may at most.
    """
    ongoing = Ongoing(course, verb, door, left)
    with logged(course), about(round=ongoing.begin.id), _closing(ongoing):
        tell_begin(ongoing.begin)
        yield ongoing
    if ongoing.signal:
        raise ongoing.signal


@contextmanager
def _closing(ongoing: Ongoing) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not ongoing.closed:
            failed(error)
            ongoing.failed(error)
            _say_notes(ongoing.close())
        raise
    except BaseException:
        if not ongoing.closed:
            _say_notes(ongoing.close(stopped=True))
        raise


def _say_notes(done: Round) -> None:
    """Nobody else does, of a round that ends by an error."""
    for note in done.notes:
        _log.warning("%s", note)
