"""The documentation tells the truth about the commands, the example and itself."""

import re
import sys
from pathlib import Path

import click
import pytest

from levada.cli.demonstration import COLUMNS
from levada.cli.main import SECTIONS, levada
from levada.cli.reference import page
from levada.cli.shapes import rows
from levada.cli.table import lines
from levada.nouns import Run
from patience import PATIENCE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CLI = (ROOT / "docs" / "cli.md").read_text()
EXAMPLE = (ROOT / "examples" / "sales" / "pipeline.yaml").read_text()
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def markdown() -> list[Path]:
    hidden = (path for path in ROOT.rglob("*.md") if any(part.startswith(".") for part in path.relative_to(ROOT).parts))
    return sorted(set(ROOT.rglob("*.md")) - set(hidden))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the web: lower case, dashes, no punctuation."""
    titles = re.findall(r"^#+ +(.+?) *$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(group: click.Group, path: str = "levada") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found[f"{path} {name}"] = command
        if isinstance(command, click.Group):
            found |= commands(command, f"{path} {name}")
    return found


def test_the_page_on_the_command_line_is_up_to_date():
    assert page() == CLI, "write it anew: python3 tasks.py docs"


@pytest.mark.parametrize(("name", "command"), commands(levada).items())
def test_every_command_and_option_stands_in_the_page(name, command):
    section = CLI.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
    assert command.help
    assert command.short_help
    for option in command.params:
        if isinstance(option, click.Option):
            assert f"`{option.opts[0]}" in section
            assert option.help


def test_no_text_promises_a_command_that_is_not_there():
    texts = [path.read_text() for path in [*markdown(), *(ROOT / "src").rglob("*.py")]]
    named = {name for text in texts for name in re.findall(r"(?:^ *|[`/])levada ([a-z]+)\b(?! =)", text, re.MULTILINE)}
    assert named >= {"run", "status", "quarantine"}
    assert named <= set(levada.commands)


def test_every_command_has_a_section_in_the_help():
    assert [member for members in SECTIONS.values() for member in members] == list(levada.commands.values())


def test_no_line_of_the_help_is_cut():
    context = click.Context(levada, info_name="levada", terminal_width=80)
    text = levada.get_help(context)
    assert "..." not in text.split("COMMAND [ARGS]...")[1]
    assert max(map(len, text.splitlines())) <= 80


def test_a_field_of_a_shape_that_nobody_described_fails_the_page():
    with pytest.raises(KeyError, match="pipeline"):
        rows(Run, {})


def test_the_words_of_the_exit_codes_are_those_of_the_errors():
    from levada.cli.exits import EXITS
    from levada.errors import ContractBroken, FixThis, LevadaError, TryLater

    codes = {code for codes, _ in EXITS for code in codes.split(", ")}
    assert {str(kind.exit_code) for kind in (FixThis, ContractBroken, TryLater, LevadaError)} <= codes


@pytest.mark.parametrize("path", markdown(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_resolve(path):
    for link in LINK.findall(path.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), f"{path.name}: {link}"
        assert not anchor or anchor in anchors(found), f"{path.name}: {link}"


def test_the_pages_of_the_docs_can_be_reached_from_the_readme():
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(README)}
    assert {path.resolve() for path in (ROOT / "docs").glob("*.md")} <= linked


def test_the_spec_of_the_readme_is_the_example():
    block = README.split("```yaml\n", 1)[1].split("```", 1)[0]
    assert block == re.sub(r"\A(#.*\n)+", "", EXAMPLE)


def test_the_spec_of_the_demo_is_the_example():
    assert (ROOT / "src" / "levada" / "cli" / "demo.yaml").read_text() == EXAMPLE


def test_the_table_of_the_readme_has_the_columns_of_the_demo():
    table = next(block for block in README.split("```") if block.startswith("\ndate ")).strip().splitlines()
    cells = [re.split(r" {2,}", line.strip()) for line in table]
    assert lines(COLUMNS, cells[1:]) == table


def test_the_words_of_the_glossary_are_used():
    words = re.findall(r"^\| \*\*(.+?)\*\*", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    pages = [path for path in markdown() if path.name != "glossary.md"]
    text = " ".join(path.read_text().lower() for path in [*(ROOT / "src").rglob("*.py"), *pages])
    assert len(words) > 30
    assert [word for word in words if not re.search(rf"\b{word.rstrip('e')}", text)] == []


def test_the_tables_of_the_page_on_specs_are_written_in_place(tmp_path):
    import subprocess

    target, text = tmp_path / "spec.md", (ROOT / "docs" / "spec.md").read_text()
    target.write_text(re.sub(r"(<!-- keys: .+ -->\n)[^\f]*?(<!-- end -->)", r"\1\2", text))
    assert target.read_text() != text
    subprocess.run([sys.executable, "-m", "levada.spec.reference", target], check=True, timeout=PATIENCE)
    assert target.read_text() == text


def test_reference_writes_the_page(tmp_path):
    import subprocess

    target = tmp_path / "cli.md"
    subprocess.run([sys.executable, "-m", "levada.cli.reference", target], check=True, timeout=PATIENCE)
    assert target.read_text() == CLI
