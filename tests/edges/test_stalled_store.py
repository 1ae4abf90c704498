"""An object store that does not answer: who waits for it hears a signal, and leaves in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from faultproxy import KINDS, fault_proxy
from levada.errors import TryLater
from levada.lake import apart
from levada.lake.abreast import each
from levada.lake.opening import open_store
from levada.lake.patience import Patience
from levada.lambda_handler.until import Until
from patience import HELD, PATIENCE, as_soon_as, settles

#: Seconds of the work where it is not a state that ends it, and of leaving in order.
WORK, SPARE = 1.0, 10.0


@pytest.fixture
def stalling(s3):
    """A store whose requests hang from when `proxy.begin(EVERY)` says so."""
    with fault_proxy(s3.port, {}, stall=HELD) as proxy:
        yield open_store(s3.lake("stalled"), s3.by(proxy.endpoint)), proxy


def no_thread_is_left():
    return not [one for one in threading.enumerate() if one.name == "levada-apart"]


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


def test_a_change_that_may_come_late_keeps_no_lease_that_was_taken_after_it(stalling):
    store, proxy = stalling
    store.create("raw/1.json", b"[]")
    with leaves_in_time(proxy), store.lock("_levada/lock", b"me"):
        proxy.begin(all_of("copy"))
        store.copy("raw/1.json", "raw/2.json")
    with store.lock("_levada/another", b"me"):
        store.create("raw/3.json", b"[]")
    assert store.held("_levada/another") is None
    assert store.held("_levada/lock") == b"me"


@pytest.mark.parametrize("act", ["copy", "delete"])
def test_whoever_was_left_behind_while_it_looked_changes_nothing_any_more(stalling, act):
    store, proxy = stalling
    store.create("raw/1.json", b"[]")

    def look_and_change(name):
        store.head(name)
        given = {"copy": ("raw/1.json", name), "delete": (name,)}[act]
        getattr(store, act)(*given)

    with leaves_in_time(proxy, stalled=3), store.lock("_levada/lock", b"me"):
        proxy.begin(all_of("head"))
        each(store, look_and_change, ["stg/1.json", "stg/2.json", "stg/3.json"])
    assert store.held("_levada/lock") is None
    # And a lease that another one of this process holds by then is not taken for that of the thread.
    with store.lock("_levada/another", b"me"):
        proxy.over.set()
        assert settles(no_thread_is_left)
    assert proxy.asked[act] == 0


@pytest.mark.parametrize("act", ["copy", "delete"])
def test_a_change_whose_thread_had_not_begun_is_not_made_any_more(stalling, act, monkeypatch):
    store, proxy = stalling
    store.create("raw/1.json", b"[]")
    given = {"copy": ("raw/1.json", "raw/2.json"), "delete": ("raw/1.json",)}[act]
    waiting, go_on, start = threading.Event(), threading.Event(), apart._start  # noqa: SLF001 - no other way to it

    def start_late(work):
        return start(lambda: (waiting.set(), go_on.wait(PATIENCE), work()))

    def change_late():
        with store.lock("_levada/lock", b"me"), monkeypatch.context() as late:
            proxy.begin({})
            late.setattr(apart, "_start", start_late)
            getattr(store, act)(*given)

    as_soon_as(waiting.is_set, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        change_late()
    assert store.held("_levada/lock") is None
    go_on.set()
    assert settles(no_thread_is_left)
    assert proxy.asked[act] == 0


def test_a_lock_that_is_taken_when_nobody_waits_for_it_any_more_is_given_back(stalling):
    store, proxy = stalling
    with store.lock("_levada/another", b"me"):
        pass
    proxy.begin({("create", 1): "stall"})
    with leaves_in_time(proxy), store.lock("_levada/lock", b"me"):
        pass
    proxy.over.set()
    assert settles(lambda: proxy.asked["replace"] == 1 and store.held("_levada/lock") is None, PATIENCE / 2)
    store.holding()


@pytest.mark.parametrize("act", ["copy", "delete"])
@pytest.mark.parametrize(
    ("plan", "still"),
    [
        (["lost"], b"me"),
        (["reset"], b"me"),
        (["500"], b"me"),
        (["lost"] * 9, b"me"),
        (["503"], None),
        (["503"] * 9, None),
    ],
    ids=["lost", "reset", "500", "lost each time", "503", "503 each time"],
)
def test_a_change_that_got_no_answer_keeps_the_lease_until_it_runs_out(stalling, caplog, act, plan, still):
    store, proxy = stalling
    store.create("raw/1.json", b"[]")
    store._patience = Patience(lambda _: None, told=lambda _: None)  # noqa: SLF001 - no other way to it
    given = {"copy": ("raw/1.json", "raw/2.json"), "delete": ("raw/1.json",)}[act]
    with suppress(TryLater), store.lock("_levada/lock", b"me"):
        proxy.begin({(act, number): fault for number, fault in enumerate(plan, 1)})
        getattr(store, act)(*given)
    assert store.held("_levada/lock") == still
    told = "_levada/lock: the lease is left to run out, in 62 s at most: a copy or a deletion that was not answered"
    assert (told in caplog.text) == (still is not None)


def test_whoever_left_tries_nothing_again(stalling):
    store, proxy = stalling
    proxy.begin(all_of("delete"))
    keys = [f"raw/{number}.json" for number in range(40)]
    with leaves_in_time(proxy, stalled=16):
        each(store, store.delete, keys)
    asked = proxy.asked["delete"]
    proxy.over.set()
    assert settles(no_thread_is_left)
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
