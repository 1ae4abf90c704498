"""`levada schedule`: specs run by themselves until a signal ends it, one line for each thing that happens."""

import json
import os
import sys
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from levada.cli.door import facts, heard, reason, say, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from levada.scheduler.post import Post
    from levada.scheduler.told import Told

__all__ = ["schedule"]

#: Seconds that runs have to come to the end of a page: less than the 10 after which Docker kills.
GRACE = 8.0
_GO_ON = "run the command of each `handed_back` to go on with its partition; the same command again works the next tick"


@click.command(short_help="Run specs by their schedules until it is stopped.")
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=click.Path())
@click.option("--lake", metavar="FOLDER", help="The lake of them all; else that of each spec.")
@click.option("--once", is_flag=True, help="Work the tick of this moment, without waiting for it, and leave.")
@click.option("--json", "as_json", is_flag=True, help="Tell each thing that happens as one line of JSON on stdout.")
def schedule(specs: tuple[str, ...], lake: str | None, *, once: bool, as_json: bool) -> None:
    """Run each SPEC whenever its `schedule` says so, until Ctrl-C or SIGTERM.

    \b
      levada schedule purchases.yaml
      levada schedule sales.yaml purchases.yaml --json
      levada schedule purchases.yaml --once

    All times are UTC. A run is for the partition that `levada run` without a date means at its tick. The streams of a
    spec follow one another; specs wait for nobody. A run that fails is told, and the next tick is worked all the same.
    A run that takes longer than until the next tick skips the ticks between, and says so.

    A variable that is not set ends the command before the first tick; so does a spec without a schedule.

    The first signal ends it as soon as each run has come to the end of a page. An answer that takes longer than 4 s is
    given up, and its partition handed back; whatever else takes longer than 8 s ends where it stands. The second signal
    ends it at once. What had arrived is kept.
    """
    from levada.cli.asking import opened
    from levada.errors import FixThis
    from levada.scheduler.post import posts

    pipelines, wrong = [], []
    for spec in specs:
        try:
            pipelines.append(opened(spec, lake, asking=True))
        except FixThis as error:
            wrong.append(error)
    _stay(posts(pipelines, wrong), _teller(as_json=as_json), once=once)


def _stay(work: "Sequence[Post]", told: "Callable[[Told], None]", *, once: bool) -> None:
    """One thread a spec, and this one for signals."""
    bell, ended = threading.Event(), SimpleQueue[int | Exception]()
    threads = [
        # Daemons: what a second signal ends, ends at once.
        threading.Thread(
            target=_keep, args=(post, bell, told, ended, once), name=post.pipeline.spec.pipeline, daemon=True
        )
        for post in work
    ]
    for thread in threads:
        thread.start()
    try:
        codes = [_code(ended.get()) for _ in threads]
    except (KeyboardInterrupt, SystemExit) as signal:
        _end(bell, threads, 130 if isinstance(signal, KeyboardInterrupt) else int(str(signal.code)))
        signal.add_note(_GO_ON)
        raise
    sys.exit(next((code for code in codes if code), 0))


def _keep(*given: Any) -> None:
    post, bell, told, ended, at_once = given
    try:
        from levada.scheduler.keep import keep, once

        ended.put((once if at_once else keep)(post, bell, told))
    except BaseException as bug:  # noqa: BLE001 - raised again by the main thread
        ended.put(bug if isinstance(bug, Exception) else RuntimeError(repr(bug)))


def _code(end: int | Exception) -> int:
    if isinstance(end, Exception):
        raise end
    return end


def _end(bell: threading.Event, threads: "Sequence[threading.Thread]", code: int) -> None:
    """Ring, and give the threads time; where one does not end, or a second signal comes, end the process as it is."""
    try:
        heard()
        bell.set()
        warn(
            f"levada: ending as soon as each run is at the end of a page, in {GRACE:g} s at most; once more ends it now"
        )
        until = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
    except (KeyboardInterrupt, SystemExit):
        _leave(code)
    if any(thread.is_alive() for thread in threads):
        _leave(code)


def _leave(code: int) -> None:
    """End now, whatever the threads are at: as safe as kill -9."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _teller(*, as_json: bool) -> "Callable[[Told], None]":
    turn = threading.Lock()

    def tell_one(told: "Told") -> None:
        with turn:
            (_say_json if as_json else _say)(told)

    return tell_one


def _say(told: "Told") -> None:
    """A line of a log: results on stdout, what a person should look at on stderr."""
    from levada.cli.report import lines

    stamp, about = f"{told.at:%Y-%m-%d %H:%M:%S}", "/".join(filter(None, (told.pipeline, told.stream)))
    if told.run:
        for line in lines(told.run):
            say(f"{stamp} {line}")
    elif told.error:
        warn(f"{stamp} {about} {told.partition}: failed: {reason(told.error)}")
    else:
        out = say if told.event in {"began", "ended"} else warn
        out(f"{stamp} {about}{f' {told.partition}' if told.partition else ''}: {told.words}")


def _say_json(told: "Told") -> None:
    from levada.nouns import plain

    line: dict[str, Any] = {
        "at": told.at.isoformat(timespec="milliseconds"),
        "event": told.event,
        "pipeline": told.pipeline,
        "stream": told.stream or None,
        "partition": told.partition or None,
        "tick": told.tick.isoformat() if told.tick else None,
        "words": told.words or None,
        "run": plain(told.run) if told.run else None,
        "error": facts(told.error) if told.error else None,
    }
    say(json.dumps({name: value for name, value in line.items() if value is not None}))
