"""JSON lines of any length -> portions of values, each as it stands there; a line that is no JSON is told."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from levada.errors import ContractBroken
from levada.nouns import Format
from levada.records.blocks import blocks
from levada.records.portion import Broken, Portion
from levada.records.raw import whole

__all__ = ["portions"]

_BLANK = b" \t\r\n"
_decode = msgspec.json.Decoder(msgspec.Raw).decode_lines


def portions(stream: BinaryIO, how: Format, media: str = "") -> Iterator[Portion]:
    """The values of a file, one a line; blank lines are none.

    Raises:
        ContractBroken: see `blocks`.
    """
    place, line = 0, 1
    for block in blocks(stream, how, media):
        quick = _quick(block, place, line)
        for portion in (quick,) if quick else _careful(block, place, line):
            yield portion
            place += portion.read
        line += block.count(b"\n")


def _quick(block: bytes, place: int, line: int) -> Portion | None:
    """The values of a block whose every line is one; None if one is not, or blank."""
    try:
        values = _decode(block)
    except (ValueError, RecursionError):
        return None
    ends = block.count(b"\n") + (not block.endswith(b"\n"))
    return Portion(values, place, lines=range(line, line + ends)) if len(values) == ends else None


def _careful(block: bytes, place: int, line: int) -> Iterator[Portion]:
    values: list[msgspec.Raw] = []
    lines: list[int] = []
    for number, text in enumerate(block.split(b"\n"), start=line):
        if not text.strip(_BLANK):
            continue
        try:
            values.append(whole(text))
            lines.append(number)
        except ContractBroken as error:
            broken = Broken(place + len(values), number, _why(error), text.rstrip(b"\r"))
            yield Portion(values, place, lines, (broken,))
            place, values, lines = place + len(values) + 1, [], []
    if values:
        yield Portion(values, place, lines)


def _why(error: ContractBroken) -> str:
    """What is said of a body, said of a line."""
    reason = error.what.split(". It starts with", 1)[0].removeprefix("The body is no JSON: ")
    return f"expected one value of JSON: {reason}"
