"""Every store keeps every promise."""

import pytest

from conformance import check_object_store, check_store
from levada.lake.disk import DiskStore
from levada.lake.memory import MemoryStore
from levada.lake.opening import open_store

STORES = {"disk": lambda folder: DiskStore(folder / "lake"), "memory": lambda _: MemoryStore()}


@pytest.mark.parametrize("name", STORES)
def test_store_conforms(name, tmp_path):
    check_store(STORES[name](tmp_path))


def test_object_store_conforms(s3):
    check_object_store(lambda: open_store(s3.lake(), s3.environment))
