"""The lake as tables: each stream that a question names, by the Parquet files of its committed partitions."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from levada.contract.model import columns
from levada.errors import FixThis, TryLater
from levada.extras import require
from levada.lake.abreast import each
from levada.lake.area import committed
from levada.lake.lease import record_of
from levada.lake.location import MEMORY, is_remote
from levada.lake.reading import open_file
from levada.lake.record import Record
from levada.lake.store import Missing, Store
from levada.lake.verify import check_key
from levada.nouns import LakeFile
from levada.pipeline.course import Course
from levada.report.asking import Ask, Question, Shown, of_lake
from levada.report.model import Table
from levada.spec.model import Stream
from levada.spec.parameters import words

__all__ = ["of_committed"]

_NO_TABLE = re.compile(r"Table with name (.+?) does not exist")


@contextmanager
def of_committed(course: Course, question: Question) -> Iterator[Ask]:
    """The committed rows of the lake, for this question.

    Each file of the streams that the question names is proven by its SHA-256; those of an object store are fetched.

    Raises:
        FixThis: a partition has rows and no Parquet, a commit record is damaged; asking, a stream is staged otherwise.
        TryLater: the store is away, or a partition is just being replaced.
    """
    require("duckdb", "Reports from the lake", ["duckdb", "pyarrow"])
    named = [stream for stream in course.spec.streams if stream.name.lower() in words(question.sql)]
    lacking = {stream.name.lower(): stream for stream in named if not _has_parquet(stream)}
    zone = course.spec.partition.timezone
    with TemporaryDirectory(prefix="levada-report-") as aside:
        shown = [_shown(course, stream, Path(aside)) for stream in named if stream.name.lower() not in lacking]
        with of_lake(course.store.describe(), shown, Path(aside), zone) as ask:
            yield lambda one, values: _told(ask, lacking, one, values)


def _has_parquet(stream: Stream) -> bool:
    outputs = stream.stage.outputs if stream.stage else ()
    return stream.load is not None or any(output.format == "parquet" for output in outputs)


def _told(ask: Ask, lacking: Mapping[str, Stream], question: Question, values: Mapping[str, Any]) -> Table:
    try:
        return ask(question, values)
    except FixThis as error:
        found = _NO_TABLE.search(error.what)
        stream = lacking.get(found[1].lower()) if found else None
        if stream is None:
            raise
        what = f"Report {question.report} asks stream {stream.name}, which has no Parquet in the lake."
        todo = "add stage: {parquet: ...} to the stream, or load: duckdb; then `levada replay`"
        raise FixThis(what, where=str(stream.place), todo=todo) from None


def _shown(course: Course, stream: Stream, aside: Path) -> Shown:
    from levada.staging.arrow import schema

    assert stream.contract  # noqa: S101 - without one nothing is staged
    found = [(file, record) for record in _records(course, stream) for file in _parquet(course, stream, record)]
    paths = each(course.store, lambda one: _at_hand(course, stream, one, aside), found, reading=True)
    files = [(path, record.partition) for path, (_, record) in zip(paths, found, strict=True)]
    return Shown(stream.name, files, schema(columns(stream.contract)).empty_table())


def _records(course: Course, stream: Stream) -> list[Record]:
    """The commits with checked rows, the earliest partition first."""
    areas = [area for area in committed(course.store, course.spec.pipeline, stream.name) if not area.of_folder]
    found = [record for record in each(course.store, record_of, areas) if record and record.level == "staged"]
    return sorted(found, key=lambda record: record.partition)


def _parquet(course: Course, stream: Stream, record: Record) -> list[LakeFile]:
    files = [file for file in record.files if file.kind == "staged" and file.format == "parquet"]
    if record.counts.kept and not files:
        what = f"The rows of {course.spec.pipeline}/{stream.name} {record.partition} are staged, but not as Parquet."
        todo = f"stage them anew: levada replay {course.spec.file}"
        raise FixThis(what, where=course.store.describe(), todo=todo)
    return files


def _at_hand(course: Course, stream: Stream, one: tuple[LakeFile, Record], aside: Path) -> Path:
    """Where the bytes of a file are on this machine, copied there if they are elsewhere; they are those of the commit.

    DuckDB would not notice if they were not: the hash of a file costs less than what is told of it wrongly.
    """
    (file, record), lake = one, course.store.describe()
    if is_remote(lake) or lake == MEMORY:
        return _fetched(course.store, file, aside)
    if problems := check_key(course.store, file):
        todo = f"make it again from the pages: levada replay {course.spec.file} --date {record.partition}"
        where = f"{course.spec.pipeline}/{stream.name} {record.partition}"
        raise FixThis(str(problems[0]), where=where, todo=todo)
    return Path(lake) / file.key


def _fetched(store: Store, file: LakeFile, aside: Path) -> Path:
    path = aside / f"{sha256(file.key.encode()).hexdigest()}.parquet"
    try:
        with open_file(store, file) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
    except Missing:
        what = "A file of the lake was replaced while it was to be read."
        raise TryLater(what, where=f"{store.describe()}/{file.key}", todo="run again") from None
    return path
