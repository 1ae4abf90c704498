"""Drift: keys that the API sends anew, and keys that it no longer sends. Told, never a mistake."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from levada.contract.memory import KEYS
from levada.contract.model import Contract
from levada.contract.reading import root
from levada.errors import LevadaError
from levada.lake.area import Area
from levada.lake.lease import Lease, record_of
from levada.lake.record import Record
from levada.pipeline.job import Job
from levada.spec.partition import previous

__all__ = ["drifted", "remembered", "told"]

#: Keys that a note names.
_NAMED = 10


def remembered(keys: Iterable[str]) -> tuple[str, ...]:
    """What a commit record tells of the keys of its records: nothing where they are ids and no names of fields."""
    found = tuple(sorted(keys))
    return found if len(found) < KEYS else ()


def drifted(job: Job, lease: Lease, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Notes on how these keys differ from those of the partition's own commit or, without one, of the partition before.

    One record is read for it, however many partitions there are; none for intervals, which go on from one.
    """
    if not keys or job.contract is None:
        return ()
    earlier = lease.record or job.before or _before(job)
    return tuple(told(keys, earlier, job.contract)) if earlier and earlier.keys else ()


def _before(job: Job) -> Record | None:
    partition = previous(job.partition, job.spec.partition)
    if partition is None or job.folder:
        return None
    with suppress(LevadaError):  # whoever needs that record tells what is wrong with it
        return record_of(Area(job.area.store, job.spec.pipeline, job.stream.name, partition.key))
    return None


def told(keys: tuple[str, ...], earlier: Record, contract: Contract) -> Iterator[str]:
    """The notes: which keys are new and whether the contract names them, which are gone."""
    named = set(map(root, contract.fields))
    if new := [key for key in keys if key not in earlier.keys]:
        unnamed = [key for key in new if key not in named]
        said = f"; the contract does not name {_listed(unnamed)}" if unnamed else ""
        yield f"drift: the records have new keys since {earlier.partition}: {_listed(new)}{said}"
    if gone := [key for key in earlier.keys if key not in keys]:
        yield f"drift: no record has keys that were there in {earlier.partition}: {_listed(gone)}"


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return f"{', '.join(f'`{key}`' for key in keys[:_NAMED])}{more}"
