from datetime import UTC, datetime, timedelta

import pytest

from levada.edges import WireFault
from levada.errors import ApiRefused, ContractBroken, TimedOut, TryLater
from levada.source.classify import classify
from levada.source.fake import answer
from levada.source.retry import GiveUp, Wait, decide, retry_after
from levada.source.trouble import Trouble, excerpt, from_answer, from_body, from_fault
from levada.spec.model import Retry
from plans import plan, rule

NOW = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)
BUSY = Trouble(TryLater, "The API answers 503.", "Later.", again=True)


def busy(value):
    return Trouble(TryLater, "The API answers 503.", "Later.", again=True, retry_after=value)


def most(_low, high):
    return high


def trouble(status, body=b"", headers=None, **parts):
    asked = plan(**parts)
    said = answer(status, body, headers)
    return from_answer(asked, said, classify(asked.stream.responses, said))


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
    ("value", "seconds"),
    [
        (None, 0),
        ("4", 4),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("Fri, 12 Aug 2022 06:01:30 GMT", 90),
        ("Friday, 12-Aug-22 06:01:30 GMT", 90),
        ("Fri, 12 Aug 2022 08:01:30 +0200", 90),
        ("Fri, 12 Aug 2022 06:01:30 -0000", 90),
        ("Fri, 12 Aug 2022 05:00:00 GMT", 0),
        ("Fri, 99 Aug 2022 05:00:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after(value, NOW) == seconds


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
    given_up = decide(1, trouble(429, b"slow", {"Retry-After": "301"}), Retry(max_wait=300), most, NOW)
    assert "Too Many Requests: slow. It asks for a wait of 301 s" in given_up.error.what


def test_a_wait_beyond_all_calendars_ends_the_run_too():
    given_up = decide(1, busy("9" * 400), Retry(), most, NOW)
    assert isinstance(given_up.error, TryLater)
    assert given_up.error.at is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_its_variables(status):
    found = trouble(status, b'{"message": "Forbidden"}')
    assert (found.kind, found.again) == (ApiRefused, False)
    assert f"The API refuses the key with {status}" in found.what
    assert '{"message": "Forbidden"}' in found.what
    assert found.todo.startswith("Check AUTH_TOKEN or API_AUTH_TOKEN (used: AUTH_TOKEN):")


def test_a_key_that_is_wanted_and_not_there():
    found = trouble(401, token=None)
    assert found.todo == "The API wants a key: add `auth` to `source` (pipeline.yaml:3:5)."


def test_an_answer_that_no_rule_names_says_what_to_add():
    found = trouble(404, b"<h1>\n  no  such thing</h1>" + b"x" * 1000)
    assert (found.kind, found.again, found.unnamed) == (ApiRefused, False, 404)
    assert "The API answers 404 Not Found, and no rule says what that means: <h1> no such thing</h1>xxx" in found.what
    assert len(found.what) < 290
    assert "`- {status: 404, text: ..., means: end}`" in found.todo
    assert "stream sales (pipeline.yaml:3:5)" in found.todo


def test_a_status_without_a_name_and_a_stray_redirect():
    assert "The API answers 418 I'm a Teapot" in trouble(418).what
    assert "The API answers 499, and no rule" in trouble(499).what
    assert "points elsewhere" in trouble(304).todo


def test_a_rule_that_says_fail():
    found = trouble(200, b"quota gone", responses=(rule("fail", None, "quota"),))
    assert (found.kind, found.again) == (ApiRefused, False)
    assert found.what == "The API answers 200 OK, which pipeline.yaml:3:5 calls a failure: quota gone"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_busy_answers_are_asked_for_again(status):
    found = trouble(status, b"", {"Retry-After": "7"})
    assert (found.kind, found.again, found.retry_after) == (TryLater, True, "7")
    assert f"The API answers {status}" in found.what


def test_a_body_that_is_no_page_is_asked_for_again():
    found = from_body(ContractBroken("The body is no JSON.", todo="Look."))
    assert (found.kind, found.what, found.todo, found.again) == (ContractBroken, "The body is no JSON.", "Look.", True)


@pytest.mark.parametrize(
    ("kind", "error", "again", "what", "todo"),
    [
        ("timeout", TimedOut, True, "No whole answer within 60 s: it hung.", "raise `timeout` (pipeline.yaml:3:5)"),
        ("refused", TryLater, True, "api.test does not take connections: it hung.", "names the right port"),
        ("dns", TryLater, True, "The name of api.test could not be looked up now: it hung.", "network"),
        ("cut", TryLater, True, "The answer was cut short: it hung.", "again later"),
        ("reset", TryLater, True, "The connection broke off: it hung.", "again later"),
        ("no_such_host", ApiRefused, False, "The host name api.test does not exist: it hung.", "Check `source.url`"),
        ("tls", ApiRefused, False, "No trusted connection to api.test: it hung.", "certificate"),
        ("too_large", ApiRefused, False, "`page_size` allows (268435456 bytes): it hung.", "`limits: page_size`"),
        ("redirects", ApiRefused, False, "The redirects lead nowhere: it hung.", "Check `source.url`"),
        ("coding", ApiRefused, False, "The body cannot be decoded: it hung.", "gzip and deflate"),
    ],
)
def test_each_fault_says_what_and_what_to_do(kind, error, again, what, todo):
    found = from_fault(plan(), WireFault(kind, "it hung."))
    assert (found.kind, found.again) == (error, again)
    assert what in found.what
    assert todo in found.todo


def test_texts_of_faults_with_braces_and_secrets_are_safe():
    found = from_fault(plan(token="sesame-4711"), WireFault("reset", "{host} sesame-4711 {0}"))
    assert found.what == "The connection broke off: {host} [secret] {0}."


def test_an_excerpt_shows_no_half_of_a_secret():
    plan(token="sesame-4711")
    assert excerpt(b"x" * 8190 + b"sesame-4711" + b"y" * 99) == "x" * 8190 + "[s"
    assert excerpt(b"\xff ok", 3) == "� o"
