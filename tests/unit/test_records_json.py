"""Every valid JSON text is taken, every other refused with its place (RFC 8259)."""

import pytest

from levada.errors import ContractBroken
from levada.nouns import Format, Records
from levada.records.split import parsed, split

#: Texts of one value, by the part of the grammar that they try.
VALID = {
    "numbers": "0 -0 -0.0 7 -12 0.5 1.0 1e5 1E5 1e+5 1e-5 0e0 0E+0 -1.25e-09 1e400 -1e9999 5e-400 "
    "123456789012345678901234567890 -123456789012345678901234567890 0.1000000000000000000000000001",
    "words": "true false null",
    "strings": r'"" "a" "/" "\/" "\\" "\"" "\b\f\n\r\t" "\u0000" "\u00e9" "\u0022" "\uD834\uDD1E" "\ud83d\ude00" '
    r'"\uFFFF" "\uFDD0" "\u2028" "\\u00zz" "é" "' + "\u2028\ufeff\x7f\U0001f600" + '"',
    "half pairs": r'"\ud800" "\uDFAA" "\ud800\n" "\ud800\ud800\u0061" "\uDd1e\uD834" "\uD888\u1234" "\ud800abc"',
    "structures": r'[] {} [[]] [{}] {"":0} {"a":{"b":[1,{"c":null}]}} {"a":1,"a":2} {"\u0061":1,"a":[]} {"\ud800":1} '
    r'[1,"",true,[]] {"a":"[","b":"}"}',
}
INVALID = {
    "numbers": "01 -01 +1 .5 -.5 1. 1.e5 1e 1e+ 1E- - -- 1-2 0x1F 0e 0.3e+ 1_000 1,5 2.e-3 -a ++1 1e1.5 0b1 00 "
    "NaN -NaN Infinity -Infinity Inf nan",
    "words": "tru truee True TRUE nul NULL none undefined fals t n",
    "strings": r"""" "a 'a' "\x" "\a" "\0" "\u" "\u1" "\u12" "\u123" "\u123g" "\U0041" "\uD800\u" "\uD800\u1" "\" """
    r""""\ud800\x" "\ud800\" ab" "a"b" “a” `a` abc """,
    "structures": r"""[ ] [1 1] [,1] [,] [1,] [1,,2] [1;2] [1}} {1] { } {"a"} {"a" {"a": {"a":} {"a":1, {"a":1,} """
    r"""{:1} {,} {"a":1,,"b":2} {"a" 1} {"a"=1} {a:1} {'a':1} {1:1} {null:1} {"a":1}} [1]] ][ [[] [{] {[ ({}) """
    r"""// /**/ [1]// #1 [1,#2] {"a":1}# <a> &"""
    r""" {"\ud800":1,} ["\ud800"; ["\ud800",NaN] ["\ud800"]] {"\ud800"} {"\ud800":} [tru,"\ud800"]""",
}
MORE_VALID = [
    b" [ 1 ,\t2 ]\r\n",
    b"\n\t 7 ",
    b'{ "a" :\n1 }',
    b'"\xff"',
    b'{"\xff":"\xed\xa0\x80"}',
    b"[" * 250 + b"]" * 250,
]
MORE_INVALID = [
    b'["a\nb"]',
    b'["\t"]',
    b'["\x00"]',
    b'["\x1f"]',
    b'"\\\xc3\xa5"',
    b'"\\u\xe5"',
    b"[\xff]",
    b"\xe2\x80\x80[1]",
    b"[1]\x0c",
    b"[\x0b1]",
    b"\x00",
    b"[1\x00]",
    b"1 2",
    b"[1]\n[2]",
    b'{"a":1} "x"',
    b"-\xff",
    "\u0661".encode(),
    b'["\\ud800" "x"]',
    b'"\\ud800\x01"',
    b'["\\ud800\n"]',
    b'["\\ud800"\xff]',
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'[{"":' * 100_000,
    b'["\\ud800",' + b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
]


def valid():
    return [word.encode() for words in VALID.values() for word in words.split(" ")] + MORE_VALID


def invalid():
    return [word.encode() for words in INVALID.values() for word in words.split(" ") if word] + MORE_INVALID


def named(body):
    return repr(body[:30])


WAYS = {
    "list": (Records(), b"[%s]"),
    "one of several": (Records(), b' [{"a":1}, %s ,[]] '),
    "path": (Records("$.data[*]"), b'{"meta":{},"data":[%s],"more":1}'),
    "walk": (Records("$[*].x"), b'[{"x":[%s]}]'),
    "language": (Records("$..x"), b'{"x":[%s]}'),
    "beside": (Records("$.data"), b'{"data":[],"beside":%s}'),
}


@pytest.mark.parametrize("body", valid(), ids=named)
def test_every_valid_text_is_taken(body):
    for way, (records, around) in WAYS.items():
        found = [bytes(raw) for raw in split(around % body, records)]
        assert found == [] if way == "beside" else body.strip() in found


@pytest.mark.parametrize("body", valid(), ids=named)
def test_every_valid_text_is_a_line_and_a_value(body):
    assert [bytes(raw) for raw in split(body, Records(format=Format("json_lines")))] == [body.strip()]
    parsed(body, Records())


@pytest.mark.parametrize("body", valid(), ids=named)
def test_a_valid_text_of_another_shape_is_no_syntax_error(body):
    if not body.lstrip().startswith(b"["):
        with pytest.raises(ContractBroken, match="not a list of records"):
            split(body, Records())
    if not body.lstrip().startswith(b"{"):
        with pytest.raises(ContractBroken, match=r"but `records: \$` says that it is one object"):
            split(body, Records("$"))


#: What is no value of its own and yet may stand in a list or an object, or after another value.
_FITS = {b"", b"1,5", b'"a",', b"]["}


@pytest.mark.parametrize("body", invalid(), ids=named)
def test_every_other_text_is_refused_with_its_place(body):
    for path in (None, "$", "$.a", "$..a"):
        with pytest.raises(
            ContractBroken, match=r"^The body is (no JSON: .*\(byte \d+\)|nested .* at byte \d+|HTML .*\(byte \d+\))"
        ):
            split(body, Records(path))
    with pytest.raises(ContractBroken, match=r"byte \d+"):
        parsed(body, Records())


@pytest.mark.parametrize("body", [body for body in invalid() if body not in _FITS], ids=named)
def test_every_other_text_is_refused_inside_of_others(body):
    for records, around in WAYS.values():
        with pytest.raises(ContractBroken, match=r"byte \d+"):
            split(around % body, records)


def test_there_are_many():
    assert len(valid()) > 60
    assert len(invalid()) > 120
