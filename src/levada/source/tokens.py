"""Calls for tokens and log-ins, made by a signer: with the run's network, limits and retries. Never written down."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from levada.edges import Answer, Call, Edges, WireFault
from levada.source.auth.signer import Ask
from levada.source.classify import classify
from levada.source.courier import Courier
from levada.source.events import Event, Waiting
from levada.source.limits import Limiter
from levada.source.origin import origin
from levada.source.request import Plan, place, shown
from levada.source.retry import GiveUp, decide
from levada.source.trouble import Trouble, from_answer, from_fault

__all__ = ["for_tokens"]


def for_tokens(plan: Plan, courier: Courier, edges: Edges, observe: Callable[[Event], None]) -> Ask:
    """A function that gets the answer to a call of the signer's own, waiting and asking again as `retry` says.

    The API's limits are for calls to the API's own origin; what another one tells of its budgets is not about them.
    """

    def once(call: Call, limiter: Limiter) -> Answer | Trouble:
        limiter.sent(edges.clock.monotonic())
        try:
            answer, at = courier.ask(call).result()
        except WireFault as fault:
            limiter.lost()
            return from_fault(plan, fault, call)
        limiter.saw(answer.status, answer.headers, edges.clock.monotonic(), at)
        verdict = classify((), answer, lambda: None)
        # What a refusal means is the signer's to say; only what may pass is asked again here.
        if verdict.means != "retry":
            return answer
        who = f"{urlsplit(call.url).hostname}, asked for what `auth` needs,"
        return from_answer(plan, answer, verdict, lambda: None, who)

    def ask(call: Call, again: bool) -> Answer:
        limiter = plan.limiter if origin(call.url) == origin(plan.source.url) else Limiter()
        attempt = 1
        while isinstance(found := once(call, limiter), Trouble):
            now = edges.clock.now()
            decision = decide(attempt, found, plan.source.retry, edges.uniform, now, repeatable=again)
            if isinstance(decision, GiveUp):
                raise decision.error.at_place(place(plan, url=shown(call)))
            seconds = max(decision.seconds, limiter.delay(edges.clock.monotonic()))
            observe(Waiting(0, seconds, decision.why, now + timedelta(seconds=seconds)))
            courier.sleep(seconds)
            attempt += 1
        return found

    return ask
