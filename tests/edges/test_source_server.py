"""read() over real sockets: a real server, the real wire, the real thread."""

import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from levada.edges import Edges, FixedClock, SystemClock
from levada.errors import ContractBroken, FixThis, TryLater
from levada.source.events import Asked, Waiting
from levada.source.read import read
from patience import HELD, PATIENCE, is_quick, settles
from plans import plan
from rawserver import CLOSE, RESET, RawServer, http

END = http(404, b'{"message": "You requested page that doesn\'t exist"}')


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    gc.collect()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("levada")] == []


def page_of(path):
    return int(re.search(r"page=(\d+)", path)[1])


def pages(count, *, slow=0.0, faults=None, at_once=1):
    """A server of so many pages; `faults` is path's page -> parts of the first answer to it.

    Nobody is answered before so many are under way `at_once`.
    """

    def script(seen):
        page = page_of(seen.path)
        settles(lambda: server.most >= at_once)
        if seen.times == 1 and page in (faults or {}):
            return faults[page]
        return (slow, http(200, b'[{"page": %d}]' % page)) if page <= count else (slow, END)

    server = RawServer(script)
    return server


def reading(server, clock=None, events=None, **parts):
    edges = Edges(clock=clock or FixedClock(), uniform=max)
    return read(plan(server.url, **parts), edges, observe=(events if events is not None else []).append)


@contextmanager
def ctrl_c(once):
    """Ctrl-C for this process once `once` holds, which only the block brings about."""

    def press():
        if settles(once):
            time.sleep(0.05)  # to come where it is waited; if that takes longer, the signal still falls into the block
            os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    yield
    pressing.join()


def test_forty_pages_come_in_order_four_at_once():
    with pages(40, at_once=4) as server:
        got = list(reading(server))
    assert [page.facts.number for page in got] == list(range(1, 42))
    assert [page.facts.means for page in got] == ["page"] * 40 + ["end"]
    assert server.most == 4
    asked = [page_of(path) for path in server.paths]
    assert sorted(asked) == sorted(set(asked))
    assert max(asked) <= 44
    assert server.connections <= 4


def test_sixteen_at_once_only_once_so_many_have_come():
    lock, answered, came = threading.Lock(), [], []

    def script(seen):
        page = page_of(seen.path)
        with lock:
            came.append(len(answered))
        settles(lambda: server.most >= (16 if page > 16 else 4))
        with lock:
            answered.append(page)
        return http(200, b'[{"page": %d}]' % page) if page <= 60 else END

    with RawServer(script) as server:
        list(reading(server, concurrency=16))
    assert server.most == 16
    assert [number for number, before in enumerate(came, 1) if number > before + max(4, before)] == []


def test_ahead_off_asks_one_at_a_time():
    with pages(5) as server:
        list(reading(server, ahead=False))
    assert (server.most, [page_of(path) for path in server.paths]) == (1, [1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    "parts",
    [
        (http(503, b"down"),),
        (http(429, b"", Retry_After="3"),),
        (RESET,),
        (CLOSE,),
        (http(200, b'[{"page": 3}]', Content_Length="99"), CLOSE),
        (http(200, b'[{"page": '),),
        (http(200, b"<html>maintenance</html>"),),
        (http(200, b'{"message": "busy"}'),),
        (http(200, b"\x1f\x8b\x08", Content_Encoding="gzip"),),
    ],
)
@pytest.mark.parametrize("page", [1, 3])
def test_a_page_that_fails_once_is_asked_for_again_and_no_other(page, parts):
    events = []
    with pages(5, faults={page: parts}) as server:
        got = list(reading(server, events=events))
    assert [page.body for page in got[:-1]] == [b'[{"page": %d}]' % number for number in range(1, 6)]
    asked = [page_of(path) for path in server.paths]
    assert {number for number in asked if asked.count(number) > 1} == {page}
    assert asked.count(page) == 2
    assert [event.number for event in events if isinstance(event, Waiting)] == [page]


def test_retry_after_as_a_date_is_waited_for_in_full():
    clock = FixedClock()
    date = format_datetime(clock.start + timedelta(seconds=90), usegmt=True)
    with pages(1, faults={1: (http(503, Retry_After=date),)}) as server:
        list(reading(server, clock))
    assert clock.slept == [90.0]


def test_retry_after_in_the_past_is_no_reason_to_hammer():
    clock = FixedClock()
    date = format_datetime(clock.start - timedelta(days=1), usegmt=True)
    with pages(1, faults={1: (http(503, Retry_After=date),)}) as server:
        list(reading(server, clock))
    assert clock.slept == [1.0]


def test_retry_after_over_max_wait_ends_with_its_time():
    clock = FixedClock()
    with pages(1, faults={1: (http(429, Retry_After="301"),)}) as server, pytest.raises(TryLater) as told:
        list(reading(server, clock))
    assert told.value.at == clock.start + timedelta(seconds=301)
    assert f"page 1, {server.url}/sales?date=2022-08-09&page=1" in told.value.where


def test_a_wrong_token_ends_at_once_and_is_not_shown():
    with RawServer(lambda _: http(403, b'{"message": "Forbidden: sesame-4711"}')) as server:
        with pytest.raises(FixThis) as told:
            list(reading(server))
        assert {seen.headers["authorization"] for seen in server.seen} == {"sesame-4711"}
    assert "Check AUTH_TOKEN" in told.value.todo
    assert "sesame" not in str(told.value)
    assert "Forbidden: [secret]" in told.value.what


def test_a_port_where_nobody_listens():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # so that nobody else takes the port meanwhile
        got = read(plan("http://{}:{}".format(*deaf.getsockname())), Edges(clock=FixedClock()))
        with pytest.raises(TryLater) as told:
            list(got)
    assert "127.0.0.1 does not take connections" in told.value.what
    assert "(asked 5 times)" in told.value.what


def test_a_host_that_does_not_exist():
    with pytest.raises(FixThis) as told:
        list(read(plan("http://sales.invalid/"), Edges(clock=FixedClock())))
    assert "The host name does not exist: sales.invalid" in told.value.what
    assert "(pipeline.yaml:3:5)" in told.value.todo


def test_an_object_in_place_of_a_list_for_good():
    with RawServer(lambda _: http(200, b'{"message": "No data"}')) as server, pytest.raises(ContractBroken) as told:
        list(reading(server, ahead=False))
    assert len(server.seen) == 5
    assert "keys message" in told.value.what


def test_closing_early_leaves_no_connection():
    def close():
        with pages(2, faults={3: (HELD,), 4: (HELD,)}) as server:
            got = reading(server)
            next(got)
            assert settles(lambda: server.now >= 1)
            started = time.monotonic()
            got.close()
            closed = time.monotonic()
            assert not [thread for thread in threading.enumerate() if thread.name.startswith("levada")]
            return closed - started

    assert is_quick(close, seconds=0.4)


def test_an_exception_in_the_consumer_leaves_no_connection():
    with pages(9, slow=0.01) as server:
        with pytest.raises(ZeroDivisionError), closing(reading(server)) as got:  # noqa: PT012 - the loop is the point
            for page in got:
                1 // (page.facts.number - 2)
        assert settles(lambda: server.alive() == 0)


def test_an_iterator_that_nobody_closes_ends_when_it_is_dropped():
    with pages(9, slow=0.01) as server:
        got = reading(server)
        next(got)
        del got
        gc.collect()
        assert settles(lambda: server.alive() == 0)


def test_ctrl_c_while_waiting_for_an_answer_ends_at_once():
    def interrupt():
        with RawServer(lambda _: (HELD,)) as server:
            got = reading(server, SystemClock(), timeout=HELD)
            started = time.monotonic()
            with ctrl_c(once=lambda: server.now), pytest.raises(KeyboardInterrupt):
                next(got)
            return time.monotonic() - started

    assert is_quick(interrupt, seconds=0.9)


def test_ctrl_c_while_waiting_to_ask_again_ends_at_once():
    def interrupt():
        with RawServer(lambda _: http(503, Retry_After="300")) as server:
            events = []
            got = reading(server, SystemClock(), events)
            started = time.monotonic()
            with ctrl_c(once=lambda: waits(events)), pytest.raises(KeyboardInterrupt):
                next(got)
            ended = time.monotonic()
            assert [event for event in events if isinstance(event, Asked) and event.attempt > 1] == []
            return ended - started

    def waits(events):
        return any(isinstance(event, Waiting) for event in events)

    assert is_quick(interrupt, seconds=2)


def test_a_name_lookup_that_hangs_does_not_keep_the_reader(monkeypatch):
    asked = threading.Event()
    free = threading.Event()

    def hang(*_args, **_kwargs):
        asked.set()
        free.wait(HELD)
        raise socket.gaierror(socket.EAI_AGAIN, "at last")

    def interrupt():
        asked.clear()
        got = read(plan("http://api.example.com"), Edges())
        started = time.monotonic()
        with ctrl_c(once=asked.is_set), pytest.raises(KeyboardInterrupt):
            next(got)
        assert asked.is_set()
        return time.monotonic() - started

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    assert is_quick(interrupt, seconds=1.5)
    free.set()


def seconds_to_exit(code):
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return time.monotonic() - started, done


PLAN = """
import os, signal, socket, sys, threading, time
sys.path.insert(0, {tests!r})
from plans import plan
from levada.edges import Edges
from levada.source.fake import Reply, ScriptedWire, answer
from levada.source.read import read
"""

HANGING = """
first = threading.Lock()
def hang(*_, **__):
    # From here, as only `next` looks a name up: a timer might ring before it.
    if first.acquire(blocking=False):
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(600)
socket.getaddrinfo = hang
pages = read(plan("http://api.example.com"), Edges())
try:
    next(pages)
except KeyboardInterrupt:
    print("interrupted")
"""

DROPPED = """
script = lambda call, _: Reply(answer(200, b"[1]") if call.url.endswith("=1") else None)
pages = read(plan(), Edges(network=lambda: ScriptedWire(script)))
print(next(pages).facts.means)
"""


@pytest.mark.parametrize(("code", "said"), [(HANGING, "interrupted"), (DROPPED, "page")])
def test_nothing_keeps_the_process_from_ending(code, said):
    seconds, done = seconds_to_exit(PLAN.format(tests=str(Path(__file__).parents[1])) + code)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, said, "")
    assert seconds < PATIENCE
