"""Every store keeps every promise."""

import pytest

from conformance import check_store
from levada.lake.disk import DiskStore
from levada.lake.memory import MemoryStore

STORES = {"disk": lambda folder: DiskStore(folder / "lake"), "memory": lambda _: MemoryStore()}


@pytest.mark.parametrize("name", STORES)
def test_store_conforms(name, tmp_path):
    check_store(STORES[name](tmp_path))
