"""What a tick works on, and whether a spec is fit to be left alone with it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from levada.errors import FixThis, TryLater
from levada.lake.profiles import keyless, lacking, role_of_machine
from levada.pipeline import Pipeline
from levada.pipeline.choosing import Choice, Chosen, Known, chosen
from levada.scheduler.ticks import after
from levada.source.auth.make import signer_for
from levada.spec.bind import needed, require
from levada.spec.model import Schedule, Spec

__all__ = ["Post", "posts", "work_at"]


@dataclass(frozen=True)
class Post:
    """A pipeline and when it works."""

    pipeline: Pipeline
    schedule: Schedule


def posts(pipelines: Sequence[Pipeline], wrong: Sequence[FixThis] = ()) -> list[Post]:
    """The pipelines with their schedules; whatever would fail each of their runs is told now, for all at once.

    Args:
        pipelines: What is to be scheduled.
        wrong: What is known to be wrong already, and is to be told with the rest.

    Raises:
        FixThis: one has no schedule, a variable is not set, a secret cannot be sent, a lake is not there or cannot be
            read, two are the same.
    """
    told = [*wrong, *(error for pipeline in pipelines for error in _wrong(pipeline)), *_twice(pipelines)]
    if told:
        raise _together(told)
    return [Post(pipeline, pipeline.spec.schedule) for pipeline in pipelines if pipeline.spec.schedule]


def _together(wrong: Sequence[FixThis]) -> FixThis:
    if len(wrong) == 1:
        return wrong[0]
    what = " ".join(_sentence(error.what) for error in wrong)
    wheres, todos = dict.fromkeys(error.where for error in wrong), dict.fromkeys(error.todo for error in wrong)
    return FixThis(what, where=", ".join(wheres), todo="; ".join(todos))


def _sentence(text: str) -> str:
    """`text` as one of several sentences; a name that it begins with, such as a file's, stays as it is."""
    begun = f"{text[:1].upper()}{text[1:]}" if text.partition(" ")[0].isalpha() else text
    return f"{begun.rstrip('.')}."


def _wrong(pipeline: Pipeline) -> list[FixThis]:
    """What would fail each run: all that can be told without the rest."""
    spec = pipeline.spec
    places = [place for stream in pipeline.streams() for place in needed("run", stream)]
    checks: list[Callable[[], object]] = [
        lambda: _scheduled(spec),
        lambda: require(spec, ("schedule", "partition", *places)),
        lambda: _there(pipeline),
    ]
    if not any(gap.used_in.startswith("source.auth") for gap in spec.missing):
        checks.append(lambda: signer_for(spec.source, spec.file, pipeline.edges.environment))
    # When it ticks, and on what, cannot be told of a spec that is not known whole.
    return _refusals(checks, spec.file) or _refusals([lambda: _ticking(pipeline)], spec.file)


def _refusals(checks: Sequence[Callable[[], object]], file: str) -> list[FixThis]:
    found = list[FixThis]()
    for check in checks:
        try:
            check()
        except FixThis as error:
            error.at_place(file)
            found.append(error)
    return found


def _scheduled(spec: Spec) -> None:
    if spec.schedule is None:
        todo = f"add schedule: {{every: 1m}}, or run it yourself: levada run {spec.file}"
        raise FixThis(f"{spec.file} has no schedule.", where=spec.file, todo=todo)


def _there(pipeline: Pipeline) -> None:
    """Refuse a lake whose keys nobody has, or whose bucket is not there."""
    gap = next((gap for gap in pipeline.spec.missing if gap.used_in == "lake"), None)
    lake, environment = gap.said if gap else pipeline.spec.lake, pipeline.edges.environment
    if lake.startswith("s3://") and (missing := lacking(environment)) and not role_of_machine(environment):
        raise keyless(missing, lake)
    if gap is None:
        with suppress(TryLater):  # a lake that is away may be back by the first tick
            next(iter(pipeline.store.list(f"_levada/{pipeline.spec.pipeline}/schedule")), None)


def _ticking(pipeline: Pipeline) -> None:
    now = pipeline.edges.clock.now()
    if pipeline.spec.schedule:
        after(pipeline.spec.schedule, now)
    work_at(pipeline, now)


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
