"""Fields added to a record: spliced into its text, so that what the API sent stays as it is."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from levada.errors import ContractBroken
from levada.records.raw import kind, members
from levada.secret import redact

__all__ = ["with_fields"]

_encode = msgspec.json.Encoder().encode


def with_fields(raw: msgspec.Raw, fields: Mapping[str, Any]) -> msgspec.Raw:
    """The record with `fields` before its own.

    Args:
        raw: The JSON text of a record. One that is no object comes back as it is: it is a bad row, not a bad page.
        fields: Values that JSON can hold; a `msgspec.Raw` goes in as its text.

    Raises:
        ContractBroken: the record has a field of such a name already.
    """
    if not fields or kind(raw) != "object":
        return raw
    own = members(raw)
    if not own.keys().isdisjoint(fields):
        taken = next(name for name in fields if name in own)
        raise ContractBroken(
            redact(f"The field `{taken}` cannot be added: a record has one already, which is {_short(own[taken])}."),
            todo=f"Give the added field another name than `{taken}`.",
        )
    added = b",".join([_encoded(name) + b":" + _encoded(value) for name, value in fields.items()])
    return msgspec.Raw(b"{" + added + (b"," if own else b"") + bytes(memoryview(raw)[1:]))


def _encoded(value: Any) -> bytes:
    """JSON of a value; a raw text may hold what msgspec would not write itself."""
    if isinstance(value, msgspec.Raw):
        return bytes(value)
    if isinstance(value, list):
        return b"[" + b",".join(_encoded(item) for item in value) + b"]"
    try:
        return _encode(value)
    except UnicodeEncodeError:  # half a surrogate pair: what holds it is a bad row, not a bad page
        return json.dumps(value).encode()


def _short(raw: msgspec.Raw) -> str:
    text = bytes(raw).decode("utf-8", "replace")
    return text if len(text) <= 40 else text[:40] + " ..."  # noqa: PLR2004 - enough to recognise it
