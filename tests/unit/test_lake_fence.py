"""A run whose lease was taken over commits nothing whose files are gone, although it does not know that it is late."""

import dataclasses
from contextlib import nullcontext
from datetime import timedelta

import pytest

from lakeside import (
    FINGERPRINTS,
    FOUR,
    START,
    area_in,
    carry,
    draft_of,
    land_all,
    later,
    public_tree,
    stage_all,
    still,
)
from levada.errors import ContractBroken, FixThis, TryLater
from levada.lake.commit import publish
from levada.lake.lease import hold, read_record
from levada.lake.memory import MemoryStore
from levada.lake.store import Lost
from levada.lake.sweep import sweep
from levada.lake.verify import check_files
from levada.lake.work import Fingerprints, begin

OTHER = [b'["x"]', b'["c"]']
HOUR = 3600


class Unlocked(MemoryStore):
    """Locks run out unnoticed: the worst that a holder can be."""

    def lock(self, key, holder):  # noqa: ARG002 - the protocol's
        return nullcontext()


class Standing:
    """A run that has made everything and is about to commit it."""

    def __init__(self, store, edges, bodies=OTHER):
        with hold(area_in(store), edges) as seen:
            self.lease = sweep(seen, edges, HOUR, HOUR)
        self.work = begin(self.lease, FINGERPRINTS, edges, HOUR)
        pages = land_all(self.work, bodies)
        self.draft = draft_of(self.lease, self.work, pages, stage_all(self.work, pages))

    def goes_on(self):
        """As if all that it looks at before the commit had been looked at already."""
        return publish(self.lease, self.draft, adopt=True)


def swept(store, edges, keep=HOUR, resume=HOUR):
    with hold(area_in(store), edges) as lease:
        return sweep(lease, edges, keep, resume)


def stands(store):
    """The record, whose files must all be there."""
    record, _ = read_record(area_in(store))
    assert record is None or check_files(area_in(store), dataclasses.replace(record, shown=True)) == []
    return record


def same_content(store, edges):
    later(edges, hours=2)  # too old to be gone on with
    carry(store, FOUR, edges)


def still_fetching(store, edges):
    """A run begins by clearing away what is too old."""
    later(edges, hours=2)
    begin(swept(store, edges), FINGERPRINTS, edges, HOUR)


def staging_nothing_new(store, edges):
    later(edges, hours=2)
    begin(swept(store, edges), Fingerprints("", "contract"), edges, 0.0, fresh=True)


def going_on(store, edges):
    """What the other one had is taken over, and nothing is cleared away."""
    begin(swept(store, edges), FINGERPRINTS, edges, HOUR)


TAKERS = [same_content, still_fetching, staging_nothing_new, going_on]


@pytest.mark.parametrize("taker", TAKERS)
def test_a_late_commit_is_refused_whatever_the_next_holder_did(taker):
    store, edges = Unlocked(), still()
    old = carry(store, FOUR, edges)
    tree = public_tree(store)
    later(edges, minutes=1)
    late = Standing(store, edges)
    later(edges, minutes=1)
    taker(store, edges)
    with pytest.raises(TryLater, match="another run committed in the meantime"):
        late.goes_on()
    assert public_tree(store) == tree
    found = stands(store)
    assert dataclasses.replace(found, fenced="") == old
    assert found.fenced == late.work.run


@pytest.mark.parametrize("taker", [still_fetching, staging_nothing_new, going_on])
def test_a_late_first_commit_has_all_its_files(taker):
    store, edges = Unlocked(), still()
    late = Standing(store, edges)
    later(edges, minutes=1)
    taker(store, edges)
    late.goes_on()
    assert stands(store).run == late.work.run


def test_what_was_left_before_the_first_commit_goes_after_it():
    store, edges = Unlocked(), still()
    late = Standing(store, edges)
    later(edges, hours=2)
    carry(store, FOUR, edges)
    assert [entry.key for entry in store.list(area_in(store).run(late.work.run))]
    with pytest.raises(TryLater, match="another run committed in the meantime"):
        late.goes_on()
    later(edges, hours=2)
    swept(store, edges)
    assert list(store.list(area_in(store).run(late.work.run))) == []
    stands(store)


@pytest.mark.parametrize(
    ("error", "goes"), [(ContractBroken("bad rows"), True), (TryLater("the store is busy"), False)]
)
def test_before_the_first_commit_a_run_that_told_its_end_is_cleared_away(error, goes):
    store, edges = Unlocked(), still()
    ended = Standing(store, edges)
    ended.work.failed(error)
    later(edges, hours=2)
    swept(store, edges)
    names = [entry.key for entry in store.list(area_in(store).run(ended.work.run)) if "/pages/" in entry.key]
    assert (names == []) is goes


def test_a_commit_that_was_in_time_is_gone_on_from():
    class Meanwhile(Unlocked):
        late = None

        def replace(self, key, data, expected):
            if self.late and key.endswith("/commit.json"):
                late, self.late = self.late, None
                late.goes_on()
            return super().replace(key, data, expected)

    store, edges = Meanwhile(), still()
    carry(store, FOUR, edges)
    later(edges, minutes=1)
    store.late = late = Standing(store, edges)
    later(edges, hours=2)
    lease = swept(store, edges)
    assert lease.record == stands(store)
    assert (lease.record.run, lease.record.fenced) == (late.work.run, "")


def test_runs_that_ended_or_were_fenced_before_leave_the_record_as_it_is():
    store, edges = Unlocked(), still()
    carry(store, FOUR, edges)
    tag = store.head(area_in(store).commit).tag
    later(edges, minutes=1)
    carry(store, FOUR, edges)
    later(edges, minutes=1)
    assert swept(store, edges).tag == tag
    Standing(store, edges)
    later(edges, minutes=1)
    fenced = swept(store, edges).tag
    assert fenced != tag
    assert swept(store, edges).tag == fenced == store.head(area_in(store).commit).tag


def test_who_lost_the_lease_fences_nothing():
    class Out(Unlocked):
        out = False

        def holding(self):
            if self.out:
                raise Lost("the lease was lost", where="lock")

    store, edges = Out(), still()
    carry(store, FOUR, edges)
    Standing(store, edges)
    later(edges, minutes=1)
    tag = store.head(area_in(store).commit).tag
    store.out = True
    with pytest.raises(Lost):
        swept(store, edges)
    assert store.head(area_in(store).commit).tag == tag


def test_a_run_after_one_whose_clock_was_ahead_is_fenced_like_any_other():
    store, edges = Unlocked(), still()
    old = carry(store, FOUR, edges)
    ahead = begin(
        swept(store, still(START + timedelta(hours=5))), FINGERPRINTS, still(START + timedelta(hours=5)), HOUR
    )
    later(edges, hours=2)
    carry(store, FOUR, edges)
    assert stands(store).fenced == ahead.run
    late = Standing(store, edges)
    later(edges, hours=2)
    carry(store, FOUR, edges)
    with pytest.raises(TryLater, match="another run committed in the meantime"):
        late.goes_on()
    assert dataclasses.replace(stands(store), fenced="") == old


def test_nothing_is_swept_that_a_record_names_which_somebody_removed_and_may_put_back():
    store, edges = Unlocked(), still()
    begin(swept(store, edges), FINGERPRINTS, edges, HOUR).failed(ContractBroken("bad rows"))
    later(edges, minutes=1)
    carry(store, FOUR, edges)
    later(edges, minutes=1)
    record, area = carry(store, OTHER, edges), area_in(store)
    copy, before = store.read(area.commit), sorted(entry.key for entry in store.list(area.runs))
    store.delete(area.commit)
    later(edges, hours=2)
    with pytest.raises(FixThis, match="was not written by Levada"):
        carry(store, FOUR, edges)
    later(edges, hours=2)
    swept(store, edges)
    assert {*before} <= {entry.key for entry in store.list(area.runs)}
    store.replace(area.commit, copy, None)
    assert stands(store) == record


def test_after_a_lost_record_the_runs_that_failed_in_vain_are_swept():
    store, edges = Unlocked(), still()
    carry(store, FOUR, edges)
    store.delete(area_in(store).commit)
    later(edges, minutes=1)
    late = Standing(store, edges)
    late.work.failed(FixThis("it exists"))
    later(edges, hours=2)
    swept(store, edges)
    left = [entry.key for entry in store.list(area_in(store).run(late.work.run))]
    assert left
    assert not [key for key in left if "/pages/" in key]
