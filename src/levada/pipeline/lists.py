"""The records of all pages again, as one JSON list, or as lists of limited length for readers of no larger files.

Derived: the pages themselves stay as the API sent them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from levada.errors import ContractBroken
from levada.lake.store import Writer
from levada.lake.work import Work
from levada.nouns import FileKind, LakeFile
from levada.pipeline.job import Job
from levada.spec.model import Split
from levada.spec.template import encode_name, fill

__all__ = ["Joined", "Parts"]

_FIRST, _LAST = b"[", b"\n]\n"


class Joined:
    """One file of all records."""

    def __init__(self, job: Job, work: Work, whole: ExitStack) -> None:
        self._job, self._work, self._whole = job, work, whole
        self._template = job.stream.raw_joined
        self._list: _List | None = None

    @property
    def wanted(self) -> bool:
        """Whether the stream asks for it."""
        return self._template is not None

    def take(self, records: Sequence[bytes]) -> None:
        """Write these records; the list is begun even for none."""
        self._list = self._list or self._whole.enter_context(_open(self._work, "joined.json"))
        for record in records:
            self._list.write(bytes(record))

    def files(self) -> Iterator[LakeFile]:
        """The file, once the stack is closed."""
        if self._list and self._template:
            yield self._list.file("joined", self._work.key("joined.json"), self._job.name(self._template))


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
        name = ("split", f"{number}.json")
        self._key = work.key(*name)
        # Closed when it is full, and with the run's own stack when that fails: then the file is not there.
        self._stack = whole.enter_context(ExitStack())
        self._list = self._stack.enter_context(_open(work, *name))

    def takes(self, record: bytes, split: Split) -> bool:
        full = split.records is not None and self._list.rows >= split.records
        return not full and (split.size is None or self._list.size_with(record) <= split.size)

    def write(self, record: bytes) -> None:
        self._list.write(record)

    def close(self) -> None:
        self._stack.close()

    def file(self, public: str) -> LakeFile:
        return self._list.file("split", self._key, public)


class _List:
    """A JSON list of records in the making, each as it came."""

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._size = len(_FIRST) + len(_LAST)
        self.rows = 0

    @property
    def _before(self) -> bytes:
        return b",\n" if self.rows else b"\n"

    def size_with(self, record: bytes) -> int:
        """Bytes of the file if this record is the last one."""
        return self._size + len(self._before) + len(record)

    def write(self, record: bytes) -> None:
        self._size = self.size_with(record)
        self._out.write(self._before + record)
        self.rows += 1

    def file(self, kind: FileKind, key: str, public: str) -> LakeFile:
        written = self._out.written()
        return LakeFile(kind, key, public, written.size, written.sha256, self.rows)


@contextmanager
def _open(work: Work, *name: str) -> Iterator[_List]:
    with work.writer(*name) as writer:
        writer.write(_FIRST)
        yield _List(writer)
        writer.write(_LAST)
