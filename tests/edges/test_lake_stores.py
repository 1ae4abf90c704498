"""Every store keeps every promise."""

import dataclasses
import hashlib
import itertools

import pytest

from cloudstores import BUCKET, cloud_store
from conformance import check_object_store, check_store
from lakeside import RAW, STAGED, carry, public_tree
from levada.lake.disk import DiskStore
from levada.lake.memory import MemoryStore
from levada.lake.opening import open_store
from levada.lake.store import Store

STORES = {"disk": lambda folder: DiskStore(folder / "lake"), "memory": lambda _: MemoryStore()}


@pytest.mark.parametrize("name", STORES)
def test_store_conforms(name, tmp_path):
    check_store(STORES[name](tmp_path))


def test_object_store_conforms(s3):
    check_object_store(lambda: open_store(s3.lake(), s3.environment))


@pytest.mark.parametrize("kind", ["gs", "az"])
def test_a_store_whose_tags_name_writes_conforms(kind):
    with cloud_store(kind) as (_, environment):
        lakes = itertools.count()

        def make() -> Store:
            return open_store(f"{kind}://{BUCKET}/lake-{next(lakes)}", environment)

        check_object_store(make, tags=False)


@pytest.mark.parametrize("kind", ["gs", "az"])
def test_a_partition_is_replaced_on_gcs_and_azure(kind):
    with cloud_store(kind) as (cloud, environment):
        store = open_store(f"{kind}://{BUCKET}/lake", environment)
        carry(store)
        carry(store, [b'["x"]'])
        assert sorted(public_tree(store)) == [RAW.format(1), STAGED.format(1)]
        with store.writer("raw/large.bin") as writer:
            for _ in range(12):
                writer.write(bytes(1024 * 1024))
        assert hashlib.sha256(store.read("raw/large.bin")).hexdigest() == writer.written().sha256
        with store.open("raw/large.bin") as stream:
            assert hashlib.file_digest(stream, "sha256").hexdigest() == writer.written().sha256
        assert cloud.parts == {}
        for entry in store.list(""):
            assert store.head(entry.key) == dataclasses.replace(entry, changed=store.head(entry.key).changed)
