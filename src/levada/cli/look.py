"""The commands that look: quarantine, version; and the lake that they look at."""

import json
import os
import shlex
import sys
from typing import TYPE_CHECKING

import click

from levada.cli.asking import keys_for
from levada.cli.door import say, tell
from levada.cli.progress import counted
from levada.errors import FixThis
from levada.version import __version__

if TYPE_CHECKING:
    from levada.lake.area import Area
    from levada.lake.quarantine import Quarantined
    from levada.lake.store import Store

__all__ = ["JSON", "LAKE", "existing", "quarantine", "version"]

LAKE = click.option("--lake", metavar="FOLDER", default="lake", show_default=True, help="The lake to look at.")
JSON = click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON list on stdout.")


def existing(lake: str) -> "Store":
    """The store of a lake that is there: a mistyped folder is no empty lake."""
    from pathlib import Path

    from levada.lake.location import is_remote
    from levada.pipeline import open_lake

    if is_remote(lake):
        return open_lake(lake, keys_for(lake, os.environ))
    try:
        there = Path(lake).exists()
    except OSError as error:
        raise FixThis(
            f"The folder {lake} cannot be looked at: {error.strerror}.",
            where="--lake",
            todo="check the path, and that this user may enter the folders above the lake",
        ) from None
    if not there:
        raise FixThis(
            f"There is no folder {lake}.",
            where="--lake",
            todo="name the lake's folder with --lake; `levada check SPEC` says where a spec's lake is",
        )
    return open_lake(lake)


class _Quarantine(click.Group):
    """A group whose first command is meant where none is named: `levada quarantine`, `levada quarantine a/b/c`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments, `show` before them where it was left out."""
        named = args[:1] and args[0] in {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if named else ["show", *args])


@click.group(cls=_Quarantine, short_help="Rows that broke the contract, and why; put through again.")
def quarantine() -> None:
    """Tell which rows broke the contract, and why; put them through again when the contract is mended.

    \b
      levada quarantine --lake lake
      levada quarantine sales/sales/2022-08-11 --lake lake --limit 5
      levada quarantine redrive sales.yaml

    Without the name of a command, `show` is meant.
    """


@quarantine.command(short_help="The partitions with rows in quarantine, or the rows of one.")
@click.argument("partition", required=False)
@LAKE
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", default=20, show_default=True, help="Rows to show at most."
)
@JSON
def show(partition: str | None, lake: str, limit: int, *, as_json: bool) -> None:
    """List the partitions that have rows in quarantine; with PARTITION show the rows.

    \b
      levada quarantine --lake lake
      levada quarantine sales/sales/2022-08-11 --lake lake --limit 5

    PARTITION is pipeline/stream/partition, as the list has it. Each row comes with its page, its index in the page
    (from 0), the rule it breaks, the reason, and its text as the API sent it. When the latest run of a partition
    failed, its rows are shown. Partitions whose commit record or quarantine is damaged are told after the list, which
    lacks them, and leave exit code 2.

    `levada quarantine show` and `levada quarantine` are the same.
    """
    from levada.lake.quarantine import listing

    store, damaged = existing(lake), dict[str, FixThis]()
    found = listing(store, lambda area, error: damaged.update({_name(area): error}))
    if partition:
        if partition in damaged:
            raise damaged[partition]
        _show_rows(_chosen(store, found, partition), store, limit, as_json=as_json)
        return
    if as_json:
        _say_json(found)
    elif found:
        _show_list(found, lake)
    else:
        say(f"No row of {lake} is in quarantine{' in the partitions that can be read' if damaged else ''}.")
    for error in damaged.values():
        tell(error)
    if damaged:
        sys.exit(FixThis.exit_code)


def _show_list(found: "list[Quarantined]", lake: str) -> None:
    from levada.cli.table import show as show_table

    rows = [(_name(one), one.rows, "the latest run, which failed" if one.failed else "the commit") for one in found]
    show_table(("partition", "rows#", "of~"), rows)
    say(f"The rows themselves: levada quarantine {_name(found[-1])} --lake {shlex.quote(lake)}")


def _name(one: "Quarantined | Area") -> str:
    return f"{one.pipeline}/{one.stream}/{one.partition}"


def _chosen(store: "Store", found: "list[Quarantined]", partition: str) -> "Quarantined":
    chosen = [one for one in found if _name(one) == partition]
    if not chosen:
        raise FixThis(
            f"{partition} has no row in quarantine.",
            where=store.describe(),
            todo=f"choose among: {', '.join(map(_name, found))}"
            if found
            else "see `levada status`: no partition of this lake has one",
        )
    return chosen[-1]


def _show_rows(chosen: "Quarantined", store: "Store", limit: int, *, as_json: bool) -> None:
    from dataclasses import asdict
    from itertools import islice

    from levada.cli.table import show as show_table
    from levada.lake.quarantine import rows

    some = list(islice(rows(store, chosen.key), limit))
    if as_json:
        _say_json([{**asdict(row), "raw": row.raw.decode(errors="replace")} for row in some])
        return
    show_table(
        ("page#", "index#", "path", "rule", "reason~", "raw~"),
        [
            (row.page, row.index, broken.path, broken.rule, broken.reason, row.raw.decode(errors="replace"))
            for row in some
            for broken in row.violations
        ],
    )
    if len(some) < chosen.rows:
        say(f"{len(some)} of {counted(chosen.rows, 'row')}; --limit {chosen.rows} shows all.")


def _say_json(value: object) -> None:
    from levada.nouns import plain

    say(json.dumps(plain(value), indent=2))


@click.command(short_help="The versions of Levada, Python and its libraries.")
def version() -> None:
    """Tell the versions of Levada, Python and the libraries that write data."""
    import platform
    from importlib.metadata import version as installed

    say(f"levada {__version__}")
    say(f"python {platform.python_version()}")
    for library in ("aiohttp", "fastavro", "msgspec"):
        say(f"{library} {installed(library)}")
