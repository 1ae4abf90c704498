import asyncio
import gzip
import http.client
import json
import socket
import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from levada.simulate.sales import make_app
from levada.simulate.server import running
from patience import HELD, PATIENCE, is_quick, settles

TOKEN = "a-token-of-this-test"
PAGE_2 = "/sales?date=2022-08-09&page=2"
PAGE_3 = "/sales?date=2022-08-09&page=3"


class Client:
    def __init__(self, url):
        self.url = url
        self.host, _, port = url.removeprefix("http://").partition(":")
        self.port = int(port)

    def ask(self, target, *, method="GET", token=TOKEN, body=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            headers = {"User-Agent": "test/1"} | ({"Authorization": token} if token else {})
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def control(self, method, target, given=None):
        body = None if given is None else json.dumps(given)
        status, _, answer = self.ask(target, method=method, token=None, body=body)
        return status, json.loads(answer)

    def fault(self, fault, **rule):
        assert self.control("PUT", "/_faults", {"fault": fault, **rule})[0] == 200

    def log(self):
        return self.control("GET", "/_log")[1]

    def raw(self, target):
        """All bytes until the server closes the connection."""
        with socket.create_connection((self.host, self.port), timeout=PATIENCE) as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\r\n".encode())
            chunks = []
            while chunk := connection.recv(65536):
                chunks.append(chunk)
        head, _, body = b"".join(chunks).partition(b"\r\n\r\n")
        return head.lower(), body


@pytest.fixture(scope="module")
def server():
    with running(make_app(token=TOKEN)) as running_server:
        yield running_server


@pytest.fixture
def api(server, caplog):
    client = Client(server.url)
    client.control("DELETE", "/_faults")
    client.control("DELETE", "/_log")
    yield client
    # No fault makes the server complain.
    assert caplog.get_records("call") == []


def aiohttp_body(url):
    async def get():
        headers = {"Authorization": TOKEN}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            return await answer.read()

    return asyncio.run(get())


def test_status(api):
    api.fault({"status": 503})
    status, headers, body = api.ask(PAGE_2)
    assert (status, json.loads(body), headers["Retry-After"]) == (503, {"message": "Service Unavailable"}, None)
    assert api.ask(PAGE_2)[0] == 200


def test_retry_after_in_seconds_and_as_text(api):
    api.fault({"status": 429, "retry_after": 2})
    assert api.ask(PAGE_2)[1]["Retry-After"] == "2"
    api.fault({"status": 429, "retry_after": "later"})
    assert api.ask(PAGE_2)[1]["Retry-After"] == "later"


@pytest.mark.parametrize("seconds", [2, -60])
def test_retry_after_as_a_date(api, seconds):
    api.fault({"status": 503, "retry_after": {"date_in": seconds}})
    asked, span = datetime.now(UTC), timedelta(seconds=seconds)
    said = parsedate_to_datetime(api.ask(PAGE_2)[1]["Retry-After"])
    assert asked + span <= said <= datetime.now(UTC) + span + timedelta(seconds=1)


def test_delay_gives_the_right_answer_later(api):
    right = api.ask(PAGE_2)[2]
    api.fault({"delay": 0.3})
    started = time.monotonic()
    assert api.ask(PAGE_2)[2] == right
    assert time.monotonic() - started >= 0.3


def test_delay_goes_with_other_faults(api):
    api.fault({"delay": 0.2, "status": 500})
    started = time.monotonic()
    assert api.ask(PAGE_2)[0] == 500
    assert time.monotonic() - started >= 0.2


def test_slow_answers_do_not_hold_up_others(api):
    def another():
        started = time.monotonic()
        assert api.ask(PAGE_3)[0] == 200
        return time.monotonic() - started

    api.fault({"delay": HELD}, match={"page": 2})
    with socket.create_connection((api.host, api.port), timeout=PATIENCE) as slow:
        slow.sendall(f"GET {PAGE_2} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert settles(api.log)
        assert is_quick(another, seconds=2)


@pytest.mark.parametrize("size", [0, 100, 10**6])
def test_cut_body_has_no_last_chunk(api, size):
    right = api.ask(PAGE_2)[2]
    api.fault({"cut_body": size}, times=3)
    head, body = api.raw(PAGE_2)
    sent = right[:size]
    assert b"transfer-encoding: chunked" in head
    assert b"content-length" not in head
    assert body == (b"%x\r\n%b\r\n" % (len(sent), sent) if sent else b"")
    with pytest.raises(http.client.IncompleteRead):
        api.ask(PAGE_2)
    with pytest.raises(aiohttp.ClientPayloadError):
        aiohttp_body(api.url + PAGE_2)


def test_wrong_length_promises_more_than_it_sends(api):
    right = api.ask(PAGE_2)[2]
    api.fault({"wrong_length": True}, times=3)
    head, body = api.raw(PAGE_2)
    assert body == right
    assert b"content-length: %d" % (len(right) + 100) in head
    with pytest.raises(http.client.IncompleteRead) as caught:
        api.ask(PAGE_2)
    assert caught.value.partial == right
    with pytest.raises(aiohttp.ClientPayloadError):
        aiohttp_body(api.url + PAGE_2)


def test_reset_is_a_tcp_reset(api):
    # aiohttp asks once more by itself, so it takes two of the three.
    api.fault({"reset": True}, times=3)
    with pytest.raises(ConnectionResetError):
        api.raw(PAGE_2)
    with pytest.raises(aiohttp.ClientOSError, match="reset"):
        aiohttp_body(api.url + PAGE_2)
    assert api.ask(PAGE_2)[0] == 200


def test_a_delayed_reset(api):
    api.fault({"reset": True, "delay": 0.2})
    started = time.monotonic()
    with pytest.raises(ConnectionResetError):
        api.raw(PAGE_2)
    assert time.monotonic() - started >= 0.2


def test_html(api):
    api.fault({"html": True})
    status, headers, body = api.ask(PAGE_2)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert body.startswith(b"<!doctype html>")


def test_invalid_json(api):
    right = api.ask(PAGE_2)[2]
    api.fault({"invalid_json": True})
    status, headers, body = api.ask(PAGE_2)
    assert (status, headers["Content-Type"], int(headers["Content-Length"])) == (200, "application/json", len(body))
    assert body == right[: len(right) // 2]
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_repeat_page(api):
    right = api.ask(PAGE_2)[2]
    api.fault({"repeat_page": 2}, match={"page": 3})
    assert api.ask(PAGE_3)[2] == right
    assert api.ask(PAGE_3)[2] != right


def test_repeat_page_where_none_was_asked_for(api):
    right = api.ask(PAGE_2)[2]
    api.fault({"repeat_page": 2})
    assert api.ask("/sales?date=2022-08-09")[2] == right


def test_a_body_of_ones_own(api):
    api.fault({"body": {"data": []}, "status": 202})
    status, headers, body = api.ask(PAGE_2)
    assert (status, headers["Content-Type"], body) == (202, "application/json", b'{"data": []}')
    api.fault({"body": "[1, 2"})
    status, headers, body = api.ask(PAGE_2)
    assert (status, headers["Content-Type"], body) == (200, "text/plain; charset=utf-8", b"[1, 2")


def test_gzip(api):
    right = api.ask(PAGE_2)[2]
    api.fault({"gzip": True}, times=2)
    status, headers, body = api.ask(PAGE_2)
    assert (status, headers["Content-Encoding"], int(headers["Content-Length"])) == (200, "gzip", len(body))
    assert gzip.decompress(body) == right
    assert aiohttp_body(api.url + PAGE_2) == right


def test_gzip_truncated_has_a_length_that_fits(api):
    api.fault({"gzip_truncated": True})
    status, headers, body = api.ask(PAGE_2)
    assert (status, headers["Content-Encoding"], int(headers["Content-Length"])) == (200, "gzip", len(body))
    stream = zlib.decompressobj(wbits=31)
    assert stream.decompress(body)
    assert not stream.eof


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body(api, status):
    api.fault({"status": status})
    assert api.ask(PAGE_2)[::2] == (status, b"")


def test_faults_strike_before_the_token_is_looked_at(api):
    api.fault({"status": 500})
    assert api.ask(PAGE_2, token="wrong")[0] == 500


def test_faults_change_answers_that_are_errors_too(api):
    api.fault({"gzip": True})
    status, _, body = api.ask("/sales?date=2022-08-08")
    assert (status, json.loads(gzip.decompress(body))) == (404, {"message": "No data found for date 2022-08-08"})


def test_only_what_matches_is_struck(api):
    api.fault({"status": 500}, match={"page": 2, "date": "2022-08-09", "path": "/sales"})
    assert api.ask(PAGE_3)[0] == 200
    assert api.ask("/sales?date=2022-08-10&page=2")[0] == 200
    assert api.ask("//sales?page=2&date=2022-08-09&date=2022-08-10")[0] == 500


def test_several_rules_and_what_is_left_of_them(api):
    rules = [
        {"match": {"page": 2}, "times": 2, "fault": {"status": 503}},
        {"match": {"page": "3"}, "times": None, "fault": {"status": 500}},
    ]
    status, shown = api.control("PUT", "/_faults", rules)
    assert (status, [rule["left"] for rule in shown]) == (200, [2, None])
    assert [api.ask(PAGE_2)[0] for _ in range(3)] == [503, 503, 200]
    assert [api.ask(PAGE_3)[0] for _ in range(3)] == [500, 500, 500]
    assert api.control("GET", "/_faults") == (
        200,
        [
            {"match": {"page": "2"}, "times": 2, "left": 0, "fault": {"status": 503}},
            {"match": {"page": "3"}, "times": None, "left": None, "fault": {"status": 500}},
        ],
    )
    assert api.control("DELETE", "/_faults") == (200, [])
    assert api.ask(PAGE_3)[0] == 200


def test_put_replaces_all_rules(api):
    api.fault({"status": 500}, times=None)
    api.fault({"status": 503}, match={"page": 3})
    assert api.ask(PAGE_2)[0] == 200


def test_a_mistake_is_told_and_changes_nothing(api):
    api.fault({"status": 500})
    status, answer = api.control("PUT", "/_faults", {"fault": {"dely": 1}})
    assert status == 400
    assert answer["message"].startswith(
        "`dely` is no known key.\n  where: rule 1, fault\n  to do: did you mean `delay`?"
    )
    assert api.ask(PAGE_2)[0] == 500


@pytest.mark.parametrize(("method", "path"), [("POST", "/_faults"), ("PUT", "/_log")])
def test_other_methods(api, method, path):
    assert api.control(method, path, []) == (405, {"message": f"{path} knows no {method}"})


def test_the_log_tells_requests_in_order(api):
    before = datetime.now(UTC)
    api.ask(PAGE_2)
    api.ask("//sales?date=2022-08-08")
    api.ask("/other?page=last", token=None)
    entries = api.log()
    times = [datetime.fromisoformat(entry.pop("time")) for entry in entries]
    assert before <= times[0] <= times[1] <= times[2] <= datetime.now(UTC)
    common = {"method": "GET", "fault": None, "user_agent": "test/1"}
    assert entries == [
        common
        | {"number": 1, "path": "/sales", "query": "date=2022-08-09&page=2"}
        | {"date": "2022-08-09", "page": 2, "status": 200},
        common
        | {"number": 2, "path": "//sales", "query": "date=2022-08-08"}
        | {"date": "2022-08-08", "page": None, "status": 404},
        common | {"number": 3, "path": "/other", "query": "page=last", "date": None, "page": "last", "status": 404},
    ]


def test_the_log_tells_faults(api):
    api.fault({"status": 503, "retry_after": 1})
    api.ask(PAGE_2)
    api.fault({"reset": True})
    with pytest.raises(ConnectionResetError):
        api.raw(PAGE_2)
    assert [(entry["status"], entry["fault"]) for entry in api.log()] == [
        (503, {"status": 503, "retry_after": 1}),
        (None, {"reset": True}),
    ]


def test_a_request_is_in_the_log_before_it_is_answered_and_has_no_status_if_its_client_leaves(api):
    def leave_within(delay):
        api.control("DELETE", "/_log")
        api.fault({"delay": delay})
        with socket.create_connection((api.host, api.port), timeout=PATIENCE) as slow:
            started = time.monotonic()
            slow.sendall(f"GET {PAGE_2} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert settles(api.log)
        left = time.monotonic() - started
        time.sleep(delay + 0.1)
        return left < delay

    # Which delay is long enough for this machine to leave before the answer comes?
    assert any(leave_within(delay) for delay in (0.3, 3, 30))
    assert [(entry["page"], entry["status"]) for entry in api.log()] == [(2, None)]


def test_the_log_is_cleared(api):
    api.ask(PAGE_2)
    assert api.control("DELETE", "/_log") == (200, [])
    api.ask(PAGE_3)
    assert [(entry["number"], entry["page"]) for entry in api.log()] == [(1, 3)]


def test_the_log_never_shows_the_token(api):
    api.ask(f"/sales?date={TOKEN}&page={TOKEN}&token={TOKEN}")
    api.ask(f"/{TOKEN}")
    text = json.dumps(api.log())
    assert TOKEN not in text
    assert text.count("[secret]") == 6


def test_a_kept_connection_goes_on_after_a_fault_that_is_a_whole_answer(api):
    api.fault({"status": 503})
    connection = http.client.HTTPConnection(api.host, api.port, timeout=PATIENCE)
    connection.auto_open = 0
    connection.connect()
    statuses = []
    for _ in range(2):
        connection.request("GET", PAGE_2, headers={"Authorization": TOKEN})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert statuses == [503, 200]
