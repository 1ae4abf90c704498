"""The examples of docs/contract.md give what they say."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from levada.contract.check import check_page, prepare
from levada.contract.forms import WORDS
from levada.spec.grammar_contract import CONTRACT, FIELD
from levada.spec.read import read_text

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n((?:(?!^```).)+?)^```\n\n```text\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HEAD = "pipeline: p\nsource: {url: https://a.example}\npartition: {by: day}\nstreams:\n  s:\n"


@pytest.mark.parametrize(("spec", "lines"), EXAMPLES, ids=[str(number) for number in range(len(EXAMPLES))])
def test_an_example_gives_what_it_says(spec, lines):
    text = f'{HEAD}    request: {{path: /a, params: {{d: "{{date}}"}}}}\n' + re.sub(
        "^", "    ", spec, flags=re.MULTILINE
    )
    contract = read_text(text.rstrip(" "), "s.yaml", {}).streams[0].contract
    pairs = [line.split(" -> ") for line in lines.splitlines()]
    batch = check_page(prepare(contract), 1, [record.encode() for record, _ in pairs])
    told = {
        index: [json.loads(msgspec.json.encode(row))] for index, row in zip(good(batch, pairs), batch.rows, strict=True)
    }
    for one in batch.rejected:
        told[one.index] = "bad: " + ", ".join(f"{each.path} ({each.rule})" for each in one.violations)
    wanted = [said if said.startswith("bad") else [json.loads(said)] for _, said in pairs]
    assert [told[index] for index in range(len(pairs))] == wanted


def good(batch, pairs):
    """The places of the good records."""
    bad = {one.index for one in batch.rejected}
    return [index for index in range(len(pairs)) if index not in bad]


def test_there_are_examples():
    assert len(EXAMPLES) == 7


def test_every_form_rule_and_key_is_on_the_page():
    names = [*WORDS, *(key.name for section in (CONTRACT, FIELD) for key in section.keys)]
    assert [
        name for name in names if f"`{name}`" not in PAGE and f"`{name}:" not in PAGE and f"  {name}:" not in PAGE
    ] == []
