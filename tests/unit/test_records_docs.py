"""The examples of docs/records.md are true."""

import re
from pathlib import Path
from textwrap import indent

import pytest

from levada.records.split import split
from levada.spec.read import read_text

PAGE = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPEC = """pipeline: p
partition: {by: day}
source: {url: https://api.example.com}
streams:
  s:
    request: {path: /x}
    contract: {fields: {id: string}}
"""


def examples():
    blocks = BLOCK.findall(PAGE)
    return [(spec, body, records) for (_, spec), (_, body), (_, records) in zip(*[iter(blocks)] * 3, strict=True)]


def test_every_example_has_three_parts():
    kinds = [kind for kind, _ in BLOCK.findall(PAGE)]
    assert len(kinds) > 24
    assert set(kinds[0::3]) == {"yaml"}
    assert set(kinds[1::3]) == {"json", "text", "csv", "xml"}
    assert set(kinds[2::3]) == {"jsonl"}


@pytest.mark.parametrize(("part", "body", "records"), examples())
def test_example(part, body, records):
    spec = read_text(SPEC + indent(part, "    "), "x.yaml", {})
    found = split(body.encode(), spec.streams[0].records)
    assert [bytes(raw).decode() for raw in found] == records.splitlines()
