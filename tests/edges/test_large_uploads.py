"""Files that leave in parts while they come: whole under their name or not there, and never in another's place."""

import hashlib

import pytest

from levada.lake.objects import PART
from levada.lake.opening import open_store
from levada.lake.store import Exists

BLOCK = bytes(range(256)) * 4096


@pytest.fixture
def lake(s3):
    return open_store(s3.lake("large"), s3.environment)


def filled(lake, key, size):
    """Write a file of `size` bytes in blocks."""
    whole = hashlib.sha256()
    with lake.writer(key) as writer:
        for start in range(0, size, len(BLOCK)):
            block = BLOCK[: size - start]
            writer.write(block)
            whole.update(block)
    assert (writer.written().size, writer.written().sha256) == (size, whole.hexdigest())
    return whole.hexdigest()


@pytest.mark.parametrize("size", [PART, PART + 1, 2 * PART])
def test_what_is_larger_than_a_part_comes_whole(lake, size):
    told = filled(lake, "raw/large.csv", size)
    assert lake.head("raw/large.csv").size == size
    with lake.open("raw/large.csv") as stream:
        found = hashlib.sha256()
        while block := stream.read(1 << 20):
            found.update(block)
    assert found.hexdigest() == told


def test_no_large_file_takes_the_place_of_another(lake):
    lake.create("raw/large.csv", b"first")
    with pytest.raises(Exists):
        filled(lake, "raw/large.csv", PART + 1)
    assert lake.read("raw/large.csv") == b"first"


def begun(lake, then):
    """Do something while the first part of a file is on its way."""
    with lake.writer("raw/large.csv") as writer:
        for _ in range(PART // len(BLOCK) + 2):
            writer.write(BLOCK)
        then()


def test_no_large_file_takes_the_place_of_one_that_came_meanwhile(lake):
    with pytest.raises(Exists):
        begun(lake, lambda: lake.create("raw/large.csv", b"first"))
    assert lake.read("raw/large.csv") == b"first"


def test_a_large_file_that_fails_in_its_middle_is_not_there(lake):
    with pytest.raises(ZeroDivisionError):
        begun(lake, lambda: 1 / 0)
    assert lake.head("raw/large.csv") is None
