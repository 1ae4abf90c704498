import gc
import weakref
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.edges import FixedClock, SystemClock
from levada.source.budget import Left, resets, told
from levada.source.limits import Limiter, limiter_for
from levada.source.pace import MARGIN
from levada.spec.model import Budget, Limits, Rate, Source
from plans import PLACE

AT = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)
EPOCH = int(AT.timestamp())


def limiter(*rates, concurrency=4, budget=None):
    return Limiter(Limits(concurrency=concurrency, rate=tuple(Rate(*rate) for rate in rates), budget=budget))


def asked(limits, headers, status=200, now=0.0):
    """One request that was answered at once."""
    limits.sent(now)
    limits.saw(status, headers, now, AT + timedelta(seconds=now))


# --- rates


def test_a_rate_lets_so_many_go_and_then_says_when_the_next_may():
    limits = limiter((2, 10))
    assert limits.delay(0.0) == 0
    limits.sent(0.0)
    limits.sent(3.0)
    assert limits.delay(4.0) == pytest.approx(6.0, abs=2 * MARGIN)
    assert limits.why() == "the rate 2/10s"
    assert limits.delay(10.0 + 2 * MARGIN) == 0
    limits.sent(10.0 + 2 * MARGIN)
    assert limits.delay(11.0) == pytest.approx(2.0, abs=2 * MARGIN)


def test_a_request_counts_from_when_it_left():
    limits = limiter((2, 10))
    limits.sent(0.0)
    limits.sent(0.0)
    limits.left(0.0, 4.0)
    assert limits.delay(5.0) == pytest.approx(5.0, abs=2 * MARGIN)
    limits.left(0.0, -1.0)  # nobody leaves before
    limits.left(7.0, 9.0)  # nobody was sent then
    assert limits.delay(5.0) == pytest.approx(5.0, abs=2 * MARGIN)
    limits.left(0.0, 2.0)
    assert limits.delay(5.0) == pytest.approx(7.0, abs=2 * MARGIN)


def test_all_of_several_rates_hold():
    limits = limiter((2, 1), (3, 60))
    for now in (0.0, 0.0):
        limits.sent(now)
    assert limits.delay(0.5) == pytest.approx(0.5, abs=2 * MARGIN)
    assert limits.why() == "the rate 2/s"
    limits.sent(2.0)
    assert limits.delay(2.0) == pytest.approx(58, abs=2 * MARGIN)
    assert limits.why() == "the rate 3/m"


@given(
    rates=st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0.5, 1.0, 7.0, 60.0])), min_size=1, max_size=3),
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=40),
)
def test_no_span_ever_holds_more_requests_than_its_rate(rates, gaps):
    limits, now, sent = limiter(*rates), 0.0, []
    for gap in gaps:
        now += gap
        while delay := limits.delay(now):
            now += delay
        limits.sent(now)
        sent.append(now)
    for most, seconds in rates:
        for first in sent:
            assert sum(first <= each <= first + seconds for each in sent) <= most


@given(st.floats(0, 1e9))
def test_a_wait_that_is_waited_in_full_is_over_however_the_numbers_round(now):
    limits = limiter((1, 0.1))
    asked(limits, {"Retry-After": "0.3"}, 429, now)
    now += limits.delay(now)
    assert limits.delay(now) == 0


# --- budgets


@pytest.mark.parametrize(
    "headers",
    [
        {"RateLimit-Limit": "100", "RateLimit-Remaining": "0", "RateLimit-Reset": "40"},
        {"ratelimit-remaining": "0", "ratelimit-reset": str(EPOCH + 40)},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str((EPOCH + 40) * 1000)},
        {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "2022-08-12T06:00:40Z"},
        {"X-RateLimit-Remaining": "0.0", "X-RateLimit-Reset": "Fri, 12 Aug 2022 06:00:40 GMT"},
        {"RateLimit": '"default";r=0;t=40'},
        {"RateLimit": "default;r=0;t=40"},
        {"RateLimit": '"burst";r=5;t=1, "day, all";r=0;t=40;pk=:cHsdsRa894==:'},
        {"RateLimit": '"default";r=0', "RateLimit-Policy": '"default";q=100;w=40'},
        {"RateLimit": "limit=100, remaining=0, reset=40"},
    ],
)
def test_when_nothing_is_left_no_request_goes_before_the_reset(headers):
    limits = limiter()
    asked(limits, headers)
    assert limits.delay(0.0) == 40
    assert limits.why() == "the API's limit"
    assert limits.delay(39.0) == 1
    assert limits.delay(40.0) == 0


def test_a_spec_can_name_the_headers():
    headers = {"X-Left": "0", "x-begins": "40"}
    silent, named = limiter(), limiter(budget=Budget("x-left", "X-Begins"))
    asked(silent, headers)
    asked(named, headers)
    assert (silent.delay(0.0), named.delay(0.0)) == (0, 40)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining": "0"},
        {"X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "40"},
        {"X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "40"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH - 1)},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 400},
        {"X-RateLimit-Reset": "40"},
        {"RateLimit": '"default";r=x;t=y'},
        {"RateLimit": ";;;=,="},
        {"RateLimit": '"default";r=0'},
        {"RateLimit-Policy": '"default";q=0;w=40'},
    ],
)
def test_headers_that_say_nothing_hold_nothing(headers):
    limits = limiter()
    asked(limits, headers)
    assert limits.delay(0.0) == 0
    assert limits.room(4) == 4


def left(count, reset=100):
    return {"X-RateLimit-Remaining": str(count), "X-RateLimit-Reset": str(reset)}


def test_never_more_are_under_way_than_are_left():
    limits = limiter(concurrency=8)
    for _ in range(4):
        limits.sent(0.0)
    limits.saw(200, left(5), 0.0, AT)
    assert limits.room(8) == 5, "three of them are under way already"
    for _ in range(2):
        assert limits.delay(0.0) == 0
        limits.sent(0.0)
    assert 0 < limits.delay(0.0) < 1, "all that is left is under way: an answer will tell more"
    for count in (4, 3, 2, 1, 0):
        limits.saw(200, left(count), 0.0, AT)
    assert limits.delay(0.0) == 100


def test_answers_out_of_order_do_not_raise_what_is_left():
    limits = limiter()
    for _ in range(4):
        limits.sent(0.0)
    for count in (1, 4, 3, 2):
        limits.saw(200, left(count), 0.0, AT)
    assert limits.room(4) == 1
    limits.sent(0.0)
    limits.saw(200, left(0), 0.0, AT)
    asked(limits, left(50), now=99.0)
    assert limits.delay(99.0) == 1


def test_after_the_reset_the_first_answer_begins_anew():
    limits = limiter()
    asked(limits, left(0))
    assert limits.delay(100.0) == 0
    assert limits.room(4) == 4
    asked(limits, left(3), now=100.0)
    assert limits.room(4) == 3


def test_requests_that_no_answer_counts_may_have_been_counted():
    limits = limiter()
    asked(limits, left(2))
    limits.sent(0.0)
    limits.lost()
    assert limits.room(4) == 1
    asked(limits, {})
    assert limits.delay(0.0) == 100


@given(budget=st.integers(1, 12), wide=st.integers(1, 6), order=st.randoms(use_true_random=False))
def test_an_api_that_counts_is_never_asked_for_more_than_its_budget(budget, wide, order):
    limits, counted, under_way = limiter(concurrency=wide), 0, []
    asked(limits, left(budget))
    for _ in range(60):
        if len(under_way) < limits.room(wide) and not limits.delay(0.0):
            limits.sent(0.0)
            counted += 1
            under_way.append(budget - counted)
            assert counted <= budget
        elif under_way:
            limits.saw(200, left(under_way.pop(order.randrange(len(under_way)))), 0.0, AT)
    assert counted == budget, "and all of it is used"
    assert limits.delay(0.0) == 100


def test_of_several_budgets_the_last_reset_counts():
    limits = limiter()
    asked(limits, {**left(0, 30), "RateLimit": '"hour";r=0;t=90, "second";r=0;t=1'})
    assert limits.delay(0.0) == 90
    asked(limits, left(1, 30), now=50.0)
    assert limits.delay(50.0) == 40


def test_a_reset_beyond_all_patience_is_told_as_it_is():
    limits = limiter()
    asked(limits, left(0, 7200))
    assert limits.delay(0.0) == 7200


def test_what_is_told_and_which_resets_are_worth_waiting_for():
    headers = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "9",
        "ratelimit-remaining": "4",
        "ratelimit-reset": "5",
    }
    assert list(told(headers)) == [Left("ratelimit-remaining", 4, "5"), Left("x-ratelimit-remaining", 0, "9")]
    assert resets(headers) == ("9",)
    assert resets({"x-ratelimit-reset": "9"}) == ("9",), "what is left is not told"
    assert resets({"a": "0", "b": "7"}, [Budget("A", "B")]) == ("7",)


# --- holds


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_holds_all_requests(status):
    limits = limiter()
    limits.sent(0.0)
    asked(limits, {"retry-after": "40"}, status)
    assert limits.delay(0.0) == 40
    limits.saw(429, {"Retry-After": "5"}, 1.0, AT)
    assert limits.delay(1.0) == 39, "a shorter one does not end it"
    assert limits.delay(40.0) == 0


def test_a_retry_after_of_other_answers_holds_none():
    limits = limiter()
    asked(limits, {"Retry-After": "40"}, 301)
    asked(limits, {"Retry-After": "soon"}, 429)
    asked(limits, {}, 503)
    assert limits.delay(0.0) == 0


def test_one_answer_does_not_stop_a_process_for_years():
    limits = limiter()
    asked(limits, {"Retry-After": "9" * 400}, 429)
    assert limits.delay(0.0) == 86_400


def test_the_longest_wait_counts_and_says_why():
    limits = limiter((1, 60))
    asked(limits, {"Retry-After": "30"}, 429)
    assert limits.delay(0.0) > 60
    assert limits.why() == "the rate 1/m"
    asked(limits, {"Retry-After": "90"}, 429)
    assert limits.delay(0.0) == 90
    assert limits.why() == "the API's limit"


# --- how many at once


def test_too_much_halves_once_for_all_that_were_under_way():
    limits = limiter(concurrency=16)
    assert limits.room(16) == 16
    for _ in range(16):
        limits.sent(0.0)
    for expected in (8, 8, 8):
        limits.saw(429, {}, 0.0, AT)
        assert limits.room(16) == expected
    for _ in range(13):
        limits.saw(503, {}, 0.0, AT)
    assert limits.room(16) == 8
    for expected in (4, 2, 1, 1, 1):
        asked(limits, {}, 503)
        assert limits.room(16) == expected


def test_good_answers_widen_by_one_after_as_many_as_the_width():
    limits = limiter(concurrency=4)
    limits.room(4)
    asked(limits, {}, 429)
    widths = []
    for _ in range(7):
        asked(limits, {})
        widths.append(limits.room(4))
    assert widths == [2, 3, 3, 3, 4, 4, 4]
    for _ in range(20):
        asked(limits, {})
    asked(limits, {}, 429)
    assert limits.room(4) == 2, "it did not grow beyond what is allowed"


def test_a_server_in_trouble_and_answers_of_an_older_round_widen_nothing():
    limits = limiter(concurrency=4)
    limits.room(4)
    for _ in range(4):
        limits.sent(0.0)
    limits.saw(429, {}, 0.0, AT)
    for _ in range(2):
        limits.saw(200, {}, 0.0, AT)
    limits.lost()
    asked(limits, {}, 200)
    asked(limits, {}, 500)
    assert limits.room(4) == 2
    asked(limits, {}, 200)
    assert limits.room(4) == 3


def test_a_reader_that_may_do_less_does_less():
    limits = limiter(concurrency=16)
    assert (limits.room(2), limits.room(16)) == (2, 16)


# --- one for all


def source(url="https://api.test/v1", **limits):
    return Source(url, PLACE, limits=Limits(**limits))


def test_reads_of_one_api_with_one_key_share_their_limiter():
    clock = FixedClock()
    first = limiter_for(source(), "KEY", clock)
    assert limiter_for(source("https://API.test:443/v2"), "KEY", clock) is first
    assert limiter_for(source(), "OTHER", clock) is not first
    assert limiter_for(source("http://api.test"), "KEY", clock) is not first
    assert limiter_for(source(), "KEY", FixedClock()) is not first, "its seconds are others"
    assert limiter_for(source(), "KEY") is limiter_for(source(), "KEY", SystemClock())


def test_the_stricter_limits_hold_for_all():
    clock = FixedClock()
    first = limiter_for(source(concurrency=8, rate=(Rate(2, 1),)), "", clock)
    first.sent(0.0)
    first.sent(0.0)
    limiter_for(source(concurrency=3, rate=(Rate(2, 60), Rate(9, 1)), budget=Budget("a", "b")), "", clock)
    assert first.room(8) == 3
    assert first.delay(0.0) > 60 - 1
    limiter_for(source(concurrency=5), "", clock)
    assert first.room(8) == 3
    assert first.delay(0.0) > 60 - 1, "the rates of those before hold on"
    asked(first, {"A": "0", "B": "99"})
    assert first.delay(0.0) == 99


def test_limiters_of_a_test_end_with_its_clock():
    clock = FixedClock()
    kept = weakref.ref(limiter_for(source(), "", clock))
    assert kept()
    del clock
    gc.collect()
    assert kept() is None
