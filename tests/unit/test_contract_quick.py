"""The quick path says what the record path says, for any contract and any bytes; counts add up."""

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from levada.contract import check, quick
from levada.contract.check import Memory, check_page, check_record, prepare
from levada.contract.model import Contract, Field
from levada.contract.quick import plainly_good

NAMES = ("a", "b:c", "d é", '"e', "class", "f")
RULES = {
    "string": {"pattern": "^[a-z]", "max": "x"},
    "int32": {"min": -5, "enum": (1, 2, 346)},
    "int64": {"max": 2**40},
    "float64": {"min": 0.5},
    "boolean": {"equals": True},
    "date": {"equals": "2022-08-09"},
}

good = st.one_of(
    st.sampled_from(['"abc"', '"2022-08-09"', "1", "346", "346.0", "true", "0.5", "null", '"12:30"', '"say \\":1"']),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(json.dumps),
    st.text(max_size=5).map(json.dumps),
    st.dates().map(lambda day: json.dumps(day.isoformat())),
)
values = st.one_of(
    good,
    st.sampled_from(
        [
            "1e400",
            "1E2",
            "-0",
            "1.7",
            '"2022-8-9"',
            '"2022-02-30"',
            '"\\ud800"',
            '{"a": 1, "a": 2}',
            '{"a" :[":"]}',
            "[" * 2000 + "]" * 2000,
            '"\\u0000"',
            "NaN",
            "9" * 5000,
            "01",
            "{}",
            '"\n"',
            '"\\q"',
        ]
    ),
)
keys = st.sampled_from([*map(json.dumps, NAMES), '"\\u0061"', '"more"', '"mo:re"', '"\xff"', '"_unknown"'])


@st.composite
def contracts(draw):
    kinds = draw(st.lists(st.sampled_from(sorted(RULES)), max_size=len(NAMES)))
    fields = tuple(
        Field(name, kind, nullable=draw(st.booleans()), **(RULES[kind] if draw(st.booleans()) else {}))
        for name, kind in zip(NAMES, kinds, strict=False)
    )
    return Contract(fields, unknown=draw(st.sampled_from(["drop", "keep", "refuse"])))


@st.composite
def records(draw):
    pairs = draw(st.lists(st.tuples(keys, st.sampled_from([":", ": ", " :", "\t:"]), values), max_size=7))
    text = "{" + draw(st.sampled_from([", ", ","])).join(map("".join, pairs)) + "}"
    return text.encode(draw(st.sampled_from(["utf-8", "latin-1"])), "replace")


def fitting(contract):
    """A record that a lenient eye would call good: each key once, values of the right type, some against a rule."""
    of_kind = {
        "string": st.sampled_from(['"abc"', '"12:30"', '"é"', '"abc"']),
        "int32": st.sampled_from(["1", "346", "346.0", "3"]),
        "int64": st.integers(-(2**63), 2**39).map(str),
        "float64": st.floats(0.4, 1e9).map(json.dumps),
        "boolean": st.sampled_from(["true", "true", "false"]),
        "date": st.sampled_from(['"2022-08-09"', '"2022-08-09"', '"2022-08-10"']),
    }
    pairs = [
        of_kind[field.type].map(json.dumps(field.name, ensure_ascii=False).__add__(": ").__add__)
        for field in contract.fields
    ]
    more = st.sampled_from(['"more": {"a": ":"}', '"more": "\\":"', '"more": "é", "at": "10:11"', '"é": 1'])
    parts = st.tuples(*pairs, *([more] if contract.unknown == "drop" else []))
    encodings = st.sampled_from(["utf-8", "utf-8", "latin-1"])
    return st.builds(lambda each, encoding: ("{" + ", ".join(each) + "}").encode(encoding), parts, encodings)


@given(st.data(), contracts())
def test_quick_and_record_path_agree(data, contract):
    one = st.one_of(records(), fitting(contract), values.map(str.encode), st.binary(max_size=20))
    page = data.draw(st.lists(one, max_size=6))
    checker = prepare(contract)
    for raw, row in zip(page, plainly_good(checker.quick, page, Memory()), strict=True):
        if row is not None:
            exact = check_record(checker, raw)
            assert isinstance(exact, dict), exact
            assert [(name, type(value), repr(value)) for name, value in row.items()] == [
                (name, type(value), repr(value)) for name, value in exact.items()
            ]


@given(st.data(), contracts())
def test_a_page_is_its_records_one_by_one_and_counts_add_up(data, contract):
    page = data.draw(st.lists(st.one_of(records(), fitting(contract)), max_size=6))
    checker = prepare(contract)
    batch = check_page(checker, 7, [msgspec.Raw(raw) for raw in page])
    alone = [check_record(checker, raw) for raw in page]
    assert repr(batch.rows) == repr(tuple(each for each in alone if isinstance(each, dict)))
    bad = [(index, each) for index, each in enumerate(alone) if isinstance(each, tuple)]
    assert [(one.index, one.violations, one.raw) for one in batch.rejected] == [
        (index, each, page[index]) for index, each in bad
    ]
    assert batch.read == len(page) == len(batch.rows) + len(batch.rejected)


@given(st.data(), contracts())
def test_nullify_keeps_what_quarantine_takes_out(data, contract):
    page = data.draw(st.lists(records(), max_size=6))
    nullify = Contract(contract.fields, on_bad="nullify", unknown=contract.unknown)
    strict, mild = (check_page(prepare(one), 1, page) for one in (contract, nullify))
    assert strict.read == mild.read == len(page)
    kept = {one.index for one in strict.rejected} - {one.index for one in mild.rejected}
    assert mild.nullified == sum(
        len({each.path for each in one.violations}) for one in strict.rejected if one.index in kept
    )


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "at": "10:11:12", "more": {"id": 7, "a": [":"]}}',
        b'{"a":1,"at":"\xc3\xa9","more":null}',
        b'{"more": "\\":", "a": 1}',
    ],
)
def test_the_quick_path_takes_records_with_more_keys_than_the_contract(raw):
    assert plainly_good(prepare(Contract((Field("a", "int32"),))).quick, [raw], Memory()) == [{"a": 1}]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 2, "more": "b"}',
        b'{"a": 1, "more": "\xff"}',
        b'{"a": 1, "\xff": "b"}',
        b'{"a": 1, "more": 1, "a": 1}',
        b'{"a" : 1, "more": 1, "a": 1}',
        b'{"a": 1, "other": 1}',
        b'{"a": 1.0, "more": 1}',
    ],
)
def test_the_quick_path_leaves_doubtful_records_to_the_record_path(raw):
    good = b'{"more": 1, "a": 1}'
    found = plainly_good(prepare(Contract((Field("a", "int32", equals=1),))).quick, [good, raw, good], Memory())
    assert found == [{"a": 1}, None, {"a": 1}]


def test_the_quick_path_takes_the_sales_records(monkeypatch):
    contract = Contract((Field("a", "date", equals="2022-08-09"), Field("b", "int64", nullable=True)))
    monkeypatch.setattr(check, "_examine", None)
    page = [b'{"a": "2022-08-09", "b": 1}', b'{"b": null, "a": "2022-08-09"}', b'{"a": "2022-08-09"}']
    assert [row["b"] for row in check_page(prepare(contract), 1, page).rows] == [1, None, None]


PACKED = Contract(
    (
        Field("a", "string", source="$.p.a", nullable=True, pattern="^[a-z]*$"),
        Field("b", "int32", source="$.p.b", nullable=True, max=5),
        Field("c", "json", source="p", nullable=True),
        Field("d", "string", decode="json", nullable=True),
    ),
    decode=(("p", "python_literal"), ("d", "json"), ("nobody", "json")),
)
packed = st.sampled_from(
    [
        "{'a': 'x'}",
        "{'a': 'X'}",
        "{'a': 'x', 'b': 3}",
        "{'a': 1}",
        "{'b': 9}",
        "None",
        "{}",
        "[]",
        "{'a': ':'}",
        "{",
        "7",
    ]
)
packs = st.builds(
    lambda text, nested, one: json.dumps({"p": text, **nested, **one}).encode(),
    packed | st.none() | st.just({}),
    st.sampled_from([{}, {"d": '"\\"deep\\""'}, {"d": '"flat"'}, {"d": None}, {"d": "7"}]),
    st.sampled_from([{}, {"nobody": "{"}, {"nobody": 5}]),
)


@given(st.lists(packs, max_size=25))
def test_the_two_paths_agree_on_what_is_packed(page):
    checker = prepare(PACKED)
    alone = [check_record(checker, raw) for raw in page]
    for raw, row, exact in zip(page, plainly_good(checker.quick, page, Memory()), alone, strict=True):
        assert row is None or repr(row) == repr(exact), raw
    batch = check_page(checker, 1, page)
    assert repr(batch.rows) == repr(tuple(each for each in alone if isinstance(each, dict)))
    assert [one.violations for one in batch.rejected] == [each for each in alone if isinstance(each, tuple)]


def test_a_packed_key_is_unpacked_once_for_all_of_its_fields(monkeypatch):
    opened = []
    true = quick.unpacked
    monkeypatch.setattr(quick, "unpacked", lambda how, raw: opened.append(how) or true(how, raw))
    monkeypatch.setattr(check, "_examine", None)
    page = [json.dumps({"p": f"{{'a': 'x', 'b': {number}}}", "d": None}).encode() for number in range(5)]
    rows = check_page(prepare(PACKED), 1, page).rows
    assert [(row["a"], row["b"], row["c"]) for row in rows] == [
        ("x", number, f'{{"a": "x", "b": {number}}}') for number in range(5)
    ]
    assert opened == ["python_literal"] * 5 + ["json"] * 5


@given(st.binary(max_size=40))
@example(b'{"a":1},{"a":1}')
@example(b'{"a":1}\n')
def test_any_bytes_give_a_row_or_violations(raw):
    found = check_record(prepare(Contract((Field("a", "int32"),), unknown="keep")), raw)
    assert isinstance(found, dict) or all(each.reason for each in found)
