"""The records of all pages again, as JSON lists of limited length, for readers that take no larger files.

Derived, like one list of all: the pages themselves stay as the API sent them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from levada.errors import ContractBroken
from levada.lake.store import Writer
from levada.lake.work import Work
from levada.nouns import LakeFile
from levada.pipeline.job import Job
from levada.spec.model import Split
from levada.spec.template import encode_name, fill

__all__ = ["Parts"]

_FIRST, _NEXT, _LAST = b"[\n", b",\n", b"\n]\n"


class Parts:
    """Files of the records so far: a file ends when the next record would exceed a limit. None without records."""

    def __init__(self, job: Job, work: Work, whole: ExitStack) -> None:
        self._job, self._work, self._whole = job, work, whole
        self._split = job.stream.raw_split
        self._open: _Part | None = None
        self._done: list[LakeFile] = []

    @property
    def wanted(self) -> bool:
        """Whether the stream asks for it."""
        return self._split is not None

    def take(self, records: Sequence[bytes]) -> None:
        """Write these records.

        Raises:
            ContractBroken: one alone is larger than a file may be.
        """
        for record in map(bytes, records) if self._split else ():
            if self._split and (self._open is None or not self._open.takes(record, self._split)):
                self._end()
                self._open = self._begin(record, self._split)
            if self._open:
                self._open.write(record)

    def files(self) -> Iterator[LakeFile]:
        """The files, once the stack is closed."""
        self._note()
        yield from self._done

    def _begin(self, record: bytes, split: Split) -> "_Part":
        part = _Part(self._work, len(self._done) + 1, self._whole)
        if not part.takes(record, split):
            raise ContractBroken(
                f"A record of {len(record)} bytes is larger than a file of `raw_split` may be.",
                where=self._job.where,
                todo=f"raise its `size` ({split.size} bytes), or leave it out",
            )
        return part

    def _end(self) -> None:
        if self._open:
            self._open.close()
            self._note()

    def _note(self) -> None:
        if self._open and self._split:
            public = fill(self._split.name, {**self._job.values, "part": self._open.number}, encode_name)
            self._done.append(self._open.file(public))
            self._open = None


class _Part:
    """One file in the making."""

    def __init__(self, work: Work, number: int, whole: ExitStack) -> None:
        self.number = number
        self._key = work.key("split", f"{number}.json")
        # Closed when it is full, and with the run's own stack when that fails: then the file is not there.
        self._stack = whole.enter_context(ExitStack())
        self._out = self._stack.enter_context(_list(work, number))
        self._rows, self._size = 0, len(_FIRST) + len(_LAST)

    def takes(self, record: bytes, split: Split) -> bool:
        more = len(record) + (len(_NEXT) if self._rows else 0)
        full = split.records is not None and self._rows >= split.records
        return not full and (split.size is None or self._size + more <= split.size)

    def write(self, record: bytes) -> None:
        before = _NEXT if self._rows else b""
        self._out.write(before + record)
        self._rows += 1
        self._size += len(before) + len(record)

    def close(self) -> None:
        self._stack.close()

    def file(self, public: str) -> LakeFile:
        written = self._out.written()
        return LakeFile("split", self._key, public, written.size, written.sha256, self._rows)


@contextmanager
def _list(work: Work, number: int) -> Iterator[Writer]:
    with work.writer("split", f"{number}.json") as writer:
        writer.write(_FIRST)
        yield writer
        writer.write(_LAST)
