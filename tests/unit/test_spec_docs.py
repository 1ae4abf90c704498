"""docs/spec.md and the grammar say the same."""

import re
from pathlib import Path

import pytest

from grammars import sections
from levada.spec import read as reader
from levada.spec.engine import Reading, walk
from levada.spec.grammar import SPEC
from levada.spec.template import DIRECTIVES
from levada.spec.tree import Items, Keys

PAGE = Path(__file__).parents[2] / "docs" / "spec.md"


ALL = list(sections())


@pytest.fixture(scope="module")
def chapters():
    """Text of the page by heading, in lower case."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {heading.lower(): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize("section", ALL, ids=lambda section: section.noun)
def test_every_key_is_documented_with_meaning_and_default(section, chapters):
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", chapters[section.noun], flags=re.MULTILINE)
    said = [(name, meaning, default.strip("`")) for name, meaning, default in rows]
    assert said == [(key.name, key.doc, "a mistake" if key.required else key.default) for key in section.keys]


@pytest.mark.parametrize("section", ALL, ids=lambda section: section.noun)
def test_every_key_that_is_not_built_is_named(section, chapters):
    told = re.findall(r"^Not built yet: (.+)\.$", chapters[section.noun], flags=re.MULTILINE)
    assert (told[0] if told else "") == ", ".join(f"`{name}`" for name in section.later)


@pytest.mark.parametrize("section", ALL, ids=lambda section: section.noun)
def test_the_example_of_every_section_reads_without_a_mistake(section, chapters):
    assert mistakes(section, chapters[section.noun]) == []


def test_the_example_of_the_page_on_contracts_reads_without_a_mistake():
    contract = next(section for section in ALL if section.noun == "contract")
    assert mistakes(contract, PAGE.with_name("contract.md").read_text(encoding="utf-8")) == []


def mistakes(section, page):
    """What is wrong with the first example of a page, which is one of `section`."""
    example = re.findall(r"^```yaml\n(.+?)^```$", page, flags=re.MULTILINE | re.DOTALL)[0]
    growing = reader._Tree("spec.md", example.splitlines())  # noqa: SLF001 - an example is a part of a spec, which `read` refuses
    root = reader._root(example, growing)  # noqa: SLF001 - as above
    assert isinstance(root, Keys)
    below = root if section is SPEC else next(iter(root.entries.values()))[1]
    reading = Reading({}, growing.mistakes)
    for node in below.items if isinstance(below, Items) else [below]:
        walk(section, node, ("x",) if section is not SPEC else (), reading)
    return reading.mistakes


def test_every_form_of_a_date_is_documented(chapters):
    assert [form for form in DIRECTIVES if f"`{form}`" not in chapters["templates"]] == []
