import gzip
import io
import zipfile

import pytest

from levada.errors import ContractBroken
from levada.nouns import Format, Records
from levada.records.split import parsed, split
from levada.records.unpack import unpacked
from levada.secret import Secret


def texts(body, media="", path=None, **how):
    return [bytes(raw).decode() for raw in split(body, Records(path, format=Format(**how)), media)]


def refusal(body, media="", path=None, **how):
    with pytest.raises(ContractBroken) as told:
        split(body, Records(path, format=Format(**how)), media)
    return told.value


WORD = '[{"a":"grün"}]'


@pytest.mark.parametrize(
    ("body", "media", "charset"),
    [
        (WORD.encode(), "", None),
        (WORD.encode(), "application/json; charset=UTF-8", None),
        (WORD.encode(), "application/json;charset=us-ascii", None),
        (WORD.encode("utf-8-sig"), "application/json;charset=iso-8859-1", None),
        (WORD.encode("latin-1"), 'application/json; Charset="ISO-8859-1"', None),
        (WORD.encode("latin-1"), "application/json", "latin-1"),
        (WORD.encode(), "application/json; charset=latin-1", "utf-8"),
        (WORD.encode("utf-16"), "", None),
        (WORD.encode("utf-16-le"), "", None),
        (WORD.encode("utf-16-be"), "application/json; charset=utf-16", None),
        (WORD.encode("utf-32"), "", None),
        (WORD.encode("cp1252"), "text/json; q=1 ;charset=windows-1252", None),
    ],
)
def test_every_charset_becomes_utf_8(body, media, charset):
    assert texts(body, media, charset=charset) == ['{"a":"grün"}']


def test_charsets_that_nobody_knows_are_told():
    error = refusal(b"[]", "application/json; charset=klingon")
    assert error.what == "The Content-Type says that the body is written in 'klingon', which is no known charset."
    assert "`charset` of the stream's `format`" in error.todo
    assert refusal(b"[]", charset="base64").what.startswith("The spec says that the body is written in 'base64'")
    assert "no known charset" in refusal(b"[]", "text/json; charset=unicode_escape").what
    secret = Secret("TOKEN", "sesame-4713")
    assert "sesame" not in str(refusal(b"[]", f"a/b; charset={secret.value}"))


def test_bytes_that_a_charset_cannot_hold_are_told():
    error = refusal(b'["\x81"]', charset="cp1252")
    assert error.what == 'The body is not written in cp1252: byte 2 cannot be. It starts with: ["\ufffd"]'
    assert "Write the charset" in error.todo


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1.0}\n{"a":2}\n',
        b'{"a":1.0}\r\n\r\n{"a":2}',
        b'\n\n{"a":1.0}\n \t\n{"a":2}\n\n',
        b'{"a":1.0}{"a":2}',
        b'{"a":1.0} {"a":2} ',
        b'\xef\xbb\xbf{"a":1.0}\n{"a":2}',
    ],
)
def test_json_lines(body):
    assert texts(body, kind="json_lines") == ['{"a":1.0}', '{"a":2}']
    assert parsed(body, Records(format=Format("json_lines"))) == [{"a": 1.0}, {"a": 2}]


def test_json_lines_may_span_lines_and_hold_anything():
    assert texts(b'{"a":\n1e400}\n[1,\n2] "x\\ud800" 7\nnull', kind="json_lines") == [
        '{"a":\n1e400}',
        "[1,\n2]",
        '"x\\ud800"',
        "7",
        "null",
    ]
    assert texts(b'{"a":"\\ud800"}\n{"a":1}', kind="json_lines") == ['{"a":"\\ud800"}', '{"a":1}']


def test_a_path_over_json_lines_begins_at_the_list_of_them():
    assert texts(b'{"row":{"a":1}}\n{"row":{"a":2}}', path="$[*].row", kind="json_lines") == ['{"a":1}', '{"a":2}']


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"a":1}\n{"a":\n', "Line 2 of the body is no JSON: Expecting value (byte 13). It reads: {"),
        (b'{"a":1}\n\n{"a":1,}\n{"a":2}', "Line 3 of the body is no JSON: "),
        ('{"ä":1}\nx\n'.encode(), "Line 2 of the body is no JSON: Expecting value (byte 9). It reads: x"),
        (
            b'{"a":1}\n{"a":NaN}',
            "Line 2 of the body is no JSON: NaN is no number of JSON, in the value that begins here (byte 8).",
        ),
        (b"1\n2\n" + b"[" * 100_000, "Line 3 of the body is no JSON: nested too deeply (byte 4). It reads: [[["),
        (b'{"a":1},\n{"a":2}', "Line 1 of the body is no JSON: Expecting value (byte 7)."),
    ],
)
def test_a_broken_line_is_told_with_its_number_and_byte(body, what):
    error = refusal(body, kind="json_lines")
    assert what in error.what
    assert "byte" in error.what
    assert error.todo


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf", "\ufeff".encode("utf-16")])
@pytest.mark.parametrize("kind", ["json", "json_lines", "csv", "xml"])
@pytest.mark.parametrize("unpack", [None, "gzip"])
def test_an_empty_body_of_any_format_holds_no_records(body, kind, unpack):
    packed = gzip.compress(body, mtime=0) if unpack and body else body
    assert texts(packed, kind=kind, unpack=unpack, path="$.a" if kind == "xml" else None) == []
    assert parsed(packed, Records(format=Format(kind, unpack=unpack))) is None


@pytest.mark.parametrize(
    ("body", "how", "found"),
    [
        (b"id,name\n1,x\n2,\n", {}, ['{"id":"1","name":"x"}', '{"id":"2","name":""}']),
        (b"\xef\xbb\xbfid;name\r\n1;'a;b'\r\n", {"delimiter": ";", "quote": "'"}, ['{"id":"1","name":"a;b"}']),
        (b'id,name\n1,"two\nlines, ""q"""\n', {}, ['{"id":"1","name":"two\\nlines, \\"q\\""}']),
        (b"1,x\n", {"header": ("id", "name")}, ['{"id":"1","name":"x"}']),
        (b"id,n\n\\N,NA\n,0\n", {"nulls": ("\\N", "NA")}, ['{"id":null,"n":null}', '{"id":"","n":"0"}']),
        (b"id,n\n,0\n", {"nulls": ("",)}, ['{"id":null,"n":"0"}']),
        (b"id,n\n1\n1,2,3\n1,2\n", {}, ['["1"]', '["1","2","3"]', '{"id":"1","n":"2"}']),
        (b"id\n\n1\n\n", {}, ['{"id":"1"}']),
        (b'id\n"a"b\n', {"quote": ""}, ['{"id":"\\"a\\"b"}']),
        (b"id\tn\n1\tx\n", {"delimiter": "\t"}, ['{"id":"1","n":"x"}']),
        ("id\ngrün\n".encode("latin-1"), {"charset": "latin-1"}, ['{"id":"grün"}']),
        (b"id,name\n", {}, []),
        (b"id\n" + b"x" * 200_000, {}, ['{"id":"' + "x" * 200_000 + '"}']),
    ],
)
def test_csv(body, how, found):
    assert texts(body, kind="csv", **how) == found


def test_bytes_that_are_no_utf_8_are_a_bad_row_of_a_csv():
    records = split(b"id\n\xff\n2\n", Records(format=Format("csv")))
    assert [bytes(raw) for raw in records] == [b'{"id": "\xff"}', b'{"id": "2"}']


@pytest.mark.parametrize(
    ("body", "how", "what"),
    [
        (b"id,id,n\n1,2,3\n", {}, "Two columns of the CSV are named `id`: one would hide the other."),
        (b"1,2\n", {"header": ("a", "a")}, "Two columns of the CSV are named `a`"),
        (b'id\n1\n"x', {}, "The CSV breaks off at line 3: unexpected end of data. It starts with: id 1"),
        (b'id\n"a"b\n', {}, "The CSV breaks off at line 2: ',' expected after '\"'."),
    ],
)
def test_a_broken_csv(body, how, what):
    error = refusal(body, kind="csv", **how)
    assert what in error.what
    assert error.todo


FEED = """<?xml version="1.0" encoding="{}"?><!-- x --><feed xmlns:m="urn:m" v="1">
 <m:total>2</m:total><entry id="1"><t>gr&#252;n ü &amp; &lt;</t><tag>a</tag><tag>b</tag><e/></entry>
 <entry id="2"><t><![CDATA[<x>]]></t><m:n xsi:nil="true"/><p>one <b>two</b> three</p></entry></feed>"""


@pytest.mark.parametrize(
    ("body", "media", "charset"),
    [
        (FEED.format("utf-8").encode(), "", None),
        (FEED.format("iso-8859-1").encode("latin-1"), "text/xml", None),
        (FEED.format("windows-1252").encode("cp1252"), "", None),
        (FEED.format("utf-8").encode("latin-1"), "text/xml; charset=latin-1", None),
        (FEED.format("utf-8").encode("latin-1"), "text/xml; charset=utf-8", "latin-1"),
        (FEED.format("utf-16").encode("utf-16"), "", None),
        (FEED.format("utf-8").encode("utf-8-sig"), "", None),
    ],
)
def test_xml(body, media, charset):
    assert texts(body, media, "$.feed.entry", kind="xml", charset=charset) == [
        '{"@id":"1","t":"grün ü & <","tag":["a","b"],"e":""}',
        '{"@id":"2","t":"<x>","m:n":null,"p":{"b":"two","#text":"one  three"}}',
    ]


def test_the_tree_of_an_xml_document():
    tree = parsed(FEED.format("utf-8").encode(), Records(format=Format("xml")))
    assert set(tree["feed"]) == {"@v", "@xmlns:m", "m:total", "entry"}
    assert tree["feed"]["m:total"] == "2"
    assert [entry["@id"] for entry in tree["feed"]["entry"]] == ["1", "2"]
    assert parsed(b"<a>x</a>", Records(format=Format("xml"))) == {"a": "x"}


def test_one_element_of_xml_is_one_record():
    assert texts(b"<r><i><a>1</a></i></r>", path="$.r.i", kind="xml") == ['{"a":"1"}']


BOMB = (
    '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><b>&i;</b>"
)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (BOMB, "The XML declares or uses an entity of its own (a), which is refused"),
        ('<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>', "an entity of its own (f)"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a>&f;</a>', "an entity of its own (f)"),
        ('<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/x">%p;]><a/>', "an entity of its own (p)"),
        ("<a>&nbsp;</a>", "The body is no XML: undefined entity (line 1, column 4). It starts with: <a>&nbsp;</a>"),
        ("<a>\n<b></a>", "The body is no XML: mismatched tag (line 2, column 6)"),
        ("<a><b>", "The body is no XML: no element found (line 1, column 7)"),
        ('{"a": 1}', "The body is no XML: not well-formed (invalid token) (line 1, column 1)"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "klingon"),
        ("<a>" * 300 + "</a>" * 300, "The XML is nested more than 200 levels deep."),
        ("<a" + ' b="1"' * 2 + "/>", "The body is no XML: duplicate attribute"),
    ],
)
def test_xml_that_is_refused(body, what):
    error = refusal(body.encode(), path="$.a", kind="xml")
    assert what in error.what
    assert error.todo


def zipped(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


LIST = b'[{"a":1}]'


@pytest.mark.parametrize(
    ("body", "unpack"),
    [
        (gzip.compress(LIST, mtime=0), "gzip"),
        (gzip.compress(LIST[:4], mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(LIST[4:], mtime=0), "gzip"),
        (gzip.compress(LIST, mtime=0) + b"\0" * 20, "gzip"),
        (zipped(x=LIST), "zip"),
    ],
)
def test_packed_bodies(body, unpack):
    assert texts(body, unpack=unpack) == ['{"a":1}']


def damaged(body, at):
    return body[:at] + bytes([body[at] ^ 255]) + body[at + 1 :]


@pytest.mark.parametrize(
    ("body", "unpack", "what"),
    [
        (LIST, "gzip", 'The body is not packed with gzip. It starts with: [{"a":1}]'),
        (gzip.compress(LIST, mtime=0)[:-9], "gzip", "The gzip body stops before its end."),
        (
            gzip.compress(LIST, mtime=0) + gzip.compress(LIST, mtime=0)[:-2],
            "gzip",
            "The gzip body stops before its end.",
        ),
        (gzip.compress(LIST, mtime=0)[:5], "gzip", "The gzip body stops before its end."),
        (gzip.compress(LIST, mtime=0) + b"junk", "gzip", "The gzip body is damaged: Not a gzipped file (b'ju')."),
        (damaged(gzip.compress(LIST, mtime=0), -6), "gzip", "The gzip body is damaged: CRC check failed"),
        (damaged(gzip.compress(LIST, mtime=0), 10), "gzip", "The gzip body is damaged: "),
        (LIST, "zip", "The body is no whole zip archive: File is not a zip file."),
        (zipped(x=LIST)[:-8], "zip", "The body is no whole zip archive: "),
        (damaged(zipped(x=LIST), 33), "zip", "The body is no whole zip archive: "),
        (zipped(), "zip", "The zip archive holds no file."),
        (zipped(b=LIST, a=LIST), "zip", "The zip archive holds 2 files (b, a); one is expected."),
    ],
)
def test_packed_bodies_that_are_refused(body, unpack, what):
    error = refusal(body, unpack=unpack)
    assert what in error.what
    assert error.todo


def test_an_encrypted_archive_is_told():
    body = bytearray(zipped(x=LIST))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + flags] |= 1
    assert refusal(bytes(body), unpack="zip").what == "The file x in the zip archive is encrypted."


def test_an_archive_packed_in_an_unknown_way_is_told():
    body = bytearray(zipped(x=LIST))
    for mark, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        body[body.index(mark) + method] = 97
    assert "The file in the zip archive cannot be read: " in refusal(bytes(body), unpack="zip").what


@pytest.mark.parametrize(("pack", "how"), [(gzip.compress, "gzip"), (lambda data: zipped(x=data), "zip")])
def test_a_bomb_stays_small(pack, how):
    with pytest.raises(ContractBroken, match="More than 1000 bytes come out of the packed body"):
        unpacked(pack(b" " * 50_000_000), how, limit=1000)
    assert len(unpacked(pack(b" " * 1000), how, limit=1000)) == 1000


def test_parsed_keeps_numbers_exact():
    tree = parsed(b'{"n": 123456789012345678901234567890, "x": 1.5, "h": 1e400, "s": "\\ud800"}', Records("$.data[*]"))
    assert tree == {"n": 123456789012345678901234567890, "x": 1.5, "h": "1e400", "s": "\ud800"}
    assert parsed(b'{"n": 1e400}', Records()) == {"n": "1e400"}
    assert parsed(b'{"n": ' + b"9" * 5000 + b', "\\ud800": 1}', Records())["n"] == "9" * 5000
