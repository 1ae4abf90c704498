"""What happens while reading, told as it happens, in order, on the thread of whoever reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Asked", "Event", "Refused", "Saw", "Took", "Waiting", "ignore"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request goes out for page `number`, the `attempt`-th from 1."""

    number: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Page `number` (0: a token, or what else is no page) is asked for after `seconds`, at `until` (aware, UTC)."""

    number: int
    seconds: float
    #: What the last attempt met; or, with `limit`, what is waited for: "the API's limit", "the rate 10/s".
    why: str
    until: datetime
    #: Nothing has failed: no request may go before.
    limit: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that brought no page and is asked for again, or ends the run. `text` is its first 8 KB, redacted."""

    number: int
    attempt: int
    url: str
    status: int
    #: Names in lower case, values redacted.
    headers: Mapping[str, str]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Took:
    """Page `number` is in hand: `rows` records in `size` bytes."""

    number: int
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class Saw:
    """What the paging rules saw on page `number`: (rule, what it found), for people."""

    number: int
    said: tuple[tuple[str, str], ...]


Event = Asked | Waiting | Refused | Took | Saw


def ignore(event: Event) -> None:
    """Take no notice."""
