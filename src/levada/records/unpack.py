"""A packed body -> its bytes: gzip (RFC 1952) and zip, with a limit on what comes out."""

import gzip
import io
import zipfile
import zlib
from typing import IO, Literal

from levada.errors import ContractBroken
from levada.records.refusal import start

__all__ = ["LIMIT", "beginning", "only", "unpacked"]

#: Bytes that may come out: a bomb of a few kilobytes would fill the memory.
LIMIT = 256_000_000
#: For zlib: with the head and the tail of gzip (https://zlib.net/manual.html, inflateInit2).
_GZIP = 16 + zlib.MAX_WBITS
#: Bit of a zip entry's flags (APPNOTE.TXT, 4.4.4).
_ENCRYPTED = 1
_OTHERWISE = "Ask the API for a plain or a gzip body."
_AGAIN = "Fetch it again; a cut or damaged answer may be whole the next time."


def unpacked(body: bytes, how: Literal["gzip", "zip"], limit: int = LIMIT) -> bytes:
    """The bytes in a gzip body of any number of members, or of the one file in a zip archive.

    Raises:
        ContractBroken: it is not packed so, cut, damaged, encrypted, larger than `limit`, or not one file.
    """
    return _gzip(body, limit) if how == "gzip" else _zip(body, limit)


def beginning(head: bytes, how: Literal["gzip", "zip"] | None, limit: int) -> bytes:
    """What comes out of the first bytes of a file, up to a limit; nothing of a zip, whose end says what it holds.

    Raises:
        ContractBroken: it does not begin as gzip does.
    """
    if how != "gzip":
        return b"" if how else head[:limit]
    _refuse_other(head)
    plain = b""
    while head and len(plain) < limit:
        member = zlib.decompressobj(wbits=_GZIP)
        try:
            plain += member.decompress(head, limit - len(plain))
        except zlib.error:  # told when all of it is there
            break
        head = member.unused_data
    return plain


def _refuse_other(body: bytes) -> None:
    if not body.startswith(b"\x1f\x8b"):
        raise ContractBroken(
            f"The body is not packed with gzip. It starts with: {start(body)}",
            todo="Take `unpack: gzip` out: a Content-Encoding of gzip is undone without it.",
        )


def _gzip(body: bytes, limit: int) -> bytes:
    _refuse_other(body)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            return _read(file, limit)
    except EOFError:
        raise ContractBroken("The gzip body stops before its end.", todo=_AGAIN) from None
    except (OSError, zlib.error) as error:
        raise ContractBroken(f"The gzip body is damaged: {error}.", todo=_AGAIN) from None


def _zip(body: bytes, limit: int) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive, archive.open(only(archive)) as file:
            return _read(file, limit)
    except NotImplementedError as error:
        raise ContractBroken(f"The file in the zip archive cannot be read: {error}.", todo=_OTHERWISE) from None
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        raise ContractBroken(
            f"The body is no whole zip archive: {error}. It starts with: {start(body)}", todo=_AGAIN
        ) from None


def only(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file of a zip archive.

    Raises:
        ContractBroken: it holds none, several, or an encrypted one.
    """
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) == 1 and files[0].flag_bits & _ENCRYPTED:
        raise ContractBroken(f"The file {files[0].filename} in the zip archive is encrypted.", todo=_OTHERWISE)
    if len(files) == 1:
        return files[0]
    named = ", ".join(info.filename for info in files[:10]) + (", ..." if len(files) > 10 else "")  # noqa: PLR2004
    raise ContractBroken(
        f"The zip archive holds {len(files)} files ({named}); one is expected."
        if files
        else "The zip archive holds no file.",
        todo="Ask the API for one file at a time; which of several are records, and in which order, is not guessed.",
    )


def _read(file: IO[bytes] | gzip.GzipFile, limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise ContractBroken(
            f"More than {limit} bytes come out of the packed body.",
            todo="Ask for smaller pages; a body this large may also be an attack.",
        )
    return data
