"""Moments and structs that are read page by page are what they are record by record."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from levada.contract.check import Memory, check_page, check_record, prepare
from levada.contract.model import Contract, Field
from levada.contract.quick import plainly_good
from levada.contract.storable import for_postgres

MOMENTS = (
    '"2022-08-09T10:30:00"',
    '"2022-08-09T10:30:00"',
    '"2022-08-09 10:30"',
    '"2022-08-09t10:30:00.5z"',
    '"2022-08-09T10:30:00.123456000+01:30"',
    '"2022-08-09T10:30:00.1234567Z"',
    '"2022-10-30T01:30:00"',
    '"2022-02-30T10:30:00"',
    '"9999-12-31T23:59:59-10:00"',
    '"0000-01-01T00:00:00Z"',
    '"2022-08-09\\u005410:30:00"',
    '"2022-08-09T10:30:00\\n"',
    '"none"',
    "1660041000",
    "null",
)
KINDS = ("int32", "string", "float64", "timestamp", "json")
WORTH = {"int32": ("1", "346.0", "x", "null"), "string": ('"a"', '"12:30"', '"\\u0000"', '"\\":"', "null"),
         "float64": ("0.5", "1", "null"), "timestamp": MOMENTS,
         "json": ('{"a": 1}', '["\\u0000"]', '"\\\\u0000"', "1e131072", '"\\ud800"', "null")}  # fmt: skip


@st.composite
def parts(draw, depth):
    kind = draw(st.sampled_from([*KINDS, *(["struct"] if depth else [])]))
    name = draw(st.sampled_from(["a", "b", "c:d"]))
    more = {"parts": tuple(draw(fields(depth - 1)))} if kind == "struct" else {}
    if kind == "timestamp":
        more["timezone"] = draw(st.sampled_from([None, "UTC", "Europe/Lisbon"]))
    if draw(st.sampled_from([False] * 5 + [True])):
        more["source"] = draw(st.sampled_from(["b", "$.b", "$.a.b"]))
    return Field(name, kind, nullable=draw(st.booleans()), **more)


def fields(depth):
    return st.lists(parts(depth), min_size=1, max_size=3, unique_by=lambda field: field.name)


def contracts():
    unknown = st.sampled_from(["drop", "drop", "keep", "refuse"])
    whole = st.builds(lambda made, unknown: Contract(tuple(made), unknown=unknown), fields(2), unknown)
    return st.one_of(whole, whole.map(for_postgres))


@st.composite
def objects(draw, made):
    """Text of an object: now and then a key less, a key more, one twice, or a value of another kind."""
    pairs = []
    for field in made:
        inner = objects(field.parts) if field.type == "struct" else st.sampled_from(WORTH[field.type])
        value = draw(inner) if draw(st.integers(0, 20)) else draw(st.sampled_from(['"no"', "null", "{}", "[1]"]))
        if draw(st.integers(0, 20)):
            pairs.append(f"{json.dumps(field.source or field.name)}{draw(st.sampled_from([':', ': ']))}{value}")
    odd = draw(st.sampled_from([[]] * 9 + [['"more": {"a": ":"}'], ['"a": 1'], ['"é": "é"']]))
    return "{" + ",".join([*pairs, *odd]) + "}"


def same(contract, page):
    checker = prepare(contract)
    found = plainly_good(checker.quick, page, Memory())
    for raw, row in zip(page, found, strict=True):
        if row is not None:
            exact = check_record(checker, raw)
            assert isinstance(exact, dict), exact
            assert repr(row) == repr(exact)
    return found


@given(st.data(), contracts())
def test_a_page_says_what_its_records_say(data, contract):
    same(contract, [text.encode() for text in data.draw(st.lists(objects(contract.fields), max_size=5))])


@given(st.lists(st.sampled_from(MOMENTS), min_size=1, max_size=6), st.sampled_from([None, "UTC", "Europe/Lisbon"]))
@example(['"2022-08-09T10:30:00"', '"2022-08-09T10:30:00"'], "UTC")
def test_moments_of_a_page_are_those_of_its_records(texts, zone):
    contract = Contract((Field("at", "timestamp", nullable=True, timezone=zone),))
    same(contract, [f'{{"at": {text}}}'.encode() for text in texts])


INNER = (Field("id", "int32"), Field("at", "timestamp", nullable=True, timezone="UTC"))
NESTED = Contract((Field("place", "struct", parts=(*INNER, Field("in", "struct", parts=INNER))),))


def nested(number, more=""):
    inner = f'"id": {number}, "at": "2022-08-09T10:30:0{number}"{more}'
    return f'{{"place": {{{inner}, "in": {{{inner}}}}}}}'.encode()


@pytest.mark.parametrize("more", ["", ', "x": {"y": [1]}, "z": null'])
def test_structs_are_read_in_one_go(monkeypatch, more):
    """Else each part costs as much as a record does."""
    checker = prepare(NESTED)
    monkeypatch.setattr("levada.contract.quick.taken", None)
    rows = check_page(checker, 1, [nested(number, more) for number in range(5)]).rows
    assert [row["place"]["in"]["id"] for row in rows] == list(range(5))
    assert rows[0].keys() == {"place"}
    assert [*rows[0]["place"]] == ["id", "at", "in"]


@pytest.mark.parametrize("bad", [', "id": 7', ', "x": 1'])
def test_a_key_twice_or_beyond_is_not_lost_in_a_struct(bad):
    page = [nested(1), nested(2, bad), nested(3)]
    for unknown in ("drop", "refuse"):
        contract = Contract(NESTED.fields, unknown=unknown)
        told = check_page(prepare(contract), 1, page)
        refused = unknown == "refuse" or "id" in bad
        assert len(told.rejected) == refused
        assert len(told.rows) == 3 - refused
        same(contract, page)
