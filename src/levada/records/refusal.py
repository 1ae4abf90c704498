"""What is told when a body is not what the spec says: what came, where, and what to do. No decisions."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from levada.errors import ContractBroken
from levada.secret import redact

__all__ = ["finds_nothing", "keys_named", "no_json", "no_list", "no_one_record", "said", "start", "too_deep"]

#: Characters of a body that a message shows.
SHOWN = 200
#: Keys that a message names.
NAMED = 10
#: Levels at which a nested body is certainly refused; where the limit lies depends on Python's own stack.
DEEP = 900
#: Keys under which APIs put a sentence for people, in the order in which they are looked for.
_WORDS = ("message", "error", "errors", "detail", "error_description", "title", "reason")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_LOOK = "Look at what the API sends; a cut or broken answer may be whole the next time."


def no_json(body: bytes, reason: str) -> ContractBroken:
    """The body is no JSON, for `reason`, which says at which byte, or is about the end."""
    text = body.lstrip()
    if text[:1] == b"<":
        return ContractBroken(
            f"The body is HTML or XML, not JSON (byte {len(body) - len(text)}): {start(body)}",
            todo="Open the URL with the same headers: a log-in page, a proxy or a maintenance page may have answered.",
        )
    at = "" if "(byte" in reason else f" (byte {len(body)})"
    return ContractBroken(f"The body is no JSON: {reason}{at}. It starts with: {start(body)}", todo=_LOOK)


def too_deep(body: bytes) -> ContractBroken:
    """The body is nested more deeply than Python's stack allows."""
    level, at = _depth(body)
    return ContractBroken(
        f"The body is nested too deeply: {level} levels at byte {at}. It starts with: {start(body)}", todo=_LOOK
    )


def no_list(body: bytes, found: str, keys: Mapping[str, bytes]) -> ContractBroken:
    """The body is `found` ("object", "number") where a list of records must be; `keys` are an object's members."""
    if found != "object":
        return ContractBroken(
            f"The body is {_with_article(found)}, not a list of records. It starts with: {start(body)}",
            todo="Check the stream's path: this is no page of records.",
        )
    return ContractBroken(
        f"The body is an object with the keys {keys_named(keys)}, not a list of records.{said(keys)}",
        todo="If it is one record, write `records: $`. If a list of records is in it, write where: `records: $.data`. "
        "If it means the end of the pages or no data, add a rule to `responses` that recognises it.",
    )


def no_one_record(body: bytes, found: str) -> ContractBroken:
    """The body is `found` where `records: $` says that it is one object."""
    return ContractBroken(
        f"The body is {_with_article(found)}, but `records: $` says that it is one object. "
        f"It starts with: {start(body)}",
        todo="Take `records` out of the stream if the body is a list of records.",
    )


def finds_nothing(path: str, place: str, found: str, keys: Mapping[str, bytes], wanted: str) -> ContractBroken:
    """The path of the records leads nowhere.

    Args:
        path: The path as the spec writes it.
        place: Path of the value from which it goes no further.
        found: What that value is: "object", "list", "number".
        keys: Its members, if it is an object.
        wanted: The name that it should have, or "".
    """
    here = "the body" if place == "$" else f"`{place}`"
    told = f"`records: {path}` finds nothing: {here} is {_with_article(found)}"
    if found == "object":
        told += f" with the keys {keys_named(keys)}"
    near = get_close_matches(wanted, keys, n=1) if wanted else []
    missing = f", and has no `{wanted}`" if wanted and found == "object" else ""
    hint = f" The nearest is `{near[0]}`." if near else ""
    return ContractBroken(
        redact(f"{told}{missing}.{hint}") + said(keys),
        todo="Write the path at which the records are. If a page without it holds no records, add `optional: true`.",
    )


def said(keys: Mapping[str, bytes]) -> str:
    """What an API's error object says to people, as a sentence after a space; "" if nothing."""
    return next((f" Its `{key}` says: {start(bytes(keys[key]))}" for key in _WORDS if key in keys), "")


def keys_named(keys: Collection[str]) -> str:
    """The first keys of an object, redacted."""
    named = ", ".join(list(keys)[:NAMED]) + (", ..." if len(keys) > NAMED else "")
    return redact(named.encode("utf-8", "replace").decode()) or "(none)"


def start(body: bytes) -> str:
    """The first characters, in one line; whole secrets blacked out before the cut so that none is shown in part."""
    text = " ".join(redact(body[: SHOWN * 40].decode("utf-8", "replace")).split())
    return text if len(text) <= SHOWN else text[:SHOWN] + " ..."


def _with_article(found: str) -> str:
    article = {"object": "an ", "list": "a ", "string": "a ", "number": "a "}
    return article.get(found, "") + found


def _depth(body: bytes) -> tuple[int, int]:
    """Levels, and the byte, at which the body is nested deepest; no deeper than needed."""
    level, deepest, at = 0, 0, 0
    for found in _BRACKETS.finditer(body):
        mark = found.group()
        if mark in (b"[", b"{"):
            level += 1
            if level > deepest:
                deepest, at = level, found.start()
            if level == DEEP:
                break
        elif mark in (b"]", b"}"):
            level -= 1
    return deepest, at
