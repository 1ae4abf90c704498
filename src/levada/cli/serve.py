"""The command that takes jobs by HTTP: serve."""

from typing import TYPE_CHECKING

import click

from levada.cli.door import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from levada.serve.jobs import JobKind

__all__ = ["serve"]

#: Where the scripts of the sales course look for them.
PORTS = {"land": 8081, "stage": 8082}


@click.command(short_help="Take jobs by HTTP: a request fills a folder.")
@click.argument("spec", type=click.Path())
@click.option("--root", metavar="FOLDER", required=True, help="The lake: jobs work below it, and nowhere else.")
@click.option(
    "--job", "jobs", type=click.Choice(["land", "stage"]), multiple=True, help="Which jobs; both if left out."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65534),
    metavar="N",
    help="Of the first job, the next one for the second; else 8081 for land, 8082 for stage; 0 takes free ones.",
)
@click.option("--stream", "streams", metavar="NAME", multiple=True, help="The stream, where the spec has several.")
def serve(spec: str, root: str, jobs: tuple[str, ...], port: int | None, streams: tuple[str, ...]) -> None:
    """Take jobs by HTTP from this machine: each fills a folder below it. Ctrl-C ends it.

    \b
      levada serve sales.yaml --root /data
      levada serve sales.yaml --root /data --job land --port 8081

    A land job is POST / with {"date": "2022-08-09", "raw_dir": "/data/raw/sales/2022-08-09"}, a stage job is POST /
    with {"raw_dir": ..., "stg_dir": ...}. A job replaces all that its folder holds, in one step, once the new files
    are complete; a job that fails leaves it as it was. GET / shows the last jobs, GET /openapi.json describes the
    requests. Each request is one JSON line on stderr.
    """
    from levada.serve import require

    require()
    import logging

    from levada.cli.asking import opened
    from levada.pipeline import Options
    from levada.serve.jobs import LAND, STAGE
    from levada.serve.listening import serve as listen
    from levada.serve.servers import apps

    kinds = tuple(kind for kind in (LAND, STAGE) if kind.name in (jobs or ("land", "stage")))
    pipeline = opened(spec, root, asking=LAND in kinds).having(Options(streams=streams))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    made = apps(pipeline, kinds)

    def ready(ports: "Sequence[int]") -> None:
        for kind, taken in zip(kinds, ports, strict=True):
            say(f"{kind.name} jobs: POST http://localhost:{taken}/ with {' and '.join(kind.parameters)}")
        say(f"Below {pipeline.spec.lake}, and nowhere else. Ctrl-C ends this.")

    listen([(app, port) for app, port in zip(made, _ports(kinds, port), strict=True)], ready)


def _ports(kinds: "Sequence[JobKind]", port: int | None) -> list[int]:
    if port is None:
        return [PORTS[kind.name] for kind in kinds]
    return [port + number if port else 0 for number in range(len(kinds))]
