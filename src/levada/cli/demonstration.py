"""`levada demo`: the whole channel on one machine, for three dates, against a simulated API."""

import os
import shutil
import sys
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from levada.cli.door import say
from levada.cli.progress import watching
from levada.cli.table import show
from levada.edges import Edges

if TYPE_CHECKING:
    from levada.nouns import Run
    from levada.pipeline import Pipeline

__all__ = ["demonstrate"]

DATES = ("2022-08-09", "2022-08-10", "2022-08-11")
FIRST_ROWS = 3
TOKEN = "levada-demo"  # noqa: S105 - the simulator's public password


def demonstrate(folder: str) -> None:
    """Write the spec into `folder`, run it for three dates into `folder`/lake, and show what came of it."""
    from levada.pipeline import load
    from levada.simulate import require

    require()
    from levada.simulate.sales import make_app
    from levada.simulate.server import running

    spec = _spec(Path(folder))
    with running(make_app(token=TOKEN, environment={})) as api:
        environment = {**os.environ, "SALES_API_URL": api.url, "AUTH_TOKEN": TOKEN}
        pipeline = load(str(spec), edges=Edges(environment=environment))
        say(f"A simulated sales API answers on {api.url}; the spec is {spec}.\n")
        runs = [_run(pipeline, date) for date in DATES]
    _show_runs(runs)
    _show_rows(pipeline, runs[0])
    _show_next(spec)


def _spec(folder: Path) -> Path:
    """The example spec in `folder`; one that is there already, perhaps edited, stays."""
    spec = folder / "pipeline.yaml"
    if not spec.exists():
        folder.mkdir(parents=True, exist_ok=True)
        spec.write_text(resources.files("levada.cli").joinpath("demo.yaml").read_text())
    return spec


def _run(pipeline: "Pipeline", date: str) -> "Run":
    with watching(f"sales {date}") as observe:
        return pipeline.observed(observe).work("run", pipeline.streams()[0], date)


def _show_runs(runs: "list[Run]") -> None:
    columns = ("date", "pages#", "rows read#", "kept#", "quarantined#", "files#", "seconds#", "outcome")
    rows = [
        (
            run.partition,
            run.pages,
            run.counts.read,
            run.counts.kept,
            run.counts.quarantined,
            len(run.files),
            f"{run.seconds:.2f}",
            run.outcome if run.changed else f"{run.outcome} (nothing changed)",
        )
        for run in runs
    ]
    show(columns, rows)


def _show_rows(pipeline: "Pipeline", run: "Run") -> None:
    from levada.staging import rows_of

    name = next(name for name in run.files if name.endswith(".avro"))
    say(f"\nThe first rows of {name}:")
    with pipeline.store.open(name) as file:
        rows = list(islice(rows_of("avro", file), FIRST_ROWS))
    show(tuple(rows[0]), [tuple(row.values()) for row in rows])


def _show_next(spec: Path) -> None:
    levada = _command()
    lake = spec.parent / "lake"
    # Past the redaction: the simulator's token is public, and a person needs to read it.
    click.echo(
        f"""
On 2022-08-11 the API itself is wrong: page 1 holds 99 rows of another day. The contract's
`purchase_date: {{type: date, equals: "{{date}}"}}` caught them; nothing was lost, nothing wrong was kept.

What to try next:
  {levada} quarantine sales/sales/2022-08-11 --lake {lake} --limit 3
      the rows that were refused, and why
  {levada} status --lake {lake}
      every partition of the lake
  {levada} check {spec}
      the plan of the spec, in words
  {levada} demo
      once more: nothing changes
  {levada} simulate sales --port 8000
      the API in a terminal of its own, to run the spec against:
  SALES_API_URL=http://127.0.0.1:8000 AUTH_TOKEN={TOKEN} {levada} run {spec} --date 2022-08-09"""
    )


def _command() -> str:
    """How this program is called on this machine."""
    return "levada" if shutil.which("levada") else os.path.relpath(sys.argv[0])
