"""What decides which pages come, as one hash: an interrupted read is continued only where it is the same. Pure."""

import hashlib
import json
from dataclasses import is_dataclass
from typing import Any

from levada.nouns import Place
from levada.source.paginate import first
from levada.source.request import Plan, build
from levada.source.slices import Slice
from levada.spec.auth import SecretRef
from levada.spec.template import Template

__all__ = ["fingerprint"]


def fingerprint(plan: Plan) -> str:
    """SHA-256 (hex) of url, request, paging, responses, records, credentials' kind and slices.

    Templates are filled; values of secrets, limits and how far is asked ahead are left out.
    """
    stream = plan.stream
    call = build(plan, Slice(), first(stream.paging)) if _alone(plan) else None
    said = {
        "url": plan.source.url,
        "auth": _plain(plan.source.auth),
        "call": [call.method, call.url, call.headers, (call.body or b"").decode("utf-8", "replace")] if call else None,
        "request": None if call else [_plain(plan.request), _plain(plan.source.params), _plain(plan.source.headers)],
        "values": None if call else {name: str(value) for name, value in plan.values.items()},
        "paging": {**_plain(stream.paging), "ahead": None},
        "responses": _plain(stream.responses),
        "records": _plain(stream.records),
        "slices": [dict(part.fills) for part in plan.slices],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _alone(plan: Plan) -> bool:
    """Whether the partition is asked for all at once: then the first call says all that templates fill."""
    return len(plan.slices) == 1 and not plan.slices[0].values


def _plain(noun: Any) -> Any:
    """A noun without the lines of the spec that it stands in, which may move."""
    if isinstance(noun, Template):
        return noun.text
    if isinstance(noun, SecretRef):
        return "secret"
    if is_dataclass(noun) and not isinstance(noun, type):
        names = (name for name in noun.__dataclass_fields__ if not isinstance(getattr(noun, name), Place))
        return {name: _plain(getattr(noun, name)) for name in names}
    if isinstance(noun, dict):
        return {str(name): _plain(value) for name, value in noun.items()}
    return [_plain(item) for item in noun] if isinstance(noun, tuple | list) else noun
