"""The log of a job server: one JSON object a line for each request, without secrets."""

import json
import logging
import traceback
from collections.abc import Mapping
from typing import Any

from levada.secret import redact

__all__ = ["LOGGER", "bug", "line"]

LOGGER = logging.getLogger("levada.access")
#: Characters of one text, the report of a bug included; a request may hold 64 KB.
_LONGEST = 16_000


def line(facts: Mapping[str, Any]) -> str:
    """`facts` as one line: control characters are escaped by JSON, secrets are redacted, what is None is left out."""
    # Texts are redacted one by one: in the finished line a secret could be taken out of the JSON around them.
    told = {name: _cut(redact(value)) if isinstance(value, str) else value for name, value in facts.items()}
    return json.dumps({name: value for name, value in told.items() if value is not None}, ensure_ascii=True)


def bug(error: Exception) -> str:
    """The report of a bug, for the line of its request."""
    return "".join(traceback.format_exception(error))


def _cut(text: str) -> str:
    """`text`; of a longer one the beginning and the end, where a report says what was called and what happened."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} [...] {text[-half:]}"
