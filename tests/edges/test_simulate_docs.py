import json
import re
from pathlib import Path

import pytest

from levada.errors import FixThis
from levada.simulate.rules import parse

PAGE = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text()
FAULTS = [json.loads(text) for text in re.findall(r"^\| `(\{.*?\})` \|", PAGE, re.MULTILINE)]


@pytest.mark.parametrize("fault", FAULTS, ids=json.dumps)
def test_every_fault_of_the_page_is_one(fault):
    (rule,) = parse(json.dumps({"fault": fault}).encode())
    assert dict(rule.fault.given) == fault


def test_every_fault_is_on_the_page():
    with pytest.raises(FixThis) as caught:
        parse(b'{"fault": {"?": 1}}')
    known = caught.value.todo.removeprefix("known: ").split(", ")
    assert {name for fault in FAULTS for name in fault} == set(known)
    assert len(known) == 12


def test_the_rule_of_the_page_is_one():
    (given,) = re.findall(r"/_faults -d '(.*)'", PAGE)
    (rule,) = parse(given.encode())
    assert (dict(rule.match), rule.times) == ({"date": "2022-08-09", "page": "2"}, 2)
