"""A spec packed: what its file says, as JSON, for places without YAML. Variables are not filled in, so none travels.

A scalar is {"word": text, "at": [line, column], "quoted": true}, a sequence {"items": [...], "at": ...}, a mapping
{"keys": [[name, [line, column], value], ...], "at": ...}.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levada.errors import FixThis
from levada.nouns import Place
from levada.spec.bind import know_secrets
from levada.spec.build import build
from levada.spec.model import Spec
from levada.spec.tree import Items, Keys, Node, Word

__all__ = ["SUFFIX", "Packed", "opened", "pack", "unpack"]

#: By which a packed spec is known.
SUFFIX = ".spec.json"
_FORM = "spec 1"


@dataclass(frozen=True, slots=True)
class Packed:
    """A spec that was packed, and what it was packed for."""

    #: Name of the spec's file, without folders.
    name: str
    root: Node
    #: What is done to a partition: run, land, stage, replay.
    verb: str
    #: The streams to work on where nobody says; all if empty.
    streams: tuple[str, ...] = ()


def pack(packed: Packed) -> bytes:
    """The packed spec as JSON: equal specs give equal bytes, wherever their file lies."""
    said = {
        "levada": _FORM,
        "name": packed.name,
        "verb": packed.verb,
        "streams": list(packed.streams),
        "spec": _told(packed.root),
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _told(node: Node) -> dict[str, Any]:
    at = _at(node.place)
    match node:
        case Word():
            return {"word": node.text, "at": at, **({"quoted": True} if node.quoted else {})}
        case Items():
            return {"items": [_told(item) for item in node.items], "at": at}
        case Keys():
            keys = [[name, _at(place), _told(below)] for name, (place, below) in node.entries.items()]
            return {"keys": keys, "at": at}
    raise ValueError(f"{node.place} was refused")


def _at(place: Place) -> list[int]:
    return [place.line, place.column]


def unpack(path: Path) -> Packed:
    """The packed spec in a file; its places are in the folder of that file, under the spec's own name.

    Raises:
        FixThis: there is no such file, or it is no packed spec.
    """
    todo = "pack it again: levada package SPEC"
    try:
        said = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
        if said["levada"] != _FORM:
            raise FixThis(f"{path} was packed by another version of Levada.", where=str(path), todo=todo)
        root = _node(said["spec"], str(path.parent / said["name"]))
        return Packed(said["name"], root, said["verb"], tuple(said["streams"]))
    except OSError as error:
        raise FixThis(f"{path} cannot be read: {error.strerror}.", where=str(path), todo="check the path") from None
    except (ValueError, LookupError, TypeError):
        raise FixThis(f"{path} is no packed spec.", where=str(path), todo=todo) from None


def _node(said: Mapping[str, Any], file: str) -> Node:
    place = Place(file, *said["at"])
    if "word" in said:
        return Word(said["word"], place, quoted=said.get("quoted", False))
    if "items" in said:
        return Items(tuple(_node(item, file) for item in said["items"]), place)
    return Keys({name: (Place(file, *at), _node(below, file)) for name, at, below in said["keys"]}, place)


def opened(path: str, environment: Mapping[str, str], lake: str | None) -> tuple[Spec, Mapping[str, str]]:
    """The spec in a file, YAML or packed, and the variables that it was read with; its secrets are shown nowhere.

    Args:
        path: The file; a packed one has no `.env` beside it.
        environment: The variables of the process.
        lake: The lake instead of the spec's own.

    Raises:
        FixThis: the file cannot be read, or is no spec.
    """
    spec, known = _read(path, environment, lake)
    know_secrets(spec, known)
    return spec, known


def _read(path: str, environment: Mapping[str, str], lake: str | None) -> tuple[Spec, Mapping[str, str]]:
    if path.endswith(SUFFIX):
        return build(unpack(Path(path)).root, environment, lake=lake), environment
    # YAML is not everywhere: a function that only lands goes without.
    from levada.spec.read import environment_of, read

    known = environment_of(path, environment)
    return read(path, known, lake=lake), known
