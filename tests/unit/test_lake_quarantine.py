"""Quarantine lines there and back."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeside import FINGERPRINTS, FOUR, draft_of, land_all, stage_all, still
from levada.errors import ContractBroken, FixThis
from levada.lake import quarantine
from levada.lake.area import Area
from levada.lake.commit import publish
from levada.lake.lease import hold
from levada.lake.memory import MemoryStore
from levada.lake.work import begin
from levada.nouns import Rejected, Violation

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
violations = st.builds(Violation, texts, texts, texts)
rejected = st.builds(
    Rejected,
    st.integers(1, 9),
    st.integers(0, 99),
    st.lists(violations, min_size=1, max_size=3).map(tuple),
    st.binary(),
)
PRICE = Violation("price", "type", "expected int64, found string")
DATE = Violation("purchase_date", "equals", "expected 2022-08-11, found 2022-08-09")


def written(rows):
    store = MemoryStore()
    with store.writer("q") as writer:
        assert quarantine.write(writer, rows) == len(rows)
    return store


@given(st.lists(rejected, max_size=5))
def test_rows_go_to_lines_and_back(rows):
    store = written(rows)
    assert list(quarantine.rows(store, "q")) == rows
    assert store.read("q").count(b"\n") == len(rows)
    assert written(rows).read("q") == store.read("q")


def test_a_line_reads_like_a_sentence():
    (line,) = written([Rejected(1, 5, (PRICE,), '{"price": "é"}'.encode())]).read("q").splitlines()
    assert line.decode() == (
        '{"page":1,"index":5,"path":"price","rule":"type","reason":"expected int64, found string",'
        '"raw":"{\\"price\\": \\"é\\"}"}'
    )


def test_further_violations_stand_in_more_and_odd_bytes_in_base64():
    line = json.loads(written([Rejected(1, 5, (PRICE, DATE), b"\xff{}")]).read("q"))
    assert line["path"] == "price"
    assert line["more"] == [{"path": DATE.path, "rule": DATE.rule, "reason": DATE.reason}]
    assert (line["raw_base64"], "raw" in line) == ("/3t9", False)


@pytest.mark.parametrize("text", [b"{", b"[]", b"\n", b'{"page":1}', b"\xff"])
def test_a_damaged_line_is_named(text):
    store = written([Rejected(1, 5, (PRICE,), b"{}")])
    whole = store.read("q")
    store.delete("q")
    store.create("q", whole + text)
    with pytest.raises(FixThis, match="a quarantine line is damaged") as refused:
        list(quarantine.rows(store, "q"))
    assert (refused.value.where, refused.value.todo) == ("memory/q:2", "somebody changed it: run the partition again")


def test_a_quarantine_that_is_gone_is_named():
    with pytest.raises(FixThis, match="the quarantine file is gone") as refused:
        list(quarantine.rows(MemoryStore(), "runs/1/quarantine.jsonl"))
    assert "runs/1/quarantine.jsonl" in refused.value.where


def lake_with(*partitions):
    """Partitions with a commit that has one row in quarantine, and one that failed with one."""
    store, edges = MemoryStore(), still()
    for partition in partitions:
        area = Area(store, "shop", "sales", partition)
        with hold(area, edges) as lease:
            work = begin(lease, FINGERPRINTS, edges, 3600)
            pages = land_all(work, FOUR)
            staged = stage_all(work, pages)
            if partition == "failed":
                work.failed(ContractBroken("too many bad rows"))
            else:
                files = [dataclasses.replace(file, public=None) for file in staged]
                publish(lease, draft_of(lease, work, [], files))
    return store


def listed(store):
    return [(each.partition, each.rows, each.failed) for each in quarantine.listing(store)]


def test_the_list_has_commits_and_failed_runs():
    assert listed(lake_with("2", "failed", "1")) == [("1", 1, False), ("2", 1, False), ("failed", 1, True)]


@pytest.mark.parametrize(
    ("partition", "name", "said"),
    [
        ("1", "commit.json", "the commit record is damaged"),
        ("failed", "commit.json", "the commit record is damaged"),
        ("failed", "quarantine.jsonl", "a quarantine line is damaged"),
    ],
)
def test_a_damaged_partition_is_told_and_hides_no_other(partition, name, said, caplog):
    store = lake_with("1", "2", "failed")
    folder = Area(store, "shop", "sales", partition).folder
    keys = [entry.key for entry in store.list(folder) if entry.key.endswith(name)] or [f"{folder}/{name}"]
    for key in keys:
        store.delete(key)
        store.create(key, b"{\n")
    assert [row[0] for row in listed(store)] == [each for each in ("1", "2", "failed") if each != partition]
    (told,) = caplog.messages
    assert told.startswith(f"shop/sales {partition} is left out: {said}")
    assert keys[0] in told
