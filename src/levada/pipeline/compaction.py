"""Small files made large, on request: Delta tables in place, Parquet files of many partitions as one derived file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from levada.edges import Edges, run_id
from levada.errors import FixThis
from levada.extras import require
from levada.lake.area import Area
from levada.lake.commit import owner
from levada.lake.lease import read_record
from levada.lake.store import CONTROL, Store, checked_folder
from levada.lake.verify import check_key
from levada.nouns import LakeFile
from levada.pipeline.tables import tables_of
from levada.spec.model import Output, Spec, Stream
from levada.spec.template import encode_name, fill

__all__ = ["Compacted", "Merging", "compact_tables", "merge_into"]

#: Seconds that files of a table stay which newer ones took the place of: readers of older versions need them.
KEEP_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of small files."""

    stream: str
    #: The table's folder, or the merged file.
    name: str
    #: Files that were merged, and those that took their place.
    merged: int
    made: int
    #: Files of a table that no version of the last 7 days needs, removed.
    removed: int = 0
    #: Rows of the merged file; None for tables.
    rows: int | None = None


def compact_tables(spec: Spec, streams: Sequence[Stream], store: Store, edges: Edges, size: int) -> list[Compacted]:
    """Merge the small files of the streams' Delta tables, and remove those that nobody needs any more.

    Args:
        spec: The pipeline.
        streams: Those to work on.
        store: The lake.
        edges: Clock and environment.
        size: Bytes that a file should have.

    Raises:
        TryLater: a table could not be read or written.
    """
    found = [(stream, output) for stream in streams for output in _outputs(stream, "delta")]
    if not found:
        return []
    require("delta", "Delta tables", ["deltalake", "pyarrow"])
    from levada.staging import delta

    made = []
    for stream, output in found:
        name = fill(output.name, {"pipeline": spec.pipeline, "stream": stream.name}, encode_name)
        done = delta.compact(tables_of(store, edges), name, size, KEEP_HOURS)
        if done is not None:
            made.append(Compacted(stream.name, name, *done))
    return made


def _outputs(stream: Stream, form: str) -> list[Output]:
    return [output for output in stream.stage.outputs if output.format == form] if stream.stage else []


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


def merge_into(merging: Merging, store: Store, edges: Edges) -> Compacted:
    """Write the staged Parquet rows of partitions, in their order, as one file; what they lie in stays as it is.

    Raises:
        FixThis: the stream stages no Parquet, there is none of these partitions, a file of them is damaged or has other
            columns; the name is no name, in use, or of a commit.
    """
    require("parquet", "Parquet files", ["pyarrow"])
    from levada.staging import parquet

    stream, name = merging.stream, checked_folder(merging.name)
    outputs = _outputs(stream, "parquet")
    files = list(_staged(merging, store)) if outputs else []
    if not files:
        raise FixThis(
            f"There are no staged Parquet files of {merging.spec.pipeline}/{stream.name} to merge.",
            where=store.describe(),
            todo="stage the partitions as Parquet first: `stage: {parquet: ...}`",
        )
    _refuse_taken(merging, store)
    aside = f"{CONTROL}/tmp/merged-{run_id(edges)}"  # noqa: S108 - of the lake: what is left there is cleared away
    with store.writer(aside) as out:
        made = parquet.merge((store.open(file.key) for file in files), out, outputs[0].codec, outputs[0].row_group)
    store.sync([aside])
    store.copy(aside, name)
    store.delete(aside)
    store.sync([name])
    return Compacted(stream.name, name, len(files), 1, rows=made)


def _staged(merging: Merging, store: Store) -> Iterator[LakeFile]:
    for partition in merging.partitions:
        record, _ = read_record(Area(store, merging.spec.pipeline, merging.stream.name, partition))
        for file in record.files if record else ():
            if file.format == "parquet":
                if problems := check_key(store, file):
                    raise FixThis(str(problems[0]), where=store.describe(), todo="stage the partition again")
                yield file


def _refuse_taken(merging: Merging, store: Store) -> None:
    area = Area(store, merging.spec.pipeline, merging.stream.name, "")
    if found := owner(area, [merging.name]):
        raise FixThis(
            f"{merging.name} belongs to {found[1]}: a run would write over what is merged there.",
            where=store.describe(),
            todo="name another file",
        )
    if not merging.adopt and store.head(merging.name) is not None:
        what = f"{merging.name} is there already."
        raise FixThis(what, where=store.describe(), todo="name another file, or write over it with --adopt")
