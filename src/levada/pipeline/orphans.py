"""Which streams cannot be tried because what they are made from failed just now. Pure."""

from levada.pipeline.slicing import parents
from levada.spec.model import Stream

__all__ = ["Orphans"]

#: What takes rows or pages of other streams; `stage` and `replay` have their own.
_FETCHING = ("run", "land")


class Orphans:
    """Knows of a series of partitions what failed, and with it the streams that are made from that, and so on."""

    def __init__(self, verb: str) -> None:
        """Know of no failure yet; `verb` is what is done to the partitions."""
        self._verb = verb
        self._failed = set[tuple[str, str]]()

    def failed(self, partition: str, stream: Stream) -> None:
        """A stream that failed."""
        self._failed.add((partition, stream.name))

    def made_from(self, partition: str, stream: Stream) -> str | None:
        """The failed stream that this one is made from, which then counts as failed, too; None: it can be tried."""
        if self._verb not in _FETCHING:
            return None
        found = next((name for name in parents(stream) if (partition, name) in self._failed), None)
        if found is not None:
            self.failed(partition, stream)
        return found
