"""Jobs: a folder of the lake that a person names is filled, from the API or from the raw files of another folder.

The unit of a job is its folder, not a partition: the folder has the lease and the commit record, whatever it holds.
"""

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from levada.edges import Edges
from levada.errors import FixThis
from levada.lake import commit
from levada.lake.area import Area, area_of_folder
from levada.lake.lease import Lease, hold, record_of
from levada.lake.location import is_remote
from levada.lake.record import Record
from levada.lake.refusal import no_whole_folders, printable
from levada.lake.store import Entry, Store, checked_folder
from levada.lake.sweep import sweep
from levada.nouns import Partition, Run
from levada.pipeline.job import Job, Options
from levada.pipeline.kept import Kept, in_order, of_record
from levada.pipeline.steps import finished, land, staged
from levada.source.events import Event
from levada.spec.model import Spec, Stream
from levada.spec.partition import day_in, parse_day
from levada.spec.template import Hole, Template, in_folder, page_pattern, variables

__all__ = ["Filling", "folder_in", "land_into", "refuse_everything", "refuse_unable", "stage_into"]

#: Control characters, and halves of surrogate pairs, which have no UTF-8.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: How the names of files begin that tools leave beside data: .DS_Store, _SUCCESS, .sales_1.json.crc.
_ASIDE = (".", "_")
_DIGITS = re.compile(r"[0-9]+")
#: What raw files are called where the spec keeps none in sight.
_ANY = Template("{page}.json", (Hole("page"), ".json"))
NO_ROWS = "the raw files hold no rows, and so does the folder now"
#: Characters of a path and names that a message shows.
_LONGEST, _SHOWN = 200, 3


@dataclass(frozen=True, slots=True)
class Filling:
    """What every job of a stream is given."""

    spec: Spec
    stream: Stream
    store: Store
    edges: Edges
    options: Options
    observe: Callable[[Event], None]

    def area(self, folder: str) -> Area:
        """Where the commit of a folder lies."""
        return area_of_folder(self.store, self.spec.pipeline, self.stream.name, folder)

    def job(self, stream: Stream, partition: Partition, folder: str) -> Job:
        """The run that fills `folder`."""
        return Job(self.spec, stream, partition, self.area(folder), self.edges, self.options, self.observe, folder)


def folder_in(lake: str, path: str, real: str | None = None) -> str:
    """The folder `path` relative to the lake, by its text alone: links are looked for where it is opened.

    Args:
        lake: Absolute path of the lake, as the person who opened it wrote it.
        path: Absolute path below it; slashes at its end or in a row are fine.
        real: The same place without links on the way, which may be written as well.

    Raises:
        FixThis: it is not below the lake, or could lead out of it.
    """
    wanted = PurePosixPath(path).parts
    if _UNFIT.search(path):
        raise _unfit(path, "holds a control character, or what is no Unicode text", lake)
    if not path.startswith("/"):
        raise _unfit(path, "is no absolute path", lake)
    if ".." in wanted:
        raise _unfit(path, "steps up with `..`", lake)
    for root in (PurePosixPath(each).parts for each in (lake, real or lake)):
        if wanted[1:] == root[1:]:  # "//" is a root of its own for POSIX
            raise _unfit(path, "is the root itself, whose content no job may replace", lake)
        if wanted[1 : len(root)] == root[1:]:
            return "/".join(wanted[len(root) :])
    raise _unfit(path, "does not lie below the root", lake)


def refuse_everything(lake: str) -> None:
    """Refuse as a root for jobs what is no folder, and the root of the file system."""
    if is_remote(lake):
        raise no_whole_folders(lake)
    if PurePosixPath(lake).parts in (("/",), ("//",)):
        what = "the root of the file system is no lake: a request could empty any folder of this machine"
        raise FixThis(what, where=lake, todo="name a folder that is there for data alone")


def refuse_unable(stream: Stream, verb: str) -> None:
    """Refuse a stream of which no such job can be done: it takes files, or its own would have no names."""
    if stream.files:
        what = f"stream {stream.name} takes files, and a {verb} job is for answers of an API"
        raise FixThis(what, where=str(stream.files.place), todo="run it without a server: levada run")
    if verb == "land" and not (stream.raw or stream.raw_joined):
        raise FixThis(
            f"stream {stream.name} shows no raw files, so a land job would leave its folder empty",
            where=str(stream.place),
            todo="give it `raw` or `raw_joined`",
        )
    if verb == "stage" and not stream.stage:
        what = f"stream {stream.name} has no `stage`, so a stage job would leave its folder empty"
        raise FixThis(what, where=str(stream.place), todo="give it `stage: {avro: ...}`")
    outputs = stream.stage.outputs if stream.stage else ()
    if verb == "stage" and any(output.format == "delta" for output in outputs):
        what = f"stream {stream.name} stages a Delta table, and a stage job fills folders with files"
        raise FixThis(what, where=str(stream.place), todo="leave `delta` out, or stage it without a server")
    if verb == "stage" and stream.load:
        what = f"stream {stream.name} loads a table, and a stage job fills folders with files"
        raise FixThis(what, where=str(stream.load.place), todo="leave `load` out, or stage it without a server")
    for name, template in (("raw", stream.raw), *((output.format, output.name) for output in outputs)):
        if template and "page" in variables(template) and "page" not in variables(in_folder(template, "")):
            raise FixThis(
                f"`{name}` of stream {stream.name} has {{page}} in its folders only; a job uses its file name alone",
                where=str(stream.place),
                todo="put {page} into the file name",
            )


def land_into(filling: Filling, folder: str, partition: Partition) -> Run:
    """Fetch and land a partition as all that `folder` holds; where there is no data the folder is left as it is."""
    _refuse_unfit(filling, folder)
    stream = filling.stream
    raw = in_folder(stream.raw, folder) if stream.raw else None
    joined = in_folder(stream.raw_joined, folder) if stream.raw_joined else None
    split = stream.raw_split
    parts = replace(split, name=in_folder(split.name, folder)) if split else None
    shown = replace(stream, raw=raw, raw_joined=joined, raw_split=parts)
    return land(filling.job(shown, partition, folder))


def stage_into(filling: Filling, raw: str, folder: str) -> Run:
    """Check and stage the raw files of the folder `raw` as all that `folder` holds.

    Which partition they are is what the commit of `raw` says; where another tool wrote them, what its name says.

    Raises:
        FixThis: there are no raw files, they are no pages or not what was landed; a folder is not fit for it.
    """
    stage = filling.stream.stage
    checked_folder(raw)
    _refuse_nested(raw, folder)
    _refuse_unfit(filling, folder)
    _refuse_at_once(filling.area(raw), raw)
    files = tuple(replace(output, name=in_folder(output.name, folder)) for output in stage.outputs) if stage else ()
    there = replace(stage, outputs=files) if stage else None
    stream = replace(filling.stream, raw=None, raw_joined=None, raw_split=None, stage=there)
    with ExitStack() as both:
        source, lease = _leases(filling, (raw, folder), both)
        partition = _partition(source.record, raw)
        # What cannot be shown any more is replaced by what is staged now.
        ready = lease if commit.damaged(lease) else finished(lease)
        pages = _pages(filling.job(stream, partition, raw), source, filling.stream, raw)
        done = staged(filling.job(stream, partition, folder), ready, pages)
        return done if done.counts.read else replace(done, notes=(*done.notes, NO_ROWS))


def _refuse_at_once(area: Area, raw: str) -> None:
    """Refuse, before a lock is made, what has no raw files to stage; a job that is at work there may bring them."""
    if area.store.held(area.lock) is not None:
        return
    record = record_of(area)
    if record is None and not area.store.entries(raw):
        raise _no_raw_files(area.store, raw)
    _partition(record, raw)


def _leases(filling: Filling, folders: Sequence[str], stack: ExitStack) -> list[Lease]:
    """The leases of several folders, taken in one order by all jobs, so that no two wait for each other."""
    edges, spec = filling.edges, filling.spec
    deadline = edges.clock.monotonic() + filling.options.wait
    held: dict[str, Lease] = {}
    for folder in sorted(folders):
        left = max(0.0, deadline - edges.clock.monotonic())
        held[folder] = stack.enter_context(hold(filling.area(folder), edges, left))
    swept = {folder: sweep(lease, edges, spec.keep_replaced, spec.resume_within) for folder, lease in held.items()}
    return [swept[folder] for folder in folders]


def _refuse_nested(raw: str, folder: str) -> None:
    if f"{folder}/".startswith(f"{raw}/") or raw.startswith(f"{folder}/"):
        what = "raw and staged files cannot lie one within the other: a job replaces all that its folder holds"
        raise FixThis(what, where=folder, todo=f"name a folder beside {raw}")


def _refuse_unfit(filling: Filling, folder: str) -> None:
    """Refuse, before anything is asked or written, a folder that no job may fill."""
    filling.store.replaceable(folder)
    for above in PurePosixPath(folder).parents[:-1]:
        if filling.store.head(filling.area(str(above)).commit) is not None:
            raise FixThis(
                f"the folder lies in {above}, which a job has filled, and the next one replaces all that it holds",
                where=folder,
                todo="name a folder beside it",
            )


def _partition(record: Record | None, raw: str) -> Partition:
    """What the raw files of a folder are of."""
    if record and record.level == "staged":
        what = f"{raw} holds staged files, which a job made"
        raise FixThis(what, where=raw, todo="name the folder of their raw files")
    if record:
        return parse_day(record.partition)
    if day := day_in(PurePosixPath(raw).name):
        return day
    raise FixThis(
        f"which date the raw files are of is not known: no job landed them, and {PurePosixPath(raw).name!r} is no date",
        where=raw,
        todo="put them into a folder that ends in their date, such as raw/sales/2022-08-09, or land them with a job",
    )


def _pages(job: Job, source: Lease, stream: Stream, raw: str) -> Kept:
    """The raw files in page order: those of the commit, else all that lie in the folder."""
    lease = finished(source)
    entries = job.area.store.entries(raw)
    if lease.record is None:
        found = _foreign(job, in_folder(stream.raw or stream.raw_joined or _ANY, raw), entries)
        return Kept(job, adopted=True, found=found, notes=_left_out(entries, {entry.key for entry in found}))
    names = {file.public for file in lease.record.files if file.public}
    return replace(of_record(job, lease.record, adopted=False), notes=_left_out(entries, names))


def _foreign(job: Job, template: Template, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Raw files that another tool wrote, in page order: all that end as the spec's raw files do."""
    last = template.parts[-1]
    suffix = PurePosixPath(f"name{last}").suffix if isinstance(last, str) else ""
    pages = [entry for entry in entries if entry.key.endswith(suffix) and not _name(entry).startswith(_ASIDE)]
    for entry in pages:
        if entry.link:
            what = f"{printable(entry.key)} is a symbolic link, and links are not followed"
            raise FixThis(what, where=job.area.store.describe(), todo="put the file itself in its place")
    if not pages:
        raise _no_raw_files(job.area.store, job.folder or "", f" ({suffix})")
    if not variables(template) <= {"page", *job.values}:
        what = (
            f"which rows the raw files are of is not known: no job landed them, and {template.text} is no name to tell"
        )
        raise FixThis(what, where=job.area.store.describe(), todo="land them with a job")
    _, pattern = page_pattern(template, job.values)
    numbers = [_number(job, entry, pattern) for entry in pages]
    _refuse_other_days(job, pages)
    if numbers == [None]:  # all pages in one file
        return (pages[0],)
    return in_order(job, [(_told(job, entry, number), entry) for entry, number in zip(pages, numbers, strict=True)])


def _number(job: Job, entry: Entry, pattern: re.Pattern[str]) -> int | None:
    """The page that a raw file is: as the spec names it, else the last digits beside the date: `20220809_2.json`."""
    named = pattern.fullmatch(entry.key)
    if named:
        return int(named["page"]) if "page" in pattern.groupindex else None
    day = job.partition.day
    assert day  # noqa: S101 - jobs fill folders with days
    date = rf"(?<![0-9]){day.year:04}[-_.]?0?{day.month}[-_.]?0?{day.day}(?![0-9])"
    digits = _DIGITS.findall(re.sub(date, " ", PurePosixPath(entry.key).stem))
    return int(digits[-1]) if digits else None


def _refuse_other_days(job: Job, pages: Sequence[Entry]) -> None:
    """Refuse what an earlier job of another tool left behind: it would pass for a page of this partition."""
    for entry in pages:
        other = day_in(_name(entry))
        if other not in (None, job.partition):
            raise FixThis(
                f"{printable(entry.key)} is of another date by its name than the raw files of {job.partition.key}",
                where=job.area.store.describe(),
                todo="move it to the folder of its date, or take it away",
            )


def _told(job: Job, entry: Entry, number: int | None) -> int:
    if number is not None:
        return number
    raise FixThis(
        f"which page {printable(entry.key)} is cannot be told: its name has no number",
        where=job.area.store.describe(),
        todo="give the raw files numbers from 1 on, as in sales_2022-08-09_1.json, or take away what is none",
    )


def _left_out(entries: Sequence[Entry], names: AbstractSet[str]) -> tuple[str, ...]:
    others = [printable(_name(entry)) for entry in entries if entry.key not in names]
    if not others:
        return ()
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return (
        f"not staged, because not raw files of the commit or of the spec's suffix: {', '.join(others[:_SHOWN])}{more}",
    )


def _name(entry: Entry) -> str:
    return PurePosixPath(entry.key).name


def _no_raw_files(store: Store, raw: str, suffix: str = "") -> FixThis:
    return FixThis(
        f"there are no raw files{suffix} in {raw}",
        where=f"{store.describe()}/{raw}",
        todo="land them first: run the land job for that folder",
    )


def _unfit(path: str, why: str, lake: str) -> FixThis:
    shown = ascii(path)[1:-1] if _UNFIT.search(path) else path
    cut = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
    return FixThis(f"the folder {why}", where=cut, todo=f"name a folder below the root, such as {lake}/raw/sales")
