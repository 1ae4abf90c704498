import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levada.edges import WireFault
from levada.source.decode import Body

TEXT = b'[{"client": "Michael Wilkerson", "price": 346}]' * 40
LIMIT = 1 << 20


def bare(data):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODED = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "x-gzip": gzip.compress(TEXT, mtime=0),
    "deflate": zlib.compress(TEXT),
    "": TEXT,
}


def decode(encoding, data, *, limit=LIMIT, size=7):
    body = Body(encoding, limit)
    for start in range(0, len(data), size):
        body.feed(data[start : start + size])
    return body.finish()


@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
@pytest.mark.parametrize("encoding", [*CODED, "identity", "GZIP", "identity, gzip"])
def test_each_coding_gives_the_text(encoding, size):
    data = CODED.get(encoding.lower(), CODED["gzip"] if "gzip" in encoding else TEXT)
    assert decode(encoding, data, size=size) == TEXT


@pytest.mark.parametrize("size", [1, 3, 100_000])
def test_deflate_without_its_wrapper_is_understood(size):
    assert decode("deflate", bare(TEXT), size=size) == TEXT


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.integers(1, 50), st.integers(0, 5))
def test_gzip_of_several_members_cut_anywhere_into_chunks(parts, size, zeros):
    data = b"".join(map(gzip.compress, parts)) + b"\0" * zeros
    assert decode("gzip", data, size=size) == b"".join(parts)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("missing", [1, 4, 8, 20])
def test_a_compressed_body_that_stops_early_is_cut_whatever_its_length(encoding, missing):
    with pytest.raises(WireFault, match=r"cut: the .* body stops before its end"):
        decode(encoding, CODED[encoding][:-missing])


def test_a_second_member_that_stops_early_is_cut():
    with pytest.raises(WireFault, match=r"^cut:"):
        decode("gzip", CODED["gzip"] + b"\x1f")
    with pytest.raises(WireFault, match=r"^cut:"):
        decode("gzip", CODED["gzip"] * 2 + CODED["gzip"][:15])


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_follows_the_end_is_not_dropped_silently(encoding):
    with pytest.raises(WireFault, match="cut: bytes follow the end"):
        decode(encoding, CODED[encoding] + b"more")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_damage_is_noticed(encoding):
    with pytest.raises(WireFault, match="cut: the compressed body is damaged"):
        decode(encoding, b"not compressed at all")
    damaged = bytearray(CODED[encoding])
    damaged[-3] ^= 1
    with pytest.raises(WireFault, match="cut: the compressed body is damaged"):
        decode(encoding, bytes(damaged))


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_no_byte_at_all_is_an_empty_body(encoding):
    assert decode(encoding, b"") == b""


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_a_coding_that_was_not_asked_for_is_told(encoding):
    with pytest.raises(WireFault, match=f"coding: the answer is encoded as '{encoding}'"):
        Body(encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_the_limit_is_inclusive(encoding):
    assert decode(encoding, CODED[encoding], limit=len(TEXT)) == TEXT
    with pytest.raises(WireFault, match=f"too_large: more than {len(TEXT) - 1} bytes came"):
        decode(encoding, CODED[encoding], limit=len(TEXT) - 1)


def test_a_bomb_is_refused_before_it_is_unpacked():
    bomb = gzip.compress(bytes(200 << 20), 9)
    body = Body("gzip", LIMIT)
    tracemalloc.start()
    with pytest.raises(WireFault, match="too_large"):
        body.feed(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * LIMIT
