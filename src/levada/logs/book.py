"""The log files of a pipeline on disk: a line goes to the file of its day, and files that are too old go."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from levada.edges import Clock
from levada.logs.lines import About, json_line, text_line
from levada.logs.names import DEFAULT, file_name, leads_on, outdated
from levada.secret import redact
from levada.spec.calendar import zone
from levada.spec.telling import Logs

__all__ = ["PROBLEMS", "Book"]

#: The logger that tells, once, that lines are lost. What it says goes into no log file.
PROBLEMS = "levada.logs"
_log = logging.getLogger(PROBLEMS)
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe that nobody reads holds nobody


class Book:
    """Takes lines, each to the end of its day's file, in one write: several processes may write to the same file.

    A line that cannot be written is lost, and nothing else: that is told once.

    Args:
        logs: What the spec says.
        pipeline: Whose lines they are.
        beside: The spec's folder.
        clock: Says when a line is written.

    Raises:
        FixThis: this machine has no such time zone.
    """

    def __init__(self, logs: Logs, pipeline: str, beside: Path, clock: Clock) -> None:
        self.pipeline = pipeline
        self._logs, self._clock = logs, clock
        self._folder = beside / logs.folder
        self._template = logs.file or DEFAULT
        self._zone = zone(logs.timezone)
        self._line = json_line if logs.form == "json" else text_line
        self._day: date | None = None
        #: What was told already, of each kind once.
        self._troubles: dict[str, str] = {}
        #: Whether the last line was cut short by a full disk: the next one begins below it.
        self._torn = False
        self._lock = threading.RLock()  # who hears of lost lines may say something

    def take(self, record: logging.LogRecord, about: About) -> None:
        """Write what was said; raises nothing."""
        path = self._folder
        try:
            at = self._clock.now().astimezone(self._zone)
            path = self._folder / file_name(self._template, self.pipeline, at.date())
            # Not all that Python takes for a text has UTF-8: halves of surrogate pairs are written as JSON has them.
            line = f"{self._line(record, about, at)}\n".encode("utf-8", "backslashreplace")
            with self._lock:
                self._write(path, line)
                self._turn(at.date())
        except Exception as error:  # noqa: BLE001 - the work goes on, whatever becomes of its log
            self._lost(path, error)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why lines were lost, or old files stay; empty where neither is so."""
        return tuple(self._troubles.values())

    def _write(self, path: Path, line: bytes) -> None:
        try:
            descriptor = os.open(path, _FLAGS, 0o666)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, _FLAGS, 0o666)
        try:
            whole = b"\n" + line if self._torn else line
            written = os.write(descriptor, whole)
            self._torn = written < len(whole)
            if self._torn:
                os.write(descriptor, whole[written:])  # says what is in the way
        finally:
            os.close(descriptor)

    def _turn(self, today: date) -> None:
        """Let old files go once the first line of a day is written."""
        if self._day == today:
            return
        self._day = today
        if self._logs.keep_days is None:
            return
        oldest = today - timedelta(days=self._logs.keep_days - 1)
        there = list(_files(self._folder, lambda folder: leads_on(self._template, self.pipeline, folder), self._stays))
        for name in outdated(self._template, self.pipeline, there, oldest):
            try:
                (self._folder / name).unlink(missing_ok=True)  # another process may do the same
            except OSError as error:
                self._stays(error)

    def _stays(self, error: OSError) -> None:
        self._tell("old log files stay", f"{error.filename}: {error.strerror}")

    def _lost(self, path: Path, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
        self._tell("lines of the log are lost", f"{path}: {reason}")

    def _tell(self, what: str, why: str) -> None:
        if what not in self._troubles:
            self._troubles[what] = redact(f"{what}: {why}")
            _log.warning("levada: %s; the work goes on", self._troubles[what])


def _files(
    folder: Path, enters: Callable[[str], bool], failed: Callable[[OSError], None], above: str = ""
) -> Iterator[str]:
    """Regular files, in this folder and those that are entered; links are not followed, and are none."""
    try:
        with os.scandir(folder) as entries:
            there = list(entries)
    except FileNotFoundError:
        return
    except OSError as error:
        failed(error)
        return
    for entry in there:
        name = f"{above}{entry.name}"
        if entry.is_file(follow_symlinks=False):
            yield name
        elif entry.is_dir(follow_symlinks=False) and enters(name):
            yield from _files(Path(entry.path), enters, failed, f"{name}/")
