"""Every example of docs/paging.md is a spec."""

import re
from pathlib import Path
from textwrap import indent

import pytest

from levada.spec.read import read_text

PAGE = (Path(__file__).parents[2] / "docs" / "paging.md").read_text(encoding="utf-8")
SPEC = """pipeline: p
source: {url: https://api.example.com}
streams:
  s:
"""
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_there_is_an_example_of_each_way():
    ways = set(re.findall(r"by: (\w+)", "".join(EXAMPLES)))
    assert ways == {"page", "offset", "cursor", "next_url", "link", "class", "none"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example):
    request = "" if "request:" in example else "    request: {path: /x}\n"
    spec = read_text(SPEC + request + indent(example, "    "), "x.yaml", {})
    assert spec.streams[0].paging.by in example
