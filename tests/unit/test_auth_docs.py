"""The page on authentication: each of its specs is read, and its class works."""

import re
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent
from typing import get_args

import pytest

from levada.edges import Call
from levada.secret import Secret
from levada.spec.auth import Auth
from levada.spec.read import read_text

PAGE = (Path(__file__).parents[2] / "docs" / "auth.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SPEC = """\
pipeline: p
lake: ./lake
source:
  url: https://api.example.com
{auth}
streams:
  s: {{request: {{path: /s}}}}
"""


def auth_of(block):
    names = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block), "value")
    return read_text(SPEC.format(auth=indent(block, "  ")), "api.yaml", names).source.auth


@pytest.mark.parametrize("block", BLOCKS)
def test_a_spec_of_the_page_is_read(block):
    assert auth_of(block) is not None


def test_every_way_has_an_example():
    assert {type(auth_of(block)) for block in BLOCKS} == set(get_args(Auth))


def test_the_class_of_the_page_signs():
    names = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)
    call = Call("GET", "https://api.example.com/s")
    (added,) = names["Signer"](Secret("KEY", "a-key")).sign(call, datetime(2022, 8, 9, tzinfo=UTC)).credentials
    assert (added.carrier, added.name, added.secret.value) == ("header", "X-Stamp", "a-key:20220809")
