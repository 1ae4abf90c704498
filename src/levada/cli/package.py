"""The command that packs a function for AWS Lambda: package."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from levada.cli.door import say, warn
from levada.errors import FixThis
from levada.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from levada.cli.bundle import Bundle, Chosen, Written
    from levada.spec.model import Spec, Stream

__all__ = ["package"]

_MEGABYTE = 1024 * 1024
#: What Lambda takes in one piece, and unpacked, in MB.
_LIMIT, _UNPACKED = 50, 250
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


@click.command(short_help="Pack specs as an AWS Lambda function that lands.")
@click.argument("specs", type=click.Path(), nargs=-1, required=True, metavar="SPEC...")
@click.option("--out", metavar="FILE", default="land.zip", show_default=True, help="The zip to write.")
@click.option("--python", metavar="X.Y", help="The Python of the function; else this one.")
@click.option("--arch", type=click.Choice(list(_MACHINES)), help="Its processor; else this machine's.")
@click.option("--stream", "streams", metavar="NAME", multiple=True, help="Only this stream; can be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was packed as one JSON object on stdout.")
def package(**arguments: Any) -> None:
    """Pack SPEC as a function for AWS Lambda that lands its partitions: no Arrow, no YAML, no Avro, no web server.

    \b
      levada package sales.yaml --out land.zip
      levada package sales.yaml --out land.zip --python 3.13 --arch arm64

    The spec travels already read; what it takes from the environment is filled in where the function runs, and nothing
    of this environment or of a file .env is packed. Equal specs and libraries give equal bytes. For another Python or
    processor than this one's pip fetches the libraries, in the versions that are installed here.
    """
    from levada.cli.bundle import bundle
    from levada.cli.wheels import Target

    target = Target(*_place(arguments["python"], arguments["arch"]))
    chosen = _chosen(arguments["specs"], arguments["streams"])
    out = Path(arguments["out"])
    made, written = bundle(chosen, target, out)
    facts = {"file": str(out), "python": target.python, "machine": target.machine, **_facts(chosen, made, written)}
    if arguments["as_json"]:
        say(json.dumps(facts, indent=2))
    else:
        _show(facts)
    if written.size > _LIMIT * _MEGABYTE or written.unpacked > _UNPACKED * _MEGABYTE:
        warn(f"levada: Lambda takes {_LIMIT} MB in one piece, and {_UNPACKED} MB unpacked; see docs/lambda.md")


def _place(python: str | None, arch: str | None) -> tuple[str, str]:
    import platform
    import sys

    if python is not None and not re.fullmatch(r"3\.[0-9]{1,2}", python):
        raise FixThis(f"{python} is no version of Python.", where="--python", todo="write it as 3.13")
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    return python or own, _MACHINES[arch] if arch else platform.machine()


def _chosen(specs: "Sequence[str]", streams: tuple[str, ...]) -> "list[Chosen]":
    """The specs, read as any command reads them: one that is wrong is not packed."""
    from levada.cli.bundle import Chosen
    from levada.pipeline import Options, load
    from levada.spec.packed import SUFFIX

    if streams and len(specs) > 1:
        raise FixThis("--stream chooses among the streams of one spec.", where="--stream", todo="pack one spec")
    if packed := next((spec for spec in specs if spec.endswith(SUFFIX)), None):
        raise FixThis(f"{packed} is packed already.", where="SPEC", todo="name the YAML that it was made from")
    pipelines = [load(spec).having(Options(streams=streams)) for spec in specs]
    names = [pipeline.spec.pipeline for pipeline in pipelines]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise FixThis(f"Two specs are of the pipeline {twice}.", where="SPEC", todo="pack one of them")
    for pipeline in pipelines:
        _warn(pipeline.spec, pipeline.streams())
    return [Chosen.of(pipeline.spec, streams) for pipeline in pipelines]


def _warn(spec: "Spec", streams: "Sequence[Stream]") -> None:
    """Say what a function will not have."""
    from levada.lake.location import is_remote

    gap = next((gap for gap in spec.missing if gap.used_in == "lake"), None)
    # Where a variable says even which kind of lake it is, nothing is known of it.
    if not (gap and gap.said.startswith("${")) and not is_remote(gap.said if gap else spec.lake):
        warn(f"levada: the lake of {spec.pipeline} is a folder, of which a function keeps nothing; see docs/stores.md")
    for stream in streams:
        if stream.files and not all("://" in name.text for name in stream.files.names):
            warn(f"levada: stream {stream.name} takes files of a machine: leave it out with --stream")


def _facts(chosen: "Sequence[Chosen]", made: "Bundle", written: "Written") -> dict[str, Any]:
    from levada.cli.bundle import HANDLER

    return {
        "size": written.size,
        "unpacked": written.unpacked,
        "sha256": written.sha256,
        "handler": HANDLER,
        "pipelines": [
            {
                "pipeline": one.spec.pipeline,
                "streams": list(one.streams) or [stream.name for stream in one.spec.streams],
                "variables": one.variables,
            }
            for one in chosen
        ],
        "libraries": {"levada": __version__, **{each.name: each.version for each in made.libraries}},
    }


def _show(facts: dict[str, Any]) -> None:
    size, unpacked = (f"{facts[key] / _MEGABYTE:.1f} MB" for key in ("size", "unpacked"))
    say(f"{facts['file']}: {size}, {unpacked} unpacked; Python {facts['python']} on {facts['machine']}")
    say(f"  handler: {facts['handler']}")
    for one in facts["pipelines"]:
        say(f"  {one['pipeline']}: lands {', '.join(one['streams'])}")
        if one["variables"]:
            say(f"  needs in its environment: {', '.join(one['variables'])}")
    say(f"  holds: {', '.join(f'{name} {version}' for name, version in facts['libraries'].items())}")
    say(f"  sha256: {facts['sha256']}")
