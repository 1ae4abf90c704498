"""Parquet files of many partitions as one derived file, on request; what they lie in stays as it is."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import PurePosixPath
from typing import BinaryIO

from levada.edges import Edges, run_id
from levada.errors import FixThis
from levada.extras import require
from levada.lake.area import Area, areas
from levada.lake.lease import record_of
from levada.lake.record import Record, public_names
from levada.lake.store import CONTROL, Store, checked_folder
from levada.lake.verify import check_key
from levada.nouns import LakeFile
from levada.spec.model import Output, Spec, Stream
from levada.spec.template import Template, encode_name, fill

__all__ = ["LeftOut", "Merged", "Merging", "merge_into"]

#: Partitions told in an error.
_SHOWN = 3
_PLACE = "name a file in a folder of its own, such as merged/all.parquet"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A partition whose rows are not in the merged file."""

    partition: str
    why: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the partitions that were to be merged."""

    stream: str
    #: The merged file.
    name: str
    #: Files that were merged, and their rows.
    merged: int
    rows: int
    #: Partitions that are in the file.
    partitions: int
    #: Those that were asked for and are not in it.
    left_out: tuple[LeftOut, ...] = ()
    #: Those that have no rows to be in it.
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Merging:
    """What to merge, and where to."""

    spec: Spec
    stream: Stream
    #: Names of partitions, in the order of their rows.
    partitions: tuple[str, ...]
    #: The name of the merged file in the lake.
    name: str
    #: Whether a file of that name may be written over.
    adopt: bool = False


@dataclass(slots=True)
class _Found:
    """The partitions, sorted by whether they have files to merge."""

    files: list[LakeFile] = field(default_factory=list)
    partitions: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def merge_into(merging: Merging, store: Store, edges: Edges) -> Merged:
    """Write the staged Parquet rows of partitions, in their order, as one file.

    Raises:
        FixThis: none of the partitions has Parquet files, one of these is damaged or has other columns; the name is no
            name, is in use, or lies among files that are read together.
    """
    require("parquet", "Parquet files", ["pyarrow"])
    from levada.staging import parquet

    name, output = checked_folder(merging.name), _output(merging)
    _refuse_taken(merging, store)
    found = _sorted(merging, store)
    if not found.files:
        raise _nothing(merging, store, found)
    aside = f"{CONTROL}/tmp/merged-{run_id(edges)}"  # noqa: S108 - of the lake: what is left there is cleared away
    with store.writer(aside) as out:
        rows = parquet.merge(_opened(store, found.files), out, output.codec, output.row_group)
    store.sync([aside])
    store.copy(aside, name)
    store.delete(aside)
    store.sync([name])
    left_out, empty = tuple(found.left_out), tuple(found.empty)
    return Merged(merging.stream.name, name, len(found.files), rows, found.partitions, left_out, empty)


def _output(merging: Merging) -> Output:
    outputs = merging.stream.stage.outputs if merging.stream.stage else ()
    for output in outputs:
        if output.format == "parquet":
            return output
    raise FixThis(
        f"Stream {merging.stream.name} stages no Parquet files to merge.",
        where=str(merging.stream.place),
        todo="stage it as Parquet first, `stage: {parquet: ...}`, and `levada replay`",
    )


def _sorted(merging: Merging, store: Store) -> _Found:
    found = _Found()
    for partition in merging.partitions:
        record = record_of(Area(store, merging.spec.pipeline, merging.stream.name, partition))
        files = [file for file in record.files if file.format == "parquet"] if record else []
        if why := _missing(record, files):
            found.left_out.append(LeftOut(partition, why))
        elif files:
            found.files += files
            found.partitions += 1
        else:
            found.empty.append(partition)
    return found


def _missing(record: Record | None, files: list[LakeFile]) -> str:
    """Why the rows of a partition cannot be merged; "" where they can, or where it has none."""
    if record is None:
        return "nothing is committed"
    if not record.shown:
        return "its commit is not shown yet: `levada run`"
    if record.level != "staged":
        return "its pages are not staged: `levada stage`"
    if record.counts.kept and not files:
        forms = sorted({file.format for file in record.files if file.kind == "staged"})
        return f"its rows are staged as {', '.join(forms) or 'nothing'}, not as Parquet: `levada replay`"
    return ""


def _nothing(merging: Merging, store: Store, found: _Found) -> FixThis:
    told = [f"{each.partition}: {each.why}" for each in found.left_out[:_SHOWN]]
    told += [f"{partition}: no rows" for partition in found.empty[: _SHOWN - len(told)]]
    more = len(found.left_out) + len(found.empty) - len(told)
    said = "; ".join(told) + (f"; and {more} more" if more else "") or "no partition is committed"
    return FixThis(
        f"There are no staged Parquet files of {merging.spec.pipeline}/{merging.stream.name} to merge: {said}.",
        where=store.describe(),
        todo="stage the partitions as Parquet first: `levada run`, or `levada replay` if they are staged otherwise",
    )


def _opened(store: Store, files: Iterable[LakeFile]) -> Iterator[BinaryIO]:
    for file in files:
        if problems := check_key(store, file):
            raise FixThis(str(problems[0]), where=store.describe(), todo="stage the partition again")
        yield store.open(file.key)


def _refuse_taken(merging: Merging, store: Store) -> None:
    """Refuse a name of others, and one among files that are read together: they would be read with its rows twice."""
    name, taken = merging.name, [*_committed(store), *_places(merging.spec)]
    if owner := next((owner for what, owner in taken if what == name), None):
        raise _taken(f"{name} belongs to {owner}: a run would write over what is merged there.", store)
    beside = (owner for what, owner in taken if name.startswith(f"{what}/") or what.startswith(f"{name}/"))
    if owner := next(beside, None):
        raise _taken(f"{name} would lie among the files of {owner}, and be read with them.", store)
    folders = [str(parent) for parent in PurePosixPath(name).parents][:-1]
    if table := next((folder for folder in folders if any(store.list(f"{folder}/_delta_log"))), None):
        raise _taken(f"{name} would lie in the Delta table {table}.", store)
    if not merging.adopt and store.head(name) is not None:
        what = f"{name} is there already."
        raise FixThis(what, where=store.describe(), todo="name another file, or write over it with --adopt")


def _taken(what: str, store: Store) -> FixThis:
    return FixThis(what, where=store.describe(), todo=_PLACE)


def _committed(store: Store) -> Iterator[tuple[str, str]]:
    """Public names, their folders and the tables of all commits of the lake, with whose they are."""
    for area, keys in areas(store).items():
        with suppress(FixThis):  # a damaged record has none
            record = record_of(area) if area.commit in keys else None
            names = public_names(record.files) if record else frozenset()
            folders = {str(PurePosixPath(name).parent) for name in names} - {"."}
            tables = {table.name for table in record.tables} if record else set()
            yield from ((what, str(area)) for what in sorted({*names, *folders, *tables}))


def _places(spec: Spec) -> Iterator[tuple[str, str]]:
    """The tables of the spec, and the folders that all files of an output lie in, with whose they are."""
    for stream in spec.streams:
        outputs = stream.stage.outputs if stream.stage else ()
        known = {"pipeline": spec.pipeline, "stream": stream.name}
        tables = {fill(output.name, known, encode_name) for output in outputs if output.format == "delta"}
        others = [output.name for output in outputs if output.format != "delta"]
        others += filter(None, (stream.raw, stream.raw_joined, stream.raw_split.name if stream.raw_split else None))
        folders = {_start(template, known) for template in others} - {""}
        yield from ((what, f"stream {stream.name}") for what in sorted(tables | folders))


def _start(template: Template, known: Mapping[str, str]) -> str:
    """The folders of a name before the first that its other variables change."""
    fixed = list(takewhile(lambda part: isinstance(part, str) or part.name in known, template.parts))
    return fill(Template("", tuple(fixed)), known, encode_name).rpartition("/")[0]
