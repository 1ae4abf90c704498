"""Reads a partition of a stream: plan ──► request ──► wire ──► classify ──► paginate ──► Page, in order.

Does not write anything down, and does not look into records beyond counting them.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus

from levada.edges import Edges
from levada.errors import ContractBroken, FixThis, LevadaError, TryLater
from levada.nouns import Page, PageFacts
from levada.secret import redact
from levada.source.ahead import Ahead
from levada.source.courier import Courier
from levada.source.events import Event, Refused, Saw, Took, Waiting, ignore
from levada.source.judge import Judged, kept_headers
from levada.source.paginate import Broken, Position, first, noted
from levada.source.request import Plan, build, place, shown
from levada.source.retry import GiveUp, decide, repeatable
from levada.source.slices import Slice
from levada.source.trouble import KEPT, Trouble, excerpt
from levada.source.walk import Came, Ready, Walk

__all__ = ["Done", "ResumeRefused", "read"]

#: Statuses by which an API says that it does not know the place at which an interrupted read goes on.
_LOST = {400, 404, 410}
#: Seconds of a wait for the API's limit that nobody need be told of.
_SHORT = 1.0
#: How often one page may be asked for with new credentials: the user's own code may always say that it has some.
_MOST_REFRESHES = 3
#: So many rows that fail one after the other because the API is away are no matter of the rows.
_AWAY = 5


class ResumeRefused(FixThis):
    """The place where an interrupted run stopped cannot be found again; reading anew may work."""


def _no_body(number: int) -> bytes:
    raise ContractBroken(f"The body of page {number} is not at hand.")


@dataclass(frozen=True, slots=True)
class Done:
    """What an interrupted read left durable."""

    #: Facts of its answers, in order.
    facts: Sequence[PageFacts] = ()
    #: The bytes of one of its pages, by its number.
    body: Callable[[int], bytes] = field(default=_no_body)


def read(
    plan: Plan,
    edges: Edges,
    done: Done = Done(),
    observe: Callable[[Event], None] = ignore,
) -> Generator[Page]:
    """The pages of a partition in order, from the first that is not done.

    Close the iterator when it is not read to its end (`contextlib.closing`): that ends the requests under way.

    Args:
        plan: What to ask for.
        edges: Clock, randomness and network.
        done: What an interrupted read left durable; it is not asked for again.
        observe: Told of each request, wait, refused answer and page, on the reader's thread, in order.

    Yields:
        Slice by slice, pages with records, `means` "page". Where an answer said that there are no (more) records it
        comes last in its slice, with `means` "end", "empty" or, before any page, "no_data": its body is empty, its
        `facts.text` is what it said. An "empty" one may also stand between pages. "skip": a page, or
        all the rest of a slice, that was left out.

    Raises:
        ApiRefused: a person must change something: key, host, URL, request, a missing `responses` rule.
        ContractBroken: the answers are no pages of records, or contradict each other.
        TryLater: the API or the network is away, or asks for a wait above `max_wait`.
        ResumeRefused: see there; only with `done`.
    """
    walks, resumed = _recalled(plan, done)
    _try_to_build(plan)
    with Courier(edges) as courier:
        reader = _Reader(plan, edges, courier, observe)
        try:
            yield from reader.pages(walks, resumed)
        finally:
            reader.close()


@dataclass(slots=True)
class _Stand:
    """Where a read stands."""

    number: int = 0
    #: Pages with data so far, in the partition or in the row that had begun.
    page: int = 0
    slice: int = 0


def _recalled(plan: Plan, done: Done) -> tuple[list[Walk], _Stand]:
    """The slice that an interrupted read had begun, where it stands now; the slices before it are through."""
    at, walk = _Stand(), None
    for facts in done.facts:
        if walk is None or facts.slice != at.slice:
            if (walk is not None and walk.position is not None) or facts.slice >= len(plan.slices):
                raise _lost(plan, facts)
            walk = Walk(plan, plan.slices[facts.slice])
            at.page = 0 if walk.part.of_row else at.page
        if not walk.recall(facts, lambda facts=facts: done.body(facts.number)):  # type: ignore[misc]
            raise _lost(plan, facts)
        at.number, at.slice, at.page = facts.number, facts.slice, at.page + (facts.means == "page")
    return ([walk] if walk else []), at


def _lost(plan: Plan, facts: PageFacts) -> ResumeRefused:
    return ResumeRefused(
        f"Page {facts.number} of the interrupted run (asked as {facts.position}) does not lead to where it went on.",
        where=place(plan, number=facts.number, url=facts.url),
        todo="Run again without the interrupted run's pages.",
    )


def _try_to_build(plan: Plan) -> None:
    """Find what is wrong with the request before a thread is started for it."""
    try:
        for part in plan.slices[:1]:
            build(plan, part, first(plan.stream.paging))
    except FixThis as error:
        raise error.at_place(place(plan)) from None


class _Reader:
    """One read: hands pages on in order, retries the one whose turn it is."""

    def __init__(self, plan: Plan, edges: Edges, courier: Courier, observe: Callable[[Event], None]) -> None:
        self._plan = plan
        self._edges = edges
        self._courier = courier
        self._observe = observe
        self._ahead = Ahead(plan, courier, edges, observe)
        self._at = _Stand()
        #: Rows, one after the other, that could not be asked for because the API or the network was away.
        self._away = 0
        #: Seconds waited for the page whose turn it is, and how often credentials were fetched anew for it.
        self._waited, self._refreshes = 0.0, 0

    def pages(self, walks: list[Walk], at: _Stand) -> Iterator[Page]:
        self._at = at
        self._lost = _LOST if walks else set()
        for walk in walks:
            self._ahead.begin(walk)
        while head := self._ahead.head:
            if head.ready:
                page = self._numbered(head.part, head.ready.popleft())
                if self._plan.stream.paging.ahead:
                    self._ahead.fill()
                yield page
            else:
                self._press(head)

    def close(self) -> None:
        """Give up what is under way."""
        self._ahead.close()

    def _press(self, head: Walk) -> None:
        """Bring the slice whose turn it is on: wait for its answer, ask again, or give up."""
        if head.broken:
            self._give_up(head, self._contradiction(head, head.broken))
        elif head.stuck:
            self._insist(head, head.stuck)
        else:
            delay = self._ahead.fill()
            if head.ready or head.broken:
                return  # it had come meanwhile, and must not wait for what is behind it
            if self._ahead.awaits(head):
                self._ahead.wait()
            elif delay:
                self._hold(head, delay)

    def _hold(self, head: Walk, seconds: float) -> None:
        """Wait until the API's limit lets the next request go."""
        now = self._edges.clock.now()
        until = now + timedelta(seconds=seconds)
        why, most = self._plan.limiter.why(), self._plan.source.retry.max_wait
        if seconds > most:
            raise TryLater(
                f"The next request must wait {seconds:.0f} s for {why}, and `max_wait` is {most:.0f} s.",
                where=self._where(head),
                todo=f"Try again later (from {until:%Y-%m-%d %H:%M:%S} UTC on); the pages that came are kept.",
                at=until,
            )
        if seconds >= _SHORT:
            self._observe(Waiting(self._at.number + 1, seconds, why, until, limit=True))
        self._courier.sleep(seconds)

    def _insist(self, head: Walk, came: Came) -> None:
        """Ask again for the page whose turn it is, until it comes or `retry` allows no more."""
        trouble = came.result
        assert isinstance(trouble, Trouble)  # noqa: S101 - that is what being stuck means
        if trouble.refresh and self._refreshed(head, came):
            return
        self._tell(head, came)
        if trouble.unnamed in self._lost:
            raise ResumeRefused(trouble.what, where=self._where(head), todo=trouble.todo)
        now = self._edges.clock.now()
        retry, can = self._plan.source.retry, repeatable(self._plan.request)
        decision = decide(came.attempt, trouble, retry, self._edges.uniform, now, repeatable=can, waited=self._waited)
        if isinstance(decision, GiveUp):
            self._give_up(head, decision.error.at_place(self._where(head)))
            return
        until = now + timedelta(seconds=decision.seconds)
        self._observe(Waiting(self._at.number + 1, decision.seconds, decision.why, until))
        self._courier.sleep(decision.seconds)
        self._waited += decision.seconds
        self._again(head, came.position, came.attempt + (not trouble.wait))

    def _refreshed(self, head: Walk, came: Came) -> bool:
        """Ask again with a token that the refused request did not have yet, if there is or can be one."""
        if self._refreshes >= _MOST_REFRESHES or not self._plan.signer.refused(came.call):
            return False
        self._refreshes += 1
        self._tell(head, came)
        self._again(head, came.position, came.attempt)
        return True

    def _again(self, head: Walk, position: Position, attempt: int) -> None:
        """Ask once more, as soon as the limits let it go."""
        while (delay := self._ahead.due()) > 0:
            self._hold(head, delay)
        self._ahead.again(head, position, attempt)

    def _contradiction(self, head: Walk, broken: Broken) -> LevadaError:
        came = head.came.get(head.position.value) if head.position else None
        if came and isinstance(came.result, Judged) and came.result.page.facts.means != "page":
            self._tell(head, came)
        return ContractBroken(broken.what, where=self._where(head), todo=broken.todo)

    def _give_up(self, head: Walk, error: LevadaError) -> None:
        """End with the error; or leave a gap, where one row may fail without the others."""
        if not head.part.may_fail or not isinstance(error, ContractBroken | FixThis | TryLater):
            raise error
        position = head.position or Position(1, None)
        came = head.came.get(position.value)
        self._away = self._away + 1 if isinstance(error, TryLater) else 0
        if self._of_all(error, came):
            raise error
        facts = PageFacts(
            number=position.number,
            position=noted(position.value),
            means="skip",
            url=shown(build(self._plan, head.part, position)),
            status=came.answer.status if came and came.answer else 0,
            headers={},
            rows=0,
            size=0,
            sha256="",
            at=self._edges.clock.now(),
            text=redact(error.what)[:KEPT],
        )
        head.leave_gap(Page(facts, b""))

    def _of_all(self, error: LevadaError, came: Came | None) -> bool:
        """Whether what went wrong is no matter of this row: a key that is refused, an API that is away."""
        if came and came.answer and came.answer.status == HTTPStatus.UNAUTHORIZED:
            return True
        return isinstance(error, TryLater) and (error.at is not None or self._away >= _AWAY)

    def _numbered(self, part: Slice, ready: Ready) -> Page:
        """The page with its place in the partition; its watcher told."""
        facts, at = ready.page.facts, self._at
        self._waited, self._refreshes, self._lost = 0.0, 0, set()
        if part.of_row and part.index != at.slice:
            at.page = 0
        is_page = facts.means == "page"
        self._away = self._away if facts.means == "skip" else 0
        at.number, at.slice, at.page = at.number + 1, part.index, at.page + is_page
        fills = {**part.fills, "page": at.page} if is_page else dict(part.fills)
        facts = replace(facts, number=at.number, slice=part.index, fills=fills)
        if is_page:
            self._observe(Took(facts.number, facts.rows, facts.size))
        if ready.saw:
            self._observe(Saw(facts.number, ready.saw))
        return Page(facts, ready.page.body)

    def _tell(self, head: Walk, came: Came) -> None:
        if came.answer is None or came.at is None:
            return
        self._observe(
            Refused(
                number=self._at.number + 1,
                attempt=came.attempt,
                url=shown(build(self._plan, head.part, came.position)),
                status=came.answer.status,
                headers=kept_headers(came.answer.headers),
                text=excerpt(came.answer.body),
                at=came.at,
            )
        )

    def _where(self, head: Walk) -> str:
        if head.position is None:
            return place(self._plan, head.part)
        url = shown(build(self._plan, head.part, head.position))
        return place(self._plan, head.part, head.position.number, url)
