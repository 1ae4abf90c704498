"""The command that takes jobs by HTTP: serve."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from levada.cli.door import say
from levada.errors import FixThis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from levada.pipeline import Pipeline
    from levada.serve.jobs import JobKind

__all__ = ["serve"]

#: Where the scripts of the sales course look for them.
PORTS = {"land": 8081, "stage": 8082}
LAST_PORT = 65535


@click.command(short_help="Take jobs by HTTP: a request fills a folder.")
@click.argument("spec", type=click.Path())
@click.option("--root", metavar="FOLDER", required=True, help="The lake: jobs work below it, and nowhere else.")
@click.option(
    "--job", "jobs", type=click.Choice(["land", "stage"]), multiple=True, help="Which jobs; both if left out."
)
@click.option(
    "--port",
    type=click.IntRange(0, LAST_PORT),
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
    are complete; a job that fails before that leaves it as it was. GET / shows the last jobs, GET /openapi.json
    describes the requests. Each request is one JSON line on stderr.
    """
    from levada.serve import require

    require()
    from levada.pipeline import Options
    from levada.serve import lines
    from levada.serve.jobs import LAND, STAGE
    from levada.serve.listening import serve as listen
    from levada.serve.servers import apps

    kinds = tuple(kind for kind in (LAND, STAGE) if kind.name in (jobs or ("land", "stage")))
    ports = _ports(kinds, port)
    pipeline = _below(root, spec, asking=LAND in kinds).having(Options(streams=streams))
    lines.start()
    made = apps(pipeline, kinds)

    def ready(ports: "Sequence[int]") -> None:
        for kind, taken in zip(kinds, ports, strict=True):
            say(f"{kind.name} jobs: POST http://localhost:{taken}/ with {' and '.join(kind.parameters)}")
        say(f"Below {pipeline.root}, and nowhere else. Ctrl-C ends this.")

    try:
        listen(list(zip(made, ports, strict=True)), ready)
    except (KeyboardInterrupt, SystemExit):
        say("Stopped. A job that was at work goes on from the pages that had arrived when it is asked for again.")
        raise


def _below(root: str, spec: str, *, asking: bool) -> "Pipeline":
    """The pipeline of a spec whose jobs work below `root`, which need not exist."""
    from levada.cli.asking import opened
    from levada.pipeline.into import refuse_everything

    try:
        pipeline = opened(spec, root, asking=asking)
        refuse_everything(pipeline.store.describe())
    except FixThis as error:
        error.where = "--root" if error.where in {"--lake", "/", root} else error.where
        raise
    folder = Path(pipeline.spec.lake)
    # os.path.exists says no where one may not look; Path.exists raises.
    taken = next((path for path in (folder, *folder.parents) if os.path.exists(path)), folder)  # noqa: PTH110 - see above
    if not taken.is_dir():
        raise FixThis(f"{taken} is no folder", where="--root", todo="name one; it need not exist")
    return pipeline


def _ports(kinds: "Sequence[JobKind]", port: int | None) -> list[int]:
    if port is None:
        return [PORTS[kind.name] for kind in kinds]
    if port + len(kinds) - 1 > LAST_PORT:
        what = f"{len(kinds)} kinds of jobs need as many ports, and there is none after {LAST_PORT}"
        raise FixThis(what, where="--port", todo="name a lower one, or one --job")
    return [port + number if port else 0 for number in range(len(kinds))]
