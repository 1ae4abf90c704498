"""What an API says of itself, for people: its own sentence out of the body of an answer. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

from levada.edges import Answer
from levada.errors import ContractBroken
from levada.records.charset import in_utf8, told
from levada.secret import redact

__all__ = ["KEPT", "SHOWN", "excerpt", "readable", "said", "sentence"]

#: Bytes of an answer that are kept and characters of it that a message shows.
KEPT = 8192
SHOWN = 200
#: Keys under which APIs put a sentence for people, the most telling first (RFC 9457, RFC 6749, GraphQL and usage).
_WORDS = (
    "message",
    "error_description",
    "detail",
    "status_message",
    "error_message",
    "msg",
    "error",
    "errors",
    "title",
    "reason",
    "fault",
)
#: Levels of lists and objects in which a sentence is looked for.
_DEPTH = 6


def excerpt(body: bytes, length: int = KEPT) -> str:
    """The first `length` characters as text; whole secrets are blacked out before the cut, so none shows in part."""
    return redact(body[: 8 * length].decode("utf-8", "replace"))[:length]


def readable(answer: Answer) -> bytes:
    """The body in UTF-8, as far as its Content-Type or a mark in it tells what it is written in."""
    try:
        return in_utf8(answer.body, told(None, answer.headers.get("content-type", "")), "json")
    except ContractBroken:
        return answer.body


def said(body: bytes, tree: Callable[[], Any] | None = None) -> str:
    """What to show of an answer that is no page, in one line without secrets; "" for an empty one.

    Args:
        body: Of the answer.
        tree: The body as dicts, lists, texts, numbers, to look for a sentence in it; raises ContractBroken or
            ValueError where it is none. None: the body's beginning is shown as it is.
    """
    found = _sentence_of(tree) if tree and body.strip() else None
    text = excerpt(body, SHOWN) if found is None else redact(found[:KEPT])
    return " ".join(text.split())[:SHOWN]


def sentence(tree: Any) -> str | None:
    """The first sentence for people in a body, or None."""
    return next(_sentences(tree, _DEPTH), None)


def _sentence_of(tree: Callable[[], Any]) -> str | None:
    try:
        return sentence(tree())
    except (ContractBroken, ValueError, RecursionError):
        return None


def _sentences(tree: Any, depth: int) -> Iterator[str]:
    if isinstance(tree, dict):
        for key in _WORDS:
            yield from _below(tree.get(key), depth)
    elif isinstance(tree, list) and depth:
        for item in tree:
            yield from _sentences(item, depth - 1)


def _below(value: Any, depth: int) -> Iterator[str]:
    """The sentences of what stands under one of the keys: the value itself, or what is in it."""
    if isinstance(value, str):
        if value.strip():
            yield value
    elif depth and isinstance(value, list):
        for item in value:
            yield from _below(item, depth - 1)
    elif depth and isinstance(value, dict):
        found = list(_sentences(value, depth - 1))
        # `errors: {email: ["is taken"]}`, as frameworks write it
        fields = (f"{name}: {text}" for name, below in value.items() for text in _below(below, depth - 1))
        yield from found or fields
