"""Every store keeps every promise."""

import obstore.store
import pytest

from conformance import check_object_store, check_store
from lakeside import RAW, STAGED, carry, public_tree
from levada.lake.disk import DiskStore
from levada.lake.location import Location
from levada.lake.memory import MemoryStore
from levada.lake.objects import Objects
from levada.lake.opening import open_store
from levada.lake.remote import RemoteStore

STORES = {"disk": lambda folder: DiskStore(folder / "lake"), "memory": lambda _: MemoryStore()}


@pytest.mark.parametrize("name", STORES)
def test_store_conforms(name, tmp_path):
    check_store(STORES[name](tmp_path))


def test_object_store_conforms(s3):
    check_object_store(lambda: open_store(s3.lake(), s3.environment))


@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_a_store_whose_tags_name_writes_conforms(scheme):
    # What GCS and Azure have in common with the library's own memory: a tag says which write it was, not which bytes.
    def make() -> RemoteStore:
        memory = obstore.store.MemoryStore()
        return RemoteStore(Objects(memory, memory, Location(scheme, "bucket", "")))

    check_object_store(make, tags=False)
    store = make()
    carry(store)
    carry(store, [b'["x"]'])
    assert sorted(public_tree(store)) == [RAW.format(1), STAGED.format(1)]
