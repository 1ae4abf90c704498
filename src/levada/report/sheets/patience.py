"""How long to wait before Google Sheets is asked again. Pure, but for the count of what was waited."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["Trouble", "Waits", "retry_after"]

#: As Google advises: doubled each time, with a random part, up to about a minute, which is what its quotas count by
#: (https://developers.google.com/workspace/sheets/api/limits).
_LONGEST = 64.0
#: Seconds that one table may be waited for in all.
MOST = 300.0
#: Nobody there at all is told sooner: an address with a mistake in it should not cost five minutes.
_CALLS = 5


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a request came to nothing, though it may yet."""

    #: A sentence.
    what: str
    #: Seconds that the answer asks for.
    asked: float = 0.0
    #: Whether there was no answer at all.
    silent: bool = False


class Waits:
    """The waits of one table.

    Args:
        uniform: uniform(low, high), for the random part.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._met = 0
        self._silent = 0
        self._waited = 0.0

    def after(self, trouble: Trouble) -> float | None:
        """Seconds to wait before asking again; None: it was waited enough."""
        self._silent = self._silent + 1 if trouble.silent else 0
        longest = min(_LONGEST, 2.0**self._met)
        seconds = max(trouble.asked, self._uniform(longest / 2, longest))
        self._met = min(self._met + 1, 10)
        if self._waited + seconds > MOST or self._silent >= _CALLS:
            return None
        self._waited += seconds
        return seconds

    def ease(self) -> None:
        """A request was done: somebody is there. Waits stay as long, for what was done may be a read between writes."""
        self._silent = 0


def retry_after(text: str | None, now: datetime) -> float:
    """Seconds of a header Retry-After (RFC 9110, 10.2.3), a number or a date; 0.0 for none that can be read."""
    try:
        return max(0.0, float(int(text or "0")))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return 0.0
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())
