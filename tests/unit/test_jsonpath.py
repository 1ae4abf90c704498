import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levada.errors import ContractBroken
from levada.jsonpath import ALL, locations, problem, simple, values

SHOP = {
    "meta": {"total": 3, "@odata.nextLink": "http://x/2"},
    "data": [{"id": 1, "tags": ["a"]}, {"id": 9007199254740993, "tags": ["b", "c"]}, {"id": None}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [SHOP]),
        ("$.meta.total", [3]),
        ("$.meta['@odata.nextLink']", ["http://x/2"]),
        ('$["meta"]["total"]', [3]),
        ("$.data[0].id", [1]),
        ("$.data[-1].id", [None]),
        ("$.data[7]", []),
        ("$.data[-4]", []),
        ("$.data.id", []),
        ("$.meta[0]", []),
        ("$.nothing", []),
        ("$.data[*].id", [1, 9007199254740993, None]),
        ("$.data[?@.id == 9007199254740993].tags[*]", ["b", "c"]),
        ("$.data[?@.id == 9007199254740992]", []),
        ("$.data[?@.id == -1e0 || @.id == 1E0].id", [1]),
        ("$.data[1:].id", [9007199254740993, None]),
        ("$..tags", [["a"], ["b", "c"]]),
        ("$.meta['total','total']", [3, 3]),
        ("$['meta', 'data'][0].id", [1]),
        (r"$['meta']['\u0074otal']", [3]),
        ("$.data[?match(@.tags[0], 'a')].id", [1]),
        ("$ .meta .total", [3]),
    ],
)
def test_values(path, found):
    assert problem(path) is None
    assert values(path, SHOP) == found


def test_locations_are_names_and_indexes_from_the_root():
    assert locations("$.data[-1]", SHOP) == [("data", 2)]
    assert locations("$..tags[0]", SHOP) == [("data", 0, "tags", 0), ("data", 1, "tags", 0)]
    assert locations("$", SHOP) == [()]


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("$.a.b", ("a", "b")),
        ("$['a-b'][*]", ("a-b", ALL)),
        ("$.a.*[0][-2]", ("a", ALL, 0, -2)),
        ("$['']", ("",)),
        ("$.größe", ("größe",)),
        ("$..a", None),
        ("$.a[01]", None),
        ("$.a[-0]", None),
        (r"$['a\'b']", None),
        ("$[0:1]", None),
        ("$.1a", None),
        ("a", None),
    ],
)
def test_simple_paths(path, steps):
    assert simple(path) == steps


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("data", "A path begins with `$`, the whole body: write `$.data`."),
        (".data[*]", "A path begins with `$`, the whole body: write `$.data[*]`."),
        ("", "A path begins with `$`, the whole body: write `$.` before the first name."),
        ("$.a b", "Character 5 of the path (b): "),
        ("$.data[", "unbalanced brackets."),
        ("$.data[*", "unbalanced brackets."),
        ("$.a[?@.x = 1]", "Character 10 of the path (= 1]): unexpected filter selector token '='."),
        ("$.a[?len(@.x) == 1]", "function 'len' is not defined."),
        ("$.a[?@..x == 1]", "non-singular query is not comparable."),
        ("$.a[01]", "leading zero in index selector."),
        ("$.a[]", "empty bracketed segment."),
        ("$.a.", "At the end of the path: "),
        ("$.a[0,]", "Character 7 of the path (]): unexpected trailing comma."),
        ("$.a[0 1]", "'1' is not expected here."),
        ("$.a[?@.x == 1e999]", "a number in it is too large."),
        ("$[?" + "(" * 3000 + "@.a" + ")" * 3000 + "]", "nested too deeply"),
        ("$.a[99999999999999999999]", "index out of range."),
        (r"$['\x']", "invalid escape."),
    ],
)
def test_what_is_no_path_is_told_with_its_place(path, said):
    assert said in problem(path)
    assert "TokenType" not in problem(path)


def test_a_tree_too_deep_for_dots_is_told():
    tree: list = []
    for _ in range(600):
        tree = [tree]
    with pytest.raises(ContractBroken, match=r"nested too deeply for the path \$\.\.a"):
        values("$..a", tree)


names = st.sampled_from(["a", "b", "a-b", "", "@type", "ä", "x y", 'q"'])
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
steps = st.lists(st.one_of(names.map(lambda name: f"['{name}']"), st.sampled_from(["[0]", "[-1]", "[2]", ".a"])))


def reached(tree, location):
    for step in location:
        tree = tree[step]
    return tree


@settings(max_examples=200, deadline=None)
@given(trees, steps)
def test_the_short_way_and_the_library_agree(tree, parts):
    path = "$" + "".join(parts)
    assert simple(path) is not None
    assert values(path, tree) == [reached(tree, location) for location in locations(path, tree)]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("$.[]*'\"a01-ä \\?@"), max_size=8))
def test_every_simple_path_is_one_for_the_library_too(text):
    path = f"${text}"
    if simple(path) is not None:
        assert locations(path, 1) == ([()] if path == "$" else [])
    assert isinstance(problem(path), str | None)
