"""Content-codings (RFC 9110, 8.4): bytes in, decoded bytes out, a size limit kept, a missing end noticed. No I/O."""

import zlib
from collections.abc import Callable

from levada.edges import WireFault

__all__ = ["Body"]

_GZIP = {"gzip", "x-gzip"}
_PLAIN = {"", "identity"}
_MAGIC = b"\x1f\x8b"
#: Bytes that a sink is given at once, at most.
_PIECE = 1024 * 1024


class Body:
    """Collects a body chunk by chunk. Holds no more than `limit` decoded bytes, so a small bomb stays small.

    With a `sink` it holds nothing: the sink takes what is decoded, however much it is.

    Raises:
        WireFault: kind "coding" for a coding that was not asked for.
    """

    def __init__(self, encoding: str, limit: int, sink: Callable[[bytes], object] | None = None) -> None:
        names = [name.strip().lower() for name in encoding.split(",")]
        coded = [name for name in names if name not in _PLAIN]
        if len(coded) > 1 or not {*coded} <= {*_GZIP, "deflate"}:
            raise WireFault("coding", f"the answer is encoded as {encoding!r}")
        self._coding = coded[0] if coded else ""
        self._decoder = _Inflate(gzip=self._coding in _GZIP) if coded else None
        self._limit = limit
        self._got = bytearray()
        self._sink = sink

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes as they came over the wire.

        Raises:
            WireFault: "too_large" above the limit; "cut" for bytes that the coding cannot hold.
        """
        while chunk and self._sink:
            data, chunk = self._decoder.step(chunk, _PIECE) if self._decoder else (chunk, b"")
            self._sink(data)
        while chunk:
            room = self._limit - len(self._got) + 1
            data, chunk = self._decoder.step(chunk, room) if self._decoder else (chunk, b"")
            if len(data) >= room:
                raise WireFault("too_large", f"more than {self._limit} bytes came")
            self._got += data

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            WireFault: "cut" when the coding has not reached its own end, whatever the length was said to be.
        """
        if self._decoder and not self._decoder.whole:
            raise WireFault("cut", f"the {self._coding} body stops before its end")
        return bytes(self._got)


class _Inflate:
    """gzip with any number of members (RFC 1952, 2.2), or deflate with its zlib wrapper or, as some send it, bare."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._running = False
        self._ended = False
        #: Bytes that wait for more before it is known what they begin.
        self._held = b""

    @property
    def whole(self) -> bool:
        """Whether nothing is missing; a body without a byte is whole."""
        return not self._running and not self._held

    def step(self, chunk: bytes, room: int) -> tuple[bytes, bytes]:
        """Decoded bytes, `room` at most, and the bytes that are left to decode."""
        chunk, self._held = self._held + chunk, b""
        if not self._running and not self._begin(chunk):
            return b"", b""
        try:
            data = self._stream.decompress(chunk, room)
        except zlib.error as error:
            raise WireFault("cut", f"the compressed body is damaged ({error})") from None
        if not self._stream.eof:
            return data, self._stream.unconsumed_tail
        self._running, self._ended = False, True
        return data, self._stream.unused_data

    def _begin(self, chunk: bytes) -> bool:
        """Begin a stream, if `chunk` is enough to see which; what follows an end must be a member or zeros."""
        if self._ended and not chunk.strip(b"\0"):
            return False
        if len(chunk) < len(_MAGIC):
            self._held = chunk
            return False
        if self._ended and not (self._gzip and chunk.startswith(_MAGIC)):
            raise WireFault("cut", "bytes follow the end of the compressed body")
        self._stream = zlib.decompressobj(self._window(chunk))
        self._running = True
        return True

    def _window(self, chunk: bytes) -> int:
        if self._gzip:
            return zlib.MAX_WBITS | 16
        # RFC 1950, 2.2: the low bits name deflate, and the two bytes are a multiple of 31.
        wrapped = chunk[0] & 0x0F == zlib.DEFLATED and int.from_bytes(chunk[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
