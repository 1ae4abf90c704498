"""Rows and windows into slices: what is used, what is left out, in which order."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.contract.model import Contract, Field
from levada.errors import ContractBroken
from levada.pipeline.slicing import Fields, Row, fields_of, in_order, label, parents, slices, windowed
from levada.spec.model import Body, ForEach, Output, Request, Stage, Stream
from levada.spec.template import parse
from plans import PLACE, texts

ID = Fields(filling=("id",), path=("id",))
START = datetime(2022, 8, 9, tzinfo=UTC)
SPANS = [(START + timedelta(hours=n), START + timedelta(hours=n + 6)) for n in (0, 6)]


def each(**parts):
    return ForEach(PLACE, **{"row_of": ("posts",), **parts})


def rows(*values, of="posts"):
    return [Row(of, number, {"id": value}) for number, value in enumerate(values, start=1)]


def ids(sliced):
    return [part.values["row.id"] for part in sliced.slices]


def stream(name="comments", **parts):
    return Stream(name, parts.pop("request", Request(parse("/comments"), PLACE)), PLACE, **parts)


def test_each_row_is_a_slice_with_its_number_its_values_and_a_name():
    made = slices(each(), ID, rows(7, "b"))
    first, second = made.slices
    assert (first.index, second.index) == (0, 1)
    assert first.values == first.fills == {"row": 1, "row.id": 7}
    assert second.values == {"row": 2, "row.id": "b"}
    assert (first.label, second.label) == ("row 1 (id=7)", "row 2 (id=b)")
    assert first.of_row
    assert not first.may_fail
    assert (made.left_out, made.notes) == (0, ())


def test_a_child_may_fail_where_the_spec_says_so():
    (only,) = slices(each(failing="gap"), ID, rows(7)).slices
    assert only.may_fail


def test_rows_whose_field_is_null_missing_or_an_empty_part_of_the_path_are_left_out_and_counted():
    given = [*rows(7, None, "", 9), Row("posts", 5, {"name": "no id"})]
    made = slices(each(), ID, given)
    assert ids(made) == [7, 9]
    assert [part.values["row"] for part in made.slices] == [1, 2]
    assert made.left_out == 3
    assert made.notes == ("3 rows of posts lack id: not asked for",)


def test_one_row_is_told_as_one():
    assert slices(each(), ID, rows(7, None)).notes == ("1 row of posts lacks id: not asked for",)


def test_an_empty_value_fills_what_is_no_path():
    assert ids(slices(each(), Fields(filling=("id",)), rows("", 0, False))) == ["", 0, False]


def test_a_field_that_only_add_uses_may_be_an_object_null_or_missing():
    fields = Fields(("id",), (), ("owner",))
    owners = [{"owner": {"name": "Ana"}}, {"owner": None}, {}]
    given = [Row("posts", n, {"id": n, **owner}) for n, owner in enumerate(owners, start=1)]
    made = slices(each(add=(("owner", "owner"),)), fields, given)
    assert [part.fills["row.owner"] for part in made.slices] == [{"name": "Ana"}, None, None]
    assert "row.owner" not in made.slices[0].values
    assert (made.left_out, made.notes) == (0, ())


def test_fields_lie_within_fields():
    fields = Fields(("owner.login",))
    given = [Row("repos", 1, {"owner": {"login": "ana"}}), Row("repos", 2, {"owner": "none"})]
    made = slices(each(), fields, given)
    assert [part.values for part in made.slices] == [{"row": 1, "row.owner.login": "ana"}]
    assert made.slices[0].label == "row 1 (owner.login=ana)"
    assert made.left_out == 1


@pytest.mark.parametrize(("value", "kind"), [({"a": 1}, "an object"), ([1], "a list")])
def test_lists_and_objects_fill_no_template(value, kind):
    with pytest.raises(ContractBroken) as broken:
        slices(each(), ID, rows(1, value))
    assert broken.value.what == f"The field id of row 2 of posts is {kind}, which fills no template."
    assert "row.id.id" in broken.value.todo


@pytest.mark.parametrize("value", ["\ud800", float("inf"), float("nan")])
def test_values_that_no_request_can_carry_are_refused(value):
    with pytest.raises(ContractBroken, match=r"The field id of row 1 of posts is .* which no request can carry"):
        slices(each(), ID, rows(value))


def test_a_field_that_no_row_has_is_a_mistake_and_no_reason_to_ask_for_nothing():
    given = [Row("posts", n, {"ID": n, "title": "x"}) for n in (1, 2)]
    with pytest.raises(ContractBroken) as broken:
        slices(each(), ID, given)
    assert broken.value.what == "No row of posts has the field id; the first has: ID, title."
    assert broken.value.todo == "name a field of the rows instead of row.id"


def test_rows_that_all_say_null_are_left_out():
    made = slices(each(), ID, rows(None, None))
    assert (made.slices, made.left_out) == ((), 2)


def test_no_rows_are_no_slices():
    made = slices(each(), ID, [])
    assert (made.slices, made.notes) == ((), ())


def test_distinct_rows_are_those_that_fill_the_templates_otherwise():
    assert ids(slices(each(distinct=True), ID, rows(1, 2, "1", 1, 3, True, "true"))) == [1, 2, 3, True]


def test_the_first_rows_are_counted_after_distinct_and_without_those_left_out():
    made = slices(each(distinct=True, first=3), ID, rows(1, None, 1, 2, 3, None, 4))
    assert ids(made) == [1, 2, 3]
    assert made.left_out == 1


def test_no_more_rows_are_read_than_are_asked_for():
    def endless():
        number = 0
        while True:
            number += 1
            yield Row("posts", number, {"id": number})

    assert ids(slices(each(first=2), ID, endless())) == [1, 2]


def test_batches_share_a_request():
    made = slices(each(batch=2), ID, rows(1, 2, 3))
    assert [part.values for part in made.slices] == [{"row": 1, "row.id": (1, 2)}, {"row": 2, "row.id": (3,)}]
    assert [part.fills for part in made.slices] == [{"row": 1, "row.id": [1, 2]}, {"row": 2, "row.id": [3]}]
    assert made.slices[0].label == "row 1 (id=1,2)"


def test_a_value_with_a_comma_is_refused_in_a_batch_alone():
    assert ids(slices(each(), ID, rows("a,b"))) == ["a,b"]
    with pytest.raises(ContractBroken, match="'a,b' of the field id has a comma") as broken:
        slices(each(batch=2), ID, rows(1, "a,b"))
    assert "leave `batch` out" in broken.value.todo


def test_rows_and_windows_are_crossed_row_by_row_and_pages_are_counted_in_the_row():
    made = slices(each(), ID, rows(7, 8), SPANS)
    assert [(part.index, part.values["row.id"], part.values["start"]) for part in made.slices] == [
        (0, 7, SPANS[0][0]),
        (1, 7, SPANS[1][0]),
        (2, 8, SPANS[0][0]),
        (3, 8, SPANS[1][0]),
    ]
    assert [part.of_row for part in made.slices] == [True, False, True, False]
    assert made.slices[1].label == "row 1 (id=7), 2022-08-09T06:00:00Z to 2022-08-09T12:00:00Z"
    assert made.slices[1].fills["end"] == "2022-08-09T12:00:00Z"


def test_windows_alone_are_slices():
    first, second = windowed(SPANS).slices
    assert first.values == {"start": SPANS[0][0], "end": SPANS[0][1]}
    assert second.fills == {"start": "2022-08-09T06:00:00Z", "end": "2022-08-09T12:00:00Z"}
    assert second.label == "2022-08-09T06:00:00Z to 2022-08-09T12:00:00Z"
    assert not second.of_row


def test_a_label_is_cut_where_it_grows_long():
    fields = Fields(("a", "b", "c", "d"))
    fills = {"row": 2, **{f"row.{name}": name * 50 for name in "abcd"}}
    assert label(fills, fields) == f"row 2 (a={'a' * 37}..., b={'b' * 37}..., c={'c' * 37}...)"
    assert label({"row": 4}, Fields()) == "row 4"


def test_the_fields_used_are_those_of_every_template_and_of_add():
    body = Body("json", {"ids": [parse("{row.a}")], "deep": {"who": parse("{row.b.c}")}, "n": 5})
    asked = Request(
        parse("/x/{row.path}/{date}"),
        PLACE,
        method="POST",
        params=texts(q="{row.param}"),
        headers=texts(h="{row.header}"),
        body=body,
    )
    child = stream(
        request=asked,
        for_each=each(add=(("post_id", "id"), ("login", "owner.login"))),
        raw=parse("raw/{row.raw}/{page}.json"),
        contract=Contract((Field("post", "int64", equals="{row.equal}"), Field("n", "int64", equals=3))),
        stage=Stage((Output("avro", parse("stg/{row.stage}.avro"), PLACE, "null"),), PLACE),
    )
    assert fields_of(child) == Fields(
        ("a", "b.c", "equal", "header", "param", "path", "raw", "stage"), ("path",), ("id", "owner.login")
    )


@pytest.mark.parametrize(
    "body",
    [
        Body("form", texts(a="{row.x}")),
        Body("text", parse("id={row.x}")),
        Body("graphql", {"query": "query { a { b } }", "variables": {"x": parse("{row.x}")}}),
    ],
)
def test_every_kind_of_body_is_looked_through(body):
    asked = Request(parse("/x"), PLACE, method="POST", body=body)
    assert fields_of(stream(request=asked)).filling == ("x",)


def test_parents_are_the_streams_of_rows_or_pages():
    assert parents(stream()) == ()
    assert parents(stream(for_each=each(row_of=("a", "b")))) == ("a", "b")
    assert parents(stream(request=None, pages_of="a")) == ("a",)


def test_streams_stand_after_their_parents_and_else_as_they_were():
    of = {
        name: stream(name, for_each=each(row_of=above) if above else None)
        for name, above in {"d": ("b", "c"), "c": ("a",), "x": (), "b": ("a",), "a": ()}.items()
    }
    assert [each.name for each in in_order(tuple(of.values()))] == ["x", "a", "c", "b", "d"]
    assert [each.name for each in in_order((of["d"], of["c"]))] == ["c", "d"]


def test_streams_that_wait_for_each_other_end_somewhere():
    circle = (stream("a", for_each=each(row_of=("b",))), stream("b", for_each=each(row_of=("a",))))
    assert {each.name for each in in_order(circle)} == {"a", "b"}


@given(
    st.lists(st.none() | st.integers(0, 9) | st.text("ab", max_size=2), max_size=30),
    st.booleans(),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(1, 4),
)
def test_no_row_is_lost_or_doubled(values, distinct, first, batch):
    made = slices(each(distinct=distinct, first=first, batch=batch), Fields(("id",)), rows(*values))
    usable = [value for value in values if value is not None]
    if distinct:
        usable = list({str(value): value for value in reversed(usable)}.values())[::-1]
        usable = sorted(usable, key=lambda value: [str(each) for each in values].index(str(value)))
    expected = usable if first is None else usable[:first]
    asked = [part.values["row.id"] for part in made.slices]
    assert [str(value) for group in asked for value in (group if batch else [group])] == [str(v) for v in expected]
    assert [part.index for part in made.slices] == list(range(len(made.slices)))


def test_a_slice_is_small_whatever_its_row_holds():
    tracemalloc.start()
    made = slices(each(), ID, (Row("posts", n, {"id": n, "body": "x" * 10_000}) for n in range(1, 10_001)))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(made.slices) == 10_000
    assert size < 10_000 * 1000
