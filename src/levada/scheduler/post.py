"""What a tick works on, and whether a spec is fit to be left alone with it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from levada.errors import FixThis, TryLater
from levada.pipeline import Pipeline
from levada.pipeline.choosing import Choice, Chosen, Known, chosen
from levada.scheduler.ticks import after
from levada.source.auth.make import signer_for
from levada.spec.bind import needed, require
from levada.spec.model import Schedule

__all__ = ["Post", "posts", "work_at"]


@dataclass(frozen=True)
class Post:
    """A pipeline and when it works."""

    pipeline: Pipeline
    schedule: Schedule


def posts(pipelines: Sequence[Pipeline]) -> list[Post]:
    """The pipelines with their schedules; whatever would fail each of their runs is told now, for all at once.

    Raises:
        FixThis: one has no schedule, a variable is not set, a secret cannot be sent, a lake cannot be read, two are the
            same.
    """
    found, wrong = list[Post](), list[FixThis]()
    for pipeline in pipelines:
        try:
            found.append(_post(pipeline))
        except FixThis as error:
            error.at_place(pipeline.spec.file)
            wrong.append(error)
    wrong += _twice(pipelines)
    if not wrong:
        return found
    whats, wheres, todos = ([getattr(error, part) for error in wrong] for part in ("what", "where", "todo"))
    raise FixThis(" ".join(whats), where=", ".join(dict.fromkeys(wheres)), todo="; ".join(dict.fromkeys(todos)))


def _post(pipeline: Pipeline) -> Post:
    spec = pipeline.spec
    if spec.schedule is None:
        todo = f"add schedule: {{every: 1m}}, or run it yourself: levada run {spec.file}"
        raise FixThis(f"{spec.file} has no schedule.", where=spec.file, todo=todo)
    places = [place for stream in pipeline.streams() for place in needed("run", stream)]
    require(spec, ("schedule", "partition", *places))
    signer_for(spec.source, spec.file, pipeline.edges.environment)
    with suppress(TryLater):  # a lake that is away may be back by the first tick
        pipeline.store.head(f"_levada/{spec.pipeline}/schedule")
    now = pipeline.edges.clock.now()
    after(spec.schedule, now)
    work_at(pipeline, now)
    return Post(pipeline, spec.schedule)


def _twice(pipelines: Sequence[Pipeline]) -> list[FixThis]:
    """Pipelines that would work on the same partitions."""
    told, seen = list[FixThis](), dict[tuple[str, str], str]()
    for pipeline in pipelines:
        spec, place = pipeline.spec, (pipeline.store.describe(), pipeline.spec.pipeline)
        if place in seen:
            what = f"{seen[place]} and {spec.file} are both pipeline {spec.pipeline} of the lake {place[0]}."
            told.append(FixThis(what, where=spec.file, todo="name each spec once"))
        seen.setdefault(place, spec.file)
    return told


def work_at(pipeline: Pipeline, tick: datetime) -> Chosen:
    """The partitions that a run without a date works on at `tick`, whenever it comes to it.

    Raises:
        FixThis: there are none.
    """
    known = Known(tick, pipeline.going_on)
    return chosen("run", pipeline.spec.partition, pipeline.streams(), Choice(), known)
