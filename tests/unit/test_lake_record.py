"""The commit record as values: JSON there and back, fingerprints, staleness."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.errors import FixThis
from levada.lake.record import (
    FORMAT,
    Record,
    as_json,
    from_json,
    landed_fingerprint,
    public_names,
    sealed,
    staged_fingerprint,
    stale_after,
)
from levada.nouns import Counts, Gap, Holder, LakeFile

WHEN = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(0, 2**53)
moments = st.datetimes(timezones=st.just(UTC))
files = st.builds(
    LakeFile,
    kind=st.sampled_from(["page", "joined", "staged", "quarantine"]),
    key=texts,
    public=st.none() | texts,
    size=numbers,
    sha256=texts,
    rows=numbers,
    page=st.none() | numbers,
    format=texts,
    media=texts,
    fills=st.dictionaries(texts, texts | numbers | st.lists(numbers, max_size=2), max_size=2),
)
records = st.builds(
    Record,
    pipeline=texts,
    stream=texts,
    partition=texts,
    run=texts,
    level=st.sampled_from(["landed", "staged"]),
    landed=texts,
    staged=st.none() | texts,
    files=st.lists(files, max_size=4).map(tuple),
    counts=st.builds(Counts, numbers, numbers, numbers, numbers, numbers),
    pages=numbers,
    committed=moments,
    by=st.builds(Holder, texts, numbers, moments),
    levada=texts,
    no_data=st.booleans(),
    adopted=st.booleans(),
    shown=st.booleans(),
    stale=st.lists(texts, max_size=4).map(tuple),
    gaps=st.lists(st.builds(Gap, texts, texts, texts, st.none() | numbers), max_size=2).map(tuple),
    left_out=numbers,
    format=st.just(FORMAT),
)


def record_of(*public: str | None, shown: bool = True, stale: tuple[str, ...] = ()) -> Record:
    shown_files = tuple(LakeFile("page", f"k{n}", name, 1, "0", 1) for n, name in enumerate(public))
    by = Holder("host", 1, WHEN)
    return Record(
        "p", "s", "d", "r", "landed", "f", None, shown_files, Counts(), 1, WHEN, by, "0", False, False, shown, stale
    )


@given(records)
def test_record_goes_to_json_and_back(record):
    assert from_json(as_json(record), "commit.json") == record


def test_record_reads_like_a_page():
    text = as_json(record_of("raw/1.json")).decode()
    assert text.startswith('{\n  "pipeline": "p",\n  "stream": "s",\n')
    assert text.endswith("}\n")
    assert '      "public": "raw/1.json",\n' in text
    assert '  "committed": "2022-08-12T06:00:00Z",\n' in text


@pytest.mark.parametrize("number", range(FORMAT))
def test_older_formats_are_read_and_unknown_keys_left_alone(number):
    facts = json.loads(as_json(record_of("a"))) | {"format": number, "since_then_forgotten": 1}
    assert from_json(json.dumps(facts).encode(), "commit.json") == dataclasses.replace(record_of("a"), format=number)


#: As the first version wrote it.
FIRST = b"""{
  "pipeline": "shop",
  "stream": "sales",
  "partition": "2022-08-09",
  "run": "20220812T060000.000000Z-aaaa",
  "level": "staged",
  "landed": "ab",
  "staged": "cd",
  "files": [
    {"kind": "page", "key": "k", "public": "raw/1.json", "size": 9, "sha256": "00", "rows": 1, "page": 1}
  ],
  "counts": {"read": 1, "kept": 1, "quarantined": 0, "dropped": 0, "nullified": 0},
  "pages": 1,
  "committed": "2022-08-12T06:00:00Z",
  "by": {"host": "h", "process": 1, "since": "2022-08-12T05:59:59Z"},
  "levada": "0.1.0",
  "no_data": false,
  "adopted": false,
  "shown": true,
  "stale": [],
  "format": 1
}
"""


def test_a_record_of_the_first_format_is_read():
    record = from_json(FIRST, "commit.json")
    assert (record.format, record.level, record.staged, record.counts.kept) == (1, "staged", "cd", 1)
    assert public_names(record.files) == {"raw/1.json"}


def test_newer_format_is_refused_whatever_else_it_says():
    with pytest.raises(FixThis) as refused:
        from_json(b'{"format": 3, "files": {"all": "new"}}', "/lake/commit.json")
    assert str(refused.value) == (
        "the commit record has format 3; this Levada knows formats up to 2\n"
        "  where: /lake/commit.json\n"
        "  to do: use the newer Levada that wrote it"
    )


@pytest.mark.parametrize("data", [b"", b"\0\0", b"{", b"[]", b"{}", b'{"format": 1}', b'{"format": "1"}', b'"\xff"'])
def test_damaged_record_is_named(data):
    with pytest.raises(FixThis, match="the commit record is damaged") as refused:
        from_json(data, "/lake/commit.json")
    assert refused.value.where == "/lake/commit.json"
    assert "--adopt" in refused.value.todo


def test_fingerprints_tell_every_part_apart():
    landed = [
        landed_fingerprint([], []),
        landed_fingerprint(["a"], []),
        landed_fingerprint([], ["a"]),
        landed_fingerprint(["a"], ["b", "c"]),
        landed_fingerprint(["a"], ["c", "b"]),
        landed_fingerprint(["a", "b"], ["c"]),
        landed_fingerprint(["a"], ["bc"]),
        landed_fingerprint(["a"], ["bc"], {"gaps": ["page 3"]}),
        landed_fingerprint(["a"], ["bc"], {"rows": ["page 3"]}),
    ]
    staged = [
        staged_fingerprint(*parts) for parts in [("a", "b", "c"), ("ab", "", "c"), ("a", "", "bc"), ("b", "a", "c")]
    ]
    assert len({*landed, *staged}) == len(landed) + len(staged)
    assert landed[3] == landed_fingerprint(("a",), iter(["b", "c"]), {})


def test_fingerprints_are_the_same_as_long_as_the_format_is():
    assert landed_fingerprint(["raw/{page}.json"], ["ab"]) == (
        "2b593894b8a37c5a264f1af7d884814ae0dac8f3736a450ab6702090ae778aa7"
    )
    assert staged_fingerprint("l", "c", "s") == ("9a914463344eb645f9a98a5ffa6859864f5db7237575a1d07eb4ee15f50e4577")


def test_stale_names_are_those_of_the_old_record_that_the_new_one_lacks():
    old = record_of("raw/1", "raw/2", None, "raw/3")
    assert public_names(old.files) == {"raw/1", "raw/2", "raw/3"}
    assert stale_after(None, {"raw/1"}) == ()
    assert stale_after(old, frozenset({"raw/1", "raw/9"})) == ("raw/2", "raw/3")
    assert stale_after(old, frozenset()) == ("raw/1", "raw/2", "raw/3")


def test_a_record_that_was_never_shown_hands_its_stale_names_on():
    old = record_of("raw/1", shown=False, stale=("raw/8", "raw/7"))
    assert stale_after(old, {"raw/7"}) == ("raw/1", "raw/8")
    assert stale_after(dataclasses.replace(old, shown=True), {"raw/7"}) == ("raw/1",)


def test_one_changed_byte_of_a_record_is_found():
    record = record_of("a")
    data = sealed(record)
    assert from_json(data, "commit.json") == record
    body = data.index(b'\n  "seal"')
    for place in (*range(body), *range(body + 12, len(data) - 1)):
        flipped = bytes((*data[:place], data[place] ^ 1, *data[place + 1 :]))
        with pytest.raises(FixThis, match=r"the commit record is damaged|has format"):
            from_json(flipped, "commit.json")


def test_a_record_that_a_person_wrote_needs_no_seal():
    facts = json.loads(sealed(record_of("a")))
    assert len(facts.pop("seal")) == 64
    assert from_json(json.dumps(facts).encode(), "commit.json") == record_of("a")
