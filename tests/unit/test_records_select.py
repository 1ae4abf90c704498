import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levada.errors import ContractBroken
from levada.nouns import Records
from levada.records.split import split
from levada.secret import Secret


def texts(body, path, **more):
    return [bytes(raw).decode() for raw in split(body.encode(), Records(path, **more))]


RAW = '{"p": 1.0, "q":1e400,\n"n":123456789012345678901234567890,"d":1,"d":2 }'


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (f'{{"data": [{RAW}]}}', "$.data"),
        (f'{{"data": [{RAW}]}}', "$.data[*]"),
        (f'{{"data": [{RAW}]}}', "$.data.*"),
        (f'{{"data": [{RAW}]}}', "$['data'][*]"),
        (f'{{"data": [{RAW}]}}', "$.data[0]"),
        (f'{{"data": [{RAW}]}}', "$.data[-1:]"),
        (f'{{"data": [{RAW}]}}', "$.data[?@.d == 2]"),
        (f'{{"data": [{RAW}]}}', "$..data"),
        (f'{{"data": [{RAW}]}}', "$ .data"),
        (f'{{"data": {RAW}}}', "$.data"),
        (f'{{"a-b":\n{{"rows" :[{RAW}]}} , "x":"]"}}', "$['a-b'].rows[*]"),
        (f'{{"": [{RAW}]}}', "$[''][*]"),
        (f'{{"null": [{RAW}]}}', "$.null[*]"),
        (f'{{"d\\u0061ta": [{RAW}]}}', "$.data[*]"),
        (f'{{"data": [1, 2], "data": [{RAW}]}}', "$.data[*]"),
        (f'{{"data": 7, "data": [{RAW}]}}', "$.data[*]"),
        (f"[{RAW}]", "$[*]"),
        (f"[{RAW}]", "$.*"),
        (f"[[{RAW}]]", "$[0]"),
        (f'{{"data": {{"k": {RAW}}}}}', "$.data.*"),
        (f'{{"data": {{"k": [{RAW}]}}}}', "$.data.*"),
        (f'[{{"x": [{RAW}]}}, {{}}]', "$[*].x"),
        (f'{{"data": [{RAW}], "more": "\\ud800"}}', "$.data[*]"),
        (f'{{"data": [{RAW}], "\\ud800": 1}}', "$.data[*]"),
        (f'{{"data": [{RAW}], "\\ud800": [1e400]}}', "$.data[?@.d]"),
        (f'{{"data": {{"\\udc00": {RAW}}}}}', "$.data.*"),
    ],
)
def test_each_way_to_the_records_keeps_their_text(body, path):
    assert texts(body, path) == [RAW]


@pytest.mark.parametrize(
    ("body", "path", "found"),
    [
        ('{"a": [{"x": [1, 2]}, {"x": [3]}]}', "$.a[*].x", ["1", "2", "3"]),
        ('{"a": [{"x": [1, 2]}]}', "$.a[*].x", ["1", "2"]),
        ('{"a": [{"x": {"k": 1}}, {"x": null}, {"y": 1}]}', "$.a[*].x", ['{"k": 1}']),
        ('{"a": [1, 2], "b": [3]}', "$['a', 'b']", ["1", "2", "3"]),
        ('{"a": [[1, 2], [3]]}', "$.a", ["[1, 2]", "[3]"]),
        ('{"a": [[1, 2], [3]]}', "$.a[*]", ["[1, 2]", "[3]"]),
        ('{"a": [[1, 2], [3]]}', "$.a[*][*]", ["1", "2", "3"]),
        ('{"a": {"x": [1], "y": 2, "z": null}}', "$.a.*", ["1", "2", "null"]),
        ('{"a": [1, null, "x"]}', "$.a[*]", ["1", "null", '"x"']),
        ('{"a": "x"}', "$.a", ['"x"']),
        ('{"users": null, "next": null}', "$.users", []),
        ('{"users": null, "next": null}', "$.users[*]", []),
        ('{"users": []}', "$.users[*]", []),
        ('{"users": []}', "$.users[*].posts[*]", []),
        ('{"users": {}}', "$.users.*", []),
        ('{"users": [{"id": 1}]}', "$.users[?@.id > 1]", []),
        ('{"users": [{"id": 1}]}', "$.users[5:]", []),
        ('{"a": [{"x": null}]}', "$..x", []),
        ('{"a": [{"x": [1]}, {"b": {"x": [2, 3]}}]}', "$..x", ["1", "2", "3"]),
        ('{"a": {"x": 1}}', "$..*", ['{"x": 1}', "1"]),
        ('{"a": [2, 1]}', "$.a[::-1]", ["1", "2"]),
        ('{"a": [1]}', "$['a', 'a']", ["1", "1"]),
        ("[]", "$[*]", []),
    ],
)
def test_what_matches(body, path, found):
    assert texts(body, path) == found


@pytest.mark.parametrize(
    ("body", "path", "what"),
    [
        (
            '{"meta": {}, "data": []}',
            "$.dta[*]",
            "finds nothing: the body is an object with the keys meta, data, and has no `dta`. The nearest is `data`.",
        ),
        (
            '{"data": {"rows": 1, "total": 2}}',
            "$.data.items",
            "`records: $.data.items` finds nothing: `$.data` is an object with the keys rows, total, and has no",
        ),
        (
            '{"data": null, "errors": [{"message": "no such field"}]}',
            "$.data.items[*]",
            "`records: $.data.items[*]` finds nothing: `$.data` is null.",
        ),
        (
            '{"message": "not allowed"}',
            "$.items[*]",
            'an object with the keys message, and has no `items`. Its `message` says: "not allowed"',
        ),
        ("{}", "$.a", "finds nothing: the body is an object with the keys (none), and has no `a`."),
        ('{"data": "x"}', "$.data[*]", "`records: $.data[*]` finds nothing: `$.data` is a string."),
        ('{"a": [{"y": 1}]}', "$.a[*].x", "finds nothing: `$.a[0]` is an object with the keys y, and has no `x`."),
        ('{"a": [1]}', "$.a[3]", "finds nothing: `$.a` is a list."),
        ("[1]", "$.a", "finds nothing: the body is a list."),
        ("null", "$.a", "finds nothing: the body is null."),
        ("7", "$[*]", "`records: $[*]` finds nothing: the body is a number."),
        ('{"a": 1}', "$..x", "finds nothing: the body is an object with the keys a."),
        ('{"a": 1}', "$.b[?@.x]", "finds nothing: the body is an object with the keys a."),
        ('{"\\ud800": 1}', "$.b", "finds nothing: the body is an object with the keys ?, and has no `b`."),
    ],
)
def test_a_path_that_finds_nothing_says_what_is_there(body, path, what):
    with pytest.raises(ContractBroken) as told:
        texts(body, path)
    assert what in told.value.what
    assert "optional: true" in told.value.todo
    if path != "$[*]" and '"x"' not in body:
        assert texts(body, path, optional=True) == []


def test_keys_are_shown_without_secrets():
    secret = Secret("TOKEN", "open-sesame-4712")
    with pytest.raises(ContractBroken) as told:
        texts(json.dumps({secret.value: 1}), "$['open-sesame-471']")
    assert "The nearest is `[secret]`" in told.value.what
    assert secret.value not in str(told.value)


@pytest.mark.parametrize("path", ["$.data[*]", "$.data[?@.x]", "$..data"])
@pytest.mark.parametrize("body", ['{"data": [1, 2', '{"data": [1,]}', '{"data": [NaN]}', '{"data": [1]} x'])
def test_a_path_takes_no_broken_json(body, path):
    with pytest.raises(ContractBroken, match=r"The body is no JSON: .*byte"):
        texts(body, path)


def test_objects_of_objects_take_their_key_as_a_field():
    body = '{"rates": {"EUR": {"v": 1.10}, "X\\"Y": {}, "CHF": [{"v":1},{"v": 2}], "USD": 1.0}}'
    assert texts(body, "$.rates.*", key_as="currency") == [
        '{"currency":"EUR","v": 1.10}',
        '{"currency":"X\\"Y"}',
        '{"currency":"CHF","v":1}',
        '{"currency":"CHF","v": 2}',
        "1.0",
    ]
    assert texts(body, "$.rates[?@.v]", key_as="currency") == ['{"currency":"EUR","v": 1.10}']


def test_a_key_that_is_no_unicode_makes_a_bad_row_not_a_bad_page():
    (record,) = texts('{"rates": {"\\ud800": {"v": 1}}}', "$.rates.*", key_as="k")
    assert record == '{"k":"\\ud800","v": 1}'


def test_a_key_never_hides_a_field():
    with pytest.raises(ContractBroken) as told:
        texts('{"rates": {"EUR": {"v": 1, "currency": "euro"}}}', "$.rates.*", key_as="currency")
    assert told.value.what == 'The field `currency` cannot be added: a record has one already, which is "euro".'
    assert told.value.todo == "Give the added field another name than `currency`."


names = st.sampled_from(["a", "b", "a-b", "", "@t", "ä"])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)
paths = st.lists(st.one_of(names.map(lambda name: f"['{name}']"), st.sampled_from(["[0]", "[-1]", "[*]"])), min_size=1)


def reference(tree, steps):
    """What the rules say, in the plainest way."""
    nodes = [(tree, True)]
    star = steps[-1] == "[*]"
    for step in steps[:-1] if star else steps:
        further = []
        for node, _ in nodes:
            if step == "[*]" and isinstance(node, list | dict):
                further += [(each, False) for each in (node.values() if isinstance(node, dict) else node)]
            elif step.startswith("['") and isinstance(node, dict) and step[2:-2] in node:
                further.append((node[step[2:-2]], True))
            elif step in ("[0]", "[-1]") and isinstance(node, list) and node:
                further.append((node[int(step[1:-1])], False))
        nodes = further
    if not star:
        return [each for node, named in nodes for each in flattened(node, named)]
    spread = {dict: lambda node: [each for value in node.values() for each in flattened(value, False)], list: list}
    return [each for node, _ in nodes if isinstance(node, dict | list) for each in spread[type(node)](node)]


def flattened(node, named):
    return node if isinstance(node, list) else [] if node is None and named else [node]


@settings(max_examples=300)
@given(trees, paths)
def test_records_are_what_the_rules_say(tree, steps):
    expected = reference(tree, steps)
    try:
        found = texts(json.dumps(tree), "$" + "".join(steps))
    except ContractBroken as error:
        assert "finds nothing" in error.what  # noqa: PT017 - an error is one of two right outcomes
        assert expected == []
    else:
        assert [json.loads(text) for text in found] == expected


@settings(max_examples=200)
@given(trees, paths)
def test_the_walk_and_the_whole_language_agree(tree, steps):
    path = "".join(steps)
    body = json.dumps(tree)
    assert texts(body, f"$ {path}", optional=True) == texts(body, f"${path}", optional=True)
