"""A file as a stream -> blocks of whole lines in UTF-8, unpacked, a byte order mark left out. Memory: one block.

Bytes that its charset cannot hold come through as they are: a bad line, not a bad file.
"""

import codecs
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from levada.errors import ContractBroken
from levada.nouns import Format
from levada.records.charset import MARK, seen, told
from levada.records.refusal import start
from levada.records.unpack import only

__all__ = ["BLOCK", "blocks"]

#: Bytes of a block; four times as much is no faster and takes 30 MB more as rows.
BLOCK = 1024 * 1024
#: Bytes of a line; what is longer is no text in lines.
LONGEST = 32 * 1024 * 1024
#: Bytes that tell in which of the encodings of Unicode a text is written.
_TELLING = 4
_AGAIN = "Have it written, or copied, again; or mend `unpack` of `format`."


def blocks(stream: BinaryIO, how: Format, media: str = "", size: int = BLOCK) -> Iterator[bytes]:
    """Whole lines of a file, about `size` bytes at a time; only the last block may lack its line break.

    Args:
        stream: The file.
        how: What it is packed in, and its charset where its own marks do not tell it.
        media: The Content-Type that came with it.
        size: Bytes of a block.

    Raises:
        ContractBroken: it is not packed so, or cut; it is not written in its charset; a line of it is longer than
            LONGEST bytes.
    """
    try:
        with _unpacked(stream, how) as plain:
            yield from _whole_lines(_in_utf8(plain, how, media, size))
    except EOFError:
        raise ContractBroken("The packed file stops before its end.", todo=_AGAIN) from None
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ContractBroken(f"The file is not packed with {how.unpack}, or damaged: {error}.", todo=_AGAIN) from None


@contextmanager
def _unpacked(stream: BinaryIO, how: Format) -> Iterator[IO[bytes]]:
    if how.unpack == "gzip":
        with gzip.GzipFile(fileobj=stream) as file:
            yield file  # type: ignore[misc]  # reads bytes, as an IO does
    elif how.unpack == "zip":
        with zipfile.ZipFile(stream) as archive, archive.open(only(archive)) as file:
            yield file
    else:
        yield stream


def _chunks(plain: IO[bytes], size: int) -> Iterator[bytes]:
    while chunk := plain.read(size):
        yield chunk


def _in_utf8(plain: IO[bytes], how: Format, media: str, size: int) -> Iterator[bytes]:
    chunks = _chunks(plain, size)
    first = next(chunks, b"")
    while len(first) < _TELLING and (more := next(chunks, b"")):
        first += more
    charset = seen(first, told(how.charset, media), how.kind)
    if charset in ("utf-8", "utf-8-sig", "ascii"):
        yield first.removeprefix(MARK)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(charset)("strict" if charset.startswith("utf-") else "surrogateescape")
    try:
        text = decoder.decode(first).removeprefix("\ufeff")
        yield text.encode("utf-8", "surrogateescape")
        for chunk in chunks:
            yield decoder.decode(chunk).encode("utf-8", "surrogateescape")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")
    except UnicodeError as error:
        why = error.reason if isinstance(error, UnicodeDecodeError) else error
        what = f"The file is not written in {charset}: {why}."
        raise ContractBroken(what, todo="Write the charset that it is written in as `charset` of `format`.") from None


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut after line breaks; a line that is longer than a chunk is a block of its own."""
    held: list[bytes] = []
    many = 0
    for chunk in chunks:
        # A carriage return that ends a chunk may be half of a line break.
        end = chunk.rfind(b"\n") + 1 or chunk.rfind(b"\r", 0, len(chunk) - 1) + 1
        if end:
            yield b"".join((*held, chunk[:end]))
            held, many = [], 0
        held.append(chunk[end:])
        many += len(chunk) - end
        if many > LONGEST:
            raise ContractBroken(
                f"A line is longer than {LONGEST} bytes: {start(b''.join(held)[:1000])}",
                todo="check whether the file is written in the `format` that the spec says",
            )
    if rest := b"".join(held):
        yield rest
