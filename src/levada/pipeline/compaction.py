"""Small files of Delta tables made large, in place, on request."""

from collections.abc import Sequence
from dataclasses import dataclass

from levada.edges import Edges
from levada.extras import require
from levada.lake.store import Store
from levada.pipeline.tables import tables_of
from levada.spec.model import Output, Spec, Stream
from levada.spec.template import encode_name, fill

__all__ = ["Compacted", "compact_tables"]

#: Seconds that files of a table stay which newer ones took the place of: readers of older versions need them.
KEEP_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of the small files of a table."""

    stream: str
    #: The table's folder.
    name: str
    #: Files that were merged, and those that took their place.
    merged: int
    made: int
    #: Files that no version of the last 7 days needs, removed.
    removed: int = 0


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
    found = [(stream, output) for stream in streams for output in _tables(stream)]
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


def _tables(stream: Stream) -> list[Output]:
    return [output for output in stream.stage.outputs if output.format == "delta"] if stream.stage else []
