"""What a person sees while a run works: a live line on a terminal, plain lines for waits and refusals when piped."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from levada.cli.door import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress, TaskID

    from levada.source.events import Event, Waiting

__all__ = ["watching"]

#: Shorter waits are not worth a line in a log.
WORTH_TELLING = 5.0


@contextmanager
def watching(label: str) -> Iterator["Callable[[Event], None]"]:
    """A function that shows the events of one partition's run; quiet where there is nothing to tell."""
    if not sys.stderr.isatty():
        yield _plain(label)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _live(progress, progress.add_task(label, total=None), label)


def _live(progress: "Progress", task: "TaskID", label: str) -> "Callable[[Event], None]":
    from levada.source.events import Took, Waiting

    pages = rows = 0

    def show(event: "Event") -> None:
        nonlocal pages, rows
        if isinstance(event, Took):
            pages, rows = pages + 1, rows + event.rows
            progress.update(task, description=f"{label}: {pages} pages, {rows} rows")
        elif isinstance(event, Waiting):
            progress.update(task, description=f"{label}: {pages} pages, {rows} rows, {_wait(event)}")

    return show


def _plain(label: str) -> "Callable[[Event], None]":
    from levada.source.events import Waiting

    def show(event: "Event") -> None:
        if isinstance(event, Waiting) and event.seconds >= WORTH_TELLING:
            warn(f"{label}: {_wait(event)}")

    return show


def _wait(event: "Waiting") -> str:
    return f"waiting {event.seconds:.0f} s for page {event.number}: {event.why}"
