"""`levada demo`: the whole channel on one machine, for three dates, against a simulated API."""

import os
import shlex
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
from levada.errors import FixThis

if TYPE_CHECKING:
    from levada.nouns import Run
    from levada.pipeline import Pipeline

__all__ = ["COLUMNS", "FOLDER", "demonstrate"]

DATES = ("2022-08-09", "2022-08-10", "2022-08-11")
FOLDER = "sales-demo"
COLUMNS = ("date", "pages#", "rows read#", "kept#", "quarantined#", "files#", "seconds#", "outcome~")
FIRST_ROWS = 3
TOKEN = "levada-demo"  # noqa: S105 - the simulator's public password

CAUGHT = """
On 2022-08-11 the API itself is wrong: page 1 holds {rows} rows of another day. The contract's
`purchase_date: {{type: date, equals: "{{date}}"}}` caught them; nothing was lost, nothing wrong was kept."""


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
        runs = _runs(pipeline)
    _show_runs(runs)
    _show_rows(pipeline, runs[0])
    _show_next(spec, runs[-1].counts.quarantined)


def _spec(folder: Path) -> Path:
    """The example spec in `folder`; one that is there already, perhaps edited, stays."""
    spec = folder / "pipeline.yaml"
    try:
        if not spec.exists():
            folder.mkdir(parents=True, exist_ok=True)
            spec.write_text(resources.files("levada.cli").joinpath("demo.yaml").read_text(), encoding="utf-8")
    except OSError as error:
        raise FixThis(
            f"The demonstration cannot be written: {error.strerror}.",
            where=str(spec),
            todo="name a folder that you may write to with --folder",
        ) from error
    return spec


def _runs(pipeline: "Pipeline") -> "list[Run]":
    from levada.pipeline.rounds import begun

    with begun(pipeline.course, "run", "command") as ongoing:
        for date in DATES:
            ongoing.ran(_run(pipeline, date))
        return list(ongoing.close().runs)


def _run(pipeline: "Pipeline", date: str) -> "Run":
    with watching(f"sales {date}") as observe:
        return pipeline.observed(observe).work("run", pipeline.streams()[0], date)


def _show_runs(runs: "list[Run]") -> None:
    nullified = any(run.counts.nullified for run in runs)  # only where the spec was edited
    columns = (*COLUMNS[:5], "nullified#", *COLUMNS[5:]) if nullified else COLUMNS
    show(columns, [_row(run, nullified=nullified) for run in runs])


def _row(run: "Run", *, nullified: bool) -> tuple[object, ...]:
    outcome = run.outcome if run.changed else f"{run.outcome} (nothing changed)"
    counts = run.counts
    return (
        run.partition,
        run.pages,
        counts.read,
        counts.kept,
        counts.quarantined,
        *((counts.nullified,) if nullified else ()),
        len(run.files),
        f"{run.seconds:.2f}",
        outcome,
    )


def _show_rows(pipeline: "Pipeline", run: "Run") -> None:
    from levada.staging import rows_of

    name = next((name for name in run.files if name.endswith(".avro")), None)
    if name is None:  # the spec was edited
        return
    say(f"\nThe first rows of {name}:")
    with pipeline.store.open(name) as file:
        rows = list(islice(rows_of("avro", file), FIRST_ROWS))
    show(tuple(rows[0]), [tuple(row.values()) for row in rows])


def _show_next(spec: Path, quarantined: int) -> None:
    if quarantined:
        say(CAUGHT.format(rows=quarantined))
    say("\nWhat to try next:")
    for command, why in _next(spec):
        # Past the redaction: the simulator's token is public, and a person needs to read it.
        click.echo(f"  {command}\n      {why}")


def _next(spec: Path) -> list[tuple[str, str]]:
    """Commands that work as they stand when they are copied, and what each is for."""
    levada, file, lake = _command(), shlex.quote(str(spec)), shlex.quote(str(spec.parent / "lake"))
    folder = "" if str(spec.parent) == FOLDER else f" --folder {shlex.quote(str(spec.parent))}"
    return [
        (f"{levada} quarantine sales/sales/2022-08-11 --lake {lake} --limit 3", "the rows that were refused, and why"),
        (f"{levada} status --lake {lake}", "every partition of the lake"),
        (f"{levada} check {file}", "the plan of the spec, in words"),
        (f"{levada} demo{folder}", "once more: nothing changes"),
        (f"{levada} simulate sales --port 8000", "the API in a terminal of its own; then, in this one:"),
        (
            f"SALES_API_URL=http://127.0.0.1:8000 AUTH_TOKEN={TOKEN} {levada} run {file} --date 2022-08-09",
            "the spec against it",
        ),
    ]


def _command() -> str:
    """How this program is called on this machine."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m levada"
    found = shutil.which(program.name)
    if found and Path(found).resolve() == program.resolve():
        return program.name
    return shlex.quote(os.path.relpath(program))
