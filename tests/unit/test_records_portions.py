"""Files of any length in portions: the same records as all at once, however the bytes come; bad lines named."""

import csv
import gzip
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.errors import ContractBroken, FixThis
from levada.nouns import Format, Records
from levada.records.columns import WrongColumns
from levada.records.portions import count, portions, streams
from levada.records.split import split

BARS = Format("csv", delimiter="|", nulls=("\\N",))
LIMIT = 1000


class Dribble(io.BytesIO):
    """A stream that gives a few bytes at a time, so that everything falls between two blocks somewhere."""

    def __init__(self, body: bytes, most: int) -> None:
        super().__init__(body)
        self.most = most

    def read(self, size=-1, /):
        return super().read(self.most if size < 0 else min(size, self.most))


def read(body, how=BARS, most=1 << 20, records=None, media=""):
    """Records with their place and line, and bad lines with place, line, reason and bytes."""
    records = records or Records(format=how)
    good, bad = [], []
    for portion in portions(Dribble(body, most), records, media, LIMIT):
        for number, record in enumerate(portion.records):
            at = portion.first + number
            good.append((at, portion.line(at), json.loads(bytes(record))))
        bad += [(each.index, each.line, each.why, each.raw) for each in portion.broken]
    assert count(Dribble(body, most), records, media, LIMIT) == len(good) + len(bad)
    return good, bad


CASES = {
    "rows": (b"a|b\n1|x\n2|\\N\n", [(0, 2, {"a": "1", "b": "x"}), (1, 3, {"a": "2", "b": None})], []),
    "blank lines, and none at the end": (
        b"\na|b\r\n\r\n1|x\n\n2|y",
        [(0, 4, {"a": "1", "b": "x"}), (1, 6, {"a": "2", "b": "y"})],
        [],
    ),
    "old line breaks": (b"a|b\r1|x\r2|y\r", [(0, 2, {"a": "1", "b": "x"}), (1, 3, {"a": "2", "b": "y"})], []),
    "a row over two lines": (
        b'a|b\n1|"x\ny"\n2|z\n',
        [(0, 2, {"a": "1", "b": "x\ny"}), (1, 4, {"a": "2", "b": "z"})],
        [],
    ),
    "a quote inside a value": (b'a|b\n1|x "y" z\n', [(0, 2, {"a": "1", "b": 'x "y" z'})], []),
    "a byte order mark": (b"\xef\xbb\xbfa|b\n1|x\n", [(0, 2, {"a": "1", "b": "x"})], []),
    "too few and too many": (
        b"a|b\n1\n2|x\n3|y|z\n",
        [(1, 3, {"a": "2", "b": "x"})],
        [(0, 2, "expected 2 columns, found 1", b"1"), (2, 4, "expected 2 columns, found 3", b"3|y|z")],
    ),
    "a quote that is never closed costs its line": (
        b'a|b\n1|"x\n2|y\n3|z\n',
        [(1, 3, {"a": "2", "b": "y"}), (2, 4, {"a": "3", "b": "z"})],
        [(0, 2, "unexpected end of data", b'1|"x')],
    ),
    "a quote that closes where none may": (
        b'a|b\n1|"x" y\n2|y\n',
        [(1, 3, {"a": "2", "b": "y"})],
        [(0, 2, "'|' expected after '\"'", b'1|"x" y')],
    ),
    "quotes over lines that make no row": (
        b'a|b\n1|"x\n2|y"|\n3|z\n',
        [(2, 4, {"a": "3", "b": "z"})],
        [(0, 2, "expected 2 columns, found 3", b'1|"x'), (1, 3, "expected 2 columns, found 3", b'2|y"|')],
    ),
    "bytes that are no text": (
        b"a|b\n1|\xff\n2|y\n",
        [(1, 3, {"a": "2", "b": "y"})],
        [(0, 2, "byte 3 of the line is no UTF-8", b"1|\xff")],
    ),
    "only a line of names": (b"a|b\n", [], []),
}


@pytest.mark.parametrize("most", [1, 3, 1 << 20])
@pytest.mark.parametrize("case", CASES)
def test_csv(case, most):
    body, good, bad = CASES[case]
    assert read(body, most=most) == (good, bad)


def test_null_is_a_whole_value_and_nothing_else():
    body = b'a|b\n\\N|x\\N\n"\\N"|\\N x\n'
    assert [row for _, _, row in read(body)[0]] == [{"a": None, "b": "x\\N"}, {"a": None, "b": "\\N x"}]
    tricky = b'a|b\n:\\N|""":\\N"\n:|\n'
    nulls = Format("csv", delimiter="|", nulls=("\\N", ""))
    assert [row for _, _, row in read(tricky, nulls)[0]] == [{"a": ":\\N", "b": '":\\N'}, {"a": ":", "b": None}]


@pytest.mark.parametrize("null", [",", ":", "}", "},{", ":null,", ":null},{"])
def test_a_null_may_look_like_what_stands_between_texts_of_json(null):
    body = f'a:|b:|c\nx:|y|\\N\n"{null}"|z:|"{null}"\n:|\\N|:\n'.encode()
    how = Format("csv", delimiter="|", nulls=(null, "\\N"))
    rows = [row for _, _, row in read(body, how)[0]]
    colon = None if null == ":" else ":"
    assert rows[0] == {"a:": "x:", "b:": "y", "c": None}
    assert rows[1] == {"a:": None, "b:": "z:", "c": None}
    assert rows[2] == {"a:": colon, "b:": None, "c": colon}


TEXT = st.text(alphabet='abé"|\n\r,:\\N x', max_size=8)


@given(
    st.lists(st.lists(TEXT, min_size=2, max_size=2).filter(any), max_size=8),
    st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_MINIMAL, "\r\n")]),
    st.integers(1, 40),
)
def test_what_is_written_well_is_read_as_all_at_once(rows, way, most):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="|", quoting=way[0], lineterminator=way[1])
    writer.writerows([["a", "b"], *rows])
    body = out.getvalue().encode()
    good, bad = read(body, most=most)
    assert bad == []
    assert [row for _, _, row in good] == [json.loads(bytes(raw)) for raw in split(body, Records(format=BARS))]


@given(st.binary(max_size=60), st.integers(1, 20))
def test_whatever_comes_each_line_is_a_record_or_bad(junk, most):
    good, bad = read(b"a|b\n" + junk + b"\n1|x\n", most=most)
    places = sorted([at for at, _, _ in good] + [at for at, _, _, _ in bad])
    assert places == list(range(len(places)))
    assert any(row == {"a": "1", "b": "x"} for _, _, row in good) or b'"' in junk


def test_charsets_and_packings():
    body = "a|b\n1|é\n".encode()
    rows = [(0, 2, {"a": "1", "b": "é"})]
    assert read("a|b\n1|é\n".encode("latin-1"), Format("csv", delimiter="|", charset="latin-1"))[0] == rows
    assert read("a|b\n1|é\n".encode("latin-1"), media="text/csv; charset=ISO-8859-1")[0] == rows
    assert read("a|b\n1|é\n".encode("utf-16"), most=5)[0] == rows
    assert (
        read(gzip.compress(body[:3]) + gzip.compress(body[3:]), Format("csv", delimiter="|", unpack="gzip"))[0] == rows
    )
    assert read("a|b\n1|é\n".encode("utf-16-le"), Format("csv", delimiter="|", charset="utf-16-le"), most=5)[0] == rows
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x.csv", body)
    assert read(packed.getvalue(), Format("csv", delimiter="|", unpack="zip"))[0] == rows


@pytest.mark.parametrize(
    ("body", "unpack", "what"),
    [
        (gzip.compress(b"a|b\n1|x\n" * 9, mtime=0)[:-9], "gzip", "stops before its end"),
        (b"a|b\n", "gzip", "not packed with gzip, or damaged"),
        (b"a|b\n", "zip", "not packed with zip, or damaged"),
    ],
)
def test_packed_files_that_are_refused(body, unpack, what):
    with pytest.raises(ContractBroken, match=what):
        read(body, Format("csv", delimiter="|", unpack=unpack))


@pytest.mark.parametrize("body", [b"a\0|b\n1|2\n", "a|b\n1|é\n".encode("utf-16-le")])
def test_a_csv_is_not_taken_for_utf_16_without_a_mark(body):
    with pytest.raises(ContractBroken, match="NUL among the first four bytes, as in utf-16-le") as caught:
        read(body)
    assert "Write `charset: utf-16-le`" in caught.value.todo
    with pytest.raises(ContractBroken, match="NUL among the first four bytes"):
        split(body, Records(format=BARS))


def test_a_charset_that_was_told_goes_before_zeros():
    how = Format("csv", delimiter="|", charset="utf-8")
    assert read(b"a\0|b\n1|2\n", how)[0] == [(0, 2, {"a\0": "1", "b": "2"})]


COLUMNS = Format("csv", delimiter="|", columns=("id", "name", "year"))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"id|name", "`year` is missing."),
        (b"id|name|year|end", "`end` is too many."),
        (b"id|title|year", "`name` is missing; `title` is too many."),
        (b"id|year|name", "another order: column 2 is `year` instead of `name`."),
        (b"id|name|year|name", "`name` is there twice."),
        (b"id,name,year", "it has one column, `id,name,year`; it may be separated by ',' instead of '|'."),
    ],
)
def test_another_line_of_names_is_told(line, what):
    with pytest.raises(WrongColumns) as caught:
        read(line + b"\n1|2|3\n", COLUMNS)
    assert what in caught.value.what
    with pytest.raises(WrongColumns) as again:
        split(line + b"\n1|2|3\n", Records(format=COLUMNS))
    assert again.value.what == caught.value.what


def test_a_line_of_names_that_is_no_csv_is_told():
    with pytest.raises(ContractBroken, match="Line 1 should be the line of names"):
        read(b'"a" b|c\n')


def test_a_file_without_line_breaks_is_told(monkeypatch):
    monkeypatch.setattr("levada.records.blocks.LONGEST", 100)
    with pytest.raises(ContractBroken, match="A line is longer than 100 bytes"):
        read(b"x" * (1 << 21))


def test_json_lines():
    body = b'{"a": 1}\n\n[2]\r\n{"a": \n{"a": 1.50}'
    for most in (1, 4, 1 << 20):
        good, bad = read(body, Format("json_lines"), most)
        assert good == [(0, 1, {"a": 1}), (1, 3, [2]), (3, 5, {"a": 1.5})]
        assert [(at, line, raw) for at, line, _, raw in bad] == [(2, 4, b'{"a": ')]
        assert "expected one value of JSON" in bad[0][2]


def test_items_of_lines():
    records = Records(path="$[*]", explode="$.items", format=Format("json_lines"))
    body = b'{"items": [{"n": 1}, {"n": 2}]}\nno\n{"items": [{"n": 3}]}\n'
    good, bad = read(body, records=records)
    assert good == [(0, None, {"n": 1}), (1, None, {"n": 2}), (3, None, {"n": 3})]
    assert len(bad) == 1


def test_what_must_be_read_as_a_whole_has_a_limit():
    whole = Records(path="$.data[*]")
    assert not streams(whole)
    assert read(b'{"data": [{"n": 1}]}', records=whole)[0] == [(0, None, {"n": 1})]
    with pytest.raises(FixThis, match="larger than 1000 bytes"):
        read(b" " * 1001, records=whole)
