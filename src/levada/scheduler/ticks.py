"""When a schedule ticks, and which ticks were missed. Pure: moments in, moments out, all of them in UTC.

So the clock of no town is asked: where it is put back no tick comes twice, and none is lost where it is put forward.
"""

import functools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from levada import extras
from levada.spec.cron import Cron
from levada.spec.model import Schedule

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

__all__ = ["COUNTED", "Due", "Wait", "after", "due", "settled"]

#: Missed ticks beyond these are not counted: a clock that was set years forward has millions of them.
COUNTED = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
#: A clock that was put back by no more is waited for, so that no tick comes twice.
_STEP = timedelta(minutes=1)
#: How far back the latest tick is looked for, the nearest first: the 29th of February may be eight years away.
_WINDOWS = tuple(timedelta(seconds=seconds) for seconds in (60, 3600, 86400, 32 * 86400, 367 * 86400, 2923 * 86400))


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """The tick to work now, and those before it that nobody worked: how many (at most COUNTED), and the first."""

    tick: datetime
    skipped: int = 0
    first: datetime | None = None


def after(schedule: Schedule, moment: datetime) -> datetime:
    """The first tick after `moment`.

    Raises:
        FixThis: it is a line of cron, and the library for those is not installed.
    """
    if schedule.cron:
        found: datetime = _trigger(schedule.cron).get_next_fire_time(None, moment.astimezone(UTC) + _INSTANT)
        return found.astimezone(UTC)
    every = timedelta(seconds=schedule.every or 1)
    return _EPOCH + ((moment - _EPOCH) // every + 1) * every


@functools.cache
def _trigger(line: Cron) -> "CronTrigger":
    extras.require("schedule", "Lines of cron", ("apscheduler",))
    from apscheduler.triggers.cron import CronTrigger

    # From numbers, not from the line: apscheduler counts the days of a week from Monday, cron from Sunday.
    fields: dict[str, Any] = {
        "month": line.months,
        "day": line.days,
        "day_of_week": line.weekdays,
        "hour": line.hours,
        "minute": line.minutes,
    }
    return CronTrigger(**{name: ",".join(map(str, numbers)) for name, numbers in fields.items()}, timezone=UTC)


def due(schedule: Schedule, last: datetime, now: datetime) -> Due | Wait:
    """What to do at `now`: the latest tick since `last` is worked, those between are skipped.

    Args:
        schedule: When there are ticks.
        last: The tick that was worked last, or the moment when the schedule began.
        now: The present moment.
    """
    first = after(schedule, last)
    if first > now:
        return Wait(first)
    tick = _latest(schedule, last, now)
    skipped = _between(schedule, first, tick)
    return Due(tick, skipped, first if skipped else None)


def _latest(schedule: Schedule, last: datetime, now: datetime) -> datetime:
    """The last tick up to `now`; there is one after `last`."""
    if schedule.every:
        every = timedelta(seconds=schedule.every)
        return _EPOCH + (now - _EPOCH) // every * every
    starts = (max(last, now - window) for window in _WINDOWS)
    tick = after(schedule, next((start for start in starts if after(schedule, start) <= now), last))
    while (later := after(schedule, tick)) <= now:
        tick = later
    return tick


def _between(schedule: Schedule, first: datetime, tick: datetime) -> int:
    """The ticks from `first` up to, and not including, `tick`."""
    if schedule.every:
        return min(COUNTED, (tick - first) // timedelta(seconds=schedule.every))
    count = 0
    while first < tick and count < COUNTED:
        first, count = after(schedule, first), count + 1
    return count


def settled(last: datetime, now: datetime) -> datetime:
    """`last`, or `now` where the clock was put back so far that waiting for it would stop the work."""
    return now if last - now > _STEP else last
