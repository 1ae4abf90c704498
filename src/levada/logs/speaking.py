"""What the rooms say, told to a person while it happens: the lines of a log on stderr."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from levada.logs.lines import text_line
from levada.logs.writing import of_now

__all__ = ["speaking"]


@contextmanager
def speaking(show: Callable[[str], None], level: int = logging.INFO) -> Iterator[None]:
    """While inside, `show` is given a line for all that is said below `levada`, its times in UTC, without secrets.

    Args:
        show: Takes a line.
        level: Of logging; DEBUG tells of each request that is made again.
    """
    root, speaker = logging.getLogger("levada"), _Speaker(show)
    before = root.level
    root.setLevel(level)
    root.addHandler(speaker)
    try:
        yield
    finally:
        root.removeHandler(speaker)
        root.setLevel(before)


class _Speaker(logging.Handler):
    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Show it; where nobody reads any more, the command hears of that by its own words."""
        try:
            self._show(text_line(record, of_now(), datetime.fromtimestamp(record.created, UTC)))
        except OSError:
            return
