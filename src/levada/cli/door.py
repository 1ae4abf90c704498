"""What leaves by the door: exit codes, error texts, the report of a bug. Nothing secret passes."""

import json
import logging
import os
import platform
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import click

from levada.errors import BUG, LevadaError, TryLater
from levada.secret import redact
from levada.version import __version__

__all__ = ["LastResort", "closing", "facts", "heard", "reason", "say", "tell", "visible", "warn"]

INTERRUPTED = 130
#: As a shell tells the death by SIGPIPE: what was done is done, but nobody read it.
UNREAD = 141
#: What click and rich leave with when the reader of their output is gone; no code of Levada's own.
_PIPE_GONE = 1
#: What an API said may hold escapes that would steer the terminal; line feeds and tabs are harmless.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def say(text: str) -> None:
    """A line of output."""
    click.echo(visible(text))


def warn(text: str) -> None:
    """A line beside the output."""
    click.echo(visible(text), err=True)


class LastResort(logging.Handler):
    """Tells, without secrets, what nobody set up logging for: warnings of a module that a spec names, too."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        with suppress(OSError):
            warn(self.format(record))


def visible(text: str) -> str:
    """`text` as it may be shown: without secrets, its control characters as `\\x1b`."""
    return redact(text).translate(_CONTROLS)


@contextmanager
def closing(as_json: bool) -> Iterator[None]:
    """Turn whatever a command raises into a text on stderr (with --json: an object on stdout) and an exit code."""
    try:
        yield
    except click.ClickException as wrong:
        _misused(wrong, as_json=as_json)
    except (KeyboardInterrupt, click.Abort) as end:
        _interrupted(INTERRUPTED, end, as_json=as_json)
    except BrokenPipeError:
        _unread()
    except SystemExit as end:
        heard()
        if end.code == _PIPE_GONE:
            _unread()
        _interrupted(end.code, end, as_json=as_json)
    except LevadaError as error:
        _failed(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last door: anything else is a bug and is told as one
        _bug(error, as_json=as_json)


def heard() -> None:
    """Take back that SIGTERM is raised once more: it was not swallowed, and leaving may take longer than that."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def tell(error: LevadaError) -> None:
    """An error in words: what, where, what to do, its cause and when to try again."""
    warn(f"levada: {error}{_cause(error)}{_when(error)}")


def reason(error: BaseException) -> str:
    """An error for a log: in one line, but for the report of a bug."""
    if not isinstance(error, LevadaError):
        return _bug_report(error)
    # Redacted first: a key of several lines is no longer known once these are joined in another way.
    return "; ".join(line.strip() for line in redact(f"{error}{_cause(error)}{_when(error)}").splitlines())


def facts(error: BaseException) -> dict[str, str | int]:
    """An error for --json."""
    if not isinstance(error, LevadaError):
        return _facts("Bug", BUG, f"{type(error).__name__}: {error}", "", "report what stands on stderr")
    return {**error.facts(), "exit": error.exit_code}


def _facts(kind: str, code: int, what: str, where: str, todo: str) -> dict[str, str | int]:
    return {"kind": kind, "exit": code, "what": what, "where": where, "todo": todo}


def _say_error(told: dict[str, str | int]) -> None:
    # In one line: it may be the last of a command that tells each thing that happens in a line of its own.
    say(json.dumps({"errors": [told]}))


def _failed(error: LevadaError, *, as_json: bool) -> NoReturn:
    if as_json:
        _say_error(facts(error))
    else:
        tell(error)
    sys.exit(error.exit_code)


def _misused(wrong: click.ClickException, *, as_json: bool) -> NoReturn:
    if as_json:
        place = wrong.ctx.command_path if isinstance(wrong, click.UsageError) and wrong.ctx else "levada"
        _say_error(_facts("FixThis", 2, wrong.format_message(), "command line", f"see `{place} --help`"))
    else:
        wrong.show()
    sys.exit(2)


def _interrupted(code: str | int | None, end: BaseException, *, as_json: bool) -> NoReturn:
    if as_json and isinstance(code, int) and code >= INTERRUPTED:
        # A command that goes on in another way says how in a note; click puts an Abort in place of Ctrl-C.
        notes = [note for one in (end, end.__cause__) for note in getattr(one, "__notes__", ())]
        todo = notes[0] if notes else "run the same command again: it goes on from the pages that had arrived"
        _say_error(_facts("Interrupted", code, "Stopped by a signal.", "", todo))
    sys.exit(code)


def _bug(error: Exception, *, as_json: bool) -> NoReturn:
    if as_json:
        todo = "report what stands on stderr; what had arrived is kept"
        _say_error(_facts("Bug", BUG, f"{type(error).__name__}: {error}", "", todo))
    warn(_bug_report(error))
    sys.exit(BUG)


def _unread() -> NoReturn:
    """Leave without a word; what is still buffered goes nowhere, so the interpreter does not complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(UNREAD)


def _cause(error: LevadaError) -> str:
    return f"\n  cause: {error.__cause__}" if error.__cause__ and str(error.__cause__) not in str(error) else ""


def _when(error: LevadaError) -> str:
    return f"\n  not before: {error.at:%Y-%m-%d %H:%M:%S} UTC" if isinstance(error, TryLater) and error.at else ""


def _bug_report(error: BaseException) -> str:
    return (
        "levada: this is a bug of Levada, not of your spec; what had arrived is kept. Please report what follows.\n"
        f"---\nlevada {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"command: levada {shlex.join(sys.argv[1:])}\n{''.join(traceback.format_exception(error))}---"
    )
