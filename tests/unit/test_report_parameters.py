"""Parameters of a report's SQL: what is one, and what only looks like one."""

import pytest

from levada.spec.parameters import named, numbered, words


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1", ()),
        ("SELECT $date, $end, $date", ("date", "end")),
        ("SELECT '$date', \"$end\", $start", ("start",)),
        ("SELECT 'it''s $date', $end", ("end",)),
        (r"SELECT E'it\'s $date', $end", ("end",)),
        (r"SELECT '\', $end", ("end",)),
        ("SELECT $$ $date $$, $tag$ $$ $date $tag$, $end", ("end",)),
        ("SELECT 1 -- $date\n, $end", ("end",)),
        ("SELECT 1 /* $date /* $start */ $date */, $end", ("end",)),
        ("SELECT 1 /* $date", ()),
        ("SELECT a$date FROM t$end WHERE x=$end", ("end",)),
        ("SELECT $1, $date::date", ("1", "date")),
        ("SELECT $größe", ("größe",)),
        ("SELECT $date$", ("date",)),
    ],
)
def test_parameters_are_found_where_they_are(sql, names):
    assert named(sql) == names


def test_parameters_are_numbered_and_nothing_else_changes():
    sql = "SELECT $end, '$end', $date -- $date\n/* $end */ WHERE $end = $$$end$$"
    assert numbered(sql, ("date", "end")) == "SELECT $2, '$end', $1 -- $date\n/* $end */ WHERE $2 = $$$end$$"


def test_a_parameter_may_have_a_type():
    types = {"end": "timestamptz"}
    assert numbered("SELECT $end::date, $date", ("date", "end"), types) == "SELECT ($2::timestamptz)::date, $1"


def test_words_are_names_and_no_texts():
    sql = """SELECT "Odd ""one", Sales.price FROM sales -- orders\nWHERE x = 'people' AND y = $rows"""
    assert words(sql) == {"select", 'odd "one', "sales", "price", "from", "where", "x", "and", "y"}
