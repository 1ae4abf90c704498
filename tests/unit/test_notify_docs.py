"""The page on notices tells the truth about what is sent."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from levada.notify.facts import ITEMS, VERSION, facts_of
from levada.notify.facts import WHOLE as LONGEST
from levada.notify.outbox import MOST
from levada.notify.sent import LONGEST as ROUND
from levada.notify.sent import PATIENCE, WHOLE
from levada.round import Round
from levada.spec.telling import When

PAGE = (Path(__file__).parents[2] / "docs" / "notify.md").read_text()
NOW = datetime(2024, 10, 9, tzinfo=UTC)


def first_cells(title):
    section = PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_every_key_of_the_json_is_described_in_its_order():
    facts = facts_of(Round("grader", "r", "run", "command", NOW, NOW))
    assert first_cells("Webhook") == list(facts)
    assert facts["version"] == VERSION == 1


def test_every_end_is_described():
    assert set(first_cells("When")) == {"when", *get_args(When)}


def test_the_numbers_of_the_page_are_those_of_the_code():
    assert f"at most {ITEMS[0]} are told, and fewer where more than {LONGEST:,} characters" in PAGE
    assert f"more than {MOST} wait" in PAGE
    times = f"{PATIENCE:g} seconds for each answer, a notice {WHOLE:g} in all, and all notices of a round {ROUND:g}"
    assert times in PAGE
