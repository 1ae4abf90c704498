"""The Delta table of a stream: told before a run writes for it, and shown what a run committed."""

from collections.abc import Callable, Mapping

from levada.edges import Edges
from levada.extras import require
from levada.lake.commit import Aside
from levada.lake.lease import stands
from levada.lake.location import is_remote, location
from levada.lake.profiles import profile_of
from levada.lake.record import Record, stale_tables_after
from levada.lake.store import Store
from levada.nouns import Receipt, Table
from levada.pipeline.job import Job
from levada.pipeline.loading import loader
from levada.spec.model import Output
from levada.staging import Tables

__all__ = ["refuse_unable", "refuse_unfit", "showing", "table_of", "tables_of", "way_to"]

#: How the variables of each kind of store begin: their log is written by another library, which reads them itself.
_VARIABLES = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}


def table_of(job: Job) -> Table | None:
    """The table that takes the partition's rows, None where the spec names none."""
    outputs = job.stream.stage.outputs if job.stream.stage else ()
    return next((_table(job, output) for output in outputs if output.format == "delta"), None)


def _table(job: Job, output: Output) -> Table:
    return Table(job.name(output.name), output.column)


def refuse_unfit(job: Job) -> None:
    """Do nothing if the stream's table takes rows of today's contract; before anything is committed.

    Raises:
        FixThis: it does not: nothing that a table has is dropped or changed.
        TryLater: it could not be read.
    """
    table = table_of(job)
    if table and job.contract:
        require("delta", "Delta tables", ["deltalake", "pyarrow"])
        from levada.staging import delta

        tables, owner = tables_of(job.area.store, job.edges), f"{job.spec.pipeline}/{job.stream.name}"
        delta.refuse_unfit(tables, table, job.contract, owner)


def refuse_unable(job: Job, record: Record | None, *, looked: bool) -> None:
    """Do nothing if the tables that a commit of this job touches can be reached; before it is made.

    Args:
        job: The partition.
        record: The commit before.
        looked: Whether the stream's own table was looked at already.

    Raises:
        FixThis: the library is not installed, a table before is damaged, or `refuse_unfit` refuses.
        TryLater: a table could not be read.
    """
    table = table_of(job)
    if stale := stale_tables_after(record, table):
        require("delta", "Delta tables that the spec names no more", ["deltalake", "pyarrow"])
        from levada.staging import delta

        delta.refuse_unread(tables_of(job.area.store, job.edges), stale)
    if table and not looked:
        refuse_unfit(job)


def showing(job: Job, told: Callable[[str], None], took: Callable[[Receipt], None] | None = None) -> Aside:
    """What shows commits of this job in their table, and tells of it; with `took`, they are loaded as well."""

    def show(record: Record) -> None:
        if record.level != "staged" or not record.tables:
            return
        require("delta", "Delta tables", ["deltalake", "pyarrow"])
        from levada.staging import delta

        for note in delta.show(tables_of(job.area.store, job.edges), record, lambda: stands(job.area, record)):
            told(note)

    return Aside(told, show, loader(job, took) if took else None)


def tables_of(store: Store, edges: Edges) -> Tables:
    """The tables of a lake."""
    return Tables(
        store,
        way_to(store.describe(), edges.environment),
        lambda most: edges.clock.pause(edges.uniform(0, most)),
    )


def way_to(lake: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What the store of a table's log is to be told; empty on a disk."""
    if not is_remote(lake):
        return {}
    start = _VARIABLES[location(lake).scheme]
    profile = profile_of(environment) if start == "AWS_" else None
    known = {**profile.variables, **environment} if profile else environment
    found = {name: value for name, value in known.items() if name.startswith(start) and value}
    if start == "AWS_":
        found |= {"AWS_ENDPOINT_URL": found["AWS_ENDPOINT_URL_S3"]} if "AWS_ENDPOINT_URL_S3" in found else {}
        found["AWS_ALLOW_HTTP"] = "true"
    return found
