"""The history of rounds: written where the spec says, or beside the lake's commit records."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from levada.errors import FixThis, LevadaError
from levada.pipeline.course import Course
from levada.round import Round
from levada.secret import redact
from levada.spec.telling import History as Said
from levada.state.history import Damaged
from levada.state.home import Home, history_of, home_of
from levada.state.model import past_of
from levada.state.told import told

__all__ = ["Rebuilt", "again", "oldest", "remembered"]


def remembered(course: Course, done: Round) -> Round:
    """The round with a note where the history could not be written; raises nothing."""
    try:
        _write(course, done)
    except LevadaError as error:
        return _noted(done, "; ".join(filter(None, (error.what.rstrip("."), error.where, error.todo))))
    except Exception as error:  # noqa: BLE001 - the data stands, whatever becomes of its history
        return _noted(done, f"this is a bug of Levada: {type(error).__name__}: {error}")
    return done


def _write(course: Course, done: Round) -> None:
    if not (done.runs or done.failures or done.not_tried):
        return
    if _nowhere(home_of(course.spec, course.store)):
        return
    if history := history_of(course.spec, course.store, course.edges.environment):
        history.write(past_of(done), oldest(course, done.ended))


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of making a history again."""

    #: Where it is.
    place: str
    #: Runs of the lake that no round had told of.
    added: int
    #: Where a damaged file was moved to, or "".
    aside: str = ""


def again(course: Course) -> Rebuilt:
    """Add to the history what the lake knows and no round of it tells; a damaged file of the lake's own is replaced.

    Raises:
        FixThis: there is no history, or it cannot be written; a damaged file lies where the spec says, to be moved.
        TryLater: the database is away or busy.
    """
    home = home_of(course.spec, course.store)
    history = history_of(course.spec, course.store, course.edges.environment)
    if history is None:
        todo = "name a file or a database with `history`, or do without"
        raise FixThis(f"There is no history: {home.without}.", where=course.spec.file, todo=todo)
    if _nowhere(home):
        return Rebuilt(history.archive.place, 0)
    before = oldest(course, course.edges.clock.now())
    found = [past for past in told(course.store, course.spec.pipeline) if before is None or past.round.ended >= before]
    try:
        return Rebuilt(history.archive.place, history.again(found))
    except Damaged:
        if home.file is None or not home.inside:
            raise
        aside = home.file.replace(_free(home.file))
        return Rebuilt(history.archive.place, history.again(found), str(aside))


def _free(file: Path) -> Path:
    """A name beside it that nothing has: what was moved aside before stays."""
    names = (file.with_name(f"{file.name}.damaged{f'.{turn}' if turn > 1 else ''}") for turn in count(1))
    return next(name for name in names if not name.exists())


def _nowhere(home: Home) -> bool:
    """Whether the history would lie in a lake that is not there: none is made for it."""
    return home.inside and home.file is not None and not home.file.parent.is_dir()


def oldest(course: Course, now: datetime) -> datetime | None:
    """The moment from which on rounds are kept; None: all are."""
    keep = (course.spec.history or Said()).keep
    return None if keep is None else now - timedelta(seconds=keep)


def _noted(done: Round, why: str) -> Round:
    return replace(done, notes=(*done.notes, redact(f"the history was not written: {why}")))
