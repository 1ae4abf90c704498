"""A file as a stream -> portions of its records, for files that are too large to be held. Memory: one portion.

CSV and JSON lines come line by line, and a line that is no record is told and passed over. What can only be read as
a whole (JSON, XML, a path that looks at more than one line) is one portion, up to a limit.
"""

from collections.abc import Iterator
from typing import BinaryIO

from levada.errors import FixThis
from levada.nouns import Records
from levada.records import portions_csv, portions_lines
from levada.records.explode import explode
from levada.records.portion import Portion
from levada.records.split import split

__all__ = ["count", "portions", "streams"]

#: Paths that say of each line, and of nothing else, that it is a record.
_LINE_BY_LINE = {None, "$[*]", "$.*"}


def streams(records: Records) -> bool:
    """Whether a file is read line by line, however large it is."""
    if records.format.kind not in ("csv", "json_lines") or records.key_as:
        return False
    return records.path in _LINE_BY_LINE


def portions(stream: BinaryIO, records: Records, media: str, limit: int) -> Iterator[Portion]:
    """The records of a file in order, and the lines that are none.

    Args:
        stream: The file.
        records: Where the records are, and what the file is written in.
        media: The Content-Type that came with it, which may tell its charset.
        limit: Bytes of a file that can only be read as a whole.

    Raises:
        ContractBroken: the file is not written in its format, or its line of names is not the one of the spec.
        FixThis: the file is larger than `limit`, and has to be read as a whole.
    """
    if not streams(records):
        yield _whole(stream, records, media, limit)
        return
    read = portions_csv.portions if records.format.kind == "csv" else portions_lines.portions
    found = read(stream, records.format, media)
    yield from _exploded(found, records) if records.explode else found


def count(stream: BinaryIO, records: Records, media: str, limit: int) -> int:
    """How many records and bad lines a file has; raises as `portions` does."""
    if records.format.kind == "csv" and streams(records) and records.explode is None:
        return portions_csv.count(stream, records.format, media)
    return sum(each.read for each in portions(stream, records, media, limit))


def _whole(stream: BinaryIO, records: Records, media: str, limit: int) -> Portion:
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise FixThis(
            f"The file is larger than {limit} bytes and can only be read as a whole.",
            todo="have it written as JSON lines or CSV, which are read line by line; or raise `limits: page_size`",
        )
    return Portion(split(body, records, media))


def _exploded(found: Iterator[Portion], records: Records) -> Iterator[Portion]:
    """The items of the records; from which line each came is not kept."""
    place = 0
    for portion in found:
        made = Portion(explode([*portion.records], records), place, broken=portion.broken)
        place += made.read
        yield made
