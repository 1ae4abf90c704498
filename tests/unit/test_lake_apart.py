"""Calls on threads of their own."""

import os
import signal
import threading

import pytest

from levada.lake import apart as threads
from levada.lake.apart import apart, is_left, side_by_side
from levada.lake.fault import Fault
from levada.lake.patience import Patience
from patience import PATIENCE, as_soon_as, settles


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_what_is_done_apart_gives_and_raises_the_same():
    assert apart(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 // 0)


def test_no_thread_is_begun_where_no_signal_comes():
    seen = []

    def work():
        apart(lambda: seen.append(threading.current_thread()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(PATIENCE)
    assert seen == [thread]


def test_a_signal_is_heard_and_what_was_begun_ends_by_itself():
    begun, go_on, ended = threading.Event(), threading.Event(), []

    def act():
        begun.set()
        ended.append(go_on.wait(PATIENCE))

    as_soon_as(begun.is_set, interrupt)
    with pytest.raises(KeyboardInterrupt):
        apart(act)
    assert ended == []
    go_on.set()
    assert settles(lambda: ended == [True])


def test_who_was_left_behind_knows_it():
    begun, go_on, left = threading.Event(), threading.Event(), []

    def act():
        left.append(is_left())
        begun.set()
        go_on.wait(PATIENCE)
        left.append(is_left())

    as_soon_as(begun.is_set, interrupt)
    with pytest.raises(KeyboardInterrupt):
        apart(act)
    go_on.set()
    assert settles(lambda: len(left) == 2)
    assert left == [False, True]


def test_a_signal_between_two_threads_that_are_started_ends_those_that_were(monkeypatch):
    started, go_on, begun = [], threading.Event(), []
    start = threads._start  # noqa: SLF001 - no other way to it

    def start_two(work):
        started.append(start(work))
        if len(started) == 2:
            signal.raise_signal(signal.SIGINT)
        return started[-1]

    def act(number):
        begun.append(number)
        go_on.wait(PATIENCE)

    monkeypatch.setattr(threads, "_start", start_two)
    with pytest.raises(KeyboardInterrupt):
        side_by_side(act, range(100), 4)
    go_on.set()
    for thread in started:
        thread.join(PATIENCE)
    assert len(begun) <= len(started) == 2


def test_after_a_signal_nothing_else_is_begun():
    go_on, begun = threading.Event(), []

    def act(number):
        begun.append(number)
        go_on.wait(PATIENCE)

    as_soon_as(lambda: len(begun) == 4, interrupt)
    with pytest.raises(KeyboardInterrupt):
        side_by_side(act, range(100), 4)
    go_on.set()
    assert settles(lambda: not [one for one in threading.enumerate() if one.name == "levada-apart"])
    assert len(begun) == 4


def test_after_an_error_nothing_is_tried_again():
    waiting, tried = threading.Event(), []

    def pause(_):
        waiting.set()
        assert settles(is_left)

    def act(number):
        if number == 0:
            assert waiting.wait(PATIENCE)
            raise ZeroDivisionError
        for each in Patience(pause, told=lambda _: None).tries("x"):
            with each:
                tried.append(number)
                raise Fault("busy", "SlowDown")

    with pytest.raises(ZeroDivisionError):
        side_by_side(act, [0, 1], 2)
    assert tried == [1]
    assert not is_left()
