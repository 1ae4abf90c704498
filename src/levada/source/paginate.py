"""Which page comes next: pure functions over the facts of the pages read, so a resumed read finds its place again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from levada.nouns import Means, PageFacts
from levada.spec.model import Paging

__all__ = ["Broken", "End", "Next", "Position", "Step", "advance", "first", "guess", "meaning", "replay", "window"]

#: Pages that may be asked for at once before any has come.
FIRST_WINDOW = 4


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of pages."""

    #: Order in the partition, from 1.
    number: int
    #: What the API is asked for (`3` for ?page=3).
    value: int


@dataclass(frozen=True, slots=True)
class Next:
    """Another page follows."""

    position: Position


@dataclass(frozen=True, slots=True)
class End:
    """No page follows."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The answers contradict each other; going on would lose or double records."""

    what: str
    todo: str


Step = Next | End | Broken
#: SHA-256 of each page with records -> its number.
Seen = Mapping[str, int]


def first(paging: Paging) -> Position:
    """Where reading starts."""
    return Position(number=1, value=paging.start)


def advance(paging: Paging, position: Position, facts: PageFacts, seen: Seen) -> Step:
    """What follows the answer at `position`.

    Args:
        paging: How one page leads to the next.
        position: The place that `facts` answers.
        facts: The answer.
        seen: The pages with records that came before it.
    """
    if facts.means == "no_data" and seen:
        return _no_data_late(facts, seen)
    if facts.means != "page":
        return End()
    if facts.sha256 in seen:
        return _repeated(paging, facts, seen[facts.sha256])
    following = guess(paging, position, 1)
    return End() if following is None else Next(following)


def guess(paging: Paging, position: Position, ahead: int) -> Position | None:
    """The place `ahead` pages after `position` if pages go on until there; None where none can follow."""
    if ahead and paging.by == "none":
        return None
    number = position.number + ahead
    if paging.max_pages is not None and number > paging.max_pages:
        return None
    return Position(number=number, value=position.value + ahead)


def replay(paging: Paging, done: Sequence[PageFacts]) -> tuple[Step, dict[str, int]]:
    """What follows pages that are durable already, and what they hold."""
    step: Step = Next(first(paging))
    seen: dict[str, int] = {}
    for facts in done:
        if not isinstance(step, Next):
            break
        if (facts.number, facts.position) != (step.position.number, step.position.value):
            return _out_of_order(facts, step.position), seen
        step = advance(paging, step.position, facts, seen)
        if facts.means == "page":
            seen[facts.sha256] = facts.number
    return step, seen


def meaning(position: Position, means: Means) -> Means:
    """What an answer means at its place: an end, or an empty page, in the very first place is no data."""
    return "no_data" if position.number == 1 and means in {"end", "empty"} else means


def window(concurrency: int, received: int) -> int:
    """Pages that may be under way at once: the lowest not yet handed on and those ahead of it."""
    return max(1, min(concurrency, max(FIRST_WINDOW, received)))


def _no_data_late(facts: PageFacts, seen: Seen) -> Broken:
    return Broken(
        f"The API says that there is no data, but {len(seen)} page(s) with records came before.",
        f"Read what the API said: {facts.text or '(nothing)'}. If it means the end of the pages, "
        "change that rule of `responses` to `means: end`.",
    )


def _repeated(paging: Paging, facts: PageFacts, before: int) -> Broken:
    return Broken(
        f"Page {facts.number} is byte for byte page {before}: the API repeats itself.",
        f"Check that `{paging.param}` is the API's own parameter for the page; if the API has one page only, "
        "leave `paging` out.",
    )


def _out_of_order(facts: PageFacts, expected: Position) -> Broken:
    return Broken(
        f"The pages kept from the interrupted run are out of order: page {facts.number} (asked as {facts.position}) "
        f"stands where page {expected.number} (asked as {expected.value}) belongs.",
        "Run again without the interrupted run's pages.",
    )
