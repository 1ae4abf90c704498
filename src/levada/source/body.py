"""What a request sends: templates filled, the page's place put in, as bytes. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from levada.errors import FixThis
from levada.spec.model import Body, Pairs, Tree
from levada.spec.template import Template, Value, fill, typed

__all__ = ["Content", "content", "filled"]

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Content:
    """A body and its media type; None where only the spec's own header may say it."""

    data: bytes
    media: str | None


def content(body: Body | None, values: Mapping[str, Value], carried: Mapping[str, int | str]) -> Content | None:
    """The body of a request; None where there is none.

    Args:
        body: What the spec says.
        values: What fills its templates.
        carried: What paging puts into it, by dotted path: `{"page.next": 3}` makes objects on the way.
    """
    if body is None:
        return Content(_json(_placed({}, carried)), _JSON) if carried else None
    if body.kind == "text":
        return Content(fill(body.content, values).encode(), None)
    if body.kind == "form":
        return Content(urlencode(_form(body.content, values, carried)).encode(), _FORM)
    tree = _graphql(body.content, values) if body.kind == "graphql" else filled(body.content, values)
    return Content(_json(_placed(tree, carried)), _JSON)


def filled(tree: Tree, values: Mapping[str, Value]) -> Any:
    """A JSON tree with its templates filled; a text that is one hole takes the type of its value."""
    if isinstance(tree, Template):
        return typed(tree, values)
    if isinstance(tree, dict):
        return {name: filled(below, values) for name, below in tree.items()}
    if isinstance(tree, tuple | list):
        return [filled(below, values) for below in tree]
    return tree


def _graphql(said: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    # The query is never a template: it has braces of its own. It takes variables.
    return {"query": said["query"], "variables": filled(said.get("variables") or {}, values)}


def _form(pairs: Pairs, values: Mapping[str, Value], carried: Mapping[str, int | str]) -> list[tuple[str, str]]:
    own = [(name, fill(template, values)) for name, template in pairs if name not in carried]
    return own + [(name, str(value)) for name, value in carried.items()]


def _placed(tree: Any, carried: Mapping[str, int | str]) -> Any:
    for path, value in carried.items():
        at = tree
        *folders, name = path.split(".")
        for key in folders:
            at = at.setdefault(key, {}) if isinstance(at, dict) else None
        if not isinstance(at, dict):
            raise FixThis(
                f"The body has no object at {path}, where paging puts its value.",
                todo="Let the body of the request be an object there, or change `param` or `limit_param` of `paging`.",
            )
        at[name] = value
    return tree


def _json(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, allow_nan=False).encode()
