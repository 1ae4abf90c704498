"""The job servers of a spec: which jobs, with what work, told how."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from levada.nouns import Run
from levada.pipeline import Pipeline
from levada.serve.app import make_app
from levada.serve.history import History, earlier
from levada.serve.jobs import LAND, STAGE, About, JobKind

__all__ = ["PATIENCE", "apps", "works"]

#: Seconds that a job waits for another one that is at work on its folder.
PATIENCE = 30.0


def works(pipeline: Pipeline, patience: float = PATIENCE) -> Mapping[JobKind, Callable[..., Run]]:
    """What the jobs of a pipeline do, by their kind; they wait `patience` seconds for the turn of their folder."""
    patient = pipeline.having(replace(pipeline.options, wait=patience))

    def land(date: str, raw_dir: str) -> Run:
        return patient.land_into(raw_dir, date=date)

    def stage(raw_dir: str, stg_dir: str) -> Run:
        return patient.stage_into(stg_dir, raw_dir=raw_dir)

    return {LAND: land, STAGE: stage}


def apps(pipeline: Pipeline, kinds: tuple[JobKind, ...], patience: float = PATIENCE) -> list[Any]:
    """A Flask app for each kind of job; all of them know the last jobs of all.

    Args:
        pipeline: What their jobs are of.
        kinds: Of jobs, an app for each.
        patience: Seconds that a job waits for another one that is at work on its folder.

    Raises:
        FixThis: the spec cannot do these jobs, or a variable that they need is not set.
    """
    about = About(pipeline.spec.pipeline, pipeline.spec.file, pipeline.root)
    work = works(pipeline, patience)
    for kind in kinds:
        pipeline.job_stream(kind.name)
    history = History(earlier(pipeline.store, about.pipeline, about.root))
    return [make_app(kind, work[kind], about, history) for kind in kinds]
