"""The rows of a commit on their way into a database: what is loaded, where to, and what came of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from levada.contract.model import Contract, columns
from levada.errors import FixThis, TryLater
from levada.extras import require
from levada.lake.lease import stands
from levada.lake.location import is_remote
from levada.lake.reading import open_parts
from levada.lake.record import Record
from levada.lake.store import Missing
from levada.lake.verify import check_key
from levada.loads.model import Between, Loading, Target
from levada.nouns import LakeFile, Receipt
from levada.pipeline.job import Job
from levada.pipeline.milestones import filled, say
from levada.spec.bind import secret
from levada.spec.model import Load

__all__ = ["WAREHOUSE", "loader", "prepare"]

#: The file of `load: duckdb`, in the lake.
WAREHOUSE = "warehouse.duckdb"
#: Seconds before another try: the first, and the longest.
_WAIT, _LONGEST_WAIT = 0.1, 2.0
#: Seconds that a load waits for a lock in the database, if `--wait` is not longer.
_LOCKED = 30.0


def loader(job: Job, took: Callable[[Receipt], None]) -> Callable[[Record], None] | None:
    """What has the stream's table take the rows of a record, and tells of it; None where there is no table."""
    load, contract = job.stream.load, job.contract
    if load is None or contract is None or job.folder:
        return None

    def loads(record: Record) -> None:
        if record.level == "staged":
            with filled(job, load.table or job.stream.name, record.counts.kept) as receipts:
                receipts.append(_load(job, load, _loading(job, load, contract, record)))
            took(receipts[0])

    return loads


def prepare(job: Job) -> None:
    """Make the table ready before anything is committed that it could not take; a database that is away is later's.

    Raises:
        FixThis: the table cannot take rows of the contract, belongs to another stream, or may not be made.
    """
    load, contract = job.stream.load, job.contract
    if load is None or contract is None or job.folder:
        return
    loading = _loading(job, load, contract, None)
    with suppress(TryLater):
        if load.url:
            _postgres().prepare(_url(job, load), loading, _wait(job))
        else:
            _duckdb().prepare(_file(job, load), loading)


def _load(job: Job, load: Load, loading: Loading) -> Receipt:
    def pause(turn: int) -> None:
        say(job, "again", "the table is filled again: another load was in the way")
        job.edges.clock.pause(job.edges.uniform(0, min(_WAIT * 2**turn, _LONGEST_WAIT)))

    try:
        if load.url:
            made: Receipt = _postgres().load(_url(job, load), loading, pause, _wait(job))
        else:
            made = _duckdb().load(_file(job, load), loading, pause)
    except TryLater as error:
        error.todo = f"run again: the lake has committed it; or {job.command('load')}"
        raise
    return made


def _wait(job: Job) -> float:
    """Seconds to wait for a lock of somebody else, another load for one."""
    return max(job.options.wait, _LOCKED)


def _postgres() -> Any:
    require("postgres", "Loads into PostgreSQL", ["adbc_driver_postgresql", "pyarrow"])
    from levada.loads import postgres

    return postgres


def _duckdb() -> Any:
    require("duckdb", "Loads into DuckDB", ["duckdb", "pyarrow"])
    from levada.loads import duckdb

    return duckdb


def _url(job: Job, load: Load) -> str:
    assert load.url  # noqa: S101 - asked for only where there is one
    return secret(load.url, job.edges.environment).value


def _file(job: Job, load: Load) -> Path:
    lake = job.area.store.describe()
    if load.file:
        return Path(job.spec.file).parent.absolute() / load.file
    if is_remote(lake) or not lake.startswith("/"):
        raise FixThis(
            f"A DuckDB file cannot lie in the lake {lake}.",
            where=str(load.place),
            todo="name a file on this machine: `load: {duckdb: warehouse.duckdb}`",
        )
    return Path(lake) / WAREHOUSE


def _loading(job: Job, load: Load, contract: Contract, record: Record | None) -> Loading:
    """The loading of a record; without one, what is known before there is one."""
    from levada.staging.arrow import schema

    made, target = columns(contract), _target(job, load, contract)
    return Loading(
        target,
        job.spec.pipeline,
        job.stream.name,
        job.partition.key,
        record.run if record else "",
        _fingerprint(target, record) if record else "",
        made,
        schema(made),
        lambda: _batches(job, record) if record else iter(()),
        lambda: record is not None and stands(job.area, record),
        job.options.replace,
    )


def _target(job: Job, load: Load, contract: Contract) -> Target:
    marked: str | Between = Target("").marked
    if load.rows_by:
        start, end = job.partition.start, job.partition.end
        marked = Between(load.rows_by, start.isoformat() if start else "", end.isoformat() if end else "")
    key = (load.key or contract.key) if load.mode == "merge" else ()
    return Target(load.table or job.stream.name, load.schema, load.mode, key, load.newest_by, marked)


def _fingerprint(target: Target, record: Record) -> str:
    """Of the rows and of how they are loaded."""
    facts = [record.staged, target.mode, target.key, target.newest_by, str(target.marked)]
    return sha256(json.dumps(facts).encode()).hexdigest()


def _batches(job: Job, record: Record) -> Iterator[Any]:
    """The rows of the record's Parquet files, in order, each proven before it is given."""
    from levada.staging import parquet

    for file in record.files:
        if file.kind == "staged" and file.format == "parquet":
            with _opened(job, file) as stream:
                yield from parquet.batches(stream)


@contextmanager
def _opened(job: Job, file: LakeFile) -> Iterator[BinaryIO]:
    store = job.area.store
    try:
        with open_parts(store, file) as stream:
            yield stream
    except (TryLater, Missing):
        # Other bytes on the way are another time's; what lies there damaged is not.
        if problems := check_key(store, file):
            todo = f"make it again from the pages: {job.command('replay')}"
            raise FixThis(str(problems[0]), where=job.where, todo=todo) from None
        raise
