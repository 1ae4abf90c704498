import hashlib
import threading
from contextlib import closing

import pytest

from levada.edges import Edges, FixedClock, WireFault
from levada.errors import ApiRefused, ContractBroken, FixThis, TryLater
from levada.source.courier import Courier
from levada.source.events import Asked, Refused, Took, Waiting
from levada.source.fake import Reply, ScriptedWire, answer
from levada.source.read import Done, ResumeRefused, read
from patience import PATIENCE, settles
from plans import plan, rule, texts

END = answer(404, b'{"message": "You requested page that doesn\'t exist: page=3"}')
NO_DATA = answer(404, b'{"message": "No data found for date 2022-08-08"}')


def body(page):
    return b'[{"page": %d}, {"page": %d}]' % (page, page)


def page_of(url):
    return int(url.rpartition("page=")[2])


def wire_of(pages, last=END):
    """A wire with so many pages, then `last`; `pages` may also be a dict: page -> outcomes of its attempts."""
    scripted = pages if isinstance(pages, dict) else {page: [answer(200, body(page))] for page in range(1, pages + 1)}

    def script(call, attempt):
        outcomes = scripted.get(page_of(call.url), [last])
        return Reply(outcomes[min(attempt, len(outcomes)) - 1])

    return ScriptedWire(script)


class Reading:
    """A read and all that it told."""

    def __init__(self, wire, done=(), **parts):
        self.clock = FixedClock()
        self.wire = wire
        self.events = []
        self.plan = plan(**parts)
        edges = Edges(clock=self.clock, uniform=max, network=lambda: wire)
        self.pages = read(self.plan, edges, Done(done), self.events.append)

    def all(self):
        return list(self.pages)

    def fails(self, kind):
        with pytest.raises(kind) as told:
            list(self.pages)
        assert told.type is kind
        return told.value

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("levada")] == []


def test_pages_come_in_order_with_their_facts_and_the_end_last():
    reading = Reading(wire_of(2))
    first, second, last = reading.all()
    assert (first.body, second.body, last.body) == (body(1), body(2), b"")
    assert first.facts.number == first.facts.position == 1
    assert (first.facts.means, first.facts.rows, first.facts.size, first.facts.status) == ("page", 2, 26, 200)
    assert first.facts.sha256 == hashlib.sha256(body(1)).hexdigest()
    assert first.facts.url == "http://api.test/sales?date=2022-08-09&page=1"
    assert first.facts.at == reading.clock.start
    assert first.facts.text is None
    assert (last.facts.number, last.facts.means, last.facts.rows, last.facts.status) == (3, "end", 0, 404)
    assert last.facts.text == END.body.decode()
    assert (last.facts.size, last.facts.sha256) == (len(END.body), hashlib.sha256(END.body).hexdigest())
    assert reading.told(Took) == [Took(1, 2, 26), Took(2, 2, 26)]
    assert not reading.wire.open


def test_only_headers_that_matter_are_kept_and_secrets_are_not():
    kept = {"content-type": "json", "date": "today", "x-ratelimit-left": "3", "ratelimit-reset": "[secret]"}
    headers = kept | {"set-cookie": "a=b", "ratelimit-reset": "sesame-4711"}
    wire = wire_of({1: [answer(200, body(1), headers)]})
    assert Reading(wire, max_pages=1).all()[0].facts.headers == kept


def test_pages_are_asked_for_once_and_at_most_three_beyond_the_end():
    reading = Reading(wire_of(4))
    assert len(reading.all()) == 5
    asked = [page_of(url) for url in reading.wire.asked]
    assert sorted(asked) == sorted(set(asked))
    assert set(range(1, 6)) <= set(asked) <= set(range(1, 9))
    assert {event.number for event in reading.told(Asked)} >= set(asked)


def test_ahead_off_asks_page_after_page_and_never_beyond_the_end():
    reading = Reading(wire_of(4), ahead=False)
    with closing(reading.pages):
        next(reading.pages)
        assert reading.told(Asked) == [Asked(1, 1)]
        assert len(list(reading.pages)) == 4
    assert [page_of(url) for url in reading.wire.asked] == [1, 2, 3, 4, 5]
    assert reading.wire.most == 1


def test_an_empty_page_ends_and_is_told_last():
    pages = Reading(wire_of(2, last=answer(200, b"[]"))).all()
    assert [(page.facts.means, page.body) for page in pages] == [("page", body(1)), ("page", body(2)), ("empty", b"")]
    assert pages[-1].facts.text == "[]"
    assert Reading(wire_of(1, last=answer(204))).all()[-1].facts.means == "empty"


@pytest.mark.parametrize("last", [NO_DATA, END, answer(200, b"[]"), answer(204), answer(200, b"")])
def test_no_page_at_all_is_no_data(last):
    (page,) = Reading(wire_of(0, last=last)).all()
    assert (page.facts.means, page.facts.number, page.body) == ("no_data", 1, b"")
    assert page.facts.text == last.body.decode()


def test_max_pages_is_inclusive_and_nothing_is_asked_beyond_it():
    reading = Reading(wire_of(9), max_pages=3)
    assert [page.facts.means for page in reading.all()] == ["page"] * 3
    assert sorted(page_of(url) for url in reading.wire.asked) == [1, 2, 3]


def test_without_paging_one_request_is_sent():
    reading = Reading(ScriptedWire(lambda *_: Reply(answer(200, b'{"a": 1}'))), by="none", records="$")
    (page,) = reading.all()
    assert (page.facts.rows, page.body) == (1, b'{"a": 1}')
    assert reading.wire.asked == ["http://api.test/sales?date=2022-08-09"]


def test_start_counts_positions_not_numbers():
    pages = Reading(wire_of({0: [answer(200, body(0))], 1: [answer(200, body(1))]}), start=0).all()
    assert [(page.facts.number, page.facts.position) for page in pages] == [(1, 0), (2, 1), (3, 2)]


def test_no_data_after_a_page_is_broken():
    reading = Reading(wire_of(2, last=NO_DATA))
    error = reading.fails(ContractBroken)
    assert error.what == "The API says that there is no data, but 2 page(s) with records came before."
    assert error.where == "stream sales, 2022-08-09, page 3, http://api.test/sales?date=2022-08-09&page=3"
    assert [event.number for event in reading.told(Refused)] == [3]


def test_a_repeated_page_is_broken_before_it_is_handed_on():
    wire = wire_of({1: [answer(200, body(1))], 2: [answer(200, body(2))], 3: [answer(200, body(2))]})
    reading = Reading(wire)
    assert next(reading.pages).body == body(1)
    assert next(reading.pages).body == body(2)
    error = reading.fails(ContractBroken)
    assert error.what.startswith("Page 3 is byte for byte page 2: the API repeats itself")


def test_a_busy_api_is_asked_again_and_each_refusal_is_told():
    busy = answer(503, b"down sesame-4711", {"Retry-After": "4"})
    reading = Reading(wire_of({1: [busy, busy, answer(200, body(1))]}))
    assert len(reading.all()) == 2
    assert reading.clock.slept == [4.0, 4.0]
    assert [event.attempt for event in reading.told(Asked) if event.number == 1] == [1, 2, 3]
    refused = reading.told(Refused)
    assert [(event.number, event.attempt, event.status, event.text) for event in refused] == [
        (1, 1, 503, "down [secret]"),
        (1, 2, 503, "down [secret]"),
    ]
    assert refused[0].headers == {"retry-after": "4"}
    waiting = reading.told(Waiting)[0]
    assert (waiting.number, waiting.seconds) == (1, 4.0)
    assert (waiting.until - reading.clock.start).total_seconds() == 4.0
    assert "503 Service Unavailable" in waiting.why


def test_five_attempts_then_try_later_says_where():
    reading = Reading(wire_of({1: [answer(200, body(1))], 2: [answer(503, b"down")]}))
    assert next(reading.pages).facts.number == 1
    error = reading.fails(TryLater)
    assert error.what == "The API answers 503 Service Unavailable: down (asked 5 times)"
    assert error.where == "stream sales, 2022-08-09, page 2, http://api.test/sales?date=2022-08-09&page=2"
    assert "pages that came are kept" in error.todo
    assert reading.clock.slept == [1, 2, 4, 8]
    assert reading.wire.asked.count("http://api.test/sales?date=2022-08-09&page=2") == 5


def test_a_long_retry_after_ends_at_once_with_its_time():
    reading = Reading(wire_of({1: [answer(429, b"", {"Retry-After": "3600"})]}))
    error = reading.fails(TryLater)
    assert (error.at - reading.clock.start).total_seconds() == 3600
    assert reading.clock.slept == []


@pytest.mark.parametrize("fault", ["timeout", "refused", "dns", "cut", "reset"])
def test_passing_faults_are_asked_again(fault):
    reading = Reading(wire_of({1: [WireFault(fault, "x"), answer(200, body(1))]}))
    assert len(reading.all()) == 2
    assert reading.told(Refused) == []
    assert len(reading.told(Waiting)) == 1


@pytest.mark.parametrize("fault", ["no_such_host", "tls", "too_large", "redirects", "coding"])
def test_lasting_faults_end_at_once(fault):
    reading = Reading(wire_of({1: [WireFault(fault, "x")]}))
    error = reading.fails(ApiRefused)
    assert error.where.startswith("stream sales, 2022-08-09, page 1, http://api.test/sales")
    assert reading.clock.slept == []


@pytest.mark.parametrize("bad", [b"<html>", b'{"message": "x"}', b'[{"a":1},', b"12"])
def test_a_200_that_is_no_page_is_asked_again_before_it_counts(bad):
    healed = Reading(wire_of({1: [answer(200, bad), answer(200, body(1))]}))
    assert [page.facts.means for page in healed.all()] == ["page", "end"]
    for_good = Reading(wire_of({1: [answer(200, bad)]}))
    error = for_good.fails(ContractBroken)
    assert "(asked 5 times)" in error.what
    assert len(for_good.told(Refused)) == 5


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_at_once(status):
    reading = Reading(wire_of({1: [answer(status, b"no")]}))
    error = reading.fails(ApiRefused)
    assert "Check AUTH_TOKEN or API_AUTH_TOKEN" in error.todo
    assert len([event for event in reading.told(Asked) if event.number == 1]) == 1
    assert reading.told(Refused)[0].status == status


def test_a_header_with_a_line_break_is_told_before_any_request():
    reading = Reading(wire_of(1), headers=texts(X_A="a\nb"))
    error = reading.fails(FixThis)
    assert error.where == "stream sales, 2022-08-09"
    assert reading.wire.asked == []


def facts_of(pages, count):
    return [page.facts for page in Reading(wire_of(pages)).all()[:count]]


def test_a_resumed_read_asks_for_the_rest_only():
    reading = Reading(wire_of(4), done=facts_of(4, 2))
    assert [page.facts.number for page in reading.all()] == [3, 4, 5]
    assert min(page_of(url) for url in reading.wire.asked) == 3


def test_a_read_that_ended_asks_for_nothing():
    reading = Reading(wire_of(4), done=facts_of(4, 5))
    assert reading.all() == []
    assert reading.wire.asked == []


def test_a_resumed_read_still_notices_a_repeated_page():
    reading = Reading(wire_of({3: [answer(200, body(1))]}), done=facts_of(2, 2))
    assert "Page 3 is byte for byte page 1" in reading.fails(ContractBroken).what


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_place_that_the_api_forgot_is_told_apart(status):
    lost = answer(status, b"cursor expired")
    error = Reading(wire_of(2, last=lost), done=facts_of(2, 2)).fails(ResumeRefused)
    assert "cursor expired" in error.what
    assert ", page 3, " in error.where
    later = Reading(wire_of({3: [answer(200, body(3))]}, last=lost), done=facts_of(2, 2))
    later.fails(ApiRefused)


def test_a_place_that_a_rule_names_is_no_lost_place():
    pages = Reading(wire_of(2), done=facts_of(2, 2)).all()
    assert [page.facts.means for page in pages] == ["end"]
    Reading(wire_of(2, last=answer(404, b"no")), done=facts_of(2, 2), responses=(rule("fail", 404),)).fails(ApiRefused)


def test_pages_kept_out_of_order_are_refused():
    kept = facts_of(3, 3)
    error = Reading(wire_of(3), done=[kept[0], kept[2]]).fails(ResumeRefused)
    assert error.what == "Page 3 of the interrupted run (asked as 3) does not lead to where it went on."


def endless(after):
    """Pages up to `after`; whatever lies beyond never answers."""

    def script(call, _attempt):
        page = page_of(call.url)
        return Reply(answer(200, body(page)) if page <= after else None)

    return ScriptedWire(script)


def test_closing_early_ends_the_requests_under_way():
    reading = Reading(endless(after=2))
    next(reading.pages)
    assert any(thread.name.startswith("levada") for thread in threading.enumerate())
    reading.pages.close()
    assert (reading.wire.under_way, reading.wire.open) == (0, False)


def test_an_exception_in_the_consumer_ends_the_requests_under_way():
    reading = Reading(endless(after=2))
    with pytest.raises(ZeroDivisionError), closing(reading.pages) as pages:  # noqa: PT012 - the loop is the point
        for _ in pages:
            1 / 0  # noqa: B018
    assert (reading.wire.under_way, reading.wire.open) == (0, False)


def test_requests_beyond_an_end_in_sight_are_cancelled():
    ends = threading.Event()

    def script(call, _attempt):
        page = page_of(call.url)
        if page == 4:
            ends.set()
        # Page 2 takes long enough for the end, page 3, to be seen first; page 4 never answers.
        return {1: Reply(answer(200, body(1))), 2: Reply(answer(200, body(2)), 5000), 3: Reply(END)}.get(
            page, Reply(None)
        )

    reading = Reading(ScriptedWire(script))
    with closing(reading.pages) as pages:
        next(pages)
        assert ends.wait(PATIENCE)
        next(pages)
        assert settles(lambda: reading.wire.under_way == 0)
        assert next(pages).facts.means == "end"


def test_a_network_that_cannot_be_opened_is_the_reader_s_error():
    def network():
        raise OSError("no sockets left")

    with pytest.raises(OSError, match="no sockets left"):
        list(read(plan(), Edges(network=network)))
    courier = Courier(Edges(network=network))
    with pytest.raises(OSError, match="no sockets left"), courier:
        pass
    courier.close()  # and its loop, which had ended by itself, is no second error, whoever is the quicker


def test_a_bug_in_the_wire_is_not_taken_for_an_answer():
    def script(call, attempt):
        raise ZeroDivisionError

    Reading(ScriptedWire(script)).fails(ZeroDivisionError)
