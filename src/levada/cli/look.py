"""The commands that look at a lake: status, quarantine, version."""

import json
from typing import TYPE_CHECKING

import click

from levada.cli.door import say
from levada.version import __version__

if TYPE_CHECKING:
    from levada.lake.quarantine import Quarantined
    from levada.lake.status import PartitionStatus
    from levada.lake.store import Store

__all__ = ["quarantine", "status", "version"]

LAKE = click.option("--lake", type=click.Path(), default="lake", show_default=True, help="Folder of the lake.")
JSON = click.option("--json", "as_json", is_flag=True, help="Tell the result as JSON.")


@click.command()
@LAKE
@JSON
def status(lake: str, *, as_json: bool) -> None:
    """Tell the state of every partition of a lake: done, failed, running, unfinished …

    Reads the commit records, what failed runs left, and the locks; needs no spec and no API.
    """
    from levada.lake.status import status as read_status
    from levada.pipeline import open_lake

    found = read_status(open_lake(lake))
    if as_json:
        _say_json(found)
    elif not found:
        say(f"No partition in {lake} yet; `levada run SPEC --date … --lake {lake}` makes one.")
    else:
        _show_status(found)


def _show_status(found: "list[PartitionStatus]") -> None:
    from levada.cli.table import show

    columns = (
        "stream",
        "partition",
        "state",
        "level",
        "pages#",
        "read#",
        "kept#",
        "quarantined#",
        "files#",
        "committed",
    )
    show(columns, [_row(one) for one in found])
    for one in found:
        if one.error:
            say(f"{one.pipeline}/{one.stream} {one.partition}: {one.error}")
        if one.holder:
            holder = f"{one.holder.host}, process {one.holder.process}"
            since = f"{one.holder.since:%Y-%m-%d %H:%M:%S} UTC"
            say(f"{one.pipeline}/{one.stream} {one.partition}: held by {holder}, since {since}")


def _row(one: "PartitionStatus") -> tuple[object, ...]:
    counts = one.counts
    committed = f"{one.committed:%Y-%m-%d %H:%M:%S}" if one.committed else "-"
    return (
        f"{one.pipeline}/{one.stream}",
        one.partition,
        one.state,
        one.level or "-",
        one.pages,
        counts.read,
        counts.kept,
        counts.quarantined,
        len(one.files),
        committed,
    )


@click.command()
@click.argument("partition", required=False)
@LAKE
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Rows to show at most.")
@JSON
def quarantine(partition: str | None, lake: str, limit: int, *, as_json: bool) -> None:
    """List the partitions that have rows in quarantine; with PARTITION show those rows.

    \b
    levada quarantine --lake ./lake
    levada quarantine sales/sales/2022-08-11 --lake ./lake --limit 5

    PARTITION is pipeline/stream/partition. Each row comes with its page, its place in the page (from 0), the rule it
    breaks, the reason, and its text as the API sent it. When the latest run of a partition failed, its rows are shown.
    """
    from levada.lake.quarantine import listing
    from levada.pipeline import open_lake

    store = open_lake(lake)
    found = listing(store)
    if partition:
        _show_rows(store, found, partition, limit, as_json=as_json)
    elif as_json:
        _say_json(found)
    elif not found:
        say(f"No row of {lake} is in quarantine.")
    else:
        from levada.cli.table import show

        rows = [(_name(one), one.rows, "the latest run, which failed" if one.failed else "the commit") for one in found]
        show(("partition", "rows#", "of"), rows)


def _name(one: "Quarantined") -> str:
    return f"{one.pipeline}/{one.stream}/{one.partition}"


def _show_rows(store: "Store", found: "list[Quarantined]", partition: str, limit: int, *, as_json: bool) -> None:
    from dataclasses import asdict
    from itertools import islice

    from levada.cli.table import show
    from levada.errors import FixThis
    from levada.lake.quarantine import rows

    chosen = [one for one in found if _name(one) == partition]
    if not chosen:
        raise FixThis(
            f"{partition} has no row in quarantine.",
            where=store.describe(),
            todo=f"choose among: {', '.join(map(_name, found))}" if found else "nothing here is in quarantine",
        )
    some = list(islice(rows(store, chosen[-1].key), limit))
    if as_json:
        _say_json([{**asdict(row), "raw": row.raw.decode(errors="replace")} for row in some])
        return
    show(
        ("page#", "index#", "path", "rule", "reason", "raw"),
        [
            (row.page, row.index, broken.path, broken.rule, broken.reason, row.raw.decode(errors="replace"))
            for row in some
            for broken in row.violations
        ],
    )
    if len(some) < chosen[-1].rows:
        say(f"{len(some)} of {chosen[-1].rows} rows; --limit {chosen[-1].rows} shows all.")


def _say_json(value: object) -> None:
    from levada.nouns import plain

    say(json.dumps(plain(value), indent=2))


@click.command()
def version() -> None:
    """Tell the versions of Levada, Python and the libraries that write data."""
    import platform
    from importlib.metadata import version as installed

    say(f"levada {__version__}")
    say(f"python {platform.python_version()}")
    for library in ("aiohttp", "fastavro", "msgspec"):
        say(f"{library} {installed(library)}")
