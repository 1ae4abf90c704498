"""What leaves by the door: exit codes, error texts, the report of a bug. Nothing secret passes."""

import json
import os
import platform
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from levada.errors import LevadaError, TryLater
from levada.secret import redact
from levada.version import __version__

__all__ = ["closing", "facts", "say", "tell", "warn"]

INTERRUPTED = 130
BUG = 70


def say(text: str) -> None:
    """A line of output."""
    click.echo(redact(text))


def warn(text: str) -> None:
    """A line beside the output."""
    click.echo(redact(text), err=True)


@contextmanager
def closing(as_json: bool) -> Iterator[None]:
    """Turn whatever a command raises into a text on stderr (with --json: an object on stdout) and an exit code."""
    try:
        yield
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        warn("interrupted; pages that had arrived are kept: the same command goes on from there")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # `levada status | head` closed our output; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except LevadaError as error:
        if as_json:
            say(json.dumps({"errors": [facts(error)]}, indent=2))
        else:
            tell(error)
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 - the last door: anything else is a bug and is told as one
        warn(_bug_report())
        sys.exit(BUG)


def tell(error: LevadaError) -> None:
    """An error in words: what, where, what to do, its cause and when to try again."""
    warn(f"levada: {error}{_cause(error)}{_when(error)}")


def facts(error: LevadaError) -> dict[str, str | int]:
    """An error for --json."""
    told: dict[str, str | int] = {
        "kind": type(error).__name__,
        "exit": error.exit_code,
        "what": error.what,
        "where": error.where,
        "todo": error.todo,
    }
    if isinstance(error, TryLater) and error.at:
        told["at"] = error.at.isoformat()
    return told


def _cause(error: LevadaError) -> str:
    return f"\n  cause: {error.__cause__}" if error.__cause__ and str(error.__cause__) not in str(error) else ""


def _when(error: LevadaError) -> str:
    return f"\n  not before: {error.at:%Y-%m-%d %H:%M:%S} UTC" if isinstance(error, TryLater) and error.at else ""


def _bug_report() -> str:
    return (
        "levada: this is a bug of Levada, not of your spec; what had arrived is kept. Please report what follows.\n"
        f"---\nlevada {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"command: {' '.join(sys.argv[1:])}\n{traceback.format_exc()}---"
    )
