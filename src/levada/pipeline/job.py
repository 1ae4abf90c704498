"""What a run is given: a spec, a stream, a partition, a lake, the edges. Facts only; `steps.py` does the work."""

import functools
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from hashlib import sha256

from levada.contract import check
from levada.contract.model import Contract, Field
from levada.edges import Edges
from levada.lake.area import Area
from levada.lake.record import Record
from levada.nouns import Partition, Records, plain
from levada.source.events import Event, ignore
from levada.source.plan import plan_of
from levada.source.request import Plan
from levada.spec.bind import bind_contract, values_of
from levada.spec.interval import Reach
from levada.spec.interval import values_of as values_in
from levada.spec.model import Output, Spec, Stream
from levada.spec.template import Template, Value, encode_name, fill, parse, variables

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
    #: Let a partial commit replace a complete one.
    accept_partial: bool = False
    #: Skip partitions that are complete; None: ticks, because the API never gives theirs again, and no others.
    missing: bool | None = None
    #: Let other rows of a partition replace those that were appended to a table.
    replace: bool = False
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
    #: What it reads of an incremental stream; None for other streams.
    reach: Reach | None = None
    #: The commit of the interval before, where its stream goes on from one.
    before: Record | None = None

    @functools.cached_property
    def values(self) -> Mapping[str, Value]:
        """What templates may use, the page apart."""
        known = values_of(self.spec.pipeline, self.stream.name, self.partition)
        return {**known, **values_in(self.reach.incremental, self.reach.interval)} if self.reach else known

    @functools.cached_property
    def contract(self) -> Contract | None:
        """The contract, its templates filled for this partition; those that name a row are left as they are."""
        if self.stream.contract is None:
            return None
        whole = self._in_time(self.stream.contract)
        of_all = replace(whole, fields=tuple(each for each in whole.fields if not _by_row(each)))
        bound = bind_contract(of_all, self.values)
        known = {each.name: each for each in bound.fields}
        return replace(whole, fields=tuple(known.get(each.name, each) for each in whole.fields))

    @property
    def skips(self) -> bool:
        """Whether the partition is left alone where it is complete."""
        return self.partition.by == "tick" if self.options.missing is None else self.options.missing

    @functools.cached_property
    def by_row(self) -> bool:
        """Whether templates of the contract name rows, so that it is another one for each row."""
        return self.stream.contract is not None and any(map(_by_row, self.stream.contract.fields))

    def contract_of(self, fills: Mapping[str, Value]) -> Contract:
        """The contract for the records of a page that is filled with these."""
        assert self.stream.contract  # noqa: S101 - asked for only where there is one
        return bind_contract(self._in_time(self.stream.contract), {**self.values, **fills})

    def _in_time(self, contract: Contract) -> Contract:
        """The contract, by which rows outside of the partition are bad where those of a table are found by time."""
        load, start, end = self.stream.load, self.partition.start, self.partition.end
        if load is None or load.rows_by is None or start is None or end is None:
            return contract
        timed = (
            replace(each, within=_span(each, start, end)) if each.name == load.rows_by else each
            for each in contract.fields
        )
        return replace(contract, fields=tuple(timed))

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
        if self.folder:
            return "run the land job for that folder again"
        if self.partition.by != "tick":
            return self.command(verb, *options)
        why = "the API gives other data by now than at that tick: try `levada verify --repair` first"
        return f"{self.command(verb, *options, '--again')}; {why}"

    def looking(self) -> str:
        """The command line that shows the partition's bad rows."""
        name = f"{self.spec.pipeline}/{self.stream.name}/{self.area.partition}"
        return shlex.join(("levada", "quarantine", name, "--lake", self.spec.lake))

    def name(self, template: Template) -> str:
        """The public name of a file that is made from all pages."""
        return fill(template, self.values, encode_name)

    def by_page(self, template: Template) -> bool:
        """Whether it gives each page a name of its own."""
        spans = {"start", "end"} if self.stream.window else set()
        return any(name in spans or name not in self.values for name in variables(template))

    def plan(self) -> Plan:
        """What to ask the API for, with the keys in hand.

        Raises:
            FixThis: a variable is not set, or the user's own code cannot be imported.
        """
        return plan_of(self.spec, self.stream, self.values, self.edges)

    def contract_fingerprint(self) -> str:
        """Equal for equal contracts of this partition; "" without one."""
        return check.fingerprint(self.contract) if self.contract else ""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What is made of the checked records: what the spec names, and Parquet for the database if that has none."""
        named, load = self.stream.stage.outputs if self.stream.stage else (), self.stream.load
        if load is None or self.folder or any(output.format == "parquet" for output in named):
            return named
        return (*named, Output("parquet", parse("kept"), load.place, "zstd", kept=True))

    def stage_fingerprint(self) -> str:
        """Equal for equal staging: names, codec, format."""
        outputs = [_facts(output) for output in self.outputs]
        facts = [*outputs, self.stream.name, self.spec.pipeline] if outputs else []
        return sha256(json.dumps([*facts, *self._selection()]).encode()).hexdigest()

    def _selection(self) -> list[object]:
        """What else decides which records come out of the pages; nothing for the plain shapes, lists and one record."""
        shape, each = self.stream.records, self.stream.for_each
        plain_shape = shape in (Records(), Records("$"))
        added = [list(pair) for pair in each.add] if each else []
        selected: list[object] = [] if plain_shape and not added else [plain(shape), added]
        how = self.reach.incremental if self.reach else None
        return [*selected, how.cursor, how.type, how.without] if how else selected


def _facts(output: Output) -> list[object]:
    """What decides which bytes an output has, and under which name."""
    own = {each.name: getattr(output, each.name) for each in fields(Output) if each.name not in ("name", "place")}
    if not output.kept:
        del own["kept"]  # as it was before there were such
    return [output.name.text, own]


def _span(field: Field, start: datetime, end: datetime) -> tuple[str, str]:
    return (str(start.date()), str(end.date())) if field.type == "date" else (start.isoformat(), end.isoformat())


def _by_row(field: Field) -> bool:
    if not isinstance(field.equals, str):
        return False
    return any(name == "row" or name.startswith("row.") for name in variables(parse(field.equals)))
