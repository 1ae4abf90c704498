"""Every format: equal rows are equal bytes however they come, and are read back; JSON lines and CSV value by value."""

import csv
import gzip
import json
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.contract.model import Column, Contract, Field
from levada.staging import READERS, WRITERS, rows_of
from levada.staging.text import as_json, as_text
from staged import ALL, PLAIN_ROWS, ROW, plain_rows, written

FORMATS = sorted(WRITERS)
#: Of one size and of another, whatever rows of the contract need.
VARIANTS = [(form, {}) for form in FORMATS] + [
    ("parquet", {"row_group": 1}),
    ("parquet", {"codec": "none", "row_group": 100_000}),
    ("parquet", {"codec": "gzip"}),
    ("jsonl", {"codec": "gzip"}),
    ("csv", {"codec": "gzip", "delimiter": ";", "null": "NA"}),
]


def test_every_format_is_written_and_read():
    assert sorted(READERS) == FORMATS == ["avro", "csv", "delta", "jsonl", "parquet"]


@pytest.mark.parametrize(("form", "given"), VARIANTS, ids=lambda part: part if isinstance(part, str) else "")
def test_equal_rows_give_equal_bytes_however_they_come(form, given):
    once = written(form, [PLAIN_ROWS], **given)
    cuts = [PLAIN_ROWS[:1], (), PLAIN_ROWS[1:100], PLAIN_ROWS[100:4096], PLAIN_ROWS[4096:8200], PLAIN_ROWS[8200:]]
    assert written(form, cuts, **given) == once
    assert written(form, [[row] for row in PLAIN_ROWS], **given) == once
    assert written(form, [PLAIN_ROWS[:-1]], **given) != once


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_written_is_read_back(form):
    found = list(rows_of(form, BytesIO(written(form, [PLAIN_ROWS]))))
    assert len(found) == 9000
    texts = form in ("csv", "jsonl")
    assert found[1] == ({**PLAIN_ROWS[1], "day": "2022-08-02"} if form == "jsonl" else found[1])
    assert str(found[1]["n"]) == "1"
    assert found == PLAIN_ROWS or texts


@pytest.mark.parametrize("form", FORMATS)
def test_no_rows_are_a_file_that_can_be_read(form):
    assert list(rows_of(form, BytesIO(written(form, [()])))) == []


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("wrong", [{"n": True}, {"n": 2**63}, {"n": 1.0}, {"n": None}, {"day": "2022-08-09"}])
def test_what_the_contract_would_not_make_is_no_row(form, wrong):
    with pytest.raises(TypeError, match=f"column `{next(iter(wrong))}`"):
        written(form, [[{**PLAIN_ROWS[1], **wrong}]])


def test_json_lines_say_every_value():
    lines = written("jsonl", [plain_rows(2)]).decode().splitlines()
    assert lines == [
        '{"name":null,"n":0,"share":null,"day":"2022-08-01","ok":true}',
        '{"name":"nó 1","n":1,"share":0.14285714285714285,"day":"2022-08-02","ok":false}',
    ]


def test_every_type_has_its_json():
    made = {column.name: json.loads(as_json(column)(ROW[column.name])) for column in ALL}
    assert made == {
        "s": ROW["s"],
        "i": -1,
        "l": 2**62,
        "f": 0.1,
        "d": "12.30",
        "b": True,
        "day": "2022-08-09",
        "at": "2022-08-09T12:30:15.000001Z",
        "t": "23:59:59.000005",
        "raw": "AP8=",
        "u": str(ROW["u"]),
        "j": {"a": 1},
        "us": [str(ROW["u"]), None],
        "st": {"n": 1, "u": str(ROW["u"])},
    }
    assert not any("\n" in as_json(column)(ROW[column.name]) for column in ALL)
    assert as_json(ALL[-1])(None) == "null"


def test_every_type_has_its_text():
    made = {column.name: as_text(column)(ROW[column.name]) for column in ALL}
    assert made["s"] == ROW["s"]
    assert made["d"] == "12.30"
    assert made["b"] == "true"
    assert made["at"] == "2022-08-09T12:30:15.000001Z"
    assert json.loads(made["us"]) == [str(ROW["u"]), None]
    small = Column("d", "decimal", nullable=False, precision=38, scale=10)
    assert as_text(small)(Decimal("1E-10")) == "0.0000000001"


def test_a_number_that_json_has_no_word_for_is_refused():
    with pytest.raises(TypeError, match="nan has no text"):
        as_json(ALL[3])(float("nan"))


NAMES = Contract((Field("a;b", "string", nullable=True), Field("x", "string")))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.lists(st.tuples(st.none() | TEXTS, TEXTS)), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["", "NA"])
)
def test_what_csv_says_is_read_back_by_others(values, delimiter, null):
    rows = [{"a;b": first, "x": second} for first, second in values]
    text = written("csv", [rows], NAMES, delimiter=delimiter, null=null).decode()
    found = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert found == [["a;b", "x"], *([null if first is None else first, second] for first, second in values)]


def test_csv_tells_null_from_a_text_that_looks_like_it():
    rows = [{"a;b": value, "x": "y"} for value in (None, "", "NA", " blank", 'say "so"')]
    lines = written("csv", [rows], NAMES).decode().splitlines()
    assert lines == ["a;b,x", ",y", '"",y', "NA,y", '" blank",y', '"say ""so""",y']
    other = written("csv", [rows], NAMES, delimiter=";", null="NA").decode().splitlines()
    assert other[:4] == ['"a;b";x', "NA;y", '"";y', '"NA";y']


def test_packed_text_holds_no_name_and_no_time():
    data = written("jsonl", [plain_rows(3)], codec="gzip")
    assert data[3] == 0  # no flags: neither a file name nor a comment
    assert data[4:8] == bytes(4)
    assert gzip.decompress(data) == written("jsonl", [plain_rows(3)])
    assert list(rows_of("csv", BytesIO(written("csv", [plain_rows(2)], codec="gzip"))))[1]["n"] == "1"


def test_numbers_and_dates_are_quoted_where_they_hold_the_delimiter_or_look_like_null():
    row = [{**PLAIN_ROWS[1], "n": -1}]
    assert (
        written("csv", [row], delimiter="-").decode().splitlines()[1]
        == 'nó 1-"-1"-0.14285714285714285-"2022-08-02"-false'
    )
    assert written("csv", [row], null="-1").decode().splitlines()[1].split(",")[1] == '"-1"'
    assert written("csv", [row], null="false").decode().splitlines()[1].split(",")[4] == '"false"'
    assert written("csv", [row]).decode().splitlines()[1] == "nó 1,-1,0.14285714285714285,2022-08-02,false"
