"""What a run left out by rule, as people are told of it. Pure."""

from collections.abc import Iterable, Sequence

from levada.nouns import Gap, PageFacts
from levada.secret import redact
from levada.source.slices import Slice
from levada.spec.model import Paging

__all__ = ["gaps_of", "inherited", "told"]

#: Gaps that a sentence tells.
_SHOWN = 3
#: Characters of what the API said that go into the commit record; the rest lies with the facts of the answer.
_LONGEST = 500


def gaps_of(paging: Paging, slices: Sequence[Slice], skipped: Iterable[PageFacts]) -> tuple[Gap, ...]:
    """The answers that were left out, as gaps, in order."""
    return tuple(Gap(_where(paging, slices, facts), _why(facts), facts.url, facts.status or None) for facts in skipped)


def _why(facts: PageFacts) -> str:
    text = redact(facts.text or "(no text)")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _where(paging: Paging, slices: Sequence[Slice], facts: PageFacts) -> str:
    label = slices[facts.slice].label if facts.slice < len(slices) else ""
    return redact(", ".join(part for part in (label, _page(paging, facts)) if part)) or "the only page"


def _page(paging: Paging, facts: PageFacts) -> str:
    if paging.by == "none":
        return ""
    if paging.by in {"page", "offset"}:
        return f"{paging.by} {facts.position}"
    return f"answer {facts.number}"


def inherited(parent: str, gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """What the gaps of a parent are to its children: rows that nobody knows of."""
    if not gaps:
        return ()
    return (Gap(f"rows of {parent}", f"{parent} is partial itself, {told(gaps)}"),)


def told(gaps: Sequence[Gap]) -> str:
    """Gaps in a sentence: `2 gaps: page 3 (404: …), page 4 (…)`."""
    some = ", ".join(gap.where for gap in gaps[:_SHOWN])
    more = f" and {len(gaps) - _SHOWN} more" if len(gaps) > _SHOWN else ""
    return f"{len(gaps)} gap{'' if len(gaps) == 1 else 's'}: {some}{more}"
