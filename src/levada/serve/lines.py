"""The log of a job server on stderr: whatever is told there, by whomever, is one JSON object a line."""

import logging
from datetime import UTC, datetime

from levada.logs.lines import MILESTONES
from levada.serve.access import LOGGER, line

__all__ = ["start"]


def start() -> None:
    """From now on everything that this process logs, and warnings, go to stderr as lines of JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    handler.addFilter(lambda record: record.name != MILESTONES)  # a line a job; a spec's log files have the milestones
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)


class _Line(logging.Formatter):
    """A record of the access log as it is; one of a library with where it comes from."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        if record.name == LOGGER.name:
            return record.getMessage()
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        report = self.formatException(record.exc_info) if record.exc_info else None
        return line({"at": at, "from": record.name, "message": record.getMessage(), "bug": report})
