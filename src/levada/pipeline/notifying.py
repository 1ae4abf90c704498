"""The notices of a round, if its spec has any: they fail nothing."""

from dataclasses import replace

from levada.notify.sent import LONGEST
from levada.pipeline.course import Course
from levada.round import Round
from levada.secret import redact

__all__ = ["LONGEST", "notified"]


def notified(course: Course, done: Round, seconds: float = LONGEST) -> Round:
    """The round with a note where a notice could not be sent; raises nothing.

    What is due is written into the outbox first, however little time there is; then what waits there is sent, the
    oldest first.

    Args:
        course: What was worked on.
        done: What came of it.
        seconds: How long sending may take, two minutes at most.
    """
    if course.spec.notify is None:
        return done
    try:
        from levada.pipeline.notices import told  # mail and HTTP take their time to import

        notes = told(course, done, min(seconds, LONGEST))
    except Exception as error:  # noqa: BLE001 - the data stands, whatever becomes of its notices
        bug = f"{type(error).__name__}: {redact(str(error))}"
        notes = (f"the notices were not sent: this is a bug of Levada: {bug}",)
    return replace(done, notes=(*done.notes, *notes))
