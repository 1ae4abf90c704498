"""Unfinished work, on the memory store: what is continued, and what is not."""

import dataclasses
import json
from datetime import timedelta

import pytest

from lakeside import (
    FINGERPRINTS,
    FOUR,
    RAW,
    START,
    answers,
    area_in,
    carry,
    draft_of,
    end_of,
    land_all,
    later,
    page_of,
    run_of,
    still,
)
from levada.errors import ContractBroken, FixThis, LeaseHeld, TryLater
from levada.lake.commit import publish
from levada.lake.lease import hold, read_record
from levada.lake.memory import MemoryStore
from levada.lake.record import FORMAT, as_json
from levada.lake.status import status
from levada.lake.sweep import sweep
from levada.lake.work import Fingerprints, begin
from levada.nouns import Counts, LakeFile, PageFacts, Run
from levada.secret import remember

HOUR = 3600.0


def start(store, edges, fingerprints=FINGERPRINTS, resume_within=HOUR, *, fresh=False):
    with hold(area_in(store), edges) as lease:
        return begin(lease, fingerprints, edges, resume_within, fresh)


def land_some(work, how_many):
    for page in answers(FOUR, work.edges.clock.now())[len(work.done) : how_many]:
        work.land(page)


def begun(how_many=2):
    """A store with one run that died after some pages."""
    store, edges = MemoryStore(), still()
    work = start(store, edges)
    land_some(work, how_many)
    return store, edges, work


def numbers(work):
    return [facts.number for facts in work.done]


def test_a_page_is_its_body_and_then_its_facts():
    store, _, work = begun(0)
    file = work.land(page_of(1, b"[1]"), "raw/1.json")
    assert file == LakeFile(
        "page", work.key("pages", "1.body"), "raw/1.json", 3, file.sha256, rows=1, page=1, format=""
    )
    assert store.read(work.key("pages", "1.body")) == b"[1]"
    facts = json.loads(store.read(work.key("pages", "1.json")))
    assert (facts["number"], facts["means"], facts["url"]) == (1, "page", "http://api.test/sales?page=1")


@pytest.mark.parametrize("means", ["end", "no_data", "empty"])
def test_an_answer_without_data_leaves_facts_alone(means):
    store, _, work = begun(0)
    assert work.land(end_of(1, means=means), "raw/1.json") is None
    assert [e.key for e in store.list(work.key("pages"))] == [work.key("pages", "1.json")]


def test_facts_of_another_body_are_a_bug():
    _, _, work = begun(0)
    page = page_of(1, b"[1]")
    with pytest.raises(ValueError, match="page 1: size or SHA-256"):
        work.land(type(page)(page.facts, b"[2]"))


def test_next_run_takes_the_pages_of_the_one_that_died():
    _, edges, first = begun(2)
    second = start(first.area.store, edges)
    assert second.run > first.run
    assert numbers(second) == [1, 2]
    assert second.done == tuple(page.facts for page in answers(FOUR)[:2])
    assert second.page_body(second.done[1]) == FOUR[1]
    file = second.page_file(second.done[0], RAW.format(1))
    assert (file.key, file.public, file.page) == (first.key("pages", "1.body"), RAW.format(1), 1)


def test_a_page_that_is_taken_over_comes_as_it_was_or_not_at_all():
    _, edges, first = begun(2)
    store = first.area.store
    second = start(store, edges)
    key = first.key("pages", "2.body")
    store.delete(key)
    store.create(key, b"[0]")
    assert second.page_body(second.done[0]) == FOUR[0]
    with pytest.raises(TryLater, match="what was read is not what was written"):
        second.page_body(second.done[1])


def test_chain_of_three_runs_holds_the_pages_of_all():
    store, edges, a = begun(2)
    b = start(store, edges)
    land_some(b, 3)
    c = start(store, edges)
    land_some(c, 5)
    d = start(store, edges)
    assert numbers(d) == [1, 2, 3, 4, 5]
    assert [d.page_body(facts) for facts in d.done[:4]] == FOUR
    keys = [d.page_file(facts).key for facts in d.done[:4]]
    assert keys == [
        a.key("pages", "1.body"),
        a.key("pages", "2.body"),
        b.key("pages", "3.body"),
        c.key("pages", "4.body"),
    ]
    assert d.page_file(d.done[4]) is None, "the answer that ended paging is not asked for again"


def test_a_run_that_died_before_its_first_page_passes_on_what_it_took():
    store, edges, _ = begun(2)
    start(store, edges)
    assert numbers(start(store, edges)) == [1, 2]


def test_run_names_grow_even_if_the_clock_goes_back():
    store, _, first = begun(1)
    second = start(store, still(START - timedelta(days=2)))
    assert second.run > first.run
    assert numbers(second) == [1]
    assert start(store, still(START - timedelta(days=3))).run > second.run


def test_fresh_takes_nothing_and_ends_the_chain():
    store, edges, _ = begun(2)
    assert numbers(start(store, edges, fresh=True)) == []
    assert numbers(start(store, edges)) == []


def test_another_request_takes_nothing():
    store, edges, _ = begun(2)
    assert numbers(start(store, edges, Fingerprints("other request", "contract"))) == []


def test_another_contract_takes_the_pages():
    store, edges, _ = begun(2)
    assert numbers(start(store, edges, Fingerprints("request", "other contract"))) == [1, 2]


def test_age_counts_from_the_last_durable_page():
    store, edges, first = begun(1)
    later(edges, minutes=50)
    first.land(answers(FOUR, edges.clock.now())[1])
    later(edges, minutes=59)
    assert numbers(start(store, edges)) == [1, 2]
    later(edges, minutes=1)
    assert numbers(start(store, edges)) == []


@pytest.mark.parametrize(
    ("error", "same_contract", "other_contract"),
    [
        (TryLater("server away"), [1, 2], [1, 2]),
        (ContractBroken("too many bad rows"), [], [1, 2]),
        (FixThis("wrong token"), [], []),
        (RuntimeError("a bug"), [1, 2], [1, 2]),
        (LeaseHeld("never began"), [1, 2], [1, 2]),
    ],
)
def test_what_failed_says_whether_work_is_continued(error, same_contract, other_contract):
    for fingerprints, expected in ((FINGERPRINTS, same_contract), (Fingerprints("request", "other"), other_contract)):
        store, edges, first = begun(2)
        first.failed(error)
        assert numbers(start(store, edges, fingerprints)) == expected


def test_a_failure_blocks_what_its_run_had_taken_over():
    store, edges, _ = begun(2)
    start(store, edges).failed(ContractBroken("no records"))
    assert numbers(start(store, edges)) == []


def test_a_closed_run_is_not_continued():
    store, edges, first = begun(2)
    first.close(Run("p", "s", "d", first.run, "done", None, Counts(), 0, 0, 0, (), changed=False, seconds=0.0))
    assert numbers(start(store, edges)) == []


@pytest.mark.parametrize(
    ("name", "left"),
    [("pages/2.body", [1]), ("pages/1.body", []), ("pages/3.json", [1, 2]), ("pages/1.json", []), ("work.json", [])],
)
@pytest.mark.parametrize("damage", ["missing", "empty", "other"])
def test_damage_ends_what_can_be_used(name, left, damage):
    store, edges, first = begun(3)
    store.delete(first.key(name))
    if damage != "missing":
        store.create(first.key(name), b"" if damage == "empty" else b'["x"]')
    assert numbers(start(store, edges)) == left


def test_facts_under_a_wrong_number_are_not_used():
    store, edges, first = begun(2)
    facts = store.read(first.key("pages/1.json"))
    store.delete(first.key("pages/2.json"))
    store.create(first.key("pages/2.json"), facts)
    store.create(first.key("pages/x.json"), facts)
    assert numbers(start(store, edges)) == [1]


def test_work_of_a_newer_levada_is_left_alone():
    store, edges, first = begun(2)
    work = json.loads(store.read(first.key("work.json"))) | {"format": FORMAT + 1}
    store.delete(first.key("work.json"))
    store.create(first.key("work.json"), json.dumps(work).encode())
    assert numbers(start(store, edges)) == []


def test_failed_json_tells_all_but_secrets():
    store, _, work = begun(0)
    remember("hunter2-token")
    error = TryLater("no answer for hunter2-token", where="GET /x?key=hunter2-token", todo="wait", at=START)
    work.failed(error, Counts(read=5, kept=4, quarantined=1))
    text = store.read(work.key("failed.json")).decode()
    assert "hunter2" not in text
    assert json.loads(text) == {
        "kind": "TryLater",
        "what": "no answer for [secret]",
        "where": "GET /x?key=[secret]",
        "todo": "wait",
        "at": "2022-08-12T06:00:00Z",
        "counts": {"read": 5, "kept": 4, "quarantined": 1, "dropped": 0, "nullified": 0},
        "later": "2022-08-12T06:00:00Z",
    }
    work.failed(FixThis("a second failure does not hide the first"))
    assert store.read(work.key("failed.json")).decode() == text


def test_no_failed_json_for_a_lease_that_was_held():
    store, _, work = begun(0)
    work.failed(LeaseHeld("another run"))
    assert store.head(work.key("failed.json")) is None


def test_refused_answers_leave_a_note_without_secrets():
    store, _, work = begun(0)
    remember("hunter2-token")
    facts = PageFacts(1, 1, "page", "http://x", 503, {"x": "hunter2-token"}, 0, 3, "0", START, text="hunter2-token!")
    work.refused(1, 2, facts)
    work.refused(1, 2, {"status": 500})
    note = json.loads(store.read(work.key("answers/1-2.json")))
    assert (note["status"], note["headers"], note["text"], note["size"]) == (503, {"x": "[secret]"}, "[secret]!", 3)


# -- staging runs in between: they ask the API nothing, so what an interrupted run fetched stays good

STAGING = Fingerprints("", "contract")


def stage(store, edges, ending):
    """What `stage` and `replay` do, up to `ending`: their sweep, their folder, perhaps a commit."""
    later(edges, minutes=1)
    with hold(area_in(store), edges) as held:
        lease = sweep(held, edges, HOUR, HOUR)
        work = begin(lease, STAGING, edges, 0.0, fresh=True)
        if ending == "failed":
            work.failed(FixThis("a raw file is no page"))
        if ending in {"killed", "failed"}:
            return
        if ending.startswith("committed"):
            old = lease.record
            draft = draft_of(lease, work, [] if old else land_all(work, FOUR), [])
            publish(lease, dataclasses.replace(draft, files=old.files if old else draft.files, staged=work.run))
        if ending != "committed, not closed":
            work.close(run_of(draft_of(lease, work, [], []), work.run, changed=ending == "committed"))


def fetch(store, edges, how_many=2, error=None):
    """A run that dies, or fails, after `how_many` pages."""
    later(edges, minutes=1)
    with hold(area_in(store), edges) as held:
        lease = sweep(held, edges, HOUR, HOUR)
        work = begin(lease, FINGERPRINTS, edges, HOUR)
        land_some(work, how_many)
        if error:
            work.failed(error)
    return work


def continued(store, edges, **span):
    """The answers that the next run takes over, after its sweep; `status` has to say as many before."""
    later(edges, **(span or {"minutes": 1}))
    told = sum(each.unfinished_pages for each in status(store))
    with hold(area_in(store), edges) as held:
        lease = sweep(held, edges, HOUR, HOUR)
        found = numbers(begin(lease, FINGERPRINTS, edges, HOUR))
    assert span or told == len(found)
    return found


ENDINGS = ["killed", "failed", "unchanged", "committed", "committed, not closed"]


@pytest.mark.parametrize("before", [False, True], ids=["nothing committed", "committed before"])
@pytest.mark.parametrize(
    "endings", [[e] for e in ENDINGS] + [["committed", "killed"], ["failed", "failed", "unchanged"]]
)
def test_staging_in_between_costs_no_page(before, endings):
    store, edges = MemoryStore(), still()
    if before:
        carry(store, FOUR[:1], edges)
    fetch(store, edges)
    for ending in endings:
        stage(store, edges, ending)
    assert continued(store, edges) == [1, 2]


def test_what_was_taken_over_stays_good_too():
    store, edges = MemoryStore(), still()
    carry(store, FOUR[:1], edges)
    fetch(store, edges, 2)
    stage(store, edges, "committed")
    fetch(store, edges, 3)
    stage(store, edges, "committed")
    assert continued(store, edges) == [1, 2, 3]


def test_pages_that_are_being_swept_are_not_taken_over():
    store, edges = MemoryStore(), still()
    swept = fetch(store, edges)
    store.create(swept.key("swept.json"), b"{}")
    assert continued(store, edges) == []


def test_pages_that_were_taken_over_are_not_passed_on_once_they_are_being_swept():
    store, edges = MemoryStore(), still()
    swept = fetch(store, edges, 2)
    second = fetch(store, edges, 3)
    fetch(store, edges, 4)
    store.create(second.key("swept.json"), b"{}")
    assert continued(store, edges, seconds=1) == [1, 2]
    store.create(swept.key("swept.json"), b"{}")
    assert continued(store, edges, seconds=1) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_staging_does_not_make_old_work_young(ending):
    store, edges = MemoryStore(), still()
    carry(store, FOUR[:1], edges)
    first = fetch(store, edges)
    stage(store, edges, ending)
    assert continued(store, edges, minutes=59) == []
    assert store.head(first.key("pages/1.json")) is None or ending.startswith("committed"), "kept for readers at most"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_fetching_run_voids_what_came_before_it_whatever_is_staged_then(ending):
    store, edges = MemoryStore(), still()
    fetch(store, edges)
    later(edges, minutes=1)
    carry(store, FOUR, edges)
    stage(store, edges, ending)
    assert continued(store, edges) == []


@pytest.mark.parametrize("bodies", [FOUR, []], ids=["rows", "no data"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_that_died_between_commit_and_end_is_not_continued_after_staging(bodies, ending):
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease:
        work = begin(lease, FINGERPRINTS, edges, HOUR)
        publish(lease, draft_of(lease, work, land_all(work, bodies), []))
    stage(store, edges, ending)
    assert continued(store, edges) == []


@pytest.mark.parametrize(
    ("error", "expected"), [(TryLater("away"), [1, 2]), (ContractBroken("bad rows"), []), (FixThis("token"), [])]
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failure_before_staging_counts_as_before(error, expected, ending):
    store, edges = MemoryStore(), still()
    fetch(store, edges, error=error)
    stage(store, edges, ending)
    assert continued(store, edges) == expected


def test_a_swept_failure_still_ends_the_work_before_it():
    """Its pages are gone, its `work.json` is not: what came before it stays given up, also behind a staged commit."""
    store, edges = MemoryStore(), still()
    fetch(store, edges)
    stage(store, edges, "committed")
    with hold(area_in(store), edges) as lease:
        begin(lease, Fingerprints("other request", "contract"), edges, HOUR).failed(FixThis("wrong token"))
    stage(store, edges, "failed")
    stage(store, edges, "failed")
    assert continued(store, edges) == []


def test_staging_of_its_own_process_is_never_swept():
    store, edges = MemoryStore(), still()
    with hold(area_in(store), edges) as lease:
        work = begin(lease, STAGING, edges, 0.0, fresh=True)
        work.land(page_of(1, FOUR[0]))
        later(edges, days=1)
        sweep(lease, edges, 0, 0)
    assert store.read(work.key("pages", "1.body")) == FOUR[0]


def test_a_record_tells_which_run_fetched_last():
    store, edges = MemoryStore(), still()
    stage(store, edges, "committed")
    assert read_record(area_in(store))[0].fetched == ""
    fetched = carry(store, FOUR[:1], edges)
    assert fetched.fetched == fetched.run
    stage(store, edges, "committed")
    staged, _ = read_record(area_in(store))
    assert (staged.fetched, staged.run > fetched.run) == (fetched.run, True)


def test_a_record_that_does_not_tell_is_taken_for_a_fetched_one():
    store, edges = MemoryStore(), still()
    fetch(store, edges)
    stage(store, edges, "committed")
    record, tag = read_record(area_in(store))
    store.replace(area_in(store).commit, as_json(dataclasses.replace(record, fetched=None)), tag)
    assert continued(store, edges) == []
