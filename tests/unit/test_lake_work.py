"""Unfinished work, on the memory store: what is continued, and what is not."""

import json
from datetime import timedelta

import pytest

from lakeside import FINGERPRINTS, FOUR, RAW, START, answers, area_in, end_of, later, page_of, still
from levada.errors import ContractBroken, FixThis, LeaseHeld, TryLater
from levada.lake.lease import hold
from levada.lake.memory import MemoryStore
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
    assert work.page_body(1) == b"[1]"
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
    assert second.page_body(2) == FOUR[1]
    file = second.page_file(second.done[0], RAW.format(1))
    assert (file.key, file.public, file.page) == (first.key("pages", "1.body"), RAW.format(1), 1)


def test_chain_of_three_runs_holds_the_pages_of_all():
    store, edges, a = begun(2)
    b = start(store, edges)
    land_some(b, 3)
    c = start(store, edges)
    land_some(c, 5)
    d = start(store, edges)
    assert numbers(d) == [1, 2, 3, 4, 5]
    assert [d.page_body(n) for n in range(1, 5)] == FOUR
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
    work = json.loads(store.read(first.key("work.json"))) | {"format": 2}
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
