"""Land first: every page is durable before a record of it is used.

answers of the API ──► pages/<n>.body, pages/<n>.json ──► Landed, in page order

Files come in pieces, straight into the lake.

Does not decide what a page is, nor what comes next: the source did. Does not commit: the lake does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

from levada.lake.store import Writer
from levada.lake.work import Work
from levada.nouns import LakeFile, Page, PageFacts

__all__ = ["Come", "Landed", "Naming", "Opening", "land", "receive", "taken"]

#: What a page's name is filled with, see PageFacts.fills -> its public name, None where pages are not shown.
Naming: TypeAlias = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True, slots=True)
class Landed:
    """A page that is durable: its file, and its body for the rooms that follow."""

    file: LakeFile
    #: None for a file, which may be of any size: it is read from the lake, piece by piece.
    body: bytes | None


#: Opens a writer for the body of the file that is to be landed, anew for each try.
Opening: TypeAlias = Callable[[], AbstractContextManager[Writer]]


@dataclass(frozen=True, slots=True)
class Come:
    """A file on its way: what its name is filled with, and what brings it, which gives its facts when it is whole."""

    fills: Mapping[str, Any]
    bring: Callable[[Opening], PageFacts]


def taken(work: Work, name: Naming, *, whole: bool = True) -> Iterator[Landed]:
    """The pages that an interrupted run had landed, in page order; read back unless they are files."""
    for facts in work.done:
        file = work.page_file(facts, _named(facts, name))
        if file is not None:
            yield Landed(file, work.page_body(facts) if whole else None)


def receive(files: Iterable[Come], work: Work, name: Naming, took: Callable[[PageFacts], None]) -> Iterator[Landed]:
    """Write each file as it comes, never whole in memory, tell `took`, and hand it on."""
    for number, file in enumerate(files, start=len(work.done) + 1):
        public = name(file.fills)
        facts = file.bring(lambda number=number, public=public: work.body_writer(number, public))  # type: ignore[misc]  # bound at once
        landed = work.landed(facts, public)
        took(facts)
        if landed is not None:
            yield Landed(landed, None)


def land(answers: Iterable[Page], work: Work, name: Naming, took: Callable[[PageFacts], None]) -> Iterator[Landed]:
    """Write each answer as it comes, tell `took`, and hand the pages on; answers without data are only written."""
    for page in answers:
        file = work.land(page, _named(page.facts, name))
        took(page.facts)
        if file is not None:
            yield Landed(file, page.body)


def _named(facts: PageFacts, name: Naming) -> str | None:
    # A page of an older run knows its number only.
    return name({"page": facts.number, **facts.fills}) if facts.means == "page" else None
