"""Works through the partitions that an event asks for, parents first."""

from levada.errors import ContractBroken, FixThis, TryLater
from levada.lambda_handler.events import Asked
from levada.lambda_handler.specs import found
from levada.lambda_handler.told import Told
from levada.lambda_handler.until import Until
from levada.nouns import Run
from levada.pipeline import Pipeline
from levada.pipeline.choosing import Choice, Known, chosen
from levada.pipeline.orphans import Orphans
from levada.pipeline.rounds import Ongoing, begun
from levada.round import Round, error_of
from levada.spec.model import Stream

__all__ = ["work"]


def work(asked: Asked, told: Told, until: Until) -> None:
    """Do what is asked for, and tell it.

    Answers that break the contract are their own stream's: the others go on, but for those that are made from it.

    Raises:
        FixThis: a person must change something.
        TryLater: the world is in the way, or the time is up.
    """
    pipeline, verb = found(asked)
    told.pipeline = pipeline.spec.pipeline
    orphans = Orphans(verb)
    with begun(pipeline.course, verb, "lambda", lambda: until.left) as ongoing:
        partitions = _partitions(pipeline, verb, asked)
        ongoing.meant(partitions)
        for date, stream in partitions:
            if orphans.made_from(date, stream):
                told.left_out(stream.name, date)
                continue
            try:
                with ongoing.of(stream.name, date):
                    run = _one(pipeline, verb, (date, stream), until)
            except ContractBroken as error:
                orphans.failed(date, stream)
                told.failed(error)
            else:
                told.done(run)
                ongoing.ran(run)
        with until.kept(f"{told.pipeline}: what follows the runs"):
            ongoing.finish()
        done = _notified(ongoing, until)
    _followed(done, told)


def _notified(ongoing: Ongoing, until: Until) -> Round:
    """The whole round. Its notices take what is left of the time, and never more: the work stands, they can wait."""
    try:
        with until.later().kept("what is to be told"):
            return ongoing.tell()
    except TryLater:
        return ongoing.untold("the time of the function is nearly up")


def _followed(done: Round, told: Told) -> None:
    """Tell what followed the runs.

    Raises:
        TryLater: a report could not be made or published now.
    """
    for note in done.notes:
        told.noted(note)
    for failure in (one.error for one in done.reports if one.error):
        error = error_of(failure)
        if isinstance(error, TryLater):
            raise error
        told.failed(error)


def _one(pipeline: Pipeline, verb: str, what: tuple[str, Stream], until: Until) -> Run:
    date, stream = what
    with until.kept(f"{pipeline.spec.pipeline}/{stream.name} {date}".rstrip()):
        return pipeline.observed(until.watch).work(verb, stream, date)


def _partitions(pipeline: Pipeline, verb: str, asked: Asked) -> tuple[tuple[str, Stream], ...]:
    try:
        if asked.time is None or asked.date is not None:
            return pipeline.chosen(verb, Choice(asked.date)).work
        # Events come late, and again: what they mean hangs on when they were due.
        known = Known(asked.time, pipeline.going_on)
        return chosen(verb, pipeline.spec.partition, pipeline.streams(), Choice(), known).work
    except FixThis as error:
        if not error.where.startswith("--"):
            raise  # no option of a command line is meant, but the lake, say
        if asked.date is None:
            error.todo = "name a `date` in the event, or say in the spec what none means: partition: {default: today}"
        error.where = "event"
        raise
