"""Which spec an event is about, among those that lie beside the function's code."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from levada.edges import Edges
from levada.errors import FixThis
from levada.lambda_handler.events import Asked
from levada.pipeline import VERBS, Options, Pipeline, load
from levada.spec.packed import SUFFIX, unpack

__all__ = ["FOLDER", "SPECS", "STREAMS", "VERB", "found"]

#: Variables that say where the specs are (files and folders, with the system's separator), what is done, and to which
#: streams (names with commas between them).
SPECS, VERB, STREAMS = "LEVADA_SPECS", "LEVADA_VERB", "LEVADA_STREAMS"
#: Where they are if nobody says: in the root of the function's code.
FOLDER = "levada_specs"
_YAML = (".yaml", ".yml")


def found(asked: Asked) -> tuple[Pipeline, str]:
    """The pipeline that an event is about, and what is done to its partitions.

    Raises:
        FixThis: there is none, or several of which the event names none; a spec is wrong.
    """
    edges = Edges()
    files = list(_files(edges.environment))
    if not files:
        raise FixThis("There is no spec.", where=_said(edges.environment), todo=f"pack one, or set {SPECS}")
    pipelines = {file: load(file, edges=edges) for file in files}
    names = [pipeline.spec.pipeline for pipeline in pipelines.values()]
    wanted = asked.pipeline or (names[0] if len(names) == 1 else None)
    for file, pipeline in pipelines.items():
        if pipeline.spec.pipeline == wanted:
            return _ready(file, pipeline, asked)
    what = f"There is no pipeline {wanted} here." if wanted else "The event names no pipeline, and there are several."
    raise FixThis(what, where="event", todo=f"name one of: {', '.join(names)}")


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    for name in _said(environment).split(os.pathsep):
        path = Path(name)
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        yield from (file for file in inside if file.name.endswith((SUFFIX, *_YAML)) and file.is_file())


def _said(environment: Mapping[str, str]) -> str:
    root = environment.get("LAMBDA_TASK_ROOT") or str(Path(__file__).parents[2])
    return environment.get(SPECS) or str(Path(root, FOLDER))


def _ready(file: Path, pipeline: Pipeline, asked: Asked) -> tuple[Pipeline, str]:
    packed = unpack(file) if file.name.endswith(SUFFIX) else None
    environment = pipeline.edges.environment
    verb = environment.get(VERB) or (packed.verb if packed else "run")
    if verb not in VERBS:
        raise FixThis(f"{VERB} is {verb}.", where=VERB, todo=f"set it to one of: {', '.join(VERBS)}")
    usual = tuple(name.strip() for name in environment.get(STREAMS, "").split(",") if name.strip())
    streams = asked.streams or usual or (packed.streams if packed else ())
    # A function's disk is read-only, and what it may write is gone with it.
    without_files = replace(pipeline, spec=replace(pipeline.spec, logs=None))
    ready = without_files.having(Options(streams=streams, missing=asked.missing))
    try:
        ready.streams()
    except FixThis as error:
        error.where = "event" if asked.streams else STREAMS if usual else str(file)
        raise
    return ready, verb
