"""The group of commands, and the one place where an error becomes text and an exit code."""

import logging
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from levada.cli import (
    checking,
    commands,
    compact,
    doctor,
    infer,
    init,
    look,
    notify,
    package,
    play,
    preview,
    redrive,
    reports,
    schedule,
    serve,
    status,
    verify,
)
from levada.cli.door import LastResort, closing, warn
from levada.cli.exits import epilog
from levada.version import __version__

__all__ = ["SECTIONS", "levada", "main"]

#: Seconds after which a swallowed SIGTERM is raised again, unless `door.heard` comes before. One that was not swallowed
#: is, too, and cuts what leaving waits for: a lease is given back until then.
INSIST = 3.0

#: The commands as `levada --help` shows them: in the order in which a newcomer meets them.
SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "To begin": (play.demo, play.simulate),
    "To write a spec": (init.init, checking.check, preview.preview, infer.infer),
    "To work": (
        commands.run,
        commands.land,
        commands.stage,
        commands.load,
        commands.replay,
        compact.compact,
        serve.serve,
        schedule.schedule,
        notify.notify,
        package.package,
    ),
    "To look": (status.status, reports.report, look.quarantine, verify.verify, doctor.doctor, look.version),
}


class _Group(click.Group):
    """A group that lists its commands by section."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the sections."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, their descriptions in one column."""
        widest = max(map(len, self.list_commands(ctx)))
        for title, members in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [((member.name or "").ljust(widest), member.get_short_help_str(100)) for member in members]
                )


@click.group(
    cls=_Group, epilog=epilog(), context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "--version", prog_name="levada", help="Show the version and leave.")
@click.option("-v", "--verbose", count=True, help="Tell each milestone on stderr, with its time; -vv tells more.")
@click.pass_context
def levada(ctx: click.Context, verbose: int) -> None:
    """Carry records from HTTP APIs into a lake without losing a drop.

    A spec (one YAML file) says where the API is, how it pages, what a good record is and what to make of it. `run`
    does one partition (a day): it lands each page byte for byte, checks every record against the contract, puts bad
    ones into quarantine, stages the rest as Avro, and commits all of it or nothing. Running twice changes nothing;
    killing it loses nothing.

    With -v before the command (`levada -v run sales.yaml`) each milestone is told on stderr, with its time.
    """
    if verbose:
        from levada.logs.speaking import speaking

        ctx.with_resource(speaking(warn, logging.DEBUG if verbose > 1 else logging.INFO))


look.quarantine.add_command(redrive.redrive)
for _members in SECTIONS.values():
    for _command in _members:
        levada.add_command(_command)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave in order, and once more after a while if Python swallowed that.

    It does so in `__del__` and in weak references' callbacks. Importing runs such callbacks, so an early
    SIGTERM was lost now and then.
    """
    signal.signal(signal.SIGALRM, _terminate)
    signal.setitimer(signal.ITIMER_REAL, INSIST)
    raise SystemExit(128 + signal.SIGTERM)


def main() -> None:
    """Run the command line of this process; never returns."""
    signal.signal(signal.SIGTERM, _terminate)
    logging.lastResort = LastResort(logging.WARNING)
    with closing("--json" in sys.argv):
        # Not standalone, click does not raise what a command exits with: it returns the code.
        sys.exit(levada.main(prog_name="levada", standalone_mode=False))
