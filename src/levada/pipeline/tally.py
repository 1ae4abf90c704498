"""What happens while a run works: counted, written down, passed on."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from levada.lake.work import Work
from levada.nouns import Batch, Counts, PageFacts
from levada.source.events import Asked, Event, Refused

__all__ = ["Tally"]

#: Rules that are told apart: names of keys that an API invents would be without end.
_RULES = 100


class Tally:
    """Counts requests and rows, keeps the last answer, lands what the API refused, tells the person who watches."""

    def __init__(self, observe: Callable[[Event], None]) -> None:
        self._observe = observe
        #: Requests sent, those beyond the end and those of a first try that was given up included.
        self.requests = 0

    def begin(self, work: Work) -> Work:
        """Count for this work from now on."""
        self.work = work
        #: Pages taken over from an interrupted run.
        self.resumed = sum(1 for facts in work.done if facts.means == "page")
        #: The latest answer that was landed; the one that ended the pages, when they have ended.
        self.last: PageFacts | None = work.done[-1] if work.done else None
        #: Answers that a rule left out.
        self.skipped = [facts for facts in work.done if facts.means == "skip"]
        #: Rows so far.
        self.counts = Counts()
        #: How often rows broke which rule: `price: type`.
        self.rules = Counter[str]()
        return work

    def saw(self, event: Event) -> None:
        """An event of the source."""
        if isinstance(event, Asked):
            self.requests += 1
        elif isinstance(event, Refused):
            self.work.refused(event.number, event.attempt, event)
        self._observe(event)

    def took(self, facts: PageFacts) -> None:
        """An answer that was landed."""
        self.last = facts
        if facts.means == "skip":
            self.skipped.append(facts)

    def checked(self, batch: Batch) -> None:
        """A page that went through the contract."""
        self.counts = self.counts.plus(batch)
        for row in batch.rejected:
            for broken in row.violations:
                rule = f"{broken.path}: {broken.rule}"
                self.rules[rule if rule in self.rules or len(self.rules) < _RULES else broken.rule] += 1

    def dropped(self, rows: int) -> None:
        """Records that are not of the run's interval, or were taken by an earlier run."""
        self.counts = replace(self.counts, read=self.counts.read + rows, dropped=self.counts.dropped + rows)

    def unchecked(self, rows: int) -> None:
        """A page of a stream without contract, or of a run that only lands."""
        self.counts = replace(self.counts, read=self.counts.read + rows, kept=self.counts.kept + rows)
