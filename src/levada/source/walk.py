"""One slice on its way: where it stands, what came, and what is ready to be handed on. Decides by `paginate` alone."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from levada.edges import Answer, Call
from levada.errors import ContractBroken
from levada.nouns import Page, PageFacts
from levada.source.judge import Judged, recalled
from levada.source.paginate import (
    Broken,
    End,
    Next,
    Position,
    Said,
    Trail,
    Value,
    advance,
    first,
    guess,
    meaning,
    noted,
)
from levada.source.request import Plan, build
from levada.source.signals import listens, said, words
from levada.source.slices import Slice
from levada.source.trouble import Trouble

__all__ = ["Came", "Ready", "Walk"]


@dataclass(frozen=True, slots=True)
class Came:
    """What one attempt brought."""

    position: Position
    attempt: int
    result: Judged | Trouble
    #: None where no complete answer came.
    answer: Answer | None = None
    at: datetime | None = None
    #: What was asked, signed.
    call: Call | None = None

    @property
    def goes_on(self) -> bool:
        """Whether, by itself, it does not speak against asking for more."""
        return isinstance(self.result, Judged) and self.result.page.facts.means in {"page", "skip"}


@dataclass(frozen=True, slots=True)
class Ready:
    """A page whose turn has come, and what the paging rules saw on it."""

    page: Page
    saw: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Walk:
    """The pages of one slice, in order."""

    plan: Plan
    part: Slice
    #: The page whose turn it is; None when the slice is at its end.
    position: Position | None = None
    trail: Trail = field(default_factory=Trail)
    #: Answers, by what was asked for, whose turn has not come.
    came: dict[Value, Came] = field(default_factory=dict)
    #: Pages whose turn has come, to be handed on.
    ready: deque[Ready] = field(default_factory=deque)
    #: What the answer whose turn it is contradicts, and that answer.
    broken: Broken | None = None

    def __post_init__(self) -> None:
        self.position = first(self.plan.stream.paging)

    @property
    def finished(self) -> bool:
        """Whether everything was handed on."""
        return self.position is None and not self.ready and self.broken is None

    @property
    def stuck(self) -> Came | None:
        """The failed answer that has the turn."""
        came = self.came.get(self.position.value) if self.position else None
        return came if came and isinstance(came.result, Trouble) else None

    def wanted(self) -> Iterator[Position]:
        """The page whose turn it is and those that can be guessed behind it, as far as nothing speaks against it."""
        if self.position is None or self.broken or any(not came.goes_on for came in self.came.values()):
            return
        ahead = 0
        while following := guess(self.plan.stream.paging, self.position, ahead, self.trail):
            yield following
            ahead += 1

    def digest(self) -> bool:
        """Take the answers whose turn has come, as far as they are pages; False if one leads where none had guessed."""
        as_guessed = True
        while self.position and not self.broken:
            came = self.came.get(self.position.value)
            if came is None or not isinstance(came.result, Judged):
                break
            as_guessed &= self._take(self.position, came.result)
        return as_guessed

    def leave_gap(self, page: Page) -> None:
        """End here, with a page that stands for all that is missing from here on."""
        self.ready.append(Ready(page))
        self.position, self.broken = None, None
        self.came.clear()

    def recall(self, facts: PageFacts, body: Callable[[], bytes]) -> bool:
        """Take a durable answer of an interrupted read; False if it is not the one that belongs here."""
        if self.position is None or facts.position != noted(self.position.value):
            return False
        if facts.means == "skip" and not facts.sha256:
            self.position = None  # what `leave_gap` left
            return True
        url = build(self.plan, self.part, self.position).url
        judged = recalled(self.plan, self.position, url, facts, body)
        decided = self._decided(self.position, facts, judged)
        if isinstance(decided, Broken):
            return False
        self._go(self.position, facts, *decided)
        return True

    def _take(self, position: Position, judged: Judged) -> bool:
        facts = judged.page.facts
        decided = self._decided(position, facts, judged)
        if isinstance(decided, Broken):
            self.broken = decided
            return True
        step, told = decided
        facts = self._settled(position, step, judged)
        saw = words(self.plan.stream.paging, facts, told)
        self.ready.append(Ready(Page(facts, judged.page.body if facts.means == "page" else b""), saw))
        del self.came[position.value]
        return self._go(position, facts, step, told)

    def _settled(self, position: Position, step: Next | End, judged: Judged) -> PageFacts:
        """The facts, now that it is known what follows."""
        facts = judged.page.facts
        if isinstance(step, Next) and facts.means == "empty":
            # Paging goes on behind it: it is a page that happens to hold nothing, or an answer that is none.
            return facts if judged.bare else replace(facts, means="page", text=None)
        means = meaning(position, facts.means, alone=len(self.plan.slices) == 1)
        return facts if means == facts.means else replace(facts, means=means)

    def _decided(self, position: Position, facts: PageFacts, judged: Judged) -> tuple[Next | End, Said] | Broken:
        """What follows, and what the answer said for it."""
        told = self._said(judged)
        if isinstance(told, Broken):
            return told
        step = advance(self.plan.stream.paging, position, facts, told, self.trail)
        return step if isinstance(step, Broken) else (step, told)

    def _said(self, judged: Judged) -> Said | Broken:
        paging = self.plan.stream.paging
        if not listens(paging) or judged.page.facts.means not in {"page", "empty"}:
            return Said(enough=judged.enough)
        try:
            found = said(paging, judged.told, self.trail, self.plan.follow)
        except ContractBroken as error:
            return Broken(error.what, error.todo)
        return replace(found, enough=judged.enough) if isinstance(found, Said) else found

    def _go(self, position: Position, facts: PageFacts, step: Next | End, told: Said) -> bool:
        """Stand where `step` leads; whether that is where was guessed ahead."""
        expected = guess(self.plan.stream.paging, position, 1, self.trail)
        self.trail.add(position, facts, told)
        self.position = step.position if isinstance(step, Next) else None
        as_guessed = expected is None or (self.position is not None and expected.value == self.position.value)
        if not as_guessed:
            self.came.clear()
        return as_guessed
