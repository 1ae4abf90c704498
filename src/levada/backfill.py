"""Many partitions of a pipeline: one after the other, or several at once, each of those in a process of its own.

partitions ──► processes ──► what came of each, in the order of the partitions

Processes and not threads, because checking and encoding rows is Python's own work: two threads take as long as one.
What came of the streams of one partition is told together, and they are worked on in order, parents first.
"""

import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from operator import itemgetter
from types import FrameType
from typing import NoReturn

from levada.edges import Edges
from levada.errors import LevadaError, TryLater
from levada.lake.memory import MemoryStore
from levada.logs.writing import about, of_now
from levada.nouns import Run
from levada.pipeline import Options, Pipeline, load
from levada.spec.model import Stream

__all__ = ["Bug", "Ended", "cores", "each"]

#: Seconds for a process that is told to end: on an object store it gives its lease back.
_LEAVING = 5.0
#: A partition, and the names of its streams in order.
_Group = tuple[str, tuple[str, ...]]


class Bug(Exception):
    """What is no LevadaError and was raised in another process: its traceback is the text."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of one partition of one stream: a run or an error."""

    partition: str
    stream: str
    run: Run | None = None
    error: Exception | None = None


def cores() -> int:
    """How many processes have a core each on this machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(pipeline: Pipeline, verb: str, work: Sequence[tuple[str, Stream]], jobs: int = 1) -> Generator[Ended]:
    """Do `verb` to these partitions, up to `jobs` of them at once; what came of each, in their order, as it is known.

    An error of one partition is its own: the others go on. When the iterator is closed before its end, or its process
    is killed, the processes end too; what they had not committed is as if it had not been begun.

    With `jobs` above 1 the pipeline must have come from `load`: each process reads the spec again. A script that calls
    this needs the guard `if __name__ == "__main__":`, because the processes import it.

    Args:
        pipeline: What to work with; a lake in memory is worked on one after the other.
        verb: stage or replay: what asks the API is paced within one process.
        work: Names of partitions with their streams; streams of one partition stand together, parents first.
        jobs: How many processes at most.
    """
    groups = [(key, tuple(stream.name for _, stream in found)) for key, found in groupby(work, itemgetter(0))]
    if min(jobs, len(groups)) <= 1 or isinstance(pipeline.store, MemoryStore):
        for group in groups:
            yield from _ended(pipeline, verb, group)
        return
    environment, options = dict(pipeline.edges.environment), pipeline.options
    given = _Given(verb, pipeline.spec.file, pipeline.spec.lake, environment, options, of_now().round)
    with ExitStack() as stack:
        yield from _Together(given, groups, stack).work(min(jobs, len(groups)))


def _ended(pipeline: Pipeline, verb: str, group: _Group) -> Iterator[Ended]:
    key, names = group
    streams = {stream.name: stream for stream in pipeline.spec.streams}
    for name in names:
        try:
            yield Ended(key, name, run=pipeline.work(verb, streams[name], key))
        except Exception as error:  # noqa: BLE001 - whoever asked decides what a bug in one partition means for all
            yield Ended(key, name, error=error)


@dataclass(frozen=True, slots=True)
class _Given:
    """What a process needs to make the pipeline again."""

    verb: str
    spec: str
    lake: str
    environment: Mapping[str, str]
    options: Options
    #: The round that it is a part of, for the log.
    round: str


class _Together:
    """Several processes, each at one partition at a time; a process that dies costs the partition that it was at."""

    def __init__(self, given: _Given, groups: Sequence[_Group], stack: ExitStack) -> None:
        self._given, self._groups, self._stack = given, groups, stack
        self._waiting = deque(range(len(groups)))
        self._at: dict[Connection, int] = {}
        self._processes: dict[Connection, SpawnProcess] = {}

    def work(self, jobs: int) -> Iterator[Ended]:
        """All that comes of the groups, in their order."""
        known: dict[int, list[Ended]] = {}
        for _ in range(jobs):
            self._start()
        for number in range(len(self._groups)):
            while number not in known:
                for connection in wait(list(self._at)):
                    known.update([self._took(connection)])  # type: ignore[arg-type]  # the connections that were given
            yield from known.pop(number)

    def _start(self) -> None:
        context = get_context("spawn")  # a fork would take over threads' locks, and this process's file locks
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._given), daemon=True)
        process.start()
        theirs.close()
        self._processes[ours] = process
        self._stack.callback(_stop, process, ours)
        self._hand(ours)

    def _hand(self, connection: Connection) -> None:
        if not self._waiting:
            connection.close()  # the process sees that, and ends
            return
        number = self._at[connection] = self._waiting.popleft()
        with suppress(OSError):  # it died already, which is found when its answer is waited for
            connection.send(self._groups[number])

    def _took(self, connection: Connection) -> tuple[int, list[Ended]]:
        number = self._at.pop(connection)
        try:
            ended: list[Ended] = connection.recv()
        except (EOFError, OSError):
            ended = self._died(number, connection)
            if self._waiting:
                self._start()
        else:
            self._hand(connection)
        return number, ended

    def _died(self, number: int, connection: Connection) -> list[Ended]:
        self._processes[connection].join()
        code = self._processes[connection].exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        key, names = self._groups[number]
        error = TryLater(
            f"The process that worked on this partition ended ({how}) before it was through.",
            where=f"{', '.join(names)} {key}",
            todo="run again, with fewer --jobs if memory was short; what was committed stands",
        )
        return [Ended(key, name, error=error) for name in names]


def _stop(process: SpawnProcess, connection: Connection) -> None:
    """Let a process go: one that still works is ended, which harms nothing that is committed."""
    if not connection.closed:
        process.terminate()
        connection.close()
        process.join(_LEAVING)
        process.kill()
    process.join()


def _serve(connection: Connection, given: _Given) -> None:
    """Work on what comes, one group after the other, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to hear
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipeline = load(given.spec, lake=given.lake, edges=Edges(environment=given.environment)).having(given.options)
    while True:
        try:
            group = connection.recv()
            with about(round=given.round):
                connection.send([_portable(one) for one in _ended(pipeline, given.verb, group)])
        except (EOFError, BrokenPipeError):
            return


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """End by an exception, so that what is held is let go."""
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    """End this process when the first one is killed: nobody would hear of what it does, or stop it."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _portable(one: Ended) -> Ended:
    if one.error is None or isinstance(one.error, LevadaError):
        return one
    return Ended(one.partition, one.stream, error=Bug("".join(traceback.format_exception(one.error))))
