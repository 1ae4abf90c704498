"""What hears everything that is said below `levada` by the standard logging, while somebody wants to know it."""

import logging
from collections.abc import Callable

from levada.logs.lines import MILESTONES

__all__ = ["Ear"]

_ROOT = "levada"


class Ear(logging.Handler):
    """Hands what is said to `take`, and on to whoever would have heard it without the ear.

    Milestones are not among it: who says one gives it to `take` itself, so that no setting of logging can hide it.

    Args:
        take: Is given each record.
        shown: Whether warnings are shown to a person in another way than by logging's last resort, stderr.
    """

    def __init__(self, take: Callable[[logging.LogRecord], None], shown: Callable[[], bool]) -> None:
        super().__init__()
        self._take, self._shown = take, shown
        self._level, self._propagates, self._heard, self._set = logging.NOTSET, True, logging.WARNING, logging.NOTSET

    def begin(self) -> None:
        """Listen."""
        root = logging.getLogger(_ROOT)
        self._level, self._propagates, self._heard = root.level, root.propagate, root.getEffectiveLevel()
        root.propagate = False
        root.addHandler(self)

    def at(self, level: int) -> None:
        """Hear what is said at this level and above, and what others hear."""
        self._set = level if self._heard > level else self._level
        logging.getLogger(_ROOT).setLevel(self._set)

    def end(self) -> None:
        """Leave things as they were, but for what was set meanwhile."""
        root = logging.getLogger(_ROOT)
        root.removeHandler(self)
        root.propagate = root.propagate or self._propagates
        if root.level == self._set:
            root.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        """Take it, and hand it on."""
        if record.name != MILESTONES:
            self._take(record)
        if self._was_meant(record):
            self._hand_on(record)

    def _was_meant(self, record: logging.LogRecord) -> bool:
        """Whether it would have been said at all: its logger's level, or the nearest above that has one."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            level = self._level if logger.name == _ROOT else logger.level
            if level:
                return record.levelno >= level
            logger = logger.parent
        return True

    def _hand_on(self, record: logging.LogRecord) -> None:
        above = logging.getLogger(_ROOT).parent if self._propagates else None
        if above is not None and above.hasHandlers():
            above.callHandlers(record)
        elif logging.lastResort and not self._others(record) and record.levelno >= logging.lastResort.level:
            logging.lastResort.handle(record)

    def _others(self, record: logging.LogRecord) -> bool:
        """Whether somebody else listens below `levada`."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None and logger.name != "root":
            if any(handler is not self for handler in logger.handlers):
                return True
            logger = logger.parent
        return self._shown()
