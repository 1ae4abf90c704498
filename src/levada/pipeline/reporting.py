"""The reports of a round: asked once its partitions are committed and loaded."""

from collections.abc import Sequence
from dataclasses import replace

from levada.pipeline.answering import answered
from levada.pipeline.course import Course
from levada.pipeline.parts import Part, parts_of
from levada.round import Reported, Round, failure_of
from levada.spec.telling import Report

__all__ = ["reported"]


def reported(course: Course, done: Round) -> Round:
    """The round with what its reports said; one that fails says so in its place, and raises nothing.

    A round without a partition to report of, such as one that only landed pages, asks nothing.
    """
    try:
        parts = parts_of(course.spec, done) if course.spec.reports else ()
    except Exception as error:  # noqa: BLE001 - the data stands, whatever becomes of its reports
        return replace(done, reports=(Reported("", "", error=failure_of(error)),))
    said = [one for report in course.spec.reports if parts for one in _of(course, report, parts)]
    return replace(done, reports=tuple(said))


def _of(course: Course, report: Report, parts: Sequence[Part]) -> tuple[Reported, ...]:
    try:
        return answered(course, report, parts)
    except Exception as error:  # noqa: BLE001 - a bug in one report is no end of the others
        return (Reported(report.name, "", error=failure_of(error)),)
