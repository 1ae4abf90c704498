from datetime import UTC, datetime, timedelta

import pytest

from levada.errors import ApiRefused, ContractBroken, TryLater
from levada.source.retry import GiveUp, Wait, decide, repeatable
from levada.source.trouble import Trouble
from levada.spec.model import Body, Request, Retry
from levada.spec.template import parse
from plans import PLACE

NOW = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)
BUSY = Trouble(TryLater, "The API answers 503.", "Later.", again=True)


def busy(value):
    return Trouble(TryLater, "The API answers 503.", "Later.", again=True, retry_after=value)


def most(_low, high):
    return high


def test_waits_double_up_to_the_cap():
    waits = [decide(attempt, BUSY, Retry(attempts=9, wait=1, cap=60), most, NOW) for attempt in range(1, 9)]
    assert [wait.seconds for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waits[0].why == "The API answers 503."


def test_jitter_is_full():
    asked = []
    decide(3, BUSY, Retry(), lambda low, high: asked.append((low, high)) or 0.0, NOW)
    assert asked == [(0.0, 4.0)]


def test_after_the_last_attempt_the_trouble_is_the_error():
    assert isinstance(decide(4, BUSY, Retry(), most, NOW), Wait)
    given_up = decide(5, BUSY, Retry(), most, NOW)
    assert isinstance(given_up, GiveUp)
    assert isinstance(given_up.error, TryLater)
    assert given_up.error.what == "The API answers 503. (asked 5 times)"
    assert given_up.error.at is None


def test_the_last_retry_after_says_when():
    given_up = decide(5, busy("30"), Retry(), most, NOW)
    assert given_up.error.at == NOW + timedelta(seconds=30)


def test_what_cannot_get_better_is_not_asked_again():
    given_up = decide(1, Trouble(ApiRefused, "No.", "Fix.", again=False, retry_after="3"), Retry(), most, NOW)
    assert isinstance(given_up, GiveUp)
    assert isinstance(given_up.error, ApiRefused)
    assert given_up.error.what == "No."


@pytest.mark.parametrize(
    ("value", "seconds"), [("4", 4.0), ("0", 1.0), ("Fri, 12 Aug 2022 05:00:00 GMT", 1.0), ("soon", 1.0), ("0.5", 1.0)]
)
def test_the_wait_is_the_longer_of_jitter_and_retry_after(value, seconds):
    assert decide(1, busy(value), Retry(wait=1), most, NOW) == Wait(seconds, "The API answers 503.")


@pytest.mark.parametrize("value", ["301", "Fri, 12 Aug 2022 06:05:01 GMT"])
def test_a_wait_over_max_wait_ends_the_run_at_once_and_says_when(value):
    given_up = decide(1, busy(value), Retry(max_wait=300), most, NOW)
    assert isinstance(given_up.error, TryLater)
    assert given_up.error.at == NOW + timedelta(seconds=301)
    assert given_up.error.what == "The API answers 503. It asks for a wait of 301 s, and `max_wait` is 300 s."
    assert "from 2022-08-12 06:05:01 UTC on" in given_up.error.todo
    assert decide(1, busy("300"), Retry(max_wait=300), most, NOW) == Wait(300, "The API answers 503.")


def test_what_the_api_said_ends_before_the_next_sentence():
    said = Trouble(TryLater, "The API answers 429: slow", "Later.", again=True, retry_after="301")
    given_up = decide(1, said, Retry(max_wait=300), most, NOW)
    assert "429: slow. It asks for a wait of 301 s" in given_up.error.what


def test_a_wait_beyond_all_calendars_ends_the_run_too():
    given_up = decide(1, busy("9" * 400), Retry(), most, NOW)
    assert isinstance(given_up.error, TryLater)
    assert given_up.error.at is None


def least(low, _high):
    return low


def test_the_factor_and_the_jitter_are_the_specs():
    retry = Retry(attempts=99, wait=2, factor=3, cap=100, jitter="none")
    assert [decide(attempt, BUSY, retry, least, NOW).seconds for attempt in (1, 2, 3, 4, 5)] == [2, 6, 18, 54, 100]
    assert decide(98, BUSY, Retry(attempts=99, factor=1e6), most, NOW).seconds == 60


@pytest.mark.parametrize("value", ["Fri, 12 Aug 2022 05:00:00 GMT", "0", "soon"])
def test_a_retry_after_that_is_past_is_no_leave_to_ask_at_once(value):
    assert decide(1, busy(value), Retry(wait=1), least, NOW).seconds == 1
    assert decide(3, busy(value), Retry(wait=1), least, NOW).seconds == 4


def test_five_tries_for_an_answer_that_never_comes_and_three_for_one_that_does():
    tries = []
    while isinstance(decide(len(tries) + 1, BUSY, Retry(), most, NOW), Wait):
        tries.append("asked again")
    assert len(tries) + 1 == 5


def test_waits_that_the_api_asks_for_add_up_to_max_wait_at_most():
    assert decide(2, busy("100"), Retry(max_wait=300), most, NOW, waited=200).seconds == 100
    error = decide(2, busy("101"), Retry(max_wait=300), most, NOW, waited=200).error
    assert isinstance(error, TryLater)
    assert error.what == (
        "The API answers 503. It asks for a wait of 101 s after 200 s of waiting, and `max_wait` is 300 s."
    )
    assert error.at == NOW + timedelta(seconds=101)


def test_max_wait_is_no_bound_of_the_first_tries_own_wait():
    assert decide(1, BUSY, Retry(wait=10, max_wait=5), most, NOW) == Wait(10, "The API answers 503.")


def test_a_body_that_stays_broken_is_no_reason_to_come_back():
    broken = Trouble(ContractBroken, "The body is no JSON.", "Look.", again=True)
    error = decide(2, broken, Retry(max_wait=300), most, NOW, waited=299).error
    assert isinstance(error, ContractBroken)


# --- waits by rule


def wait(retry_after=None, resets=()):
    return Trouble(
        TryLater, "It is not ready.", "Later.", again=True, wait=True, retry_after=retry_after, resets=resets
    )


def test_a_wait_by_rule_is_not_counted_as_a_try():
    assert isinstance(decide(99, wait(), Retry(attempts=1, wait=7), least, NOW), Wait)


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        (wait(), 1),
        (wait("40"), 40),
        (wait("0"), 1),
        (wait(resets=("40",)), 40),
        (wait("50", ("40", "30")), 50),
        (wait("20", ("40", "30")), 40),
        (wait(resets=("1660284040000",)), 40),
        (wait(resets=("soon", "-1")), 1),
    ],
)
def test_a_wait_by_rule_lasts_as_long_as_the_api_says(trouble, seconds):
    assert decide(1, trouble, Retry(wait=0), least, NOW).seconds == seconds


def test_waits_by_rule_grow_and_end_at_max_wait_whatever_the_jitter():
    waits, waited = [], 0.0
    while isinstance(
        decision := decide(1, wait(), Retry(wait=2, cap=20, max_wait=100), least, NOW, waited=waited), Wait
    ):
        waits.append(decision.seconds)
        waited += decision.seconds
    assert waits == [2, 4, 8, 16, 20, 20, 20]
    assert isinstance(decision.error, TryLater)
    assert decision.error.what == (
        "It is not ready. After 90 s of waiting for this page, `max_wait` (100 s) allows no more."
    )
    assert decision.error.at == NOW + timedelta(seconds=20)


def test_waits_by_rule_end_even_where_the_spec_waits_for_nothing():
    waited, waits, retry = 0.0, 0, Retry(wait=0, cap=0, max_wait=9)
    while isinstance(decision := decide(1, wait(), retry, least, NOW, waited=waited), Wait):
        waited, waits = waited + decision.seconds, waits + 1
    assert waits == 9


# --- what must not be done twice


def test_what_may_have_been_done_is_not_asked_again():
    doubtful = Trouble(TryLater, "The API answers 500.", "Later.", again=True, doubtful=True)
    assert isinstance(decide(1, doubtful, Retry(), most, NOW), Wait)
    error = decide(1, doubtful, Retry(), most, NOW, repeatable=False).error
    assert isinstance(error, TryLater)
    assert error.what == "The API answers 500. The API may have done what was asked, so it is not asked again."
    assert "`request: {repeatable: true}`" in error.todo


def test_what_was_surely_not_done_is_asked_again():
    assert isinstance(decide(1, BUSY, Retry(), most, NOW, repeatable=False), Wait)
    assert isinstance(decide(1, wait(), Retry(), most, NOW, repeatable=False), Wait)


def post(**said):
    return Request(parse("/x"), PLACE, "POST", **said)


def graphql(query, **said):
    return post(body=Body("graphql", {"query": query, "variables": {}}), **said)


@pytest.mark.parametrize(
    ("request_", "safe"),
    [
        (None, True),
        (Request(parse("/x"), PLACE), True),
        (Request(parse("/x"), PLACE, repeatable=False), False),
        (post(), False),
        (post(body=Body("json", {})), False),
        (post(repeatable=True), True),
        (graphql("{ posts { id } }"), True),
        (graphql("query Mutation { mutation }"), True),
        (graphql("# mutation\nquery { a }"), True),
        (graphql("mutation { add }"), False),
        (graphql("\n # by hand\n mutation Add($a: Int) { add(a: $a) }"), False),
        (graphql("fragment F on A { b } mutation Add { add }"), False),
        (graphql("mutation { add }", repeatable=True), True),
        (graphql("{ a }", repeatable=False), False),
    ],
)
def test_which_requests_can_be_sent_twice(request_, safe):
    assert repeatable(request_) is safe
