"""Whether to ask again, and how long to wait first: pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from levada.errors import LevadaError, TryLater
from levada.source.trouble import Trouble
from levada.spec.model import Retry

__all__ = ["GiveUp", "Wait", "decide", "retry_after"]

_SECONDS = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after `seconds`."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not ask again; `error` has no `where` yet."""

    error: LevadaError


def decide(
    attempt: int, trouble: Trouble, retry: Retry, uniform: Callable[[float, float], float], now: datetime
) -> Wait | GiveUp:
    """What follows attempt `attempt` (from 1).

    Full jitter between 0 and `wait` * 2^(attempt-1), at most `cap` seconds
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/); never less than the API's own
    Retry-After. One above `max_wait` ends the run, with that moment in the error.
    """
    if not trouble.again:
        return GiveUp(trouble.error("", attempt))
    asked = retry_after(trouble.retry_after, now)
    if asked > retry.max_wait:
        return GiveUp(_too_long(trouble, asked, retry, now))
    if attempt >= retry.attempts:
        return GiveUp(_given_up(trouble, attempt, _later(now, asked) if asked else None))
    longest = min(retry.cap, retry.wait * 2 ** (attempt - 1))
    return Wait(max(uniform(0.0, longest), asked), trouble.what)


def retry_after(value: str | None, now: datetime) -> float:
    """Seconds that a Retry-After (RFC 9110, 10.2.3) asks for; 0 for none, a past date, or one that cannot be read."""
    if value is None:
        return 0.0
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    moment = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _too_long(trouble: Trouble, asked: float, retry: Retry, now: datetime) -> TryLater:
    at = _later(now, asked)
    when = f" (from {at:%Y-%m-%d %H:%M:%S} UTC on)" if at else ""
    what = trouble.what if trouble.what.endswith((".", "!", "?")) else f"{trouble.what}."
    return TryLater(
        f"{what} It asks for a wait of {asked:.0f} s, and `max_wait` is {retry.max_wait:.0f} s.",
        todo=f"Try again later{when}; the pages that came are kept.",
        at=at,
    )


def _given_up(trouble: Trouble, attempt: int, at: datetime | None) -> LevadaError:
    error = trouble.error("", attempt)
    if isinstance(error, TryLater):
        error.at = at
    return error


def _later(now: datetime, seconds: float) -> datetime | None:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        return None
