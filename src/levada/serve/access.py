"""The log of a job server: one JSON object a line for each request, without secrets."""

import json
import logging
import traceback
from collections.abc import Mapping
from typing import Any

from levada.secret import redact

__all__ = ["LOGGER", "bug", "line"]

LOGGER = logging.getLogger("levada.access")


def line(facts: Mapping[str, Any]) -> str:
    """`facts` as one line: control characters are escaped by JSON, secrets are redacted, what is None is left out."""
    return redact(json.dumps({name: value for name, value in facts.items() if value is not None}, ensure_ascii=True))


def bug(error: Exception) -> str:
    """The report of a bug, for the line of its request."""
    return "".join(traceback.format_exception(error))
