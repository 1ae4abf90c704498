"""The reports of a round: asked once its partitions are committed and loaded."""

from dataclasses import replace

from levada.pipeline.answering import answered
from levada.pipeline.course import Course
from levada.pipeline.parts import parts_of
from levada.round import Reported, Round, failure_of

__all__ = ["reported"]


def reported(course: Course, done: Round) -> Round:
    """The round with what its reports said; one that fails says so in its place, and raises nothing.

    A round without a partition to report of, such as one that only landed pages, asks nothing.
    """
    try:
        parts = parts_of(course.spec, done) if course.spec.reports else ()
    except Exception as error:  # noqa: BLE001 - the data stands, whatever becomes of its reports
        return replace(done, reports=(Reported("", "", error=failure_of(error)),))
    said = [one for report in course.spec.reports if parts for one in answered(course, report, parts)]
    return replace(done, reports=tuple(said))
