"""A spec run against a server: what was asked, what came of it, and the records that stand in the lake."""

import io
import textwrap
from dataclasses import dataclass, field
from typing import Any

import fastavro

from levada.edges import Edges, FixedClock
from levada.errors import LevadaError
from levada.lake.memory import MemoryStore
from levada.lake.store import Store
from levada.nouns import Run
from levada.pipeline import Options, Pipeline
from levada.spec.model import Spec
from levada.spec.read import read_text
from webserver import WebServer

__all__ = ["DAY", "Case", "Settings", "attempt", "one", "rows_in", "run", "spec", "text_of"]

DAY = "2022-08-09"


def text_of(streams: str, *, source: str = "", concurrency: int = 1) -> str:
    """A whole spec of the streams given; `source` are more keys of the source, in flow style: `auth: {...}`."""
    more = f", {source}" if source else ""
    limits = "" if "limits:" in source else f", limits: {{concurrency: {concurrency}}}"
    head = f'pipeline: case\nsource: {{url: "${{URL}}"{limits}{more}}}\nstreams:\n'
    return head + textwrap.indent(textwrap.dedent(streams).strip("\n"), "  ") + "\n"


def one(below: str, *, fields: str = "id: int64", source: str = "", concurrency: int = 1) -> str:
    """A spec of one stream, `rows`, that stages these fields."""
    tail = f'contract: {{fields: {{{fields}}}}}\nstage: {{avro: "{{partition}}/{{stream}}.avro"}}'
    stream = f"{textwrap.dedent(below).strip()}\n{tail}"
    return text_of(f"rows:\n{textwrap.indent(stream, '  ')}", source=source, concurrency=concurrency)


def spec(text: str, **environment: str) -> Spec:
    """The spec that a text says; the source's url is that of nobody."""
    return read_text(text, "case.yaml", {"URL": "http://127.0.0.1:9", **environment}, lake="lake")


@dataclass(frozen=True)
class Settings:
    """What a run has besides its spec and its server."""

    #: Secrets and other variables.
    environment: dict[str, str] = field(default_factory=dict)
    date: str = DAY
    store: Store = field(default_factory=MemoryStore)
    clock: FixedClock = field(default_factory=FixedClock)
    options: Options = field(default_factory=Options)


@dataclass(frozen=True)
class Case:
    """What came of a run."""

    runs: list[Run]
    #: Path and query of each request, in the order in which they came.
    requests: list[str]
    store: Store
    #: How long each wait was; nobody waits in truth.
    slept: list[float]
    #: What ended it, where it failed.
    error: LevadaError | None = None

    @property
    def outcome(self) -> str:
        return "failed" if self.error else self.runs[-1].outcome

    def records(self, stream: str = "rows", date: str = DAY) -> list[dict[str, Any]]:
        """The staged rows of a stream, in order."""
        return rows_in(self.store, stream, date)


def rows_in(store: Store, stream: str = "rows", date: str = DAY) -> list[dict[str, Any]]:
    """The staged rows of a stream in a lake, in order; none where nothing is staged."""
    key = f"{date}/{stream}.avro"
    if key not in {entry.key for entry in store.list("")}:
        return []
    return list(fastavro.reader(io.BytesIO(store.read(key))))


def run(text: str, server: WebServer, settings: Settings | None = None) -> Case:
    """Run a spec; raises what ends it."""
    case = attempt(text, server, settings)
    if case.error:
        raise case.error
    return case


def attempt(text: str, server: WebServer, settings: Settings | None = None) -> Case:
    """Run a spec against a server, whose earlier requests do not count."""
    told = settings or Settings()
    before = len(server.seen)
    environment = {"URL": server.url, **told.environment}
    read = read_text(text, "case.yaml", environment, lake="lake")
    pipeline = Pipeline(read, told.store, Edges(clock=told.clock, environment=environment), told.options)
    runs, error = [], None
    try:
        runs = pipeline.run(date=told.date)
    except LevadaError as failed:
        error = failed
    return Case(runs, server.targets[before:], told.store, list(told.clock.slept), error)
