"""raw_split: what it may say, and how it is told."""

import pytest

from levada.errors import FixThis
from levada.spec.read import read_text
from levada.spec.words import words

SPEC = """pipeline: sales
source: {{url: http://localhost}}
streams:
  sales:
    request: {{path: /sales}}
    raw_split: {split}
"""
MB = 1024 * 1024


def read(split):
    return read_text(SPEC.format(split=split), "sales.yaml", {}).streams[0].raw_split


def test_limits_of_records_and_bytes():
    found = read('{name: "raw/{date}/part-{part}.json", records: 100, size: 10MB}')
    assert (found.name.text, found.records, found.size) == ("raw/{date}/part-{part}.json", 100, 10 * MB)


def test_one_limit_is_enough():
    assert read('{name: "raw/{date}/{part}.json", size: 1MB}').records is None
    assert read('{name: "raw/{date}/{part}.json", records: 1}').size is None


@pytest.mark.parametrize(
    ("split", "said", "todo"),
    [
        ('{name: "raw/{date}/{part}.json"}', "raw_split says no limit", "add records: 100, size: 10MB, or both"),
        ('{name: "raw/{date}.json", records: 9}', "name lacks {part}: two files would share one name", "put {part}"),
        ("{records: 9}", "raw_split lacks the key name", "add name: name of each file"),
        ('{name: "raw/{part}.json", records: 9}', "the name does not tell days apart", "{date}"),
        ('{name: "../{date}/{part}.json", records: 9}', "gives no name in the lake", "write a name such as"),
        ('{name: "raw/{date}/{part}{part}.json", records: 9}', "runs values together", "no digit between"),
        ('{name: "raw/{date}/{page}/{part}.json", records: 9}', "{page}", ""),
        ('{name: "raw/{date}/{part}.json", records: 0}', "records", ""),
        ('{name: "raw/{date}/{part}.json", rows: 9}', 'unknown key "rows" in raw_split', ""),
        ('{name: "raw/sales/sales/{date}/{part}.json", records: 9}', "can give the same name as raw", "differ in"),
    ],
)
def test_mistakes(split, said, todo):
    with pytest.raises(FixThis) as caught:
        read(split)
    assert said in caught.value.what
    assert todo in f"{caught.value.what} {caught.value.todo}"


def test_the_plan_tells_it():
    spec = read_text(SPEC.format(split='{name: "raw/{date}/{part}.json", records: 100, size: 10MB}'), "sales.yaml", {})
    told = "\n".join(words(spec))
    assert "raw/{date}/{part}.json (all pages as lists of at most 100 records and 10MB)" in told
