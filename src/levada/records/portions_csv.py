"""CSV of any length -> portions of rows as objects, every value a text or null; a line that is no row is told.

A row may go over several lines inside quotes. Where quotes are wrong, or columns too many or too few, the line on which
the row began is bad, and reading goes on at the next one: a quote that is never closed costs one line, not the file.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

import msgspec

from levada.errors import ContractBroken
from levada.nouns import Format
from levada.records.blocks import BLOCK, blocks
from levada.records.columns import WrongColumns, see_columns
from levada.records.portion import Broken, Portion
from levada.records.unpack import LIMIT, beginning

__all__ = ["count", "glimpse", "names", "portions"]

#: Bytes of one row over several lines; what is longer is a quote that was never closed.
_LONGEST = 8 * 1024 * 1024
#: Rows of a portion that is read line by line; BLOCK bytes end it too.
_MANY = 5000
#: What comes after a text in JSON: where one ends with a colon, `:"` is no beginning of a value, and what follows, up
#: to the next quote, could pass for a null that begins so.
_AFTER = (":", ",", "}")
_rows = msgspec.json.Decoder(list[msgspec.Raw])


def portions(stream: BinaryIO, how: Format, media: str = "") -> Iterator[Portion]:
    """The rows of a CSV file; blank lines are none.

    Raises:
        ContractBroken: see `blocks`; the line of names is not the one that `how` says, or names a column twice.
    """
    yield from _File(stream, how, media).portions()


def count(stream: BinaryIO, how: Format, media: str = "") -> int:
    """How many rows and bad lines a CSV file has; raises as `portions` does."""
    return _File(stream, how, media).count()


def names(stream: BinaryIO, how: Format, media: str = "") -> tuple[str, ...]:
    """The columns of a CSV file; () where it has not one line. Raises as `portions` does."""
    return _File(stream, how, media).names


def glimpse(head: bytes, how: Format, media: str = "") -> None:
    """Do nothing unless the first bytes of a CSV file tell already that it is none that `how` says.

    Raises:
        ContractBroken: it is not packed as `how` says.
        WrongColumns: its line of names is another one.
    """
    plain = beginning(head, how.unpack, BLOCK)
    if b"\n" in plain or b"\r" in plain:
        try:
            names(io.BytesIO(plain), replace(how, unpack=None), media)
        except WrongColumns:
            raise
        except ContractBroken:
            pass  # it may be right with the bytes that follow


class _File:
    """One file being read."""

    def __init__(self, stream: BinaryIO, how: Format, media: str) -> None:
        csv.field_size_limit(LIMIT)  # of the process; Python's own limit, 128 KB, is less than files hold
        self._how = how
        self._blocks = blocks(stream, how, media)
        self._quote = how.quote.encode()
        self._nulls = [b":" + msgspec.json.encode(null) for null in how.nulls if not null.startswith(_AFTER)]
        self._odd_nulls = frozenset(null for null in how.nulls if null.startswith(_AFTER))
        #: Lines that were read; those from `_at` on were not looked at yet, the first of them is line `_line`.
        self._ahead: list[bytes] = []
        self._at, self._line, self._place = 0, 1, 0
        self.names: tuple[str, ...] = ()
        self.names = how.header or self._first()
        see_columns(self.names, how)

    def portions(self) -> Iterator[Portion]:
        yield from self._careful()
        for block in self._blocks:
            rows = self._quick(block)
            if rows is None:
                self._ahead.extend(block.splitlines(keepends=True))
                yield from self._careful()
            else:
                lines = range(self._line, self._line + len(rows))
                yield Portion(self._records(rows), self._place, lines=lines)
                self._line += len(rows)
                self._place += len(rows)

    def count(self) -> int:
        found = sum(each.read for each in self._careful())
        for block in self._blocks:
            if self._plain(block):
                found += _lines_in(block)
            else:
                self._ahead.extend(block.splitlines(keepends=True))
                found += sum(each.read for each in self._careful())
        return found

    def _first(self) -> tuple[str, ...]:
        """The line of names, taken; () where there is not one line."""
        while self._at < len(self._ahead) or self._more():
            found = self._row()
            if isinstance(found, Broken):
                raise ContractBroken(
                    f"Line {found.line} should be the line of names, and is no line of CSV: {found.why}.",
                    todo="check `delimiter`, `quote` and `charset` of `format`, and whether the file is the right one",
                )
            if found:
                return tuple(found)
        return ()

    def _plain(self, block: bytes) -> bool:
        """Whether each of its lines stands for itself."""
        if self._quote and self._quote in block:
            return False
        return b"\r" not in block or block.count(b"\r") == block.count(b"\r\n")

    def _quick(self, block: bytes) -> list[list[str]] | None:
        """The rows of a block whose every line is a good one; None if one may not be."""
        if not self._plain(block):
            return None
        try:
            lines = block.decode().removesuffix("\n").split("\n")
        except UnicodeDecodeError:
            return None
        if b"\r" in block:
            lines = [line.removesuffix("\r") for line in lines]
        rows = [line.split(self._how.delimiter) for line in lines]
        # An empty line is one empty text, too.
        return rows if {*map(len, rows)} == {len(self.names)} and "" not in lines else None

    def _records(self, rows: Sequence[Sequence[str | None]]) -> list[msgspec.Raw]:
        if self._odd_nulls:
            rows = [[None if text in self._odd_nulls else text for text in row] for row in rows]
        # All at once and cut apart: half the time of one by one.
        text = msgspec.json.encode([dict(zip(self.names, row, strict=True)) for row in rows])
        for null in self._nulls:
            # Inside of a value a quote has a backslash before it.
            text = text.replace(null, b":null")
        return _rows.decode(text)

    def _careful(self) -> Iterator[Portion]:
        """What was read and not looked at, line by line."""
        while self._at < len(self._ahead):
            yield self._run()
            # Rows that go over several lines may never end with a block. Seldom: what stays is moved.
            if 2 * self._at >= len(self._ahead):
                del self._ahead[: self._at]
                self._at = 0

    def _run(self) -> Portion:
        """The next rows up to bad lines, and these."""
        first, size = self._place, 0
        rows: list[list[str]] = []
        broken: list[Broken] = []
        lines: list[int] = []
        while self._at < len(self._ahead) and not self._full(rows, size) and not (broken and self._good()):
            at, line = self._at, self._line
            found = self._row()
            size += sum(map(len, self._ahead[at : self._at]))
            if isinstance(found, Broken):
                broken.append(found)
            elif found:
                rows.append(found)
                lines.append(line)
            self._place += bool(found)
        return Portion(self._records(rows), first, lines, tuple(broken))

    def _full(self, rows: list[list[str]], size: int) -> bool:
        return len(rows) >= _MANY or size >= BLOCK

    def _good(self) -> bool:
        """Whether a row comes next; takes nothing."""
        at, line = self._at, self._line
        found = self._row()
        self._at, self._line = at, line
        return not isinstance(found, Broken) and bool(found)

    def _row(self) -> list[str] | Broken | None:
        """The next row, or the next line as a bad one, taken; None for a blank line."""
        raw = self._ahead[self._at]
        used = 1
        try:
            if self._quote and self._quote in raw:
                fields, used = self._quoted()
            else:
                text = raw.decode().rstrip("\r\n")
                fields = text.split(self._how.delimiter) if text else []
        except UnicodeDecodeError as error:
            return self._bad(f"byte {error.start + 1} of the line is no UTF-8")
        except csv.Error as error:
            return self._bad(str(error))
        if fields and self.names and len(fields) != len(self.names):
            return self._bad(f"expected {len(self.names)} columns, found {len(fields)}")
        self._at += used
        self._line += used
        return fields or None

    def _bad(self, why: str) -> Broken:
        raw = self._ahead[self._at].rstrip(b"\r\n")
        self._at += 1
        self._line += 1
        return Broken(self._place, self._line - 1, why, raw)

    def _quoted(self) -> tuple[list[str], int]:
        """The fields of the row that begins here, and how many lines it goes over."""
        how = self._how
        reader = csv.reader(self._onward(), delimiter=how.delimiter, quotechar=how.quote, strict=True)
        fields, used = next(reader, []), reader.line_num
        for line in self._ahead[self._at : self._at + used]:
            line.decode()  # only lines of the row itself must be text
        return fields, used

    def _onward(self) -> Iterator[str]:
        """The lines from here on, as many as one row may have."""
        number, size = self._at, 0
        while size <= _LONGEST and (number < len(self._ahead) or self._more()):
            line = self._ahead[number]
            number, size = number + 1, size + len(line)
            yield line.decode("utf-8", "surrogateescape")

    def _more(self) -> bool:
        """Read on; False at the end of the file."""
        block = next(self._blocks, b"")
        self._ahead.extend(block.splitlines(keepends=True))
        return bool(block)


def _lines_in(block: bytes) -> int:
    """Lines of a block that are not blank."""
    if block.startswith((b"\n", b"\r\n")) or b"\n\n" in block or b"\n\r\n" in block:
        return sum(1 for line in block.split(b"\n") if line.strip(b"\r"))
    return block.count(b"\n") + (not block.endswith(b"\n"))
