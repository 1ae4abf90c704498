"""Whole pages and record by record say the same, for contracts of every type, form and rule, and any bytes."""

import json
from collections import Counter
from dataclasses import replace

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from levada.contract.check import Memory, check_page, check_record, prepare
from levada.contract.memory import _Places
from levada.contract.model import Contract, Field, Length
from levada.contract.quick import plainly_good
from levada.contract.values import keyed

#: Fields of every type and rule, but for names.
SHAPES = [
    Field("", "string", length=Length(1, 3)),
    Field("", "string", enum=("abc", "a")),
    Field("", "string", pattern="a.c"),
    Field("", "int32", max=5),
    Field("", "date", equals="2022-08-09"),
    Field("", "string", decode="json"),
    Field("", "int32", parse=("number",), min=-5),
    Field("", "int64", parse=("comma_number",)),
    Field("", "int64", decode="python_literal"),
    Field("", "float64", parse=("number",)),
    Field("", "float64"),
    Field("", "decimal", precision=6, scale=2, max=50),
    Field("", "decimal", precision=6, scale=2, parse=("number",)),
    Field("", "boolean", parse=("zero_one", "true_false")),
    Field("", "date", parse=("year_first", "%d.%m.%Y"), min="2000-01-01"),
    Field("", "timestamp", timezone="Europe/Lisbon", parse=("epoch", "microseconds")),
    Field("", "timestamp"),
    Field("", "time"),
    Field("", "binary", length=Length(0, 2)),
    Field("", "uuid"),
    Field("", "json"),
    Field("", "list", item=Field("item", "int32", nullable=True, max=100), length=Length(0, 2)),
    Field("", "struct", parts=(Field("a", "int32"), Field("b", "string", nullable=True, source="c"))),
    Field("", "list", item=Field("item", "struct", parts=(Field("a", "float64"),))),
    Field("", "string", max="b"),
    Field("", "int32"),
    Field("", "int64", min=-1),
    Field("", "boolean", equals=True),
    Field("", "date"),
    Field("", "date", parse=("%Y-%d-%m",)),
    Field("", "time", parse=("iso", "%I:%M %p"), max="12:00"),
    Field("", "timestamp", parse=("iso", "%d.%m.%Y %H:%M %z"), min="2000-01-01T00:00:00Z"),
    Field("", "decimal", precision=38, scale=0),
    Field("", "decimal", precision=6, scale=3, parse=("comma_number",)),
    Field("", "list", item=Field("item", "decimal", precision=4, scale=1)),
    Field("", "list", item=Field("item", "list", item=Field("item", "string", length=Length(1)))),
    Field("", "list", item=Field("item", "timestamp", timezone="UTC"), decode="json"),
    Field("", "struct", parts=(Field("a", "struct", parts=(Field("b", "json", nullable=True),)),)),
    Field("", "struct", decode="python_literal", parts=(Field("a", "decimal", precision=5, scale=1, nullable=True),)),
]
NAMES = ("a", "b:c", "d é", '"e', "class", "f")
VALUES = [
    *("null", "0", "1", "12", "1.0", "12.25", "12.255", "1e2", "true", "false", "-0", "1e400", "9" * 30),
    *(
        '""',
        '"abc"',
        '"abcd"',
        '"712$"',
        '"USD 1,234"',
        '"1.234,5"',
        '"true"',
        '"1"',
        '"None"',
        "\"{'a': 1}\"",
        '"[1]"',
    ),
    *('"2022-08-09"', '"2022-9-7"', '"2022/09/14"', '"2022-Aug-30"', '"30.08.2022"', '"1999-1-1"', '"2022-02-30"'),
    *('"2022-08-09T10:11:12Z"', '"2022-08-09 10:11"', '"2022-03-27 01:30"', '"2022-08-09T10:11:12.1234567Z"'),
    *('"10:30"', '"AAH/"', '"AAH/AAH/"', '"01234567-89ab-cdef-0123-456789abcdef"', '"\\ud800"', '"\xff"', "NaN"),
    *("[]", "[1, null]", "[1, 2, 3]", '[{"a": 1.5}]', '[{"a": 1, "a": 2}]', '{"a": 1}', '{"a": 1, "c": ":"}'),
    *("-0.0", "-1", "0.0", "1E400", "-1e400", "1e-400", "Infinity", "-Infinity", "2147483648", "9223372036854775808"),
    *("-9223372036854775808", "9007199254740993", "9007199254740993.0", "1.0e0", "01", "+1", "1.", ".5", "0x1", "True"),
    *(
        '"\u0661\u0662"',
        '"\uff11\uff12"',
        '" 12 "',
        '"\u00a012"',
        '"712 ABC"',
        '"NaN"',
        '"Infinity"',
        '"-0"',
        '"1e400"',
        '"1_0"',
    ),
    *(
        '"TRUE"',
        '"0"',
        '" "',
        '"\\u0000"',
        '"e\u0301"',
        '"\u00e9"',
        '"\U0001f600"',
        '"b"',
        '"\uff11\uff10:\uff13\uff10"',
        '"12:05 pm"',
    ),
    *('"2022-08-09T10:11:12+14:00"', '"2022-08-09T10:11:12-00:00"', '"2022-08-09T10:11:12+24:00"', '"9.8.2022 1:00 Z"'),
    *(
        '"0001-01-01T00:00:00+14:00"',
        '"9999-12-31T23:59:59-14:00"',
        '"\uff12\uff10\uff12\uff12-08-09"',
        '"2022-08-09 "',
        '"2022-08-09T00"',
    ),
    *(
        '"2022-08-09T10:11:12.5Z"',
        '"2022-08-09T10:11:60Z"',
        '"2022-08-09t10:11:12z"',
        '"0000-01-01"',
        '"2022-10-30 01:30"',
    ),
    *("[1.5, null]", '["1.5"]', '[["a"], []]', '[[""]]', "[[[]]]", '"[\\"2022-08-09 10:11\\"]"', '{"a": {"b": null}}'),
    *(
        "\"{'a': 1.5}\"",
        "\"{'a': r'x'}\"",
        "\"{'a': 1, 'a': 2}\"",
        "\"{'a': True}\"",
        "\"('a',)\"",
        '"[1, 1e999]"',
        '"NaN"',
    ),
    *('{"a": 1, "more": "x"}', '{"a": {"b": [5]}}', '{"a" : [7]}', "{}"),
]
values = st.sampled_from(VALUES)
#: Where a value is, and what is around it in its record.
SOURCES = {
    None: "{}",
    "key": "{}",
    "$.p.a": '{{"a": {}}}',
    "$['p'][0]": "[{}, 5]",
    "$.p.q[-1]": '{{"b": 0, "q": [{}]}}',
}


@st.composite
def contracts(draw):
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4))
    fields = []
    for number, (name, shape) in enumerate(zip(NAMES, shapes, strict=False)):
        source = draw(st.sampled_from([None, None, None, *SOURCES]))
        source = source and source.replace("p", f"p{number}").replace("key", f"key{number}")
        fields.append(replace(shape, name=name, nullable=draw(st.booleans()), source=source))
    if draw(st.integers(0, 3)) == 0:
        fields.append(Field("first", "int32", parse=("number",), nullable=True))
        fields.append(Field("last", "string", null_exactly_when=(("first", (1, None)),)))
    if draw(st.integers(0, 3)) == 0:
        fields.append(replace(fields[0], name="again", source=fields[0].source or fields[0].name))
    plain = [field for field in fields if field.type not in ("list", "struct", "json")]
    sure = [field.name for field in plain if not field.optional]
    once = draw(st.sampled_from([None, *(field.name for field in plain)]))
    return Contract(
        tuple(replace(field, unique=True) if field.name == once else field for field in fields),
        unknown=draw(st.sampled_from(["drop", "drop", "keep", "refuse"])),
        strict=draw(st.booleans()),
        decode=draw(st.sampled_from([(), (), (), (("a", "python_literal"),), (("key0", "json"),)])),
        key=tuple(sure[:2]) if draw(st.booleans()) else (),
        on_bad=draw(st.sampled_from(["quarantine", "nullify"])),
    )


#: Values that are good for a shape, so that whole records often are.
FITTING = {
    "string": ['"abc"', '"a"', '"\\"a\\""'],
    "int32": ["1", "12", "4"],
    "int64": ["1", '"1.234"', '"12"'],
    "float64": ["1.5", '"$1"', "2.0"],
    "decimal": ["1.5", '"2.25"', "3"],
    "boolean": ["true", "0", '"false"'],
    "date": ['"2022-08-09"', '"2022-08-09"', '"2022-08-10"'],
    "timestamp": ['"2022-08-09T10:11:12Z"', "1660000000", '"2022-08-09 10:11"'],
    "time": ['"10:30"', '"23:59:59.5"'],
    "binary": ['"AAE="', '""'],
    "uuid": ['"01234567-89ab-cdef-0123-456789abcdef"'],
    "json": ["[1]", '{"a": ":"}', '"x"'],
    "list": ["[]", "[1]", '[{"a": 1.5}]', '[["a"], ["b"]]', '"[\\"2022-08-09 10:11Z\\"]"'],
    "struct": ['{"a": 1}', '{"c": "é", "a": 2}', '{"a": 1, "more": 1}', '{"a": {"b": {"c": ":"}}}', "\"{'a': 1.5}\""],
}


def pair(field, value):
    """A key of a record in which the value of a field is, and all of the value."""
    source = field.source
    if source is None or source in NAMES:
        return json.dumps(source or field.name, ensure_ascii=False), value
    number = "".join(filter(str.isdigit, source))[0]
    known = source.replace(number, "", 1)
    return json.dumps(f"{'p' if '$' in known else known}{number}"), SOURCES[known].format(value)


#: What may be wrong with a record besides its values.
MORE = ['"a": 1', '"a": 1', '"\\u0061": "b"', '"more": {"x": ":"}', '"mo:re": "\\":"', '"more": "é"', '"key0": null']


@st.composite
def records(draw, contract):
    """Mostly good ones."""
    untidy = draw(st.sampled_from([False, False, True]))
    pairs = []
    for field in contract.fields:
        fitting = st.sampled_from(FITTING[field.type])
        pairs.append(pair(field, draw(st.one_of(fitting, values) if untidy else fitting)))
    pairs = list(dict(pairs).items())
    if untidy and draw(st.booleans()):
        pairs.pop()
    texts = [f"{key}{draw(st.sampled_from([': ', ' :'])) if untidy else ': '}{value}" for key, value in pairs]
    if untidy or contract.unknown == "drop":
        texts += draw(
            st.sampled_from([[], MORE[3:4], draw(st.lists(st.sampled_from(MORE), max_size=2)) if untidy else []])
        )
    text = "{" + ", ".join(texts) + "}"
    return text.encode("latin-1" if untidy and draw(st.booleans()) else "utf-8", "replace")


@st.composite
def pages(draw):
    contract = draw(contracts())
    one = records(contract)
    return contract, draw(st.lists(st.one_of(one, one, one, values.map(str.encode)), max_size=25))


def exactly(rows):
    return [[(name, type(value), repr(value)) for name, value in row.items()] for row in rows]


@settings(max_examples=100)
@given(pages())
def test_what_whole_pages_call_good_is_the_row_that_the_record_path_makes(drawn):
    contract, page = drawn
    checker = prepare(contract)
    for raw, row in zip(page, plainly_good(checker.quick, page, Memory()), strict=True):
        if row is not None:
            exact = check_record(checker, raw)
            assert isinstance(exact, dict), exact
            assert exactly([row]) == exactly([exact])


def slowly(checker, contract, page):
    """The verdicts of a page, record by record, and what comes only once by comparing rows."""
    kept, rejected = [], []
    for index, raw in enumerate(page):
        found = check_record(checker, raw)
        if not isinstance(found, dict):
            rejected.append((index, Counter(found)))
            continue
        demands = [("key", contract.key)] if contract.key else []
        demands += [("unique", (field.name,)) for field in contract.fields if field.unique]
        same = [
            (rule, names)
            for rule, names in demands
            if any(all(found[name] == row[name] and found[name] is not None for name in names) for row in kept)
        ]
        if same:
            rejected.append((index, Counter(rule for rule, _ in same)))
        else:
            kept.append(found)
    return kept, rejected


@settings(max_examples=100)
@given(pages())
def test_a_page_is_its_records_one_by_one(drawn):
    contract, page = drawn
    contract = replace(contract, on_bad="quarantine")
    checker = prepare(contract)
    batch = check_page(checker, 3, [msgspec.Raw(raw) for raw in page])
    kept, rejected = slowly(checker, contract, page)
    assert exactly(batch.rows) == exactly(kept)
    assert [one.index for one in batch.rejected] == [index for index, _ in rejected]
    for one, (_, told) in zip(batch.rejected, rejected, strict=True):
        assert told in (Counter(one.violations), Counter(each.rule for each in one.violations))
    assert batch.read == len(page)


@given(pages(), st.integers(0, 25))
def test_a_page_in_two_parts_is_the_page(drawn, cut):
    contract, page = drawn
    checker = prepare(contract)
    whole, memory, parts = Memory(), Memory(), []
    batch = check_page(checker, 3, page, whole)
    for first, records in ((0, page[:cut]), (len(page[:cut]), page[cut:])):
        parts.append(check_page(checker, 3, records, memory, range(first, first + len(records))))
    assert exactly(batch.rows) == exactly([row for part in parts for row in part.rows])
    assert batch.rejected == tuple(one for part in parts for one in part.rejected)
    assert batch.nullified == sum(part.nullified for part in parts)
    assert whole.keys == memory.keys


@given(pages())
def test_every_key_of_every_object_is_remembered(drawn):
    contract, page = drawn
    memory, keys = Memory(), set()
    check_page(prepare(replace(contract, on_bad="quarantine")), 1, page, memory)
    for raw in page:
        try:
            raw.decode()
            keys.update(keyed(raw))
        except ValueError:
            continue
    assert memory.keys == keys


hashes = st.binary(min_size=16, max_size=16)


@given(st.dictionaries(hashes, st.integers(0, 2**64 - 1), max_size=50), hashes)
def test_places_are_found_again(places, other):
    table = _Places()
    unlike = {bytes([*hashed[:7], hashed[7] | 1, *hashed[8:]]): number for hashed, number in places.items()}
    for hashed, number in unlike.items():
        table.add(hashed, number)
    assert {hashed: table.get(hashed) for hashed in unlike} == unlike
    assert table.get(other) in (None, *unlike.values())


def test_many_places_are_found_again_and_take_little_room():
    table = _Places()
    for number in range(100_000):
        table.add(number.to_bytes(8) * 2, number)
    assert all(table.get(number.to_bytes(8) * 2) is not None for number in range(0, 100_000, 7))
    assert table.get((100_001).to_bytes(8) * 2) is None
    taken = sum(part.itemsize * len(part) for part in (table._high, table._low, table._number))  # noqa: SLF001 - its room
    assert taken <= 72 * 100_000
