"""When headers say that asking again makes sense, in seconds from the answer on: numbers, epochs and dates."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["reset_after", "retry_after"]

_NUMBER = re.compile(r"\d+(\.\d+)?")
#: A number is a moment of the calendar if it is more than this share of the present one, in seconds since 1970: waits
#: are never as long as five years, and no API tells a reset of the 1970s.
_MOMENT = 0.1
#: More than so many times the present moment can only be milliseconds, and more than the next no moment at all.
_MILLISECONDS = 100.0
_NOTHING = 100_000.0
#: Clocks that stand near 1970 would make every number a moment.
_YOUNGEST = 1_000_000_000.0


def retry_after(value: str | None, now: datetime) -> float:
    """Seconds that a Retry-After (RFC 9110, 10.2.3) asks for; 0 for none, a past date, or one that cannot be read.

    Args:
        value: Seconds, with decimals too, or a date in any of the three forms of RFC 9110, 5.6.7. A moment in seconds
            since 1970 or in ISO 8601, which some APIs send, is taken as such.
        now: When the answer came (aware).
    """
    if value is None:
        return 0.0
    text = value.strip()
    if _NUMBER.fullmatch(text):
        moment = _moment(float(text), now)
        return float(text) if moment is None else max(0.0, moment - now.timestamp())
    return max(0.0, _until_date(text, now) or 0.0)


def reset_after(value: str, now: datetime) -> float | None:
    """Seconds until the reset that a rate-limit header tells; 0 where it is past, None where it tells none.

    Args:
        value: Seconds to go, seconds or milliseconds since 1970 (told apart by their size), or a date, HTTP's or ISO's.
        now: When the answer came (aware).
    """
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        seconds = _until_date(text, now)
        return None if seconds is None else max(0.0, seconds)
    number = float(text)
    if number > _NOTHING * _present(now):
        return None
    moment = _moment(number, now)
    return number if moment is None else max(0.0, moment - now.timestamp())


def _moment(number: float, now: datetime) -> float | None:
    """Seconds since 1970 that `number` stands for, None where it is a time to go."""
    times = number / _present(now)
    if times <= _MOMENT or times > _NOTHING:
        return None
    return number / 1000 if times > _MILLISECONDS else number


def _present(now: datetime) -> float:
    return max(now.timestamp(), _YOUNGEST)


def _until_date(text: str, now: datetime) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text)
        except (ValueError, OverflowError):
            continue
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        return (aware - now).total_seconds()
    return None
