"""The group of commands, and the one place where an error becomes text and an exit code."""

import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from levada.cli import commands, look, play
from levada.cli.door import closing
from levada.version import __version__

__all__ = ["levada", "main"]

EPILOG = """
\b
Start here:   levada demo
A first spec: levada check examples/sales/pipeline.yaml
One day:      levada run examples/sales/pipeline.yaml --date 2022-08-09
What is there: levada status --lake ./lake

\b
Exit codes: 0 done (also with quarantine, or no data) · 2 fix this: spec, argument, token, file ·
3 the API's answers are not what the spec says; nothing was published · 4 committed with gaps ·
75 try later: server or network away, disk full, partition held by another run · 70 a bug of Levada ·
130 / 143 interrupted: the pages that had arrived are kept, the same command goes on from there.
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "--version", prog_name="levada")
def levada() -> None:
    """Carry records from HTTP APIs into a lake without losing a drop.

    A spec (one YAML file) says where the API is, how it pages, what a good record is and what to make of it. `run`
    does one partition (a day): it lands each page byte for byte, checks every record against the contract, puts bad
    ones into quarantine, stages the rest as Avro, and commits all of it or nothing. Running twice changes nothing;
    killing it loses nothing.
    """


for _command in (
    play.demo,
    commands.check,
    commands.run,
    commands.land,
    commands.stage,
    commands.replay,
    look.status,
    look.quarantine,
    play.simulate,
    look.version,
):
    levada.add_command(_command)


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main() -> None:
    """Run the command line of this process; never returns."""
    signal.signal(signal.SIGTERM, _terminate)
    with closing("--json" in sys.argv):
        levada.main(prog_name="levada", standalone_mode=False)
    sys.exit(0)
