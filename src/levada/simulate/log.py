"""The requests that a simulator has seen, in the order in which they came."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from levada.simulate.rules import Fault

if TYPE_CHECKING:
    from starlette.types import Scope

__all__ = ["Log"]


class Log:
    """Facts of requests as JSON objects; numbers count from 1 since the log was last cleared.

    Args:
        hide: Texts that are never shown, such as the token that counts.
    """

    def __init__(self, hide: Sequence[str] = ()) -> None:
        self._forms = [form for text in hide if text for form in (text, quote(text, safe=""))]
        self._entries: list[dict[str, Any]] = []

    def clear(self) -> None:
        """Forget all requests; the next one has number 1."""
        self._entries = []

    def shown(self) -> list[dict[str, Any]]:
        """All entries, first request first."""
        return self._entries

    def add(self, scope: "Scope", query: Mapping[str, str], fault: Fault | None, now: datetime) -> dict[str, Any]:
        """The entry of a request that has just come; the caller fills in its `status` once one is sent."""
        entry = {
            "number": len(self._entries) + 1,
            "time": now.isoformat(),
            "method": scope["method"],
            "path": self._text(scope["path"]),
            "query": self._text(scope["query_string"].decode("latin-1")),
            "date": self._value(query.get("date")),
            "page": self._value(query.get("page")),
            "status": None,
            "fault": None if fault is None else dict(fault.given),
            "user_agent": self._text(dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")),
        }
        self._entries.append(entry)
        return entry

    def _value(self, value: str | None) -> str | int | None:
        """A whole number as one, so that logs compare with page numbers; any other text as it came."""
        if value is None:
            return None
        return int(value) if re.fullmatch("-?[0-9]{1,18}", value) else self._text(value)

    def _text(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, "[secret]")
        return text
