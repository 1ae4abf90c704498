"""The examples of docs/children.md are read without a mistake, and ask what the page says."""

import re
from pathlib import Path

import pytest

from forum import Forum, run
from levada.lake.memory import MemoryStore
from levada.pipeline.slicing import in_order
from levada.spec.model import ForEach
from levada.spec.read import read_text

PAGE = (Path(__file__).parents[2] / "docs" / "children.md").read_text(encoding="utf-8")
ALL = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def spec(example):
    below = "".join(f"  {line}\n" for line in example.splitlines())
    return f'pipeline: forum\nsource: {{url: "http://api.test"}}\nstreams:\n{below}'


@pytest.mark.parametrize("example", ALL)
def test_an_example_reads(example):
    streams = read_text(spec(example), "forum.yaml", {}).streams
    assert len(in_order(streams)) == len(streams)


def test_the_first_example_asks_what_the_page_says():
    api = Forum({"/posts": [{"id": number} for number in (7, 8, 9)]})
    api.things |= {f"/posts/{number}/comments": [{"n": 1}] for number in (7, 8, 9)}
    run(spec(ALL[0]), MemoryStore(), api)
    told = re.findall(r"^(/posts\S*page=1) …$", PAGE, re.MULTILINE)
    assert [path for path in api.paths if path in told] == told


def test_every_key_of_for_each_is_in_the_table():
    keys = set(ForEach.__dataclass_fields__) - {"place"}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == keys
