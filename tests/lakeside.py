"""A run in small for the lake's tests: pages from a list, staging is upper case, page 2 has a row for quarantine."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from levada.edges import Edges, FixedClock
from levada.lake import quarantine
from levada.lake.area import Area
from levada.lake.commit import damaged, finish, publish
from levada.lake.lease import Lease, hold
from levada.lake.reading import read_file
from levada.lake.record import Record, landed_fingerprint, staged_fingerprint
from levada.lake.store import Store
from levada.lake.sweep import sweep
from levada.lake.work import Fingerprints, Work, begin
from levada.nouns import Counts, LakeFile, Page, PageFacts, Rejected, Run, Violation

START = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)
FINGERPRINTS = Fingerprints("request", "contract")
FOUR = [b'["a", "b"]', b'["c"]', b'["d"]', b'["e"]']
RAW = "raw/sales/2022-08-09/sales_2022-08-09_{}.json"
STAGED = "stg/sales/2022-08-09/sales_2022-08-09_{}.avro"


def area_in(store: Store) -> Area:
    return Area(store, "shop", "sales", "2022-08-09")


def still(start: datetime = START) -> Edges:
    """Edges whose clock stands and whose run names differ by a counter."""
    numbers = count()
    return Edges(clock=FixedClock(start), environment={}, uniform=lambda _low, _high: next(numbers))


def later(edges: Edges, **span: float) -> None:
    edges.clock.pause(timedelta(**span).total_seconds())


def page_of(number: int, body: bytes, at: datetime = START) -> Page:
    digest = hashlib.sha256(body).hexdigest()
    url = f"http://api.test/sales?page={number}"
    return Page(PageFacts(number, number, "page", url, 200, {}, 1, len(body), digest, at), body)


def end_of(number: int, at: datetime = START, means: str = "end") -> Page:
    url = f"http://api.test/sales?page={number}"
    facts = PageFacts(number, number, means, url, 404, {}, 0, 9, "0" * 64, at, text="no page 5")
    return Page(facts, b"")


def answers(bodies: Sequence[bytes], at: datetime = START) -> list[Page]:
    return [*(page_of(n, body, at) for n, body in enumerate(bodies, 1)), end_of(len(bodies) + 1, at)]


def land_all(work: Work, bodies: Sequence[bytes], asked: Callable[[int], None] = lambda _: None) -> list[LakeFile]:
    """Land what is not done yet; the files of all pages."""
    files = [work.page_file(facts, RAW.format(facts.number)) for facts in work.done]
    for page in answers(bodies, work.edges.clock.now())[len(work.done) :]:
        asked(page.facts.number)
        files.append(work.land(page, RAW.format(page.facts.number)))
    return [file for file in files if file]


def stage_all(work: Work, pages: Sequence[LakeFile]) -> list[LakeFile]:
    files = []
    for page in pages:
        with work.writer("staged", f"{page.page}.avro") as writer:
            writer.write(read_file(work.area.store, page).upper())
        key, written = work.key("staged", f"{page.page}.avro"), writer.written()
        public = STAGED.format(page.page)
        files.append(LakeFile("staged", key, public, written.size, written.sha256, 1, page.page, "avro"))
    with work.writer("quarantine.jsonl") as writer:
        quarantine.write(writer, [Rejected(2, 0, (Violation("$", "json", "is no object"),), b'"c"')])
    written = writer.written()
    return [*files, LakeFile("quarantine", work.key("quarantine.jsonl"), None, written.size, written.sha256, 1)]


def draft_of(lease: Lease, work: Work, pages: Sequence[LakeFile], staged: Sequence[LakeFile]) -> Record:
    landed = landed_fingerprint([RAW], [page.sha256 for page in pages])
    return Record(
        pipeline=lease.area.pipeline,
        stream=lease.area.stream,
        partition=lease.area.partition,
        run=work.run,
        level="staged" if staged else "landed",
        landed=landed,
        staged=staged_fingerprint(landed, "contract", "stage") if staged else None,
        files=(*pages, *staged),
        counts=Counts(read=5, kept=4, quarantined=1),
        pages=len(pages),
        committed=work.edges.clock.now(),
        by=lease.holder,
        levada="0.1.0",
    )


def run_of(record: Record, run: str, *, changed: bool) -> Run:
    return Run(
        record.pipeline,
        record.stream,
        record.partition,
        run,
        "done",
        record.level,
        record.counts,
        record.pages,
        requests=5,
        resumed=0,
        files=(),
        changed=changed,
        seconds=0.0,
    )


def carry(
    store: Store,
    bodies: Sequence[bytes] = FOUR,
    edges: Edges | None = None,
    *,
    asked: Callable[[int], None] = lambda _: None,
    staged: bool = True,
    adopt: bool = False,
) -> Record:
    """What `run` (or, without `staged`, `land`) does to a partition, in the order in which it does it."""
    edges = edges or Edges(environment={})
    with hold(area_in(store), edges) as held:
        if held.record is not None and not held.record.shown and not damaged(held):
            return finish(held)
        lease = sweep(held, edges, 3600, 3600)
        work = begin(lease, FINGERPRINTS, edges, 3600)
        pages = land_all(work, bodies, asked)
        record, changed = publish(
            lease, draft_of(lease, work, pages, stage_all(work, pages) if staged else ()), adopt=adopt
        )
        work.close(run_of(record, work.run, changed=changed))
    return record


def public_tree(store: Store) -> dict[str, bytes]:
    """All that users see: names and bytes outside `_levada/`."""
    return {entry.key: store.read(entry.key) for entry in store.list("") if not entry.key.startswith("_levada/")}
