"""XML 1.0 -> the tree that a JSONPath walks: elements by their names as they are written, prefixes included."""

from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from levada.errors import ContractBroken
from levada.records.refusal import start

__all__ = ["document"]

#: Levels of elements; documents are flatter, and deeper ones fill the stack.
DEEP = 200
_NIL = "xsi:nil"


def document(body: bytes, charset: str | None = None) -> dict[str, Any]:
    """The document as `{name of the root: its value}`.

    An element with neither attributes nor elements in it is its text. Any other is an object: elements by name (several
    of one name as a list), attributes as `@name`, text as `#text`. `xsi:nil="true"` is null.

    Args:
        body: The bytes.
        charset: What it is written in; None: what it says of itself.

    Raises:
        ContractBroken: it is not well-formed, is nested more than 200 levels deep, or declares or uses entities of its
            own, which can hold a bomb or read files.
    """
    builder = _Builder()
    parser = expat.ParserCreate(charset)
    parser.buffer_text = True
    parser.StartElementHandler = builder.begin
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.EntityDeclHandler = _refuse_entity
    parser.SkippedEntityHandler = _refuse_entity
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise ContractBroken(
            f"The body is no XML: {expat.errors.messages[error.code]} ({place}). It starts with: {start(body)}",
            todo="Look at what the API sends; a cut or broken answer may be whole the next time.",
        ) from None
    except (LookupError, ValueError) as error:
        raise ContractBroken(
            f"The XML is written in a charset that cannot be read: {error}.",
            todo="Write it as `charset` of the stream's `format`.",
        ) from None
    return builder.root


class _Builder:
    """Takes what expat finds; `root` is the document when all is read."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        #: The elements that are open, outermost first, each with the pieces of its text.
        self._open: list[tuple[dict[str, Any], list[str]]] = [(self.root, [])]

    def begin(self, _name: str, attributes: Mapping[str, str]) -> None:
        if len(self._open) > DEEP:
            raise ContractBroken(
                f"The XML is nested more than {DEEP} levels deep.",
                todo="Look at what the API sends: this may be an attack.",
            )
        self._open.append(({f"@{name}": value for name, value in attributes.items()}, []))

    def text(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, name: str) -> None:
        inner, pieces = self._open.pop()
        outer = self._open[-1][0]
        value = _value(inner, "".join(pieces))
        if name not in outer:
            outer[name] = value
        elif isinstance(outer[name], list):
            outer[name].append(value)
        else:
            outer[name] = [outer[name], value]


def _value(inner: dict[str, Any], text: str) -> Any:
    if inner.get(f"@{_NIL}") in ("true", "1"):
        return None
    if not inner:
        return text
    if text.strip():
        inner["#text"] = text
    return inner


def _refuse_entity(name: str, *_: Any) -> None:
    raise ContractBroken(
        f"The XML declares or uses an entity of its own ({name}), which is refused: it can hold a bomb or read files.",
        todo="Ask the API for JSON, or for XML without a DOCTYPE.",
    )
