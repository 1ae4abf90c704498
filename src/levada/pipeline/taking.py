"""The files that a stream takes: found, looked at as they come, told to landing. Each is a page, landed as it is."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from levada.errors import ContractBroken, FixThis
from levada.lake.store import Writer
from levada.landing import Come, Opening
from levada.nouns import PageFacts
from levada.pipeline.facts import facts_of
from levada.pipeline.job import Job
from levada.pipeline.portions import explained
from levada.records import portions_csv
from levada.records.portions import streams
from levada.source.auth.fixed import Fixed
from levada.source.copying import copy
from levada.source.download import download
from levada.source.events import Event, Took
from levada.source.files import Found, find
from levada.source.limits import Limiter
from levada.source.origin import origin
from levada.source.request import Plan
from levada.spec.template import variables

__all__ = ["coming", "files_of", "fingerprint", "plan_for"]

#: Bytes in which the line of names is looked for before the rest of a file is taken.
HEAD = 64 * 1024
_OK = 200


def files_of(job: Job) -> list[Found]:
    """The files of a partition, in order.

    Raises:
        FixThis: there is none, or one is a folder; two would be landed under one name.
    """
    assert job.stream.files  # noqa: S101 - asked for only where there are
    folder = Path(job.spec.file).absolute().parent
    found = find(job.stream.files.names, job.values, folder, job.edges.environment)
    told = variables(job.stream.raw) if job.stream.raw else {"page"}
    twice = [name for name, times in Counter(file.name for file in found).items() if times > 1]
    if twice and "page" not in told:
        both = " and ".join(str(file) for file in found if file.name == twice[0])
        raise FixThis(
            f"Two files have the name {twice[0]}: {both}.",
            where=str(job.stream.files.place),
            todo="put {page}, their number, into `raw`, or give them to streams of their own",
        )
    return found


def fingerprint(files: Sequence[Found]) -> str:
    """Equal for the same files, unchanged: only then is an interrupted run continued."""
    return hashlib.sha256(json.dumps([[file.url, file.tag] for file in files]).encode()).hexdigest()


def coming(job: Job, files: Sequence[Found], done: int, tell: Callable[[Event], None]) -> Iterator[Come]:
    """The files in order, those left out that an interrupted run has landed, each brought when its turn comes."""
    plan = plan_for(job, files)
    for number, file in enumerate(files, start=1):
        if number > done:
            way = _Way(job, plan, file, number, tell)
            yield Come({"page": number, "file": file.name}, way.bring)


def plan_for(job: Job, files: Sequence[Found]) -> Plan:
    """How files of the web are asked for; no secret is looked at that none of them needs."""
    source = job.spec.source
    if any(file.kind == "web" and source.url and origin(file.url) == origin(source.url) for file in files):
        return job.plan()
    return Plan(source, job.stream, job.values, Fixed(), Limiter())


class _Way:
    """One file on its way into the lake."""

    def __init__(self, job: Job, plan: Plan, file: Found, number: int, tell: Callable[[Event], None]) -> None:
        self._job, self._plan, self._file, self._number, self._tell = job, plan, file, number, tell

    def bring(self, opening: Opening) -> PageFacts:
        """Bring it; its facts.

        Raises:
            LevadaError: it cannot be had, is empty, changed meanwhile, or its line of names is not the spec's.
        """
        looking: list[_Looking] = []

        @contextmanager
        def opener() -> Iterator[_Looking]:
            with opening() as writer:
                looking.append(_Looking(self._job, self._file, writer))
                yield looking[-1]
                looking[-1].end()

        if self._file.kind == "web":
            download(self._plan, self._file, opener, self._job.edges, self._tell)
        else:
            copy(self._file, opener)
        written = looking[-1].writer.written()
        self._tell(Took(self._number, 0, written.size))
        return replace(
            facts_of(self._number, str(self._file), written, self._job.edges.clock.now()),
            status=_OK if self._file.kind == "web" else 0,
            headers=looking[-1].headers,
            fills={"page": self._number, "file": self._file.name},
        )


class _Looking:
    """A writer that looks at what a file begins with before more of it is taken."""

    def __init__(self, job: Job, file: Found, writer: Writer) -> None:
        self._job, self._file, self.writer = job, file, writer
        self.headers: Mapping[str, str] = {}
        self._head: bytearray | None = bytearray()
        self._size = 0

    def begin(self, headers: Mapping[str, str], /) -> None:
        self.headers = headers

    def write(self, data: bytes, /) -> int:
        self._size += len(data)
        if self._head is not None:
            self._head += data[:HEAD]
            if len(self._head) >= HEAD:
                self._see(whole=False)
        return self.writer.write(data)

    def end(self) -> None:
        """The file is through."""
        if not self._size:
            raise ContractBroken(
                f"{self._file} is empty: it has not one byte.",
                where=self._job.where,
                todo="have it written again; a file without records has its line of names, or `[]`",
            )
        if self._head is not None:
            self._see(whole=True)

    def _see(self, *, whole: bool) -> None:
        head, self._head = bytes(self._head or b""), None
        records, media = self._job.stream.records, self.headers.get("content-type", "")
        if records.format.kind != "csv" or not streams(records):
            return
        try:
            if whole:
                portions_csv.names(io.BytesIO(head), records.format, media)
            else:
                portions_csv.glimpse(head, records.format, media)
        except ContractBroken as error:
            raise explained(self._job, error, str(self._file)) from None
