"""What a run is given: a spec, a stream, a partition, a lake, the edges. Facts only; `steps.py` does the work."""

import functools
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from levada.contract import check
from levada.contract.model import Contract
from levada.edges import Edges
from levada.lake.area import Area
from levada.nouns import Partition
from levada.source.events import Event, ignore
from levada.source.request import Plan
from levada.spec.bind import bind_contract, secret, values_of
from levada.spec.model import Spec, Stream
from levada.spec.template import Template, Value, encode_name, fill

__all__ = ["Job", "Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may choose for one command."""

    #: Seconds to wait for a partition that another run holds.
    wait: float = 0.0
    #: Overwrite foreign files under public names.
    adopt: bool = False
    #: Let "no data" replace rows.
    allow_empty: bool = False
    #: Skip partitions that are complete.
    missing: bool = False
    #: Names of the streams to work on; all if empty.
    streams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """One partition of one stream, with all that its run needs."""

    spec: Spec
    stream: Stream
    partition: Partition
    area: Area
    edges: Edges
    options: Options = field(default_factory=Options)
    observe: Callable[[Event], None] = ignore
    #: The folder of the lake whose whole content the run replaces; None: its files lie where the spec puts them.
    folder: str | None = None

    @functools.cached_property
    def values(self) -> Mapping[str, Value]:
        """What templates may use, the page apart."""
        return values_of(self.spec.pipeline, self.stream.name, self.partition)

    @functools.cached_property
    def contract(self) -> Contract | None:
        """The contract, its templates filled for this partition."""
        return bind_contract(self.stream.contract, self.values) if self.stream.contract else None

    @property
    def where(self) -> str:
        """The partition as messages name it."""
        place = f" in {self.folder}" if self.folder else ""
        return f"{self.spec.pipeline}/{self.stream.name} {self.partition.key}{place}"

    def command(self, verb: str, *options: str) -> str:
        """The command line that does `verb` for this partition, ready to be pasted."""
        place = ("--date", self.partition.key, "--lake", self.spec.lake)
        return shlex.join(("levada", verb, self.spec.file, *place, *options))

    def fetching(self, verb: str, *options: str) -> str:
        """What fetches the pages again: a command line, or the job of the folder that they lie in."""
        return "run the land job for that folder again" if self.folder else self.command(verb, *options)

    def looking(self) -> str:
        """The command line that shows the partition's bad rows."""
        name = f"{self.spec.pipeline}/{self.stream.name}/{self.area.partition}"
        return shlex.join(("levada", "quarantine", name, "--lake", self.spec.lake))

    def name(self, template: Template, page: int | None = None) -> str:
        """A public name."""
        values = self.values if page is None else {**self.values, "page": page}
        return fill(template, values, encode_name)

    def page_name(self, page: int) -> str | None:
        """The public name of a page; None where pages are not shown."""
        return self.name(self.stream.raw, page) if self.stream.raw else None

    def plan(self) -> Plan:
        """What to ask the API for, with the key in hand.

        Raises:
            FixThis: the key's variable is not set.
        """
        auth = self.spec.source.auth
        key = secret(auth.key, self.edges.environment) if auth else None
        return Plan(source=self.spec.source, stream=self.stream, values=self.values, key=key)

    def contract_fingerprint(self) -> str:
        """Equal for equal contracts of this partition; "" without one."""
        return check.fingerprint(self.contract) if self.contract else ""

    def stage_fingerprint(self) -> str:
        """Equal for equal staging: names, codec, format."""
        stage = self.stream.stage
        facts = [stage.avro.text, stage.codec, self.stream.name, self.spec.pipeline] if stage else []
        return sha256(json.dumps(facts).encode()).hexdigest()
