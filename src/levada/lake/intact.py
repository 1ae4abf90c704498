"""Whether the files of a commit still lie there, told without reading them; and what its own bytes can put right.

It is what a partition that is left alone is looked at with: one list and one look at each public name. Only where
something is missing or has another size are files read. Nothing is fetched.
"""

from collections.abc import Callable

from levada.lake.abreast import each
from levada.lake.area import Area
from levada.lake.commit import restore_own
from levada.lake.lease import Lease
from levada.lake.record import Record
from levada.lake.showing import mending
from levada.lake.verify import Problem, check_file

__all__ = ["made_intact"]


def made_intact(lease: Lease, told: Callable[[str], None]) -> list[Problem]:
    """Write again what is missing or has another size, from bytes that the lake has; what is wrong after that.

    Args:
        lease: The partition, with its commit record, which is shown.
        told: Takes a sentence for each name that was written again.

    Raises:
        FixThis: something that is no file lies under a public name.
        Lost: another run may have taken it over.
    """
    area, record = lease.area, lease.record
    if record is None or _all_there(area, record):
        return []
    with mending(area, record):
        checked = each(area.store, lambda file: check_file(area.store, file), record.files, reading=True)
        broken = [(file, problems) for file, problems in zip(record.files, checked, strict=True) if problems]
        return [left for file, problems in broken for left in restore_own(area, file, problems, record.files, told)]


def _all_there(area: Area, record: Record) -> bool:
    there = {entry.key: entry for entry in area.store.list(area.folder)}

    def fits(of: tuple[str, int]) -> bool:
        key, size = of
        entry = there.get(key) or area.store.head(key)
        return entry is not None and not entry.link and entry.size == size

    names = [(key, file.size) for file in record.files for key in (file.key, file.public) if key is not None]
    return all(each(area.store, fits, names))
