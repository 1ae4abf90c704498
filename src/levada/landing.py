"""Land first: every page is durable before a record of it is used.

answers of the API ──► pages/<n>.body, pages/<n>.json ──► Landed, in page order

Does not decide what a page is, nor what comes next: the source did. Does not commit: the lake does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from levada.lake.work import Work
from levada.nouns import LakeFile, Page, PageFacts

__all__ = ["Landed", "Naming", "land", "taken"]

#: What a page's name is filled with, see PageFacts.fills -> its public name, None where pages are not shown.
Naming: TypeAlias = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True, slots=True)
class Landed:
    """A page that is durable: its file, and its body for the rooms that follow."""

    file: LakeFile
    body: bytes


def taken(work: Work, name: Naming) -> Iterator[Landed]:
    """The pages that an interrupted run had landed, read back, in page order."""
    for facts in work.done:
        file = work.page_file(facts, _named(facts, name))
        if file is not None:
            yield Landed(file, work.page_body(facts.number))


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
