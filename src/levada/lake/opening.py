"""The store of a lake by its name: a folder, `memory:`, or the URL of a bucket's prefix."""

from collections.abc import Mapping

from levada.lake.disk import DiskStore
from levada.lake.location import MEMORY, is_remote
from levada.lake.memory import MemoryStore
from levada.lake.store import Store

__all__ = ["open_store"]


def open_store(lake: str, environment: Mapping[str, str]) -> Store:
    """The store of the lake `lake`; nothing is asked of it yet.

    Args:
        lake: An absolute folder, `memory:`, or s3://bucket/prefix, gs:// or az://.
        environment: Variables: credentials, endpoint and region of an object store.

    Raises:
        FixThis: the URL, or what the variables say, is wrong; the library for object stores is not installed.
    """
    if lake == MEMORY:
        return MemoryStore()
    if not is_remote(lake):
        return DiskStore(lake)
    from levada.lake.reaching import reached

    return reached(lake, environment)
