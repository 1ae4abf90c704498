"""An object store that fails now and then: every other request of a run, and the run ends as if none had."""

import hashlib
import itertools
import re
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from faultproxy import KINDS, Fault, Plan, fault_proxy
from lakeside import FINGERPRINTS, FOUR, area_in, carry, draft_of, land_all, later, public_tree, stage_all, still
from levada.errors import FixThis, TryLater
from levada.lake import leases
from levada.lake.commit import publish
from levada.lake.lease import hold, read_record
from levada.lake.objects import PART
from levada.lake.opening import open_store
from levada.lake.patience import Patience
from levada.lake.store import Lost
from levada.lake.sweep import sweep
from levada.lake.verify import check_files
from levada.lake.work import begin
from patience import settles

OTHER = [b'["a", "b"]', b'["C"]', b'["D"]']
#: Every first try fails, every second comes through.
ODD = tuple(itertools.product(KINDS, range(1, 1000, 2)))
CHANGES = [
    ("create", lambda store: store.create("new", b"[]")),
    ("replace", lambda store: store.replace("old", b"[1]", store.head("old").tag)),
    ("copy", lambda store: store.copy("old", "shown")),
    ("delete", lambda store: store.delete("old")),
]


def two_runs(server, plan: Plan, stall: float = 0.0):
    """A partition is committed and replaced through a proxy; what the lake shows then, what was waited for, and why."""
    lake, told, waited = server.lake("faulty"), [], []
    with fault_proxy(server.port, {}, stall) as proxy:
        store = open_store(lake, server.by(proxy.endpoint))
        store._patience = Patience(waited.append, told=told.append)  # noqa: SLF001 - no other way to it
        with store.lock("_levada/lock", b"me"):  # the probe begins anew after each fault, and is another test's
            pass
        proxy.begin(plan)
        carry(store, FOUR)
        with pytest.MonkeyPatch.context() as later_on:
            # A copy that was not answered keeps the lease for its time, which is over for the next run.
            later_on.setattr(leases, "_GRACE", -2 * leases.LEASE)
            carry(store, OTHER)
        failed = list(proxy.failed)
    seen = open_store(lake, server.environment)
    record, _ = read_record(area_in(seen))
    assert (record.shown, record.stale, record.pages) == (True, (), 3)
    assert check_files(area_in(seen), record) == []
    return public_tree(seen), told, waited, failed


@pytest.fixture(scope="module")
def undisturbed(s3):
    tree, told, waited, failed = two_runs(s3, {})
    assert (len(tree), told, waited, failed) == (6, [], [], [])
    return tree


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "InternalError|HTTP 500"),
        ("503", "SlowDown|HTTP 503"),
        ("reset", "error sending request"),
        ("half", "error sending request"),
        ("lost", "error sending request"),
        ("cut", "error"),
    ],
)
def test_every_first_try_fails_and_nothing_is_lost(s3, undisturbed, fault: Fault, words):
    tree, told, waited, failed = two_runs(s3, dict.fromkeys(ODD, fault))
    assert tree == undisturbed
    assert {kind for kind, _, _ in failed} >= {"create", "replace", "get", "head", "list", "copy", "delete"}
    assert len(told) == len(waited) > 80
    assert all(re.search(f"({words}).*; again in [0-9.]+ s", line) for line in told), told
    assert told[0].startswith("s3://levada/faulty-")


@pytest.mark.parametrize("fault", ["stall", "late"])
def test_a_slow_answer_is_waited_for(s3, undisturbed, fault: Fault):
    plan = {(kind, number): fault for kind in KINDS for number in (2, 7)}
    tree, told, waited, failed = two_runs(s3, plan, stall=0.2)
    assert tree == undisturbed
    assert (told, waited) == ([], [])
    assert len(failed) >= 10


def test_all_kinds_of_faults_one_after_the_other(s3, undisturbed):
    faults = itertools.cycle(["503", "lost", "500", "cut", "late", "half", "reset", "stall"])
    tree, told, waited, failed = two_runs(s3, dict(zip(ODD, faults, strict=False)), stall=0.02)
    assert tree == undisturbed
    assert len(told) == len(waited) > 50
    assert len({fault for _, _, fault in failed}) == 8


@pytest.mark.parametrize("last", ["lost", "cut", "503"])
def test_a_large_file_comes_whole_although_each_step_of_its_upload_fails_once(s3, last: Fault):
    plan: Plan = {("begin", 1): "lost", ("part", 1): "half", ("part", 3): "503", ("complete", 1): last}
    block, lake = bytes(range(256)) * 4096, s3.lake("large")
    with fault_proxy(s3.port, plan) as proxy:
        with open_store(lake, s3.by(proxy.endpoint)).writer("raw/large.csv") as writer:
            for _ in range(2 * PART // len(block) + 1):
                writer.write(block)
        assert len(proxy.failed) == 4
    with open_store(lake, s3.environment).open("raw/large.csv") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == writer.written().sha256


def test_the_probe_begins_anew_after_faults(s3):
    plan: Plan = {("create", 1): "lost", ("head", 1): "503", ("create", 3): "reset", ("replace", 2): "lost"}
    told: list[str] = []
    with fault_proxy(s3.port, plan) as proxy:
        store = open_store(s3.lake("probed"), s3.by(proxy.endpoint))
        store._patience = Patience(lambda _: None, told=told.append)  # noqa: SLF001 - no other way to it
        with store.lock("_levada/lock", b"me"):
            assert store.held("_levada/lock") == b"me"
        assert len(proxy.failed) == len(told) == 4
        assert [entry.key for entry in store.list("")] == ["_levada/lock"]


def test_a_lease_whose_answers_were_lost_is_good_for_all_of_its_time(s3):
    with fault_proxy(s3.port, {}) as proxy:
        store = open_store(s3.lake("taken"), s3.by(proxy.endpoint))
        with store.lock("_levada/another", b"me"):
            proxy.begin({("create", 1): "lost", ("replace", 1): "lost"})
            with store.lock("_levada/lock", b"me"):
                store.create("raw/1.json", b"[]")
        assert len(proxy.failed) == 2


@pytest.fixture
def often(monkeypatch):
    """Leases are renewed twice a second: a machine may stand still for most of their 30 seconds."""
    monkeypatch.setattr(leases, "_RENEWALS", 60)


@pytest.mark.usefixtures("often")
def test_a_lease_whose_renewal_fails_in_every_way_is_kept(s3):
    plan: Plan = {("replace", 1): "lost", ("get", 1): "500", ("get", 2): "reset", ("replace", 4): "503"}
    with fault_proxy(s3.port, {}) as proxy:
        store = open_store(s3.lake("renewed"), {**s3.by(proxy.endpoint), "LEVADA_LEASE_SECONDS": "30"})
        with store.lock("_levada/lock", b"me"):
            proxy.begin(plan)
            assert settles(lambda: proxy.asked["replace"] > 5)
            store.create("raw/1.json", b"[]")
        assert len(proxy.failed) == 4


def test_a_lease_is_given_back_although_the_store_fails(s3):
    with fault_proxy(s3.port, {}) as proxy:
        store = open_store(s3.lake("given-back"), s3.by(proxy.endpoint))
        with store.lock("_levada/lock", b"me"):
            proxy.begin({("replace", 1): "503", ("replace", 2): "lost"})
        assert store.held("_levada/lock") is None
        assert len(proxy.failed) == 2


@pytest.mark.usefixtures("often")
def test_a_renewal_whose_answer_was_lost_counts_from_when_it_came(s3):
    seconds = 30.0
    plan: Plan = {("replace", 1): "lost", ("get", 1): "500", ("get", 2): "500", ("get", 3): "500"}
    with fault_proxy(s3.port, {}) as proxy:
        store = open_store(s3.lake("counted"), {**s3.by(proxy.endpoint), "LEVADA_LEASE_SECONDS": str(seconds)})
        with store.lock("_levada/lock", b"me"):
            (lease,), first = store._leases._held, store._leases._held[0].until  # noqa: SLF001 - no other way to it
            proxy.begin(plan)
            assert settles(lambda: lease.until > first)
            left, now = lease.until - time.clock_gettime(time.CLOCK_BOOTTIME), datetime.now(UTC)
            changed = open_store(store.describe(), s3.environment).head("_levada/lock").changed
            # The store tells whole seconds.
            assert left <= (changed + timedelta(seconds=seconds + 1) - now).total_seconds()
        assert len(proxy.failed) == 4


@pytest.mark.parametrize("fault", ["reset", "lost", "500"])
@pytest.mark.parametrize(("kind", "change"), CHANGES)
def test_a_change_that_was_refused_after_a_try_without_an_answer_may_be_done_yet(s3, kind, change, fault):
    with fault_proxy(s3.port, {}) as proxy:
        store = open_store(s3.lake("in-doubt"), s3.by(proxy.endpoint))
        store._patience = Patience(lambda _: None, told=lambda _: None)  # noqa: SLF001 - no other way to it
        store.create("old", b"[]")
        proxy.begin({(kind, 1): fault, (kind, 2): "403"})
        with pytest.raises(TryLater, match=r"may be done yet.*does not take these credentials \(RequestTimeTooSkewed"):
            change(store)
        proxy.begin({(kind, 1): "403"})
        with pytest.raises(FixThis, match=r"^the object store does not take these credentials"):
            change(store)


@pytest.mark.parametrize("fault", ["reset", "lost"])
def test_a_first_commit_that_may_be_done_yet_keeps_its_files(s3, fault):
    with fault_proxy(s3.port, {}) as proxy:
        store = open_store(s3.lake("first"), s3.by(proxy.endpoint))
        store._patience = Patience(lambda _: None, told=lambda _: None)  # noqa: SLF001 - no other way to it
        area, edges = area_in(store), still()
        with hold(area, edges) as lease:
            work = begin(lease, FINGERPRINTS, edges, 3600)
            pages = land_all(work, FOUR)
            draft = draft_of(lease, work, pages, stage_all(work, pages))
            proxy.begin({("create", 1): fault, ("create", 2): "403"})
            with pytest.raises(TryLater) as told:
                publish(lease, draft)
            work.failed(told.value)
    later(edges, hours=2)
    other = area_in(open_store(store.describe(), s3.environment))
    with hold(other, edges) as lease:
        sweep(lease, edges, 0.0, 0.0)
        kept = tuple(replace(file, public=None) for file in draft.files)
        assert check_files(other, replace(draft, files=kept)) == []


@contextmanager
def losing(s3, plan: Plan):
    """A store by a proxy that fails by plan, whose lease is over once it waits for that; the proxy beside it."""

    def gone_by(_: float = 0.0) -> None:
        for lease in store._leases._held:  # noqa: SLF001 - no other way to it
            lease.until = 0.0

    with fault_proxy(s3.port, {}) as proxy:
        store = open_store(s3.lake("losing"), s3.by(proxy.endpoint))
        store.create("old", b"[]")
        with store.lock("_levada/lock", b"me"):
            store._patience = Patience(gone_by, told=lambda _: None)  # noqa: SLF001 - no other way to it
            proxy.begin(plan)
            yield store, proxy, gone_by


@pytest.mark.parametrize(("kind", "change"), CHANGES)
@pytest.mark.parametrize("fault", ["503", "reset", "lost"])
def test_no_change_is_tried_again_once_the_lease_was_lost(s3, kind, change, fault):
    with losing(s3, {(kind, 1): fault}) as (store, proxy, _):
        with pytest.raises(Lost, match="the lease was lost"):
            change(store)
        assert proxy.asked[kind] == 1


def test_what_is_only_looked_at_is_tried_again_although_the_lease_was_lost(s3):
    with losing(s3, {("get", 1): "503"}) as (store, proxy, _):
        assert store.read("old") == b"[]"
        assert proxy.asked["get"] == 2


def test_no_upload_is_completed_once_the_lease_was_lost(s3):
    with losing(s3, {}) as (store, proxy, gone_by):

        def write() -> None:
            with store.writer("big") as writer:
                for _ in range(PART // 1024 + 1):
                    writer.write(bytes(1024))
                gone_by()

        with pytest.raises(Lost, match="the lease was lost"):
            write()
        assert store.head("big") is None
        assert proxy.asked["complete"] == 0
