"""What is in a landed page: its records, all at once or, of a file, in portions; and the lines that are no records."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from levada.contract.model import Contract
from levada.errors import ContractBroken, LevadaError
from levada.landing import Landed
from levada.nouns import Batch, LakeFile, Rejected, Violation
from levada.pipeline.job import Job
from levada.records import portions
from levada.records.columns import WrongColumns
from levada.records.portion import Broken, Portion
from levada.records.split import split

__all__ = ["count_of", "explained", "portions_of", "with_lines"]


def portions_of(job: Job, page: Landed) -> Iterator[Portion]:
    """The records of a page in order.

    Raises:
        ContractBroken: the page, or file, is not written as the spec says.
    """
    if page.body is not None:
        yield Portion(split(page.body, job.stream.records, page.file.media))
        return
    limit = job.spec.source.limits.page_size
    with _told(job, page.file), job.area.store.open(page.file.key) as stream:
        yield from portions.portions(stream, job.stream.records, page.file.media, limit)


def count_of(job: Job, file: LakeFile) -> int:
    """How many records, and lines that should be some, a landed file has; raises as `portions_of` does."""
    limit = job.spec.source.limits.page_size
    with _told(job, file), job.area.store.open(file.key) as stream:
        return portions.count(stream, job.stream.records, file.media, limit)


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
