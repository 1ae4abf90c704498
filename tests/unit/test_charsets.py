"""Which charsets there are: what a spec may say is what can be read, whole and in portions, and nothing else."""

import io
from encodings.aliases import aliases

import pytest

from levada.charsets import known
from levada.errors import ContractBroken
from levada.nouns import Format, Place, Records
from levada.records.portions import portions
from levada.records.split import split
from levada.spec.engine import Wrong
from levada.spec.tree import Word
from levada.spec.values import charset

NAMES = sorted({*aliases, *aliases.values(), "utf-8-sig", "UTF-16", "latin-1", "undefined", "palmos", "klingon", ""})


def taken(name: str) -> bool:
    try:
        return charset.parse(Word(name, Place("x.yaml", 1, 1))) == name
    except Wrong:
        return False


def both(name: str) -> list:
    records = Records(format=Format("csv", delimiter="|", charset=name))
    body = "id|name\n1|ab\n".encode(name if known(name) else "ascii")
    found = [record for portion in portions(io.BytesIO(body), records, "", 1000) for record in portion.records]
    return [*map(bytes, found), *map(bytes, split(body, records))]


def test_a_spec_may_say_just_what_can_be_read():
    assert sum(map(taken, NAMES)) > 300
    for name in NAMES:
        if taken(name):
            assert both(name) == [b'{"id":"1","name":"ab"}'] * 2, name
        elif name:
            with pytest.raises(ContractBroken, match="is no known charset"):
                both(name)


@pytest.mark.parametrize(
    "name", ["utf-7", "UTF_7", "idna", "punycode", "unicode_escape", "base64", "rot13", "klingon", ""]
)
def test_what_is_no_charset_of_documents_is_refused(name):
    assert known(name) is None
    assert not taken(name)


@pytest.mark.parametrize(("name", "found"), [("UTF8", "utf-8"), ("latin-1", "iso8859-1"), ("windows-1252", "cp1252")])
def test_a_charset_has_one_name(name, found):
    assert known(name) == found
