"""The command that looks whether a lake can be used, and makes its bucket."""

import json
import sys
from typing import TYPE_CHECKING

import click

from levada.cli.asking import keys_for, known_lake, opened
from levada.cli.door import facts, say, tell

if TYPE_CHECKING:
    from levada.lake.store import Store

__all__ = ["doctor"]


@click.command(short_help="Whether the lake can be used: reach, rights, conditional puts.")
@click.argument("spec", type=click.Path(), required=False)
@click.option("--lake", metavar="LAKE", help="The lake, instead of the spec's: a folder, s3://bucket/prefix, ...")
@click.option("--create-bucket", is_flag=True, help="Make the bucket if there is none (S3).")
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout.")
def doctor(spec: str | None, lake: str | None, *, create_bucket: bool, as_json: bool) -> None:
    """Look whether the lake of SPEC, or the one that --lake names, can be used.

    \b
      levada doctor sales.yaml
      levada doctor --lake s3://my-bucket/sales --create-bucket

    Lists, locks, writes, reads, copies and deletes small files of its own below _levada/, and says what does not work
    and why. A store that ignores conditional puts is refused: two runs at once could both commit.
    """
    from levada.lake.checkup import checkup

    store = _store(spec, lake)
    made = _bucket_made(store) if create_bucket else False
    checks = list(checkup(store))
    failed = next((check.error for check in checks if check.error), None)
    if as_json:
        told = [{"check": check.name, "ok": check.error is None} for check in checks]
        errors = [facts(failed)] if failed else []
        say(json.dumps({"lake": store.describe(), "made": made, "checks": told, "errors": errors}, indent=2))
    else:
        say(f"Lake {store.describe()}" + (": its bucket was made." if made else ""))
        for check in checks:
            say(f"  {'no ' if check.error else 'yes'}  {check.name}")
        if failed:
            tell(failed)
    if failed:
        sys.exit(failed.exit_code)


def _store(spec: str | None, lake: str | None) -> "Store":
    import os

    from levada.pipeline import open_lake

    if spec is not None:
        return known_lake(opened(spec, lake, asking=False)).store
    if lake is None:
        raise click.UsageError("Name a SPEC, or a lake with --lake.")
    return open_lake(lake, keys_for(lake, os.environ))


def _bucket_made(store: "Store") -> bool:
    """Whether the bucket was made now."""
    from levada.errors import FixThis
    from levada.lake.disk import DiskStore

    if isinstance(store, DiskStore):
        todo = "leave --create-bucket out: the folder is made when it is first written to"
        raise FixThis("a lake on a disk has no bucket", where=store.describe(), todo=todo)
    from levada.lake.remote import RemoteStore

    return isinstance(store, RemoteStore) and store.make_bucket()
