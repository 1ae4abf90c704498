"""An object store that does not answer: who waits for it hears a signal, and leaves in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from faultproxy import KINDS, fault_proxy
from levada.errors import TryLater
from levada.lake.abreast import each
from levada.lake.opening import open_store
from levada.lambda_handler.until import Until
from patience import HELD, PATIENCE, as_soon_as, settles

#: Seconds of the work where it is not a state that ends it, and of leaving in order.
WORK, SPARE = 1.0, 10.0


@pytest.fixture
def stalling(s3):
    """A store whose requests hang from when `proxy.begin(EVERY)` says so."""
    with fault_proxy(s3.port, {}, stall=HELD) as proxy:
        yield open_store(s3.lake("stalled"), s3.by(proxy.endpoint)), proxy


def all_of(*kinds):
    return {(kind, number): "stall" for kind in kinds for number in range(1, 100)}


@contextmanager
def leaves_in_time(proxy, stalled=1):
    """The time is up once so many requests hang, and not before: a machine may stand still on the way there."""
    rung = []

    def ring():
        rung.append(time.monotonic())
        signal.setitimer(signal.ITIMER_REAL, 0.001, 2.0)  # and again, as a function's own does

    as_soon_as(lambda: len(proxy.failed) >= stalled, ring)
    with pytest.raises(TryLater, match="nearly up"), Until(time.monotonic() + HELD, SPARE).kept("x"):
        yield
    assert time.monotonic() - rung[0] < PATIENCE / 2


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.head("raw/1.json"),
        lambda store: store.read("raw/1.json"),
        lambda store: list(store.list("raw")),
        lambda store: store.create("raw/1.json", b"[]"),
        lambda store: store.copy("raw/1.json", "raw/2.json"),
        lambda store: store.delete("raw/1.json"),
        lambda store: store.lock("_levada/lock", b"me").__enter__(),
        lambda store: each(store, store.delete, ["raw/1.json", "raw/2.json", "raw/3.json"]),
    ],
    ids=["head", "read", "list", "create", "copy", "delete", "lock", "several deletions"],
)
def test_the_time_is_up_while_the_store_stalls(stalling, act):
    store, proxy = stalling
    proxy.begin(all_of(*KINDS))
    with leaves_in_time(proxy):
        act(store)


def test_the_time_is_up_while_a_large_file_leaves(stalling):
    store, proxy = stalling
    proxy.begin(all_of("part"))
    with leaves_in_time(proxy), store.writer("raw/large.csv") as writer:
        for _ in range(40):
            writer.write(bytes(1024 * 1024))


def test_the_lease_is_given_back_when_the_time_is_up(stalling):
    store, proxy = stalling
    with leaves_in_time(proxy), store.lock("_levada/lock", b"me"):
        proxy.begin(all_of("create"))
        store.create("raw/1.json", b"[]")
    assert store.held("_levada/lock") is None


def _held_until_the_time_is_up(store, proxy):
    with Until(time.monotonic() + WORK, spare=0.5).kept("x"), store.lock("_levada/lock", b"me"):
        proxy.begin({("replace", 1): "stall"})
        threading.Event().wait(PATIENCE)


def test_the_lease_is_given_back_although_that_takes_longer_than_a_signal_waits(stalling):
    store, proxy = stalling
    proxy.stall = 1.0
    with pytest.raises(TryLater):
        _held_until_the_time_is_up(store, proxy)
    assert settles(lambda: store.held("_levada/lock") is None)


@pytest.mark.parametrize("act", ["copy", "delete"])
def test_a_change_that_may_come_late_keeps_the_lease_until_it_came(stalling, act):
    store, proxy = stalling
    store.create("raw/1.json", b"[]")
    given = {"copy": ("raw/1.json", "raw/2.json"), "delete": ("raw/1.json",)}[act]
    with leaves_in_time(proxy), store.lock("_levada/lock", b"me"):
        proxy.begin(all_of(act))
        getattr(store, act)(*given)
    assert store.held("_levada/lock") == b"me"
    proxy.over.set()
    assert settles(lambda: store.held("_levada/lock") is None)


def test_whoever_left_tries_nothing_again(stalling):
    store, proxy = stalling
    proxy.begin(all_of("delete"))
    keys = [f"raw/{number}.json" for number in range(40)]
    with leaves_in_time(proxy, stalled=16):
        each(store, store.delete, keys)
    asked = proxy.asked["delete"]
    proxy.over.set()
    assert settles(lambda: not [one for one in threading.enumerate() if one.name == "levada-apart"])
    assert proxy.asked["delete"] == asked == len(proxy.failed) == 16


def test_an_interrupt_from_the_keyboard_is_heard(stalling):
    store, proxy = stalling
    proxy.begin(all_of(*KINDS))
    as_soon_as(lambda: proxy.failed, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        store.head("raw/1.json")


SPEC = """pipeline: stalled
lake: ${LAKE}
streams:
  rows:
    files: rows.csv
    format: csv
    raw: raw/{date}/rows.csv
"""


def test_a_sigterm_is_heard_while_the_store_stalls_and_the_partition_is_free_then(s3, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / "stalled.yaml").write_text(SPEC)
    lake, command = s3.lake("stopped"), [sys.executable, "-m", "levada", "land", "stalled.yaml", "--date", "2022-08-09"]
    with fault_proxy(s3.port, {("create", 5): "stall"}, stall=HELD) as proxy:
        environment = {**os.environ, **s3.by(proxy.endpoint), "LAKE": lake}
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as stopped:
            assert settles(lambda: proxy.failed or stopped.poll() is not None)
            began = time.monotonic()
            stopped.terminate()
            _, told = stopped.communicate(timeout=PATIENCE)
        assert (stopped.returncode, time.monotonic() - began < PATIENCE / 2) == (143, True), told
    environment = {**os.environ, **s3.environment, "LAKE": lake}
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
