"""What is in a landed page: its records, all at once or, of a file, in portions; and the lines that are no records."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import BinaryIO

from levada.contract.model import Contract
from levada.errors import ContractBroken, LevadaError
from levada.lake.reading import open_file, open_parts
from levada.landing import Landed
from levada.nouns import Batch, LakeFile, Rejected, Violation
from levada.pipeline.job import Job
from levada.records import portions
from levada.records.columns import WrongColumns
from levada.records.portion import Broken, Portion
from levada.records.split import split

__all__ = ["count_of", "explained", "portions_of", "with_lines"]


@contextmanager
def portions_of(job: Job, page: Landed, *, partly: bool = False) -> Iterator[Iterator[Portion]]:
    """The records of a page in order. Those of a file count once the block is left: it is proven then.

    Args:
        job: What says how the page is written.
        page: The page.
        partly: Perhaps not all of them are looked at: then what is looked at is proven before.

    Raises:
        ContractBroken: the page, or file, is not written as the spec says.
        TryLater: the file that came back is not the one that was landed.
    """
    if page.body is not None:
        yield iter((Portion(split(page.body, job.stream.records, page.file.media)),))
        return
    with _stream(job, page.file, partly=partly) as stream:
        yield _portions(job, page.file, stream)


def count_of(job: Job, file: LakeFile) -> int:
    """How many records, and lines that should be some, a landed file has; raises as `portions_of` does."""
    with _stream(job, file) as stream, _told(job, file):
        return portions.count(stream, job.stream.records, file.media, job.spec.source.limits.page_size)


def _stream(job: Job, file: LakeFile, *, partly: bool = False) -> AbstractContextManager[BinaryIO]:
    # A zip is read from its end.
    opened = open_parts if partly or job.stream.records.format.unpack == "zip" else open_file
    return opened(job.area.store, file)


def _portions(job: Job, file: LakeFile, stream: BinaryIO) -> Iterator[Portion]:
    with _told(job, file):
        yield from portions.portions(stream, job.stream.records, file.media, job.spec.source.limits.page_size)


@contextmanager
def _told(job: Job, file: LakeFile) -> Iterator[None]:
    try:
        yield
    except LevadaError as error:
        raise explained(job, error, str(file.fills.get("file") or file.public or file.key)) from None


def explained(job: Job, error: LevadaError, file: str) -> LevadaError:
    """What is wrong with a file, told with its name; whose line of names it may be."""
    if isinstance(error, WrongColumns) and (name := _owner(job, error.found)):
        error.what += f" This looks like the header of stream {name}."
    return error.at_place(f"{job.where}, {file}")


def _owner(job: Job, found: tuple[str, ...]) -> str | None:
    """Another stream of the spec whose files have this line of names."""
    others = (stream for stream in job.spec.streams if stream.name != job.stream.name)
    return next((stream.name for stream in others if stream.records.format.columns == found), None)


def with_lines(batch: Batch, portion: Portion, contract: Contract) -> Batch:
    """The batch of a portion with the lines of its bad records, and with the lines that are none.

    Raises:
        ContractBroken: there are such lines, and the contract says `on_bad: fail`.
    """
    if portion.broken and contract.on_bad == "fail":
        first = portion.broken[0]
        raise ContractBroken(
            f"File {batch.page}, line {first.line}: {first.why}.",
            todo="mend the file; `on_bad: quarantine` sets bad lines aside and goes on",
        )
    bad = [replace(each, line=portion.line(each.index)) for each in batch.rejected]
    return replace(batch, rejected=(*bad, *(_rejected(batch.page, each) for each in portion.broken)))


def _rejected(page: int, broken: Broken) -> Rejected:
    return Rejected(page, broken.index, (Violation("$", "line", broken.why),), broken.raw, broken.line)
