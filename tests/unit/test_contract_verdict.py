"""How many bad records a partition may have; what comes out of a contract; its fingerprint."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.contract import pattern
from levada.contract.check import fingerprint, hopeless, verdict
from levada.contract.model import Column, Contract, Field, MaxBad, columns
from levada.errors import ContractBroken
from levada.nouns import Counts, Place

FIELDS = (Field("a", "string"), Field("b", "date", nullable=True))


def counts(bad, read):
    return Counts(read=read, kept=read - bad, quarantined=bad)


@pytest.mark.parametrize(
    ("limit", "bad", "read"),
    [
        (None, 0, 0),
        (None, 337, 338),
        (MaxBad(count=3), 3, 4),
        (MaxBad(count=338), 338, 338),
        (MaxBad(share=0.05), 5, 100),
        (MaxBad(share=0.0), 0, 0),
        (MaxBad(share=1.0), 7, 7),
    ],
)
def test_accepted(limit, bad, read):
    verdict(Contract(FIELDS, max_bad=limit), counts(bad, read))


@pytest.mark.parametrize("limit", [None, MaxBad(share=0.6)])
def test_records_that_were_dropped_are_neither_good_nor_bad(limit):
    with pytest.raises(ContractBroken, match="2 of 7 records are bad"):
        verdict(Contract(FIELDS, max_bad=limit), Counts(read=7, quarantined=2, dropped=5))


@pytest.mark.parametrize(
    ("limit", "bad", "read", "what"),
    [
        (None, 338, 338, "338 of 338 records are bad: a partition without one good record is never published."),
        (MaxBad(count=0), 1, 9, "1 of the 9 records read so far is bad: `max_bad` allows 0."),
        (MaxBad(count=3), 4, 400, "4 of the 400 records read so far are bad: `max_bad` allows 3."),
        (MaxBad(share=0.05), 6, 100, "6 of 100 records are bad: `max_bad` allows 5 %."),
        (MaxBad(share=0.0), 1, 1000, "1 of 1000 records is bad: `max_bad` allows 0 %."),
    ],
)
def test_refused(limit, bad, read, what):
    with pytest.raises(ContractBroken) as broken:
        verdict(Contract(FIELDS, max_bad=limit), counts(bad, read))
    assert broken.value.what == what
    assert broken.value.where == ""
    assert broken.value.todo == (
        "See them and their reasons with `levada quarantine`, then mend the contract, or raise `max_bad`."
    )


def test_before_the_end_only_a_count_can_be_exceeded():
    for limit in (None, MaxBad(share=0.0), MaxBad(count=2)):
        assert not hopeless(Contract(FIELDS, max_bad=limit), counts(2, 2))
    assert hopeless(Contract(FIELDS, max_bad=MaxBad(count=2)), counts(3, 3))
    assert hopeless(Contract(FIELDS, max_bad=MaxBad(count=0)), counts(1, 1000))


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_what_is_hopeless_is_refused_whatever_follows(allowed, bad, good, more):
    contract = Contract(FIELDS, max_bad=MaxBad(count=allowed))
    if hopeless(contract, counts(bad, bad + good)):
        with pytest.raises(ContractBroken):
            verdict(contract, counts(bad, bad + good + more))
    else:
        verdict(contract, counts(bad, bad + good))


def test_columns_are_the_fields_and_what_the_contract_adds():
    text, day = Column("a", "string", nullable=False), Column("b", "date", nullable=True)
    assert columns(Contract(FIELDS)) == (text, day)
    assert columns(Contract(FIELDS, on_bad="nullify")) == (text._replace(nullable=True), day)
    assert columns(Contract(FIELDS, unknown="keep"))[2:] == (Column("_unknown", "string", nullable=True),)


def test_columns_tell_what_lists_and_structs_hold():
    city = Field("city", "string", description="Where it is")
    price = Field("price", "decimal", precision=10, scale=2, null_exactly_when=(("city", (None,)),))
    tags = Field("tags", "list", item=Field("item", "struct", parts=(city, price)))
    assert columns(Contract((tags,), on_bad="nullify")) == (
        Column(
            "tags",
            "list",
            nullable=True,
            item=Column(
                "item",
                "struct",
                nullable=False,
                parts=(
                    Column("city", "string", nullable=False, description="Where it is"),
                    Column("price", "decimal", nullable=True, precision=10, scale=2),
                ),
            ),
        ),
    )


def test_the_fingerprint_is_of_what_is_said_not_of_where():
    here, there = Place("a.yaml", 1, 1), Place("b.yaml", 7, 3)
    one = Contract(tuple(replace(field, place=here) for field in FIELDS), place=here)
    other = Contract(tuple(replace(field, place=there) for field in FIELDS), on_bad="quarantine", place=there)
    assert fingerprint(one) == fingerprint(other) == fingerprint(Contract(FIELDS))
    assert fingerprint(one) == "198d9433f8b3d0f257616a265f71cbe18ec3079997f2ea4ed4f70e485241698f"


@pytest.mark.parametrize(
    "other",
    [
        Contract(FIELDS[::-1]),
        Contract(FIELDS, on_bad="fail"),
        Contract(FIELDS, unknown="keep"),
        Contract(FIELDS, max_bad=MaxBad(count=0)),
        Contract(FIELDS, max_bad=MaxBad(share=0.0)),
        Contract((replace(FIELDS[0], equals="2022-08-10"), FIELDS[1])),
        Contract((replace(FIELDS[0], min=0), FIELDS[1])),
        Contract((replace(FIELDS[0], enum=("a",)), FIELDS[1])),
    ],
)
def test_another_contract_has_another_fingerprint(other):
    assert fingerprint(other) != fingerprint(Contract(FIELDS))


def test_patterns_are_re2(capfd):
    assert pattern.compile("é+").search("caféé")
    assert pattern.problem("^a") is None
    assert pattern.problem("(?=a)") == "invalid perl operator: (?="
    with pytest.raises(ValueError, match=r"missing \)"):
        pattern.compile("(a")
    assert capfd.readouterr().err == ""
