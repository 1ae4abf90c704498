"""What a lake on disk remembers of its folders, in a process that never ends."""

from levada.lake.calls import Calls
from levada.lake.place import _MOST_KNOWN, Place


def test_folders_of_partitions_long_gone_are_forgotten(tmp_path):
    place = Place(str(tmp_path), Calls())
    for number in range(3 * _MOST_KNOWN):
        place.path(f"_levada/shop/sales/{number}/commit.json")
        assert len(place._known) <= _MOST_KNOWN  # noqa: SLF001 - nothing else tells what it holds
    assert place.path("_levada/shop/sales/0/commit.json") == f"{tmp_path}/_levada/shop/sales/0/commit.json"
