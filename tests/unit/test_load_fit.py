"""Whether a table can take rows of a contract: added, refused, described. Pure."""

import pytest

from levada.loads.fit import Existing, Wanted, change

WIDER = {"integer": ("bigint",)}


def compared(there, wanted, *, empty=False):
    return change(there, wanted, WIDER, empty=empty)


def test_a_table_that_fits_lacks_nothing():
    found = compared(
        [Existing("a", "integer", description="d")], [Wanted("a", "integer", nullable=True, description="d")]
    )
    assert (found.added, found.described, found.refused) == ((), (), ())


def test_a_wider_column_holds_a_narrower_one_and_never_the_other_way_around():
    assert not compared([Existing("a", "bigint")], [Wanted("a", "integer", nullable=True)]).refused
    assert compared([Existing("a", "integer")], [Wanted("a", "bigint", nullable=True)]).refused == (
        "a is integer, and the contract gives bigint",
    )


@pytest.mark.parametrize(
    ("there", "wanted", "fits"),
    [
        ("numeric(10,2)", "numeric(10,2)", True),
        ("numeric(12,2)", "numeric(10,2)", True),
        ("numeric(12,4)", "numeric(10,2)", True),
        ("numeric(11,4)", "numeric(10,2)", False),  # 7 digits before the point, where there may be 8
        ("numeric(12,1)", "numeric(10,2)", False),
        ("numeric", "numeric(38,10)", True),
        ("DECIMAL(12,2)", "DECIMAL(10,2)", True),
        ("double precision", "numeric(10,2)", False),
    ],
)
def test_decimals(there, wanted, fits):
    assert bool(compared([Existing("a", there)], [Wanted("a", wanted, nullable=True)]).refused) is not fits


def test_what_is_new():
    new = [Wanted("a", "integer", nullable=False), Wanted("b", "integer", nullable=True)]
    assert compared([], new, empty=True).added == tuple(new)
    assert compared([], new).refused == ("a is new and not nullable, and the rows that are there have no value for it",)


def test_columns_that_only_the_table_has():
    there = [Existing("a", "x", not_null=True), Existing("b", "x", not_null=True, has_default=True), Existing("c", "x")]
    assert compared(there, []).refused == ("a is NOT NULL without a default, and the contract has no such field",)


def test_the_parts_of_a_struct_are_quoted_here_and_there_as_they_need():
    there = [Existing("a", 'STRUCT(city VARCHAR, "on" DATE)')]
    assert not compared(there, [Wanted("a", 'STRUCT("city" VARCHAR, "on" DATE)', nullable=True)]).refused


def test_a_description_that_changed_is_written_and_one_that_went_is_left():
    there = [Existing("a", "x", description="old"), Existing("b", "x", description="kept")]
    found = compared(there, [Wanted("a", "x", nullable=True, description="new"), Wanted("b", "x", nullable=True)])
    assert [column.name for column in found.described] == ["a"]
