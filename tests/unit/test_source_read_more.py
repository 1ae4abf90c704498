"""What the reader does besides paging: credentials that expire, limits, gaps, requests that must not be repeated."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from levada.edges import Credential, Edges, FixedClock, WireFault
from levada.errors import ApiRefused, ContractBroken, TryLater
from levada.secret import Secret
from levada.source.events import Asked, Saw, Took, Waiting
from levada.source.fake import Reply, ScriptedWire, answer
from levada.source.limits import Limiter
from levada.source.read import Done, ResumeRefused, read
from levada.source.slices import Slice
from levada.spec.model import Body, Limits, Paging, Rate, Ref
from plans import plan, rule

END = answer(404, b"page doesn't exist")


def page_of(call):
    return int(call.url.rpartition("page=")[2])


def rows(page):
    return answer(200, json.dumps([{"page": page}]).encode())


class Tokens:
    """A signer with a token that can be fetched anew."""

    def __init__(self, always=False):
        self.number, self.fetched, self.stale, self.always = 0, [], True, always

    def ready(self, _ask, now):
        if self.stale:
            self.number += 1
            self.stale = False
            self.fetched.append(now)

    def sign(self, call, _now):
        return replace(call, credentials=(Credential("header", "X-Token", Secret("T", f"token-{self.number}")),))

    def refused(self, call=None):
        with_old = call is not None and call.credentials[0].secret.value != f"token-{self.number}"
        if not (self.always or with_old or self.number < 2):
            return False
        self.stale = self.stale or not with_old
        return True


class Reading:
    def __init__(self, script, done=(), bodies=None, **parts):
        self.clock, self.events = FixedClock(), []
        self.wire = ScriptedWire(script)
        signer = parts.pop("signer", None)
        self.plan = plan(**parts)
        self.plan = replace(self.plan, signer=signer or self.plan.signer)
        edges = Edges(clock=self.clock, uniform=max, network=lambda: self.wire)
        left = Done(done, (bodies or {}).__getitem__)
        self.pages = read(self.plan, edges, left, self.events.append)

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def expiring(valid):
    """An API of six pages that takes only the token of number `valid`, from page 3 on."""

    def script(call, _):
        token = call.credentials[0].secret.value
        if page_of(call) >= 3 and token != f"token-{valid}":
            return Reply(answer(401, b"expired"))
        return Reply(rows(page_of(call)) if page_of(call) <= 6 else END)

    return script


def test_an_expired_token_is_fetched_anew_once_for_all_requests_under_way():
    reading = Reading(expiring(2), signer=Tokens(), concurrency=4)
    pages = list(reading.pages)
    assert [json.loads(page.body)[0]["page"] for page in pages[:-1]] == [1, 2, 3, 4, 5, 6]
    assert len(reading.plan.signer.fetched) == 2
    assert reading.told(Waiting) == []


def test_a_second_401_is_final():
    reading = Reading(expiring(9), signer=Tokens())
    with pytest.raises(ApiRefused, match="401"):
        list(reading.pages)
    assert len(reading.plan.signer.fetched) == 2


def test_credentials_that_are_always_said_to_be_new_are_not_asked_with_for_ever():
    reading = Reading(expiring(99), signer=Tokens(always=True), ahead=False)
    with pytest.raises(ApiRefused, match="401"):
        list(reading.pages)
    assert len(reading.told(Asked)) == 2 + 1 + 3


def test_a_rule_may_ask_for_new_credentials():
    def script(call, _):
        old = call.credentials[0].secret.value == "token-1"
        return Reply(answer(200, b'{"error": "session over"}') if old else rows(page_of(call)))

    rules = (rule("refresh_auth", 200, "session over"),)
    reading = Reading(script, signer=Tokens(), responses=rules, max_pages=2)
    assert len(list(reading.pages)) == 2


def test_the_rate_is_waited_for_and_told():
    def script(call, _):
        return Reply(rows(page_of(call)) if page_of(call) <= 5 else END)

    reading = Reading(script, concurrency=8)
    limited = Limiter(Limits(concurrency=8, rate=(Rate(2, 10.0),)))
    edges = Edges(clock=reading.clock, uniform=max, network=lambda: reading.wire)
    pages = list(read(replace(reading.plan, limiter=limited), edges, observe=reading.events.append))
    assert len(pages) == 6
    assert len(reading.wire.asked) <= 8
    waits = reading.told(Waiting)
    assert {wait.why for wait in waits} == {"the rate 2/10s"}
    assert all(wait.limit for wait in waits)
    assert sum(reading.clock.slept) >= 20


def test_a_limit_that_opens_later_than_the_run_may_wait_is_try_later_with_the_time():
    def script(call, _):
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3600"}
        return Reply(answer(200, b'[{"page": %d}]' % page_of(call), headers))

    reading = Reading(script, max_wait=60.0)
    with pytest.raises(TryLater) as told:
        list(reading.pages)
    assert told.value.at is not None
    assert told.value.at > datetime(2022, 8, 12, 6, 59, tzinfo=UTC)
    assert "`max_wait` is 60 s" in told.value.what
    assert "from 2022-08-12 07:00:00 UTC on" in told.value.todo


def test_a_skipped_page_is_a_gap_and_the_next_is_asked_for():
    def script(call, _):
        page = page_of(call)
        return Reply(answer(500, b"row 7 is broken") if page == 3 else rows(page) if page <= 5 else END)

    rules = (rule("skip", 500, "is broken"), rule("end", 404))
    pages = list(Reading(script, responses=rules).pages)
    assert [page.facts.means for page in pages] == ["page", "page", "skip", "page", "page", "end"]
    assert pages[2].facts.text == "row 7 is broken"
    assert [page.facts.fills.get("page") for page in pages] == [1, 2, None, 3, 4, None]


def rows_of(*ids):
    return tuple(
        Slice(index, {"row.id": id_}, {"row.id": id_}, f"row {index + 1} (id={id_})", of_row=True, may_fail=True)
        for index, id_ in enumerate(ids)
    )


def children(call, _):
    name = call.url.rpartition("/")[2]
    return Reply({"b": answer(404, b"gone"), "c": answer(503)}.get(name, answer(200, b'[{"a": 1}]')))


def test_a_row_that_fails_for_good_is_a_gap_where_the_spec_says_so():
    parts = {"path": "/x/{row.id}", "asked": (), "by": "none", "values": {}, "responses": ()}
    reading = Reading(children, slices=rows_of("a", "b", "c", "d"), concurrency=2, **parts)
    pages = list(reading.pages)
    assert [(page.facts.slice, page.facts.means, page.facts.status) for page in pages] == [
        (0, "page", 200),
        (1, "skip", 404),
        (2, "skip", 503),
        (3, "page", 200),
    ]
    assert "gone" in pages[1].facts.text
    assert [page.facts.fills for page in pages] == [
        {"row.id": "a", "page": 1},
        {"row.id": "b"},
        {"row.id": "c"},
        {"row.id": "d", "page": 1},
    ]


def test_a_row_that_fails_stops_the_run_where_the_spec_says_so():
    slices = tuple(replace(each, may_fail=False) for each in rows_of("a", "b"))
    reading = Reading(children, slices=slices, path="/x/{row.id}", asked=(), by="none", values={}, responses=())
    with pytest.raises(ApiRefused, match="gone") as told:
        list(reading.pages)
    assert "row 2 (id=b)" in told.value.where


def test_rows_are_in_flight_together_and_their_pages_counted_apart():
    def script(call, _):
        number, name = page_of(call), call.url.partition("/x/")[2].partition("?")[0]
        turns, beside = {"a": (40, 3), "b": (3, 0), "c": (0, 0)}[name]
        together = beside if number == 1 else 0
        return Reply(answer(200, json.dumps([name, number]).encode()) if number <= 3 else END, turns, together)

    reading = Reading(script, slices=rows_of("a", "b", "c"), path="/x/{row.id}", asked=(), values={}, concurrency=4)
    pages = [page for page in reading.pages if page.facts.means == "page"]
    assert [(page.facts.number, page.facts.fills["row.id"], page.facts.fills["page"]) for page in pages] == [
        (1, "a", 1),
        (2, "a", 2),
        (3, "a", 3),
        (5, "b", 1),
        (6, "b", 2),
        (7, "b", 3),
        (9, "c", 1),
        (10, "c", 2),
        (11, "c", 3),
    ]
    assert reading.wire.most >= 3


POST = {"method": "POST", "body": Body("json", {"q": 1}), "by": "none", "asked": ()}


def posting(**parts):
    reading = Reading(lambda _, attempt: Reply(answer(500) if attempt == 1 else rows(1)))
    request = replace(reading.plan.request, **parts)
    stream = replace(reading.plan.stream, request=request, paging=Paging())
    edges = Edges(clock=reading.clock, uniform=max, network=lambda: reading.wire)
    return reading.wire, read(replace(reading.plan, stream=stream), edges)


def test_a_post_is_asked_again_only_where_the_spec_says_that_it_is_safe():
    wire, pages = posting(method="POST", body=Body("json", {"q": 1}))
    with pytest.raises(TryLater, match="repeatable"):
        list(pages)
    assert len(wire.asked) == 1

    wire, pages = posting(method="POST", body=Body("json", {"q": 1}), repeatable=True)
    assert len(list(pages)) == 1
    assert len(wire.asked) == 2


def test_a_cursor_asks_for_the_next_page_before_the_last_one_is_processed():
    def script(call, _):
        number = int(call.url.rpartition("c=")[2] or 0) if "c=" in call.url else 0
        said = {"rows": [number], "next": number + 1 if number < 2 else None}
        return Reply(answer(200, json.dumps(said).encode()))

    reading = Reading(script, by="cursor", param="c", asked=(), records="$.rows", stop_when_empty=False)
    paging = replace(reading.plan.stream.paging, next=Ref(body="$.next"))
    edges = Edges(clock=reading.clock, network=lambda: reading.wire)
    stream = replace(reading.plan.stream, paging=paging)
    pages = read(replace(reading.plan, stream=stream), edges, observe=reading.events.append)
    next(pages)
    assert [event.number for event in reading.told(Asked)] == [1, 2]
    list(pages)
    assert [url.rpartition("?")[2] for url in reading.wire.asked][1:] == ["c=1", "c=2"]
    assert [event.said for event in reading.told(Saw)] == [(("next", "1"),), (("next", "2"),), (("next", "none"),)]


def test_an_incremental_stream_in_order_stops_when_it_has_enough():
    def script(call, _):
        return Reply(rows(page_of(call)))

    reading = Reading(script, ahead=False, enough=lambda records: b'"page": 3' in bytes(records[0]))
    assert len(list(reading.pages)) == 3
    assert len(reading.wire.asked) == 3


def test_a_link_that_held_a_secret_cannot_be_resumed_and_says_so():
    def script(call, _):
        after = "" if "sig=" in call.url else '<http://api.test/sales?sig=abcdef>; rel="next"'
        return Reply(answer(200, b'[{"a": %d}]' % len(call.url), {"Link": after}, url=call.url))

    parts = {"by": "link", "asked": (), "values": {}, "stop_when_empty": False}
    whole = list(Reading(script, **parts).pages)
    assert len(whole) == 2
    assert "abcdef" not in repr([page.facts for page in whole])
    resumed = Reading(script, [whole[0].facts], {1: whole[0].body}, **parts)
    with pytest.raises(ResumeRefused):
        list(resumed.pages)


def test_a_resumed_cursor_reads_the_durable_pages_again_and_asks_for_the_rest():
    def script(call, _):
        number = int(call.url.rpartition("c=")[2]) if "c=" in call.url else 0
        said = {"rows": [number], "next": number + 1 if number < 3 else None}
        return Reply(answer(200, json.dumps(said).encode()))

    def reading(done=(), bodies=None):
        one = Reading(script, by="cursor", param="c", asked=(), records="$.rows", stop_when_empty=False)
        paging = replace(one.plan.stream.paging, next=Ref(body="$.next"))
        edges = Edges(clock=one.clock, network=lambda: one.wire)
        left = Done(done, (bodies or {}).__getitem__)
        return one, list(read(replace(one.plan, stream=replace(one.plan.stream, paging=paging)), edges, left))

    _, whole = reading()
    one, rest = reading([page.facts for page in whole[:2]], {page.facts.number: page.body for page in whole})
    assert [page.facts.number for page in rest] == [3, 4]
    assert len(one.wire.asked) == 2


def test_a_page_that_paging_contradicts_is_told_where():
    def script(call, _):
        return Reply(answer(200, b'{"rows": [1], "total": 5}'))

    parts = {"by": "none", "asked": (), "records": "$.rows"}
    reading = Reading(script, **parts)
    paging = replace(reading.plan.stream.paging, total_rows=Ref(body="$.total"))
    edges = Edges(clock=reading.clock, network=lambda: reading.wire)
    with pytest.raises(ContractBroken, match="5 rows, and 1 came") as told:
        list(read(replace(reading.plan, stream=replace(reading.plan.stream, paging=paging)), edges))
    assert "page 1, http://api.test/sales" in told.value.where


def test_what_is_not_there_is_named_by_its_own_host():
    reading = Reading(lambda *_: Reply(WireFault("no_such_host", "other.test (Name or service not known)")))
    with pytest.raises(ApiRefused) as told:
        list(reading.pages)
    assert "other.test" in told.value.what
    assert "api.test" not in told.value.what
    assert reading.told(Took) == []


def test_a_page_that_is_asked_again_keeps_to_the_rate_too():
    def script(call, attempt):
        return Reply(answer(503) if (page_of(call), attempt) == (1, 1) else rows(page_of(call)))

    reading = Reading(script, max_pages=1, wait=0.0, cap=0.0)
    limited = Limiter(Limits(rate=(Rate(1, 30.0),)))
    edges = Edges(clock=reading.clock, uniform=max, network=lambda: reading.wire)
    assert len(list(read(replace(reading.plan, limiter=limited), edges, observe=reading.events.append))) == 1
    assert sum(reading.clock.slept) >= 30


def test_a_read_that_is_closed_waits_for_no_answer_any_more():
    headers = {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "3600"}

    def script(call, _):
        return Reply(answer(200, b"[1]", headers) if page_of(call) == 1 else None)

    reading = Reading(script, concurrency=4)
    limiter = reading.plan.limiter
    next(reading.pages)
    assert 0 < limiter.delay(reading.clock.monotonic()) < 1  # what is left is under way: its answers may tell more
    reading.pages.close()
    assert limiter.delay(reading.clock.monotonic()) == 3600  # they may have counted, and nothing will tell
