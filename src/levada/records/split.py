"""Bytes of a page -> its records, each still the text that the API sent. Decides nothing about what is in a record.

unpack ──► charset ──► JSON text ──► select ──► explode ──► records
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from levada.nouns import Records
from levada.records.decode import json_text, values
from levada.records.explode import explode
from levada.records.raw import tree, whole
from levada.records.select import nodes, select

__all__ = ["finder", "parsed", "split"]


def split(body: bytes, records: Records, media: str = "") -> list[msgspec.Raw]:
    """The records of a page, in order, as raw JSON (RFC 8259).

    Args:
        body: The page, as it came.
        records: Where the records are, and what the body is written in.
        media: The Content-Type that came with it, which may tell its charset.

    Returns:
        One `Raw` a record; none for an empty body. Items that are no objects, or that hold text which is not valid
        Unicode, are here too: they are bad rows, not a bad page.

    Raises:
        ContractBroken: the body is not written in its format or not of this shape, or the path finds nothing in it.
    """
    text = json_text(body, records.format, media)
    return explode(select(text, records), records) if text else []


def finder(body: bytes, records: Records, media: str = "") -> Callable[[str], list[Any]]:
    """A function that gives every value of the body that a JSONPath matches, as Python values; decodes only those.

    A page of 240 kB need not become objects for its one `$.total`. The function raises ContractBroken where the body is
    not written in its format.
    """

    @cache
    def root() -> msgspec.Raw | None:
        text = json_text(body, records.format, media)
        return whole(text) if text else None

    def find(path: str) -> list[Any]:
        raw = root()
        return [] if raw is None else [tree(each) for each in nodes(raw, path)]

    return find


def parsed(body: bytes, records: Records, media: str = "") -> Any:
    """The whole body as Python values, for paging; None where it is empty.

    Integers are exact whatever their size; a number that no float can hold is its text.

    Args:
        body: The page, as it came.
        records: What the body is written in; where the records are does not matter.
        media: The Content-Type that came with it.

    Raises:
        ContractBroken: the body is not written in its format.
    """
    return values(body, records.format, media)
