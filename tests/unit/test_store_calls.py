"""How often a run asks its store: on an object store each call is a wait, and money."""

import threading
import time
from collections import Counter

import pytest

from lakeside import area_in, carry, land_all, still
from levada.edges import Edges
from levada.lake.abreast import each
from levada.lake.apart import is_left
from levada.lake.audit import Audit, chosen
from levada.lake.lease import hold
from levada.lake.memory import MemoryStore
from levada.lake.sweep import sweep
from levada.lake.work import Fingerprints, begin
from levada.pipeline import Options, Pipeline
from levada.pipeline.choosing import Choice
from levada.spec.read import read_text
from patience import settles
from shop import SALES, Shop

DATE = "2022-08-09"
PAGES = 20
CALLS = ("read", "open", "head", "list", "writer", "create", "replace", "copy", "delete", "lock", "held", "tidy")


class Counting:
    """A store in memory, and how often it was asked what."""

    def __init__(self):
        self.spec = SALES
        self.store = MemoryStore()
        self.asked = Counter()

    def __getattr__(self, name):
        it = getattr(self.store, name)
        return self.counted(name, it) if name in CALLS else it

    def counted(self, name, act):
        def counting(*given):
            self.asked[name] += 1
            return act(*given)

        return counting


@pytest.fixture
def counting():
    return Counting()


def work(counting, verb, pages=PAGES, **options):
    api = Shop(*[[{"price": number}] for number in range(pages)])
    read = read_text(counting.spec, "shop.yaml", {}, lake="lake")
    pipeline = Pipeline(read, counting, Edges(environment={}, network=api.wire), Options(**options))
    counting.asked.clear()
    done = pipeline.work(verb, pipeline.streams()[0], DATE)
    return done, counting.asked


def test_a_first_run_looks_at_each_public_name_once(counting):
    _, asked = work(counting, "run")
    # Two files a page, and the facts of the end; work.json and run.json.
    assert (asked["create"], asked["writer"], asked["copy"]) == (2 * PAGES + 3, PAGES, 2 * PAGES)
    assert asked["head"] < 2 * PAGES + 6
    assert asked["open"] == asked["delete"] == 0
    assert asked.total() < 8 * PAGES


def test_a_run_that_changes_nothing_reads_each_file_once(counting):
    work(counting, "run")
    done, asked = work(counting, "run")
    assert not done.changed
    assert asked["open"] == 2 * PAGES
    assert asked["head"] < 4 * PAGES + 10
    assert asked["copy"] == asked["replace"] == 0


def test_a_partition_that_is_left_alone_has_its_names_looked_at_and_nothing_read(counting):
    work(counting, "run")
    done, asked = work(counting, "run", missing=True)
    assert done.notes == ("complete already, skipped",)
    # The kept files come with a list; the record is read to begin with.
    assert asked["head"] < 2 * PAGES + 6
    assert asked["list"] <= 2
    assert asked["open"] == asked["create"] == asked["writer"] == asked["copy"] == asked["replace"] == 0
    assert asked["read"] <= 2


def test_a_replay_that_changes_nothing_checks_each_file_once(counting):
    work(counting, "run")
    done, asked = work(counting, "replay")
    assert (done.changed, done.pages, done.counts.kept) == (False, PAGES, PAGES)
    assert asked["open"] == 2 * PAGES, "a file was checked twice"
    assert asked["head"] < 4 * PAGES + 10
    assert asked["create"] == asked["writer"] == 0, "it was staged to find out that nothing changes"


def test_a_replay_under_another_contract_reads_each_page_twice(counting):
    work(counting, "run")
    counting.spec = SALES.replace("int32", "int64")
    done, asked = work(counting, "replay")
    assert done.changed
    assert (asked["open"], asked["writer"]) == (PAGES, PAGES)
    assert asked["read"] < PAGES + 10


def test_a_run_that_changes_a_page_looks_at_each_name_once_more(counting):
    work(counting, "run")
    done, asked = work(counting, "run", PAGES - 1)
    assert done.changed
    assert asked["head"] <= 4 * PAGES + 10


def test_verify_lists_a_partition_once_and_reads_its_record_and_each_kept_file_once(counting):
    work(counting, "run")
    counting.asked.clear()
    audit = Audit(counting)
    (one,) = audit.of(chosen(counting, []))
    assert (one.findings, one.files) == ((), 2 * PAGES)
    assert audit.extras() == []
    files = 2 * PAGES
    # Listed: to find the partitions, the partition, and the two folders where public files lie.
    assert counting.asked == {"list": 4, "read": 1, "open": files, "head": files}


def test_no_record_is_read_to_choose_what_is_replayed(counting):
    work(counting, "run")
    counting.asked.clear()
    pipeline = Pipeline(read_text(counting.spec, "shop.yaml", {}, lake="lake"), counting, Edges(environment={}))
    assert [name for name, _ in pipeline.chosen("replay", Choice()).work] == [DATE]
    assert counting.asked == {"list": 1}
    counting.asked.clear()
    span = pipeline.chosen("replay", Choice(start="2022-08-01", end="2022-09-01"))
    assert (len(span.work), len(span.nothing)) == (1, 30)
    assert counting.asked == {"head": 31}
    counting.asked.clear()
    assert pipeline.quarantined(Choice()).work == ()
    assert counting.asked == {"list": 1, "read": 1}


class Abreast(MemoryStore):
    """A store that is asked several things at once."""

    abreast = 8


def test_results_are_in_the_order_of_the_items():
    assert each(Abreast(), lambda number: number * 2, range(100)) == list(range(0, 200, 2))
    assert each(MemoryStore(), str, [1, 2]) == ["1", "2"]
    assert each(Abreast(), str, []) == []


def test_several_are_asked_at_once_where_the_store_gains_by_it():
    meeting = threading.Barrier(8, timeout=60)
    each(Abreast(), lambda _: meeting.wait(), range(8))


def test_fewer_files_are_read_at_once():
    at_work, most = [], []

    def act(_):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.001)
        at_work.pop()

    each(Abreast(), act, range(50), reading=True)
    assert max(most) <= 6


def test_the_first_error_ends_it_and_what_was_not_begun_is_left():
    begun = []

    def act(number):
        begun.append(number)
        if number == 0:
            raise ZeroDivisionError
        assert settles(is_left)

    with pytest.raises(ZeroDivisionError):
        each(Abreast(), act, range(1000))
    assert len(begun) <= Abreast.abreast


class Noting(Abreast):
    """A store that notes in which order keys are deleted; a page takes long, so that what may overtake it does."""

    def __init__(self):
        super().__init__()
        self.deleted = []
        self.asked = threading.Event()

    def delete(self, key):
        if key.endswith("pages/1.body"):
            self.asked.wait(0.5)
        if key.endswith("work.json"):
            self.asked.set()
        self.deleted.append(key)
        super().delete(key)


def test_what_a_killed_run_asked_goes_last_when_it_is_swept():
    store, edges = Noting(), still()
    with hold(area_in(store), edges) as lease:
        killed = begin(lease, Fingerprints("another request", "contract"), edges, 3600)
        land_all(killed, [b'["a"]', b'["b"]'])
    carry(store, edges=edges)
    with hold(area_in(store), edges) as lease:
        sweep(lease, edges, 0.0, 0.0)
    its = [key.removeprefix(f"{killed.key()}/") for key in store.deleted if key.startswith(killed.key())]
    assert {"pages/1.body", "pages/3.json"} < {*its}
    assert its[-1] == "work.json"
