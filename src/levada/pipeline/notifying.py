"""The notices of a round, if its spec has any: they fail nothing."""

from dataclasses import replace

from levada.pipeline.course import Course
from levada.round import Round
from levada.secret import redact

__all__ = ["notified"]


def notified(course: Course, done: Round) -> Round:
    """The round with a note where a notice could not be sent; raises nothing.

    What is due is written into the outbox first; then all that waits there is sent, the oldest first.
    """
    if course.spec.notify is None:
        return done
    try:
        from levada.pipeline.notices import told  # mail and HTTP take their time to import

        notes = told(course, done)
    except Exception as error:  # noqa: BLE001 - the data stands, whatever becomes of its notices
        notes = (f"notices: {type(error).__name__}: {redact(str(error))}",)
    return replace(done, notes=(*done.notes, *notes))
