"""A spec at work: the order of the rooms. `load` reads a spec; a `Pipeline` runs, lands, stages and replays it."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from levada.edges import Edges
from levada.errors import FixThis
from levada.lake.abreast import each
from levada.lake.area import Area, committed
from levada.lake.lease import record_of
from levada.lake.opening import open_store
from levada.lake.store import Store
from levada.nouns import Level, Partition, Run
from levada.pipeline import cursor, into, steps
from levada.pipeline.choosing import OF_THE_LAKE, Choice, Chosen, Kept, Known, chosen
from levada.pipeline.course import Course
from levada.pipeline.job import Job, Options
from levada.pipeline.milestones import ended, failing, logged
from levada.pipeline.rounds import begun
from levada.pipeline.slicing import in_order
from levada.round import error_of
from levada.source.auth.make import signer_for
from levada.source.events import Event, ignore
from levada.spec.bind import Verb, needed, require
from levada.spec.model import Incremental, Spec, Stream
from levada.spec.packed import opened
from levada.spec.partition import parse, parse_day

__all__ = ["Options", "Pipeline", "load", "open_lake"]

_log = logging.getLogger(__name__)

#: What can be done to a partition, and as what it uses the spec.
VERBS: dict[str, tuple[Callable[[Job], Run], Verb]] = {
    "run": (steps.run, "run"),
    "land": (steps.land, "land"),
    "stage": (steps.stage, "stage"),
    "replay": (steps.replay, "stage"),
    "load": (steps.load, "load"),
}


def load(spec: str | Path, *, lake: str | None = None, edges: Edges | None = None) -> "Pipeline":
    """The pipeline that a spec file describes.

    Args:
        spec: Path of the YAML file; a `.env` beside it adds to the environment. Or of a packed spec.
        lake: Folder of the lake, instead of the one that the spec names.
        edges: Clock, environment, randomness and network; those of this machine if left out.

    Raises:
        FixThis: the spec is wrong; the text lists every mistake with line and column.
    """
    used = edges or Edges()
    read, environment = opened(str(spec), used.environment, lake)
    return Pipeline(read, open_lake(read.lake, environment), replace(used, environment=environment))


def open_lake(lake: str, environment: Mapping[str, str] | None = None) -> Store:
    """The store of a lake; nothing is asked of it yet.

    Args:
        lake: A folder, `memory:`, or s3://bucket/prefix, gs:// or az://.
        environment: Variables with the credentials of an object store; those of this process if left out.

    Raises:
        FixThis: the URL is wrong, or the library for object stores is not installed.
    """
    return open_store(lake, os.environ if environment is None else environment)


@dataclass(frozen=True)
class Pipeline:
    """A spec, the store of its lake, and the edges: everything but the partition."""

    spec: Spec
    store: Store
    edges: Edges = field(default_factory=Edges)
    options: Options = field(default_factory=Options)
    observe: Callable[[Event], None] = ignore

    def run(self, *, date: str | None = None) -> list[Run]:
        """Fetch, land, check, stage and commit one partition of every stream, parents first.

        Args:
            date: The partition: `2022-08-09`, `2022-W32`, a name. Without it incremental streams go on where they
                stopped, and the others take the partition that the spec's `default` means. So in the other verbs.

        Raises:
            LevadaError: see levada.errors; what was committed before still stands.
        """
        return self._all("run", date)

    def land(self, *, date: str | None = None) -> list[Run]:
        """Fetch and land one partition of every stream."""
        return self._all("land", date)

    def stage(self, *, date: str | None = None) -> list[Run]:
        """Check and stage what was landed of one partition of every stream."""
        return self._all("stage", date)

    def replay(self, *, date: str | None = None) -> list[Run]:
        """Stage the committed pages of one partition of every stream again, or of all, under today's contract."""
        return self._all("replay", date)

    def load(self, *, date: str | None = None) -> list[Run]:
        """Have the tables take the committed rows of one partition of every stream, or of all; nothing is fetched."""
        return self._all("load", date)

    def redrive(self, *, date: str | None = None) -> list[Run]:
        """Replay the partitions whose commit has rows in quarantine: those of one name, or all; see `replay`."""
        return self._each("replay", self.quarantined(Choice(date)).work)

    def _all(self, verb: str, date: str | None) -> list[Run]:
        return self._each(verb, self.chosen(verb, Choice(date)).work)

    def _each(self, verb: str, work: Sequence[tuple[str, Stream]]) -> list[Run]:
        """One round of these partitions; the first error ends it."""
        with begun(self.course, verb, "python") as ongoing:
            ongoing.meant(work)
            for name, stream in work:
                with ongoing.of(stream.name, name):
                    ongoing.ran(self.work(verb, stream, name))
            done = ongoing.close()
        for note in done.notes:
            _log.warning("%s", note)
        for one in done.reports:
            if one.error:
                raise error_of(one.error)
        return list(done.runs)

    def land_into(self, raw_dir: str, *, date: str) -> Run:
        """Fetch and land one date as all that the folder `raw_dir` of the lake holds.

        Whatever lay in the folder before goes in the step that brings the new files, once all of them are complete.
        Where the API has no data for the date, the run's outcome is "no data" and the folder is left as it is.

        Args:
            raw_dir: Absolute path below the lake; it need not exist. The file names are those of the spec.
            date: As YYYY-MM-DD.

        Raises:
            LevadaError: see levada.errors; the folder is as it was.
        """
        stream, partition = self.job_stream("land"), parse_day(date)
        with logged(self.course), failing(stream.name, date):
            return ended(into.land_into(self._filling(stream), self._folder(raw_dir), partition))

    def stage_into(self, stg_dir: str, *, raw_dir: str) -> Run:
        """Check and stage the raw files of the folder `raw_dir` as all that the folder `stg_dir` of the lake holds.

        Args:
            stg_dir: Absolute path below the lake; it need not exist.
            raw_dir: What `land_into` filled, or another tool: then the folder's name says the date.

        Raises:
            LevadaError: see levada.errors; the folder is as it was.
        """
        stream = self.job_stream("stage")
        with logged(self.course), failing(stream.name, ""):
            return ended(into.stage_into(self._filling(stream), self._folder(raw_dir), self._folder(stg_dir)))

    def job_stream(self, verb: Literal["land", "stage"]) -> Stream:
        """The stream that jobs of this kind fill folders from.

        Raises:
            FixThis: none can, whatever they are asked for: several streams, no names for the files, a variable not
                set, a lake that is the whole file system.
        """
        into.refuse_everything(self.store.describe())  # where it lies: a link may lead there
        streams = self.streams()
        if len(streams) != 1:
            raise FixThis(
                f"A job fills a folder from one stream, and this spec has {len(streams)}.",
                where=self.spec.file,
                todo=f"choose one with --stream: {', '.join(stream.name for stream in streams)}",
            )
        self._refuse_other_partitions(streams[0])
        require(self.spec, needed(verb, streams[0]))
        into.refuse_unable(streams[0], verb)
        if verb == "land":
            signer_for(self.spec.source, self.spec.file, self.edges.environment)
        return streams[0]

    def _refuse_other_partitions(self, stream: Stream) -> None:
        kind = "interval" if stream.name in self.going_on else self.spec.partition.by
        if (kind, self.spec.partition.timezone) != ("day", "UTC"):
            zone = "" if kind != "day" else f" of {self.spec.partition.timezone}"
            what = (
                f"A job fills a folder with a day of UTC, and a partition of stream {stream.name} is one {kind}{zone}."
            )
            raise FixThis(what, where=str(stream.place), todo=f"run it without a server: levada run {self.spec.file}")

    @property
    def root(self) -> str:
        """The folder that jobs work below, as requests name it: as it was written, unless that steps up."""
        written = self.spec.lake
        return self.store.describe() if ".." in Path(written).parts else written

    def _folder(self, path: str) -> str:
        real = self.store.describe()
        return into.folder_in(self.root, path, real if real.startswith("/") else None)

    def _filling(self, stream: Stream) -> into.Filling:
        return into.Filling(self.spec, stream, self.store, self.edges, self.options, self.observe)

    def work(self, verb: str, stream: Stream, date: str) -> Run:
        """Do `verb` (run, land, stage, replay) to one partition of one stream.

        Args:
            verb: What to do.
            stream: To which stream.
            date: The partition's name; of an incremental stream the interval's, or "" to go on where it stopped.

        Raises:
            LevadaError: see levada.errors; what was committed before still stands.
        """
        step, uses = VERBS[verb]
        with logged(self.course), failing(stream.name, date):
            require(self.spec, needed(uses, stream))
            if stream.name in self.going_on:
                return ended(cursor.work(self._job(stream, Partition("interval", "")), verb, step, date))
            return ended(step(self._job(stream, parse(date, self.spec.partition))))

    def _job(self, stream: Stream, partition: Partition) -> Job:
        area = Area(self.store, self.spec.pipeline, stream.name, partition.key)
        return Job(self.spec, stream, partition, area, self.edges, self.options, self.observe)

    @property
    def going_on(self) -> Mapping[str, Incremental]:
        """The streams without partitions: incremental ones, and those that take rows or pages of them; whose cursor."""
        return cursor.going_on(self.spec.streams)

    def chosen(self, verb: str, choice: Choice) -> Chosen:
        """The partitions of the chosen streams that `verb` works on; replay and load take committed ones.

        Raises:
            FixThis: the choice names none, or one is needed; nothing that it names is there to replay.
        """
        found = self._meant(verb, choice)
        if verb not in OF_THE_LAKE or not choice.given:
            return found
        there = self._among(found, lambda area: self.store.head(area.commit) is not None)
        if not there.work:
            raise self._nothing(there)
        return there

    def quarantined(self, choice: Choice) -> Chosen:
        """The partitions of the chosen streams whose commit has rows in quarantine, all of them without a choice.

        Those whose record is damaged are among them: who works on them is told.

        Raises:
            FixThis: the choice names none.
        """
        return replace(self._among(self._meant("replay", choice), _has_quarantined), nothing=())

    def _meant(self, verb: str, choice: Choice) -> Chosen:
        streams = self.streams()
        # Of a span of intervals, too, a replay takes those that are there.
        spans = choice.date is None and all(stream.name in self.going_on for stream in streams)
        looks = verb in {"stage", *OF_THE_LAKE} and (not choice.given or (verb in OF_THE_LAKE and spans))
        kept = self._kept(_whatever if verb == "replay" else _level) if looks else {}
        known = Known(self.edges.clock.now(), self.going_on, kept)
        return chosen(verb, self.spec.partition, streams, choice, known)

    def _among(self, found: Chosen, fits: Callable[[Area], bool]) -> Chosen:
        """What of it `fits`; the others are those that there is nothing of."""
        fitting = each(self.store, lambda one: fits(self._area(*one)), found.work)
        both = [(one, fit) for one, fit in zip(found.work, fitting, strict=True)]
        return replace(found, work=tuple(o for o, fit in both if fit), nothing=tuple(o for o, fit in both if not fit))

    def _area(self, named: str, stream: Stream) -> Area:
        area = Area(self.store, self.spec.pipeline, stream.name, named)
        incremental = self.going_on.get(stream.name)
        return area if incremental is None else cursor.area_of(area, incremental, named)

    def _nothing(self, found: Chosen) -> FixThis:
        """What is told where nothing of what a person named was ever committed."""
        names = list(dict.fromkeys(key for key, _ in found.nothing))
        named = f"{len(names)} partitions from {names[0]} to {names[-1]}" if len(names) > 1 else "".join(names)
        return FixThis(
            f"Nothing of pipeline {self.spec.pipeline} is committed {f'of {named}' if named else 'in that span'}.",
            where=self.store.describe(),
            todo="see `levada status` for what is; `levada run` fetches what is not, or name another --lake",
        )

    def streams(self) -> tuple[Stream, ...]:
        """The streams that the options choose, parents first; all of them without a choice."""
        known = {stream.name: stream for stream in self.spec.streams}
        unknown = [name for name in self.options.streams if name not in known]
        if unknown:
            raise FixThis(
                f"There is no stream {unknown[0]} in this spec.",
                where=self.spec.file,
                todo=f"choose among: {', '.join(known)}",
            )
        return in_order(tuple(known[name] for name in self.options.streams) or self.spec.streams)

    def landed(self) -> list[str]:
        """Partitions that have a commit of any chosen stream, oldest first."""
        return sorted({key for kept in self._kept(_whatever).values() for key in kept})

    def _kept(self, level: Callable[[Area], Level | None]) -> Kept:
        """The committed partitions of each chosen stream, with how far their commits go."""
        found: dict[str, dict[str, Level]] = {}
        for stream in self.streams():
            areas = [area for area in committed(self.store, self.spec.pipeline, stream.name) if not area.of_folder]
            levels = zip(areas, each(self.store, level, areas), strict=True)
            found[stream.name] = {area.partition: known for area, known in levels if known}
        return found

    @property
    def course(self) -> Course:
        """What rounds of it need."""
        return Course(self.spec, self.store, self.edges)

    def observed(self, observe: Callable[[Event], None]) -> "Pipeline":
        """This pipeline, telling `observe` what happens."""
        return replace(self, observe=observe)

    def having(self, options: Options) -> "Pipeline":
        """This pipeline with other options."""
        return replace(self, options=options)


def _has_quarantined(area: Area) -> bool:
    try:
        record = record_of(area)
    except FixThis:
        return True
    return record is not None and any(file.kind == "quarantine" for file in record.files)


def _whatever(_: Area) -> Level:
    """Who replays asks for no level: no record is read for it."""
    return "staged"


def _level(area: Area) -> Level | None:
    """How far the commit of a partition goes; of a damaged record the most: who works on it is told."""
    try:
        record = record_of(area)
    except FixThis:
        return "staged"
    return record.level if record else None
