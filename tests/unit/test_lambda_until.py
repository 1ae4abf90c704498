"""A function stops itself in good time."""

import signal
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from levada.errors import TryLater
from levada.lambda_handler.until import Until, _Up
from levada.source.events import Asked, Waiting
from patience import PATIENCE


@dataclass
class Context:
    left: float

    def get_remaining_time_in_millis(self):
        return int(self.left * 1000)


def waiting(seconds):
    return Waiting(3, seconds, "503", datetime.now(UTC) + timedelta(seconds=seconds))


@pytest.mark.parametrize(("given", "kept"), [(900, 890), (60, 54), (3, 2.7), (1, 0.7), (0.1, -0.2)])
def test_a_tenth_is_spared_for_leaving_in_order(given, kept):
    assert Until.of(Context(given)).left == pytest.approx(kept, abs=0.1)


def test_without_a_context_there_is_no_end():
    until = Until.of(None)
    assert until.left == float("inf")
    with until.kept("x"):
        until.watch(waiting(10**6))


def hang():
    threading.Event().wait(PATIENCE)


def swallow():
    try:
        hang()
    except _Up:
        hang()


def take_for_an_error():
    try:
        hang()
    except Exception as error:
        raise AssertionError("taken for an error") from error


@pytest.mark.parametrize("at_work", [hang, swallow, take_for_an_error])
def test_what_hangs_is_stopped_even_where_python_or_others_swallow_that(at_work):
    with pytest.raises(TryLater) as caught, Until(time.monotonic() + 0.2, 1.0).kept("sales/sales 2022-08-09"):
        at_work()
    assert caught.value.what == "The time of this function is nearly up; sales/sales 2022-08-09 is not done."
    assert "goes on from the pages that had arrived" in caught.value.todo


def test_a_wait_that_would_outlast_the_time_is_not_begun():
    until = Until(time.monotonic() + PATIENCE)
    with until.kept("x"):
        until.watch(waiting(1))
    with pytest.raises(TryLater), until.kept("x"):
        until.watch(waiting(2 * PATIENCE))


@pytest.mark.parametrize(("limit", "why"), [(False, "after 503 Away"), (True, "for 503 Away")])
def test_a_wait_that_is_not_begun_is_told_with_what_it_is_for(limit, why):
    event = Waiting(3, 2 * PATIENCE, "503 Away", datetime.now(UTC) + timedelta(seconds=2 * PATIENCE), limit=limit)
    with pytest.raises(TryLater) as caught, Until(time.monotonic() + PATIENCE).kept("sales/sales 2022-08-09"):
        Until(time.monotonic() + PATIENCE).watch(event)
    said = f"The wait of {2 * PATIENCE:.1f} s {why} would outlast the time of this function; "
    assert caught.value.what == f"{said}sales/sales 2022-08-09 is not done."
    assert caught.value.at == event.until
    assert "raise the timeout above such waits" in caught.value.todo


def test_off_the_main_thread_events_see_to_it():
    raised = []

    def work():
        try:
            with Until(time.monotonic() - 1).kept("x") as nothing:
                assert nothing is None
                Until(time.monotonic() - 1).watch(Asked(1, 1))
        except TryLater as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(PATIENCE)
    assert len(raised) == 1


def test_nothing_rings_once_the_work_is_done():
    with Until(time.monotonic() + PATIENCE).kept("x"):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
