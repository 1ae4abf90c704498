"""Instants as APIs write them: compared as instants, shifted in the form that they came in. Pure.

RFC 3339 and what lies around it: a day alone, a blank for the T, no seconds, a comma before the fraction, offsets
without colon, and none at all. Fractions of any length count.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["Instant", "Unreadable", "instant", "shifted"]

_FORM = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"((?P<t>[Tt ])(?P<clock>[0-9]{2}:[0-9]{2}(?P<s>:[0-9]{2})?)([.,](?P<fraction>[0-9]+))? ?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Digits of a fraction that a datetime holds.
_MICRO = 6


class Unreadable(ValueError):
    """A value that is no instant; the text says what is."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment, as exact as it was written."""

    text: str
    #: Aware; digits of the fraction after the sixth are cut.
    moment: datetime
    #: What instants are compared by: whole seconds since 1970, then the fraction without its last zeros.
    order: tuple[int, str]
    #: Whether it has a time without offset, and was taken as UTC.
    naive: bool


def instant(text: object) -> Instant:
    """The instant that `text` writes; without an offset it is one of UTC, a day alone is its first moment.

    Raises:
        Unreadable: it writes none.
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise Unreadable(f"{_shown(text)} is no instant such as 2022-08-09T13:45:00Z")
    fraction = found["fraction"] or ""
    try:
        seconds = datetime.fromisoformat(f"{found['day']}T{found['clock'] or '00:00'}").replace(tzinfo=_zone(found))
        moment = seconds + timedelta(microseconds=int(fraction[:_MICRO].ljust(_MICRO, "0")))
        whole = (seconds.astimezone(UTC) - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        raise Unreadable(f"{_shown(text)} is no instant of the calendar") from None
    return Instant(
        found[0], moment, (whole, fraction.rstrip("0")), naive=bool(found["clock"]) and found["offset"] is None
    )


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a part of a line


def _zone(found: re.Match[str]) -> timezone:
    offset = found["offset"] or "Z"
    if offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def shifted(text: str, seconds: float) -> str:
    """The instant so many seconds before `text`, in the same form: offset, digits of the fraction, blank or T.

    What the form cannot say is rounded down: from a day alone, an hour earlier is the day before.

    Raises:
        Unreadable: `text` is no instant, or the calendar does not reach back so far.
    """
    moment, found = instant(text).moment, _FORM.fullmatch(text)
    assert found  # noqa: S101 - it is an instant
    try:
        earlier = moment - timedelta(seconds=seconds)
    except OverflowError:
        raise Unreadable(f"{seconds:g} s before {_shown(text)} there is no calendar") from None
    if found["t"] is None:
        return f"{earlier:%Y-%m-%d}".zfill(10)
    clock = f"{earlier:%H:%M:%S}" if found["s"] else f"{earlier:%H:%M}"
    return f"{f'{earlier:%Y-%m-%d}'.zfill(10)}{found['t']}{clock}{_fraction(text, found, earlier)}{_tail(text, found)}"


def _fraction(text: str, found: re.Match[str], moment: datetime) -> str:
    digits = found["fraction"]
    if digits is None:
        return ""
    return f"{text[found.start('fraction') - 1]}{f'{moment.microsecond:06}'[: len(digits)].ljust(len(digits), '0')}"


def _tail(text: str, found: re.Match[str]) -> str:
    """What follows the clock: the offset, with the blank that may stand before it."""
    end = found.end("fraction") if found["fraction"] else found.end("clock")
    return text[end:]
