"""Parameters of a report's SQL: what is one, and what only looks like one."""

import pytest

from levada.spec.parameters import bare, heads, named, numbered, words


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


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("", ()),
        ("-- SELECT\n/* WITH */ ;;", ()),
        ("select 1", ("SELECT",)),
        ("/* a /* b */ */ (SELECT 1)", ("SELECT",)),
        ("; COPY (SELECT 1) TO 'x'", ("COPY",)),
        ("-- note\rCOPY t TO 'x' --\nSELECT 1", ("COPY",)),
        ("SELECT ';' AS a; COMMIT;", ("SELECT", "COMMIT")),
        ("SELECT $$;DROP$$ -- ;\n", ("SELECT",)),
    ],
)
def test_statements_are_told_by_their_first_words(sql, kinds):
    assert heads(sql) == kinds


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 1 ;\n-- note\n;", "SELECT 1"),
        ("SELECT 1 /* a */ AS b -- c", "SELECT 1 /* a */ AS b"),
        ("SELECT 1 /* a */ + 2; /* ; */", "SELECT 1 /* a */ + 2"),
        ("SELECT ';--'", "SELECT ';--'"),
        ("SELECT 1; SELECT 2;", "SELECT 1; SELECT 2"),
        ("-- nothing", ""),
    ],
)
def test_what_ends_a_statement_is_no_part_of_it(sql, kept):
    assert bare(sql).strip() == kept
