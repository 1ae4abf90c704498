"""Whether to ask again, and how long to wait first: pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from levada.errors import LevadaError, TryLater
from levada.source.moments import reset_after, retry_after
from levada.source.trouble import Trouble
from levada.spec.model import Request, Retry

__all__ = ["GiveUp", "Wait", "decide", "repeatable"]

#: The shortest wait, in seconds, where a rule says to wait and the API does not say how long.
_LEAST = 1.0
#: Exponents beyond this only meet the cap; larger ones could overflow.
_STEEPEST = 50
_MUTATION = re.compile(r"(?:\A|\})[\s,]*mutation\b")
_COMMENT = re.compile(r"#[^\n\r]*")


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after `seconds`."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not ask again; `error` has no `where` yet."""

    error: LevadaError


def decide(  # noqa: PLR0913 - all that the decision hangs on; the last two are told by name
    attempt: int,
    trouble: Trouble,
    retry: Retry,
    uniform: Callable[[float, float], float],
    now: datetime,
    *,
    repeatable: bool = True,
    waited: float = 0.0,
) -> Wait | GiveUp:
    """What follows attempt `attempt`.

    Between tries it is waited from 0 (`jitter: none`: from the whole of it) to `wait` * factor^(attempt-1) seconds, at
    most `cap` (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/); never less than the API's
    own Retry-After, nor, where it sent one that asks for no wait, than the whole of that.

    Args:
        attempt: From 1. Attempts that a rule answered with `wait` are not counted: they may be as many as `max_wait`
            has room for.
        trouble: What the attempt brought.
        retry: What the spec allows.
        uniform: uniform(low, high), for jitter.
        now: When the answer came (aware).
        repeatable: Whether asking twice does no harm, see the function of this name.
        waited: Seconds waited so far for this page, as far as they count towards `max_wait`.
    """
    if not trouble.again:
        return GiveUp(trouble.error("", attempt))
    if trouble.doubtful and not repeatable:
        return GiveUp(_not_twice(trouble, attempt))
    asked = _asked(trouble, now)
    if waited + asked > retry.max_wait:
        return GiveUp(_too_long(trouble, asked, waited, retry, now))
    if attempt >= retry.attempts and not trouble.wait:
        return GiveUp(_given_up(trouble, attempt, _later(now, asked) if asked else None))
    if trouble.wait:
        seconds = asked or _patience(retry, waited)
    else:
        seconds = max(asked, _backoff(attempt, trouble, retry, uniform))
    if (waited or trouble.wait) and waited + seconds > retry.max_wait:
        return GiveUp(_waited_out(trouble, attempt, waited, retry, _later(now, seconds)))
    return Wait(seconds, trouble.what)


def repeatable(request: Request | None) -> bool:
    """Whether sending a request twice does no harm: a GET, a GraphQL query, and whatever the spec says so of."""
    if request is None:
        return True
    if request.repeatable is not None:
        return request.repeatable
    if request.body is None or request.body.kind != "graphql":
        return request.method == "GET"
    return not _MUTATION.search(_COMMENT.sub("", request.body.content["query"]))


def _asked(trouble: Trouble, now: datetime) -> float:
    """Seconds that the API asks for."""
    resets = (reset_after(reset, now) or 0.0 for reset in trouble.resets)
    return max(retry_after(trouble.retry_after, now), *resets, 0.0)


def _backoff(attempt: int, trouble: Trouble, retry: Retry, uniform: Callable[[float, float], float]) -> float:
    longest = min(retry.cap, retry.wait * retry.factor ** min(attempt - 1, _STEEPEST))
    # A Retry-After that is past is still a plea not to ask at once, which full jitter might do.
    whole = retry.jitter == "none" or trouble.retry_after is not None
    return longest if whole else uniform(0.0, longest)


def _patience(retry: Retry, waited: float) -> float:
    """The next of waits that grow by `factor` from `wait` on, by what they came to so far."""
    first = max(_LEAST, retry.wait)
    return max(_LEAST, min(retry.cap, first + waited * (retry.factor - 1)))


def _not_twice(trouble: Trouble, attempt: int) -> LevadaError:
    error = trouble.error("", attempt)
    error.what = f"{_sentence(error.what)} The API may have done what was asked, so it is not asked again."
    error.todo = "Look at what the API did. If asking twice does no harm, write `request: {repeatable: true}`."
    return error


def _too_long(trouble: Trouble, asked: float, waited: float, retry: Retry, now: datetime) -> TryLater:
    at = _later(now, asked)
    so_far = f" after {waited:.0f} s of waiting" if waited else ""
    return TryLater(
        f"{_sentence(trouble.what)} It asks for a wait of {asked:.0f} s{so_far}, and `max_wait` is "
        f"{retry.max_wait:.0f} s.",
        todo=f"Try again later{_when(at)}; the pages that came are kept.",
        at=at,
    )


def _waited_out(trouble: Trouble, attempt: int, waited: float, retry: Retry, at: datetime | None) -> LevadaError:
    error = _given_up(trouble, attempt, at)
    error.what = (
        f"{_sentence(error.what)} After {waited:.0f} s of waiting for this page, `max_wait` ({retry.max_wait:.0f} s) "
        f"allows no more."
    )
    return error


def _given_up(trouble: Trouble, attempt: int, at: datetime | None) -> LevadaError:
    error = trouble.error("", attempt)
    if isinstance(error, TryLater):
        error.at = at
    return error


def _sentence(what: str) -> str:
    return what if what.endswith((".", "!", "?")) else f"{what}."


def _when(at: datetime | None) -> str:
    return f" (from {at:%Y-%m-%d %H:%M:%S} UTC on)" if at else ""


def _later(now: datetime, seconds: float) -> datetime | None:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        return None
