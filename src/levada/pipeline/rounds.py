"""A round from its begin to its end: what comes of the partitions is gathered; then reports, history, notices.

runs ──► reports ──► history ──► notices

The data stands whatever becomes of these: a report that fails is told as an error of the round, a history that cannot
be written and a notice that cannot be sent are notes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from levada.edges import run_id
from levada.logs.writing import about, trouble
from levada.nouns import Run
from levada.pipeline.course import Course
from levada.pipeline.milestones import failed, logged, tell_begin, tell_end, tell_reports
from levada.pipeline.notifying import notified
from levada.pipeline.remembering import remembered
from levada.pipeline.reporting import reported
from levada.round import Door, Round, failure_of

__all__ = ["Ongoing", "begun"]


class Ongoing:
    """A round that goes on. `close` ends it; nothing is gathered after that."""

    def __init__(self, course: Course, verb: str, door: Door) -> None:
        now = course.edges.clock.now()
        self._course = course
        #: As it was in the beginning.
        self.begin = Round(course.spec.pipeline, run_id(course.edges), verb, door, now, now)
        self._round = self.begin
        self._error: BaseException | None = None
        self.closed = False

    def ran(self, run: Run) -> None:
        """A partition is done."""
        self._round = replace(self._round, runs=(*self._round.runs, run))

    def failed(self, error: BaseException, stream: str = "", partition: str = "") -> None:
        """A partition failed, or the round itself; the same error is taken once, where it was told first."""
        if error is self._error:
            return
        self._error = error
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

    def not_tried(self, stream: str, partition: str) -> None:
        """A partition was left."""
        self._round = replace(self._round, not_tried=(*self._round.not_tried, (stream, partition)))

    def close(self, *, stopped: bool = False) -> Round:
        """Reports, history, notices; all of the round. Raises nothing that the data could be blamed for.

        Args:
            stopped: Whether a signal ended it: then there is no time for more than the history.
        """
        self.closed = True
        course, done = self._course, replace(self._round, ended=self._course.edges.clock.now())
        if not stopped:
            done = reported(course, done)
            tell_reports(done)
        done = remembered(course, done)
        done = replace(done, notes=(*done.notes, *filter(None, [trouble()])))
        done = done if stopped else notified(course, done)
        tell_end(done, stopped=stopped)
        return done


@contextmanager
def begun(course: Course, verb: str, door: Door) -> Iterator[Ongoing]:
    """A round to gather in; one that is not closed by the end of the block is closed as stopped, or as failed."""
    ongoing = Ongoing(course, verb, door)
    with logged(course), about(round=ongoing.begin.id), _closing(ongoing):
        tell_begin(ongoing.begin)
        yield ongoing


@contextmanager
def _closing(ongoing: Ongoing) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not ongoing.closed:
            failed(error)
            ongoing.failed(error)
            ongoing.close()
        raise
    except BaseException:
        if not ongoing.closed:
            ongoing.close(stopped=True)
        raise
