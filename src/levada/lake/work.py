"""Unfinished work of a partition: what a run writes before its commit, and what it takes over from one that died.

Everything goes under the run's own folder, create-only. A page counts once its facts exist; nothing is fsynced before
the commit, so pages of another run are checked by SHA-256 before they are used.
"""

import contextlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from levada.edges import Edges, run_id
from levada.errors import LeaseHeld, LevadaError
from levada.lake.area import Area
from levada.lake.lease import Lease
from levada.lake.media import media_of
from levada.lake.reading import read_bytes
from levada.lake.record import as_json
from levada.lake.runs import (
    Durable,
    Failure,
    RunFolder,
    Taken,
    WorkFile,
    durable_pages,
    failure_of,
    read_failure,
    run_folders,
    unfinished,
)
from levada.lake.store import Exists, Writer
from levada.nouns import Counts, LakeFile, Page, PageFacts, Run
from levada.secret import redacted

__all__ = ["Fingerprints", "Work", "begin"]

_STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What pages answer to: work is continued only for the same request; after ContractBroken, for a new contract."""

    request: str
    contract: str


@dataclass(frozen=True, slots=True)
class Work:
    """A run's own folder. Holds locations only: what was landed lies in the store."""

    area: Area
    run: str
    edges: Edges
    #: Answers taken over from an unfinished run, in order from 1; they are not asked for again.
    done: tuple[PageFacts, ...]
    taken: Mapping[int, Taken]

    def key(self, *parts: str) -> str:
        """The key of a file of this run: `key("staged", "1.avro")`, `key("quarantine.jsonl")`."""
        return self.area.run(self.run, *parts)

    def writer(self, *parts: str) -> AbstractContextManager[Writer]:
        """A writer for a new file of this run; whole under its name after a clean exit, else not there at all."""
        return self.area.store.writer(self.key(*parts))

    def land(self, page: Page, public: str | None = None) -> LakeFile | None:
        """Make one answer durable: the body, then its facts. The file of the page, None for an answer without data.

        Raises:
            ValueError: the facts are those of another body.
        """
        facts = page.facts
        if facts.means == "page":
            media = media_of(public or "", facts.headers.get("content-type", ""))
            written = self.area.store.create(self.key("pages", f"{facts.number}.body"), page.body, media)
            if (written.size, written.sha256) != (facts.size, facts.sha256):
                raise ValueError(f"page {facts.number}: size or SHA-256 of the facts is not that of the body")
        return self.landed(facts, public)

    def body_writer(self, number: int, public: str | None = None) -> AbstractContextManager[Writer]:
        """A writer for the body of a page that is not held in memory; it counts once `landed` has its facts."""
        return self.area.store.writer(self.key("pages", f"{number}.body"), media_of(public or ""))

    def landed(self, facts: PageFacts, public: str | None = None) -> LakeFile | None:
        """Make an answer count whose body, if it has one, is there: its facts are written."""
        self.area.store.create(self.key("pages", f"{facts.number}.json"), as_json(facts))
        return self.page_file(facts, public)

    def page_file(self, facts: PageFacts, public: str | None = None) -> LakeFile | None:
        """The file of a page that is durable in this work, taken over or its own; None for an answer without data."""
        if facts.means != "page":
            return None
        key = self._body(facts.number)
        return LakeFile(
            "page",
            key,
            public,
            facts.size,
            facts.sha256,
            facts.rows,
            page=facts.number,
            media=facts.headers.get("content-type", ""),
            fills=facts.fills,
        )

    def page_body(self, facts: PageFacts) -> bytes:
        """The bytes of a page that is durable in this work; raises as `read_bytes` does."""
        return read_bytes(self.area.store, self._body(facts.number), facts.sha256)

    def refused(self, page: int, attempt: int, answer: object) -> None:
        """Leave a note of an answer that was no page, every text in it redacted; the first of one name stays."""
        note = redacted(msgspec.to_builtins(answer))
        with contextlib.suppress(Exists):
            self.area.store.create(self.key("answers", f"{page}-{attempt}.json"), as_json(note))

    def failed(self, error: BaseException, counts: Counts = Counts()) -> None:  # noqa: B008 - frozen
        """Leave `failed.json`, as far as the disk lets us: the error itself is what matters."""
        if isinstance(error, LeaseHeld):
            return
        failure = failure_of(error, counts, self.edges.clock.now())
        with contextlib.suppress(Exists, LevadaError):
            self.area.store.create(self.key("failed.json"), as_json(failure))

    def close(self, run: Run) -> None:
        """Leave `run.json`: the run came to its end, and there is nothing to continue."""
        self.area.store.create(self.key("run.json"), as_json(run))

    def _body(self, number: int) -> str:
        taken = self.taken.get(number)
        return taken.body if taken and taken.body else self.key("pages", f"{number}.body")


def begin(lease: Lease, fingerprints: Fingerprints, edges: Edges, resume_within: float, fresh: bool = False) -> Work:
    """Open the folder of a new run, with the pages of the unfinished one where they can be used again.

    Args:
        lease: The right to work on the partition.
        fingerprints: What the pages to come answer to.
        edges: Clock and randomness.
        resume_within: Seconds since its last durable page within which unfinished work is continued.
        fresh: Take nothing over.
    """
    area, now = lease.area, edges.clock.now()
    folders = run_folders(area)
    pages = [] if fresh else _resumable(lease, folders, fingerprints)
    if pages and now - pages[-1].facts.at >= timedelta(seconds=resume_within):
        pages = []
    taken = tuple(page.taken for page in pages)
    run = _run_after(edges, _latest_name(lease, folders))
    work = WorkFile(run, now, lease.holder, fingerprints.request, fingerprints.contract, taken)
    area.store.create(area.run(run, "work.json"), as_json(work))
    return Work(area, run, edges, tuple(page.facts for page in pages), {item.number: item for item in taken})


def _resumable(lease: Lease, folders: list[RunFolder], fingerprints: Fingerprints) -> list[Durable]:
    found = unfinished(folders, lease.record)
    if found is None:
        return []
    folder, work = found
    return durable_pages(folder, work) if _may_resume(work, read_failure(folder), fingerprints) else []


def _may_resume(work: WorkFile, failure: Failure | None, now: Fingerprints) -> bool:
    if work.request != now.request or (failure and failure.kind == "FixThis"):
        return False
    return not (failure and failure.kind == "ContractBroken") or work.contract != now.contract


def _latest_name(lease: Lease, folders: list[RunFolder]) -> str:
    record = lease.record  # a name up to `fenced` would be taken for one that can commit nothing any more
    known = [folder.run for folder in folders[-1:]] + ([record.run, record.fenced] if record else [])
    return max(known, default="")


def _run_after(edges: Edges, latest: str) -> str:
    """A run name that sorts after `latest`, even if the clock was put back."""
    name = run_id(edges)
    if name > latest:
        return name
    stamp, _, _ = latest.partition("-")
    _, _, nonce = name.partition("-")
    moment = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC) + timedelta(microseconds=1)
    return f"{moment.strftime(_STAMP)}-{nonce}"
