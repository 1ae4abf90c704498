"""What the rooms say, told to a person while it happens: the lines of a log on stderr."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime

from levada.logs.lines import About, text_line
from levada.logs.writing import listening

__all__ = ["speaking"]


def speaking(show: Callable[[str], None], level: int = logging.INFO) -> AbstractContextManager[None]:
    """While inside, `show` is given each line that a log file would have, its times in UTC, without secrets.

    Where nobody reads any more, the command hears of that by its own words.

    Args:
        show: Takes a line.
        level: Of logging; DEBUG tells of each page, and of each request that is made again.
    """

    def shown(record: logging.LogRecord, of: About) -> None:
        with suppress(OSError):
            show(text_line(record, of, datetime.fromtimestamp(record.created, UTC)))

    return listening(shown, level)
