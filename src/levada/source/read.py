"""Reads a partition of a stream: plan ──► request ──► wire ──► classify ──► paginate ──► Page, in order.

Does not write anything down, and does not look into records beyond counting them.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import timedelta

from levada.edges import Edges
from levada.errors import ContractBroken, FixThis
from levada.nouns import Page, PageFacts
from levada.secret import redact
from levada.source.ahead import Ahead, Came
from levada.source.courier import Courier
from levada.source.events import Event, Refused, Took, Waiting, ignore
from levada.source.judge import kept_headers
from levada.source.paginate import Broken, Next, Position, Step, advance, replay
from levada.source.request import Plan, build, place
from levada.source.retry import GiveUp, decide
from levada.source.trouble import Trouble, excerpt

__all__ = ["ResumeRefused", "read"]

#: Statuses by which an API says that it does not know the place at which an interrupted read goes on.
_LOST = {400, 404, 410}


class ResumeRefused(FixThis):
    """The API does not know the place where an interrupted read was to go on; reading anew may work."""


def read(
    plan: Plan,
    edges: Edges,
    done: Sequence[PageFacts] = (),
    observe: Callable[[Event], None] = ignore,
) -> Generator[Page]:
    """The pages of a partition in order, from the first that is not done.

    Close the iterator when it is not read to its end (`contextlib.closing`): that ends the requests under way.

    Args:
        plan: What to ask for.
        edges: Clock, randomness and network.
        done: Facts of the answers that an interrupted read left durable, in order; they are not asked for again.
        observe: Told of each request, wait, refused answer and page, on the reader's thread, in order.

    Yields:
        Pages with records, `means` "page". Where an answer said that there are no (more) records it comes last, with
        `means` "end", "empty" or, before any page, "no_data": its body is empty, its `facts.text` is what it said.

    Raises:
        ApiRefused: a person must change something: key, host, URL, request, a missing `responses` rule.
        ContractBroken: the answers are no pages of records, or contradict each other.
        TryLater: the API or the network is away, or asks for a wait above `max_wait`.
        ResumeRefused: see there; only with `done`.
    """
    step, seen = replay(plan.stream.paging, done)
    if isinstance(step, Broken):
        raise ContractBroken(step.what, where=place(plan), todo=step.todo)
    if isinstance(step, Next):
        _try_to_build(plan, step.position)
        with Courier(edges) as courier:
            yield from _Reader(plan, edges, courier, observe).pages(step.position, seen, resumed=bool(done))


def _try_to_build(plan: Plan, position: Position) -> None:
    """Find what is wrong with the request before a thread is started for it."""
    try:
        build(plan, position)
    except FixThis as error:
        raise error.at_place(place(plan)) from None


class _Reader:
    """One read: hands pages on in order, retries the one whose turn it is."""

    def __init__(self, plan: Plan, edges: Edges, courier: Courier, observe: Callable[[Event], None]) -> None:
        self._plan = plan
        self._edges = edges
        self._courier = courier
        self._observe = observe
        self._ahead = Ahead(plan, courier, observe)

    def pages(self, position: Position, seen: dict[str, int], *, resumed: bool) -> Iterator[Page]:
        step: Step = Next(position)
        while isinstance(step, Next):
            position = step.position
            came = self._ahead.take(position)
            came, page = self._insist(came, lost=_LOST if resumed else set())
            resumed = False
            step = self._follow(came, page, seen)
            if page.facts.means == "page":
                seen[page.facts.sha256] = page.facts.number
                self._observe(Took(page.facts.number, page.facts.rows, page.facts.size))
            if isinstance(step, Next) and self._plan.stream.paging.ahead:
                self._ahead.fill(step.position)
            yield page

    def _insist(self, came: Came, lost: set[int]) -> tuple[Came, Page]:
        """The attempt that brought the page, and the page; raises the last trouble when `retry` allows no more."""
        while isinstance(came.result, Trouble):
            trouble = came.result
            self._tell(came)
            where = self._where(came.position)
            if trouble.unnamed in lost:
                raise ResumeRefused(trouble.what, where=where, todo=trouble.todo)
            now = self._edges.clock.now()
            decision = decide(came.attempt, trouble, self._plan.source.retry, self._edges.uniform, now)
            if isinstance(decision, GiveUp):
                raise decision.error.at_place(where)
            until = now + timedelta(seconds=decision.seconds)
            self._observe(Waiting(came.position.number, decision.seconds, decision.why, until))
            self._courier.sleep(decision.seconds)
            came = self._ahead.again(came.position, came.attempt + 1)
        return came, came.result

    def _follow(self, came: Came, page: Page, seen: dict[str, int]) -> Step:
        step = advance(self._plan.stream.paging, came.position, page.facts, seen)
        if isinstance(step, Broken):
            if page.facts.means != "page":
                self._tell(came)
            raise ContractBroken(step.what, where=self._where(came.position), todo=step.todo)
        return step

    def _tell(self, came: Came) -> None:
        if came.answer is None or came.at is None:
            return
        self._observe(
            Refused(
                number=came.position.number,
                attempt=came.attempt,
                url=redact(build(self._plan, came.position).url),
                status=came.answer.status,
                headers=kept_headers(came.answer.headers),
                text=excerpt(came.answer.body),
                at=came.at,
            )
        )

    def _where(self, position: Position) -> str:
        return place(self._plan, position.number, build(self._plan, position).url)
