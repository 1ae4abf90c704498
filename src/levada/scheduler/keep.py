"""The loop of one spec: wait for a tick, work it, tell what came of it, wait for the next. One run at a time.

Decides nothing: when is `ticks`, what is `post`.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from levada.errors import BUG, PARTIAL, ContractBroken, LevadaError
from levada.nouns import Run
from levada.pipeline.orphans import Orphans
from levada.pipeline.rounds import begun
from levada.round import Round, error_of, said_of
from levada.scheduler.post import Post, work_at
from levada.scheduler.stop import Bell, Stopped, heeding
from levada.scheduler.ticks import COUNTED, Due, Wait, due, settled
from levada.scheduler.told import Happened, Told
from levada.source.events import Event, Waiting
from levada.spec.model import Stream
from levada.spec.words_schedule import when

__all__ = ["keep", "once"]

#: Seconds after which the clock is looked at again: it may have been set, or the machine may have slept.
_LOOK = 10.0
#: Shorter waits for the API are not worth a line.
_WORTH_TELLING = 5.0


@dataclass
class _Keeper:
    post: Post
    bell: Bell
    tell: Callable[[Told], None]
    #: Exit code of the first run that did not end well; 0 where all did.
    code: int = 0

    def say(self, event: Happened, words: str = "", **facts: Any) -> None:
        pipeline = self.post.pipeline
        self.tell(Told(event, pipeline.edges.clock.now(), pipeline.spec.pipeline, words, **facts))


def keep(post: Post, bell: Bell, tell: Callable[[Told], None]) -> int:
    """Work the ticks of a spec as they come, until the bell rings; a run that fails is told, and ends nothing.

    Where a tick comes while the one before it is still at work, the latest is worked as soon as that has ended, and
    those between are skipped, which is told. The answer is 0: what failed was told.
    """
    keeper, clock = _Keeper(post, bell, tell), post.pipeline.edges.clock
    last, took = clock.now(), 0.0
    _begin(keeper, last)
    while not bell.is_set():
        now = clock.now()
        if (base := settled(last, now)) != last:
            keeper.say("clock", f"the clock was put back, from {_at(last)} to {_at(now)}: ticks are counted from there")
            last = base
        found = due(post.schedule, last, now)
        if isinstance(found, Wait):
            took = 0.0
            bell.wait(min((found.until - now).total_seconds(), _LOOK))
            continue
        _skipped(keeper, found, took)
        began = clock.monotonic()
        _work(keeper, found.tick)
        last, took = found.tick, clock.monotonic() - began
    keeper.say("ended", "ended")
    return 0


def once(post: Post, bell: Bell, tell: Callable[[Told], None]) -> int:
    """Work the tick of this moment; the exit code of the first run that did not end well, else 0."""
    keeper = _Keeper(post, bell, tell)
    _work(keeper, post.pipeline.edges.clock.now())
    return keeper.code


def _begin(keeper: _Keeper, now: datetime) -> None:
    found = due(keeper.post.schedule, now, now)
    first = _at(found.until) if isinstance(found, Wait) else _at(now)
    left_out = work_at(keeper.post.pipeline, now).left_out
    without = f"; {', '.join(left_out)} left out: no partition is meant without a date" if left_out else ""
    keeper.say("began", f"{when(keeper.post.schedule)}, first at {first}{without}")


def _skipped(keeper: _Keeper, found: Due, took: float) -> None:
    if not found.skipped or found.first is None:
        return
    many = f"{found.skipped} tick{'' if found.skipped == 1 else 's'}"
    count = f"more than {COUNTED} ticks" if found.skipped == COUNTED else many
    why = f"the run before took {took:.0f} s" if took else "the machine slept, or its clock was put forward"
    keeper.say("skipped", f"{count} skipped, from {_at(found.first)} on: {why}", tick=found.tick)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _work(keeper: _Keeper, tick: datetime) -> None:
    """The partitions of a tick, in order.

    An answer that breaks the contract is its stream's own: the others go on, but for those that are made from it. What
    else goes wrong would meet the next one too, so the tick ends there.
    """
    left, orphans = list(work_at(keeper.post.pipeline, tick).work), Orphans("run")
    with begun(keeper.post.pipeline.course, "run", "schedule") as ongoing:
        ongoing.meant(left)
        while left and not keeper.bell.is_set():
            key, stream = left.pop(0)
            about = {"stream": stream.name, "partition": key, "tick": tick}
            if failed := orphans.made_from(key, stream):
                keeper.say("not_tried", f"not tried: it is made from {failed}", **about)
                continue
            came = _one(keeper, key, stream, about)
            if isinstance(came, Run):
                ongoing.ran(came)
                continue
            orphans.failed(key, stream)
            if not isinstance(came, Stopped):
                ongoing.failed(came, stream.name, key)
            if not isinstance(came, ContractBroken):
                break
        for key, stream in left:
            keeper.say("not_tried", "not tried", stream=stream.name, partition=key, tick=tick)
        _followed(keeper, ongoing.close(stopped=keeper.bell.is_set()), tick)


def _followed(keeper: _Keeper, done: Round, tick: datetime) -> None:
    """Tell what followed the partitions: reports, and what could not be told or written down."""
    for one in done.reports:
        about: dict[str, Any] = {"partition": one.partition, "tick": tick}
        if one.error:
            keeper.code = keeper.code or one.error.code
            keeper.say("failed", error=error_of(one.error), **about)
        else:
            keeper.say("reported", f"report {one.report}: {said_of(one)}", **about)
    for note in done.notes:
        keeper.say("note", note, tick=tick)


def _one(keeper: _Keeper, key: str, stream: Stream, about: dict[str, Any]) -> Run | BaseException:
    """Work one partition of one stream, and tell what came of it; the run, or what went wrong."""

    def watch(event: Event) -> None:
        if isinstance(event, Waiting) and event.seconds >= _WORTH_TELLING:
            keeper.say("waiting", f"waiting {event.seconds:.0f} s: {event.why}", **about)

    try:
        run = heeding(keeper.post.pipeline, keeper.bell, watch).work("run", stream, key)
    except Stopped as stopped:
        words = f"not done, because this is to end; go on with {_command(keeper.post, stream, key)}"
        keeper.say("handed_back", words, **about)
        return stopped
    except BaseException as error:  # noqa: BLE001 - a run that fails, by a bug or an exit of the user's own code, too, is told and ends no loop
        keeper.code = keeper.code or (error.exit_code if isinstance(error, LevadaError) else BUG)
        keeper.say("failed", error=error, **about)
        return error
    if run.outcome == "partial":
        keeper.code = keeper.code or PARTIAL
    keeper.say("ran", run=run, **{**about, "partition": run.partition})
    return run


def _command(post: Post, stream: Stream, key: str) -> str:
    spec = post.pipeline.spec
    date = ("--date", key) if key else ()
    return shlex.join(("levada", "run", spec.file, *date, "--stream", stream.name, "--lake", spec.lake))
