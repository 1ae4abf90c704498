import json as standard

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from levada import jsonpath
from levada.errors import ContractBroken
from levada.nouns import Records
from levada.records.split import finder, parsed, split
from levada.secret import Secret


def texts(body, path=None):
    return [bytes(raw) for raw in split(body, Records(path))]


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (b"[]", []),
        (b' [ {"a" : 1 } ,\n2, null ] ', [b'{"a" : 1 }', b"2", b"null"]),
        (b'[{"price": 1e400, "id": 123456789012345678901234567890}]', None),
        (b'[{"a":"\xff"}]', None),
        (b'[{"a":{"b":[1,2]}},"x"]', [b'{"a":{"b":[1,2]}}', b'"x"']),
    ],
)
def test_a_list_gives_its_elements_as_the_api_wrote_them(body, records):
    assert texts(body) == ([body[1:-1]] if records is None else records)


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("path", [None, "$", "$[*]", "$.data[*]", "$..x"])
def test_an_empty_body_holds_no_records(body, path):
    assert texts(body, path) == []


def test_a_byte_order_mark_is_passed_over():
    assert texts(b'\xef\xbb\xbf[{"a":1}]') == [b'{"a":1}']
    assert texts(b'\xef\xbb\xbf{"a":1}', "$") == [b'{"a":1}']


def test_dollar_gives_one_record():
    assert texts(b' {"a": 1}\n', "$") == [b'{"a": 1}']


@pytest.mark.parametrize("bad", [rb'{"a":"\ud800"}', rb'"\udc00x"', rb'{"\ud83d":1, "b": [1e5, 12, -0.5, true]}'])
def test_a_lone_surrogate_is_a_bad_row_not_a_bad_page(bad):
    assert texts(b' [{"a":1} , ' + bad + b" ,\t{}] ") == [b'{"a":1}', bad, b"{}"]


def test_a_lone_surrogate_in_the_one_record():
    assert texts(b' {"a":"\\ud800","b":"\xff"} ', "$") == [b'{"a":"\\ud800","b":"\xff"}']


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'[{"a":1}, {"a"', "The body is no JSON: Input data was truncated (byte 14)."),
        (b'[{"a":1},]', "trailing comma in array (byte 9)"),
        (b"[NaN]", "invalid character (byte 1)"),
        (b'\xef\xbb\xbf[{"a":01}]', "invalid number (byte 10)"),
        (b"[1] x", "trailing characters"),
        (b'[1, "\\ud800", NaN]', "The body is no JSON: NaN is no number of JSON (byte 14)."),
        (b'["\\ud800 NaN", -Infinity]', "The body is no JSON: -Infinity is no number of JSON (byte 15)."),
        ('["ä\\ud800",]'.encode(), "The body is no JSON: Expecting value (byte 12)."),
        (b'[1, "\\ud800"] x', "The body is no JSON: trailing characters (byte 14)."),
        (b'[1, "\\ud800" "x"]', "The body is no JSON: Expecting ',' delimiter (byte 13)."),
        (b'["\\ud800"' + b"[" * 100_000, "The body is no JSON: Expecting ',' delimiter (byte 9)."),
        (b'["\\ud800",' + b"[" * 100_000, "The body is nested too deeply: 900 levels at byte 908."),
        (b'{"a": ', "The body is no JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "The body is nested too deeply: 900 levels at byte 899. It starts with: [[["),
        (
            b"<!DOCTYPE html><h1>Log in</h1>",
            "The body is HTML or XML, not JSON (byte 0): <!DOCTYPE html><h1>Log in</h1>",
        ),
    ],
)
def test_no_json_says_where_it_stops_being_json(body, what):
    with pytest.raises(ContractBroken) as told:
        split(body, Records())
    assert what in told.value.what
    assert told.value.todo


def test_an_object_in_place_of_a_list_names_its_keys_and_what_it_says():
    with pytest.raises(ContractBroken) as told:
        split(b'{"message": "You requested page that doesn\'t exist: page=5", "code": 7}', Records())
    assert told.value.what == (
        "The body is an object with the keys message, code, not a list of records. "
        'Its `message` says: "You requested page that doesn\'t exist: page=5"'
    )
    assert "`records: $`" in told.value.todo
    assert "`responses`" in told.value.todo


def test_of_many_keys_the_first_ten_are_named():
    body = json.encode({f"k{number}": 1 for number in range(20)})
    with pytest.raises(ContractBroken, match=r"keys k0, .*, k9, \.\.\., not a list"):
        split(body, Records())


@pytest.mark.parametrize(
    ("body", "records", "what"),
    [
        (b"12", None, "The body is a number, not a list of records. It starts with: 12"),
        (b'"x"', None, "The body is a string, not a list"),
        (b"null", None, "The body is null, not a list"),
        (b"true", None, "The body is true, not a list"),
        (b"[1]", "$", "The body is a list, but `records: $` says that it is one object. It starts with: [1]"),
        (b"false", "$", "The body is false, but"),
    ],
)
def test_another_shape_is_named(body, records, what):
    with pytest.raises(ContractBroken) as told:
        split(body, Records(records))
    assert told.value.what.startswith(what)


def test_messages_show_the_beginning_of_the_body_and_no_secret():
    secret = Secret("TOKEN", "open-sesame-4711")
    with pytest.raises(ContractBroken) as told:
        split(b"x" * 195 + secret.value.encode() + b"y" * 1000, Records())
    assert "x" * 195 in told.value.what
    assert "open" not in told.value.what
    assert len(told.value.what) < 320
    with pytest.raises(ContractBroken) as told:
        split(json.encode({"message": f"bad {secret.value}"}), Records())
    assert "bad [secret]" in told.value.what


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(values, max_size=6), st.sampled_from([None, " ", "\n\t "]))
def test_every_list_gives_its_elements_back(elements, blank):
    parts = [standard.dumps(element) for element in elements]
    body = f"{blank or ''}[{(blank or '') + ','.join(parts)}]{blank or ''}".encode()
    assert [standard.loads(text) for text in texts(body)] == elements


@settings(max_examples=60, deadline=None)
@given(st.lists(values, max_size=6), st.integers(1, 200))
def test_a_list_cut_anywhere_is_refused(elements, cut):
    body = standard.dumps(elements).encode()
    with pytest.raises(ContractBroken):
        split(body[: min(cut, len(body) - 1)], Records())


@pytest.mark.parametrize(
    "path", ["$", "$.meta.total", "$['meta']", "$.data[*].id", "$.data[?@.id > 1].id", "$.none", "$..id"]
)
def test_a_finder_gives_what_the_whole_tree_gives(path):
    body = b'{"meta": {"total": 12345678901234567890}, "data": [{"id": 1}, {"id": 2.0}]}'
    tree = parsed(body, Records())
    assert finder(body, Records())(path) == jsonpath.values(path, tree)
    assert finder(b"", Records())(path) == []
