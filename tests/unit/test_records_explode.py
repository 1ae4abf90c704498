import pytest
from msgspec import Raw

from levada.errors import ContractBroken
from levada.nouns import Records
from levada.records.add import with_fields
from levada.records.split import split


def exploded(body, explode, keep=(), path=None):
    return [bytes(raw).decode() for raw in split(body.encode(), Records(path, explode=explode, keep=keep))]


def test_items_come_out_with_fields_of_the_record_that_held_them():
    body = '{"o": [{"id": 10.0, "who": {"n": "x"}, "items": [{"a":1.10}, { }]}, {"id": 11, "items": [{"a":2}]}]}'
    assert exploded(body, "$.items", (("order_id", "$.id"), ("name", "$.who.n")), "$.o") == [
        '{"order_id":10.0,"name":"x","a":1.10}',
        '{"order_id":10.0,"name":"x" }',
        '{"order_id":11,"name":null,"a":2}',
    ]


@pytest.mark.parametrize("explode", ["$.items", "$.items[*]", "$['items'].*", "$..items"])
def test_a_record_without_its_list_gives_none(explode):
    body = '[{"id": 1}, {"items": null}, {"items": []}, {"items": [{"a":1}]}]'
    assert exploded(body, explode) == ['{"a":1}']


def test_what_cannot_hold_a_list_is_handed_on_to_be_a_bad_row():
    assert exploded('[7, "x", null, {"items": [1, "a", null, [2], {"b":3}]}]', "$.items", (("k", "$.id"),)) == [
        "7",
        '"x"',
        "null",
        "1",
        '"a"',
        "null",
        "[2]",
        '{"k":null,"b":3}',
    ]


def test_one_object_in_place_of_a_list_is_its_one_item():
    assert exploded('[{"items": {"a":1}}]', "$.items") == ['{"a":1}']


def test_lists_of_lists_come_out_one_level_at_a_time():
    assert exploded('[[{"a":1}, {"a":2}], [], [{"a":3}]]', "$[*]") == ['{"a":1}', '{"a":2}', '{"a":3}']
    assert exploded('[{"t": [[1, 2], [3]]}]', "$.t[*]") == ["[1, 2]", "[3]"]
    assert exploded('[{"t": [[1, 2], [3]]}]', "$.t[*][*]") == ["1", "2", "3"]


def test_a_kept_path_with_several_matches_is_always_a_list():
    keep = (("all", "$.t[*].n"), ("whole", "$.t"))
    assert exploded('[{"t": [{"n": 1}, {"n": 2.0}], "i": [{}]}, {"i": [{}]}]', "$.i", keep) == [
        '{"all":[1,2.0],"whole":[{"n": 1}, {"n": 2.0}]}',
        '{"all":[],"whole":null}',
    ]


def test_a_kept_field_never_hides_one_of_the_item():
    with pytest.raises(ContractBroken) as told:
        exploded('[{"id": 1, "items": [{"id": 7}]}]', "$.items", (("id", "$.id"),))
    assert told.value.what == "The field `id` cannot be added: a record has one already, which is 7."
    assert told.value.todo == "Give the added field another name than `id`."


def test_a_key_can_be_kept():
    records = Records("$.orders.*", key_as="order", explode="$.items", keep=(("order", "$.order"),))
    body = b'{"orders": {"A1": {"items": [{"n":1}]}, "B2": {"items": [{"n":2}, {"n":3}]}}}'
    assert [bytes(raw) for raw in split(body, records)] == [
        b'{"order":"A1","n":1}',
        b'{"order":"B2","n":2}',
        b'{"order":"B2","n":3}',
    ]


@pytest.mark.parametrize(
    ("text", "fields", "found"),
    [
        (b'{ "a":1.0 }', {"b": 'x"', "c": None}, b'{"b":"x\\"","c":null, "a":1.0 }'),
        (b"{}", {"b": [1, {"x": 2.5}]}, b'{"b":[1,{"x":2.5}]}'),
        (b"{ }", {"b": Raw(b"1e400")}, b'{"b":1e400 }'),
        (b'{"a":1,"a":2}', {"\u00e4": True}, '{"ä":true,"a":1,"a":2}'.encode()),
        (b'{"a":"\xff"}', {"b": 1}, b'{"b":1,"a":"\xff"}'),
        (b'{"\xff":1}', {"b": 1}, b'{"b":1,"\xff":1}'),
        (b'{"\\ud800":1}', {"b": 1}, b'{"b":1,"\\ud800":1}'),
        (b"{}", {"b": "\ud800"}, b'{"b":"\\ud800"}'),
        (b"[1]", {"b": 1}, b"[1]"),
        (b'{"a":1}', {}, b'{"a":1}'),
    ],
)
def test_added_fields_leave_the_text_as_it_is(text, fields, found):
    assert bytes(with_fields(Raw(text), fields)) == found


@pytest.mark.parametrize("text", [b'{"b":1}', rb'{"\u0062":1}', b'{"\\ud800":1,"b":2}'])
def test_a_name_that_is_there_is_refused_however_it_is_written(text):
    with pytest.raises(ContractBroken, match="The field `b` cannot be added"):
        with_fields(Raw(text), {"a": 1, "b": 2})
