"""What a person sees while a run works: a live line on a terminal, plain lines for long waits when piped."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from levada.cli.door import visible, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from levada.source.events import Event, Waiting

__all__ = ["counted", "watching"]

#: Shorter waits are not worth a line in a log.
WORTH_TELLING = 5.0
#: Shorter ones, as a rate brings with every request, would only flicker on the live line.
WORTH_SHOWING = 0.5


@contextmanager
def watching(label: str) -> Iterator["Callable[[Event], None]"]:
    """A function that shows the events of one partition's run; quiet where there is nothing to tell."""
    if not sys.stderr.isatty():
        yield _plain(label)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    line = _Line(label)
    # Not as markup: what an API said may hold brackets.
    columns = (SpinnerColumn(), TextColumn("{task.fields[line]}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task("", total=None, line=line)
        yield line.saw


class _Line:
    """The live line; drawn anew ten times a second, so it counts a wait down."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._pages = self._rows = 0
        self._waiting: Waiting | None = None

    def saw(self, event: "Event") -> None:
        from levada.source.events import Asked, Took, Waiting

        if isinstance(event, Took):
            self._pages, self._rows = self._pages + 1, self._rows + event.rows
        if isinstance(event, Waiting):
            self._waiting = event if event.seconds >= WORTH_SHOWING else None
        elif self._waiting and isinstance(event, Asked | Took) and _ends(event.number, self._waiting):
            self._waiting = None

    def __str__(self) -> str:
        came = f"{counted(self._pages, 'page')}, {counted(self._rows, 'row')}" if self._pages else "asking"
        waiting = self._waiting
        if waiting is None:
            return f"{self._label}: {came}"
        left = max(0.0, (waiting.until - datetime.now(UTC)).total_seconds())
        return visible(f"{self._label}: {came}, {_wait(waiting, left)}")


def _plain(label: str) -> "Callable[[Event], None]":
    from levada.source.events import Waiting

    def show(event: "Event") -> None:
        if isinstance(event, Waiting) and event.seconds >= WORTH_TELLING:
            warn(f"{label}: {_wait(event, event.seconds)}")

    return show


def _ends(number: int, waiting: "Waiting") -> bool:
    """Whether a request for page `number`, or its answer, says that the wait is over."""
    return waiting.limit or waiting.number in (0, number)


def _wait(event: "Waiting", seconds: float) -> str:
    if event.limit:
        return f"waiting {seconds:.0f} s for {event.why}"
    page = f" for page {event.number}" if event.number else ""
    return f"waiting {seconds:.0f} s{page}: {event.why}"


def counted(number: int, noun: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
