"""A user's own paging, as `by: class` names it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["by_body", "by_header", "climbing", "nonsense", "raising", "to_urls"]

Value = int | str | None


def by_header(_value: Value, _body: Any, headers: Mapping[str, str]) -> Value:
    """The number in a header that no key of a spec names."""
    return headers.get("x-and-then")


def by_body(_value: Value, body: Any, _headers: Mapping[str, str]) -> Value:
    return body["then"]


def to_urls(_value: Value, body: Any, _headers: Mapping[str, str]) -> Value:
    """A whole URL, which is asked for as it is."""
    return body["url"]


def climbing(value: Value, body: Any, _headers: Mapping[str, str]) -> Value:
    """From what the page was asked with: None for the first."""
    return int(value or 0) + 10 if body["items"] else None


def raising(_value: Value, body: Any, _headers: Mapping[str, str]) -> Value:
    return body["no such key"]


def nonsense(_value: Value, _body: Any, _headers: Mapping[str, str]) -> Any:
    return ["a list"]
