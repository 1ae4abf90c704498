"""Quarantine: one JSON line a rejected record, with all that is wrong with it and its text as the API sent it.

`{"page": 1, "index": 5, "path": "price", "rule": "type", "reason": "...", "raw": "{...}"}`; further violations of the
same record stand in `more`, and `line` says where in a file it begins. A raw text that is not UTF-8 stands in
`raw_base64` instead of `raw`. No times: the same records make the same bytes.
"""

import base64
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from levada.errors import FixThis
from levada.lake.area import Area, areas
from levada.lake.lease import record_of
from levada.lake.record import Record
from levada.lake.runs import run_folders
from levada.lake.store import Missing, Store, Writer
from levada.nouns import Rejected, Violation

__all__ = ["Quarantined", "listing", "returned", "rows", "write"]

_log = logging.getLogger(__name__)


class _More(msgspec.Struct, frozen=True):
    path: str
    rule: str
    reason: str


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    page: int
    index: int
    path: str
    rule: str
    reason: str
    raw: str | None = None
    raw_base64: str | None = None
    more: tuple[_More, ...] = ()
    line: int | None = None


def write(writer: Writer, rejected: Iterable[Rejected]) -> int:
    """Write one line for each record; how many."""
    count = 0
    for row in rejected:
        writer.write(msgspec.json.encode(_line(row)) + b"\n")
        count += 1
    return count


def rows(store: Store, key: str) -> Iterator[Rejected]:
    """The rejected records of a quarantine file, one at a time.

    Raises:
        FixThis: the file is gone, or a line of it is none of ours; the text names file and line.
    """
    try:
        stream = store.open(key)
    except Missing:
        raise FixThis("the quarantine file is gone", where=key, todo="run the partition again") from None
    with stream:
        for number, line in enumerate(stream, 1):
            yield _rejected(line, f"{store.describe()}/{key}:{number}")


def returned(store: Store, before: str, after: str | None) -> int:
    """How many records of the quarantine file `before` are not in `after`, which is made from the same pages.

    Raises:
        FixThis: see `rows`.
    """
    still = {(row.page, row.index) for row in rows(store, after)} if after else set()
    return sum((row.page, row.index) not in still for row in rows(store, before))


def _line(row: Rejected) -> _Line:
    first, *others = row.violations
    more = tuple(_More(other.path, other.rule, other.reason) for other in others)
    raw, raw_base64 = _texts(row.raw)
    return _Line(row.page, row.index, first.path, first.rule, first.reason, raw, raw_base64, more, row.line)


def _texts(raw: bytes) -> tuple[str | None, str | None]:
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(raw).decode()


def _rejected(text: bytes, where: str) -> Rejected:
    try:
        line = msgspec.json.decode(text, type=_Line)
        raw = base64.b64decode(line.raw_base64) if line.raw_base64 is not None else (line.raw or "").encode()
    except ValueError as error:  # msgspec's and base64's are ValueErrors
        todo = "somebody changed it: run the partition again"
        raise FixThis(f"a quarantine line is damaged: {error}", where=where, todo=todo) from error
    violations = (
        Violation(line.path, line.rule, line.reason),
        *(Violation(m.path, m.rule, m.reason) for m in line.more),
    )
    return Rejected(line.page, line.index, violations, raw, line.line)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A partition with rows in quarantine, and the file that holds them."""

    pipeline: str
    stream: str
    partition: str
    run: str
    rows: int
    #: True: they are of the latest run, which failed and published nothing. False: of the commit that stands.
    failed: bool
    key: str


def _warn(area: Area, error: FixThis) -> None:
    _log.warning("%s is left out: %s (%s)", area, error.what, error.where)


def listing(store: Store, left_out: Callable[[Area, FixThis], None] = _warn) -> list[Quarantined]:
    """Every partition that has rows in quarantine, sorted: those of the commit, and those of a later failed run.

    Args:
        store: The lake.
        left_out: Takes each partition whose record or quarantine is damaged: it must not hide the others.
    """
    found = [each for area, keys in areas(store).items() for each in _readable(area, keys, left_out)]
    return sorted(found, key=lambda each: (each.pipeline, each.stream, each.partition, each.run))


def _readable(area: Area, keys: Sequence[str], left_out: Callable[[Area, FixThis], None]) -> Iterator[Quarantined]:
    try:
        record = record_of(area) if area.commit in keys else None
        yield from _committed(area, record)
        yield from _failed(area, record, keys)
    except FixThis as error:
        left_out(area, error)


def _committed(area: Area, record: Record | None) -> Iterator[Quarantined]:
    for file in record.files if record else ():
        if record and file.kind == "quarantine":
            yield Quarantined(
                area.pipeline, area.stream, area.partition, record.run, file.rows, failed=False, key=file.key
            )


def _failed(area: Area, record: Record | None, keys: Sequence[str]) -> Iterator[Quarantined]:
    """The quarantine of the latest run, if it failed after the commit that stands."""
    folders = run_folders(area, keys)
    latest = folders[-1] if folders else None
    if latest is None or not {"failed.json", "quarantine.jsonl"} <= set(latest.names):
        return
    if record is None or latest.run > record.run:
        key = latest.key("quarantine.jsonl")
        count = sum(1 for _ in rows(area.store, key))
        yield Quarantined(area.pipeline, area.stream, area.partition, latest.run, count, failed=True, key=key)
