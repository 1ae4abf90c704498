"""How many requests at once an API bears: one more after good answers, half after it was too much. Reads no clock."""

__all__ = ["TOO_MUCH", "Width"]

#: Too many requests (RFC 6585, 4); not available, mostly for too many (RFC 9110, 15.6.4).
TOO_MUCH = frozenset({429, 503})
#: From here on an answer speaks for neither: the server has trouble of its own.
_SERVER_ERROR = 500


class Width:
    """Additive increase, multiplicative decrease (RFC 5681's way), between 1 and what the spec allows."""

    def __init__(self) -> None:
        #: The most that was ever allowed, and the present width; None: all that is allowed.
        self._most = 1
        self._narrowed: int | None = None
        self._good = 0
        #: Answers still to come of those asked for before the last halving; they tell nothing about the new width.
        self._old = 0

    def room(self, concurrency: int) -> int:
        """How many may be under way where the spec allows `concurrency`."""
        self._most = max(self._most, concurrency)
        return concurrency if self._narrowed is None else min(concurrency, self._narrowed)

    def saw(self, status: int, under_way: int) -> None:
        """An answer came, and `under_way` others are still to come."""
        if self._old:
            self._old = min(self._old - 1, under_way)
        elif status in TOO_MUCH:
            self._narrowed = max(1, (self._narrowed or self._most) // 2)
            self._good, self._old = 0, under_way
        elif self._narrowed is not None and status < _SERVER_ERROR:
            self._widen(self._narrowed)

    def lost(self, under_way: int) -> None:
        """A request ended without an answer, and `under_way` others are still to come."""
        self._old = min(self._old, under_way)

    def _widen(self, narrowed: int) -> None:
        self._good += 1
        if self._good >= narrowed:
            self._good = 0
            self._narrowed = narrowed + 1 if narrowed + 1 < self._most else None
