"""A schedule in words. Pure."""

from levada.spec.model import Schedule
from levada.spec.words_units import span

__all__ = ["when"]


def when(schedule: Schedule) -> str:
    """`every 1m`, `at 0 3 * * * (UTC)`."""
    return f"at {schedule.cron.text} (UTC)" if schedule.cron else f"every {span(schedule.every or 0)}"
