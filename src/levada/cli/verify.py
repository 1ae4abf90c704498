"""levada verify: hold a lake to its commit records; put right what can be put right."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from levada.cli.commands import said_by
from levada.cli.door import facts, say, tell
from levada.cli.look import LAKE, existing
from levada.cli.progress import counted
from levada.cli.together import worst
from levada.errors import FixThis, LevadaError, TryLater

if TYPE_CHECKING:
    from levada.lake.area import Area
    from levada.lake.audit import Finding, Verified
    from levada.lake.record import Record
    from levada.lake.store import Store

__all__ = ["verify"]

#: Findings that time mends, and those that only are told.
_PASSING, _HARMLESS = ("busy",), ("extra",)
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_THOUSAND = 1000
#: Slashes in the name of a partition, as it is given.
_OF_PARTITION = 2


@click.command(short_help="Hold a lake to its commit records: missing, changed, extra files.")
@click.argument("names", nargs=-1, metavar="[PARTITION]...")
@LAKE
@click.option("--quick", is_flag=True, help="Compare sizes only; read no file but the commit records.")
@click.option(
    "--repair", is_flag=True, help="Put right what can be: show what is committed, restore files from copies."
)
@click.option("--strict", is_flag=True, help="Leave with 2 for extra files, too.")
@click.option(
    "--wait", metavar="TIME", default="0s", show_default=True, help="With --repair: how long to wait for runs."
)
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout.")
def verify(names: Sequence[str], lake: str, wait: str, *, as_json: bool, **how: bool) -> None:
    """Read a lake again and hold every file to its commit record, by size and SHA-256.

    \b
      levada verify --lake lake
      levada verify sales/sales/2022-08-09 --lake lake
      levada verify sales --lake lake --repair

    PARTITION is pipeline, pipeline/stream or pipeline/stream/partition; all of the lake without any. Kept bytes and
    public names are looked at, and Delta tables. Missing and changed files, lost records and commits that a stopped run
    did not show leave exit code 2; files that are in no record are told as extra. Needs no spec and no API; nothing is
    written without --repair.

    --repair finishes what a stopped run had committed, restores a file from its other name, and shows commits in Delta
    tables again. It deletes nothing that is not in a record, and fetches nothing: what cannot be restored is told with
    what makes it again.
    """
    from levada.spec.read import duration

    with said_by("--wait"):
        seconds = duration(wait) if how["repair"] else None
    work = _Work(existing(lake), names, seconds, quick=how["quick"])
    found: list[Verified] = []
    for one in work.found():
        found.append(one)
        if not as_json:
            _say(one)
    beside, errors = work.extras(), work.errors
    if as_json:
        _say_json(found, beside, errors)
    else:
        _say_rest(found, beside, errors)
    if code := worst(_codes(found, beside, errors, strict=how["strict"])):
        sys.exit(code)


class _Work:
    """A lake that is held to its records, and put right on the way if `wait` says how long to wait for runs."""

    def __init__(self, store: "Store", names: Sequence[str], wait: float | None, *, quick: bool) -> None:
        from levada.edges import Edges
        from levada.lake.audit import Audit, chosen
        from levada.pipeline.tabled import Tabled

        self._areas, self._wait, self._edges = chosen(store, names), wait, Edges()
        self._tabled = Tabled(store, self._edges, quick=quick)
        self._deep = all(name.count("/") < _OF_PARTITION for name in names)
        self._audit = Audit(store, quick=quick, deep=self._deep, besides=self._of_table)
        #: Why partitions could not be repaired, and tables not looked at.
        self.errors: list[LevadaError] = []
        self._unlooked: FixThis | None = None

    def found(self) -> "Iterator[Verified]":
        """What is found in each partition, after the repair where there was one."""
        for area, one in zip(self._areas, self._audit.of(self._areas), strict=True):
            wrong = any(each.kind not in _HARMLESS for each in one.findings)
            yield self._repaired(area) if wrong and self._wait is not None else one

    def _of_table(self, record: "Record", wrong: frozenset[str]) -> "list[Finding]":
        """What is wrong with the rows in a table; without the library for tables the rest is still looked at."""
        try:
            return self._tabled.findings(record, wrong)
        except FixThis as error:
            if self._unlooked is None:
                self._unlooked = error
                self.errors.append(error)
            return []

    def extras(self) -> "list[Finding]":
        """What is in no commit."""
        return [*self._audit.extras(), *(self._tabled.extras() if self._deep else ())]

    def _repaired(self, area: "Area") -> "Verified":
        from dataclasses import replace

        from levada.lake.repair import repair

        done: tuple[str, ...] = ()
        try:
            done = repair(area, self._edges, self._wait or 0.0, None if self._unlooked else self._tabled)
        except LevadaError as error:
            self.errors.append(error)
        return replace(self._audit.one(area), repaired=done)


def _say(one: "Verified") -> None:
    name = f"{one.pipeline}/{one.stream} {one.partition}"
    for text in one.repaired:
        say(f"{name}: repaired: {text}")
    for finding in one.findings:
        say(f"{name}: {_line(finding)}")


def _line(finding: "Finding") -> str:
    state = {"missing": "is missing", "changed": "was changed since it was committed", "extra": "is extra"}
    what = f"{finding.key} {state.get(finding.kind, f'is {finding.kind}')}"
    why = f": {finding.why}" if finding.why else ""
    return f"{what}{_compared(finding)}{why}\n  to do: {finding.todo}"


def _compared(finding: "Finding") -> str:
    """Sizes where they differ, else hashes."""
    if finding.kind != "changed" or (finding.found_size, finding.found) == (None, None):
        return ""
    if finding.found_size not in (None, finding.size):
        return f" ({finding.size} bytes expected, {finding.found_size} found)"
    return f" (SHA-256 expected {finding.sha256}, found {finding.found or 'none'})"


def _say_rest(found: "Sequence[Verified]", beside: "Sequence[Finding]", errors: Sequence[LevadaError]) -> None:
    for finding in beside:
        say(_line(finding))
    for error in errors:
        tell(error)
    wrong = sum(1 for one in found if any(each.kind not in _HARMLESS for each in one.findings))
    whole = f"{counted(len(found), 'partition')}, {counted(sum(one.files for one in found), 'file')}, {_sized(found)}"
    say(f"{whole}: {f'{wrong} not as committed' if wrong else 'all as committed'}")


def _sized(found: "Sequence[Verified]") -> str:
    size, unit = float(sum(one.size for one in found)), 0
    while size >= _THOUSAND and unit < len(_UNITS) - 1:
        size, unit = size / _THOUSAND, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size:.0f} {_UNITS[0]}"


def _say_json(found: "Sequence[Verified]", beside: "Sequence[Finding]", errors: Sequence[LevadaError]) -> None:
    from levada.nouns import plain

    told = {"partitions": plain(list(found)), "extra": plain(list(beside)), "errors": [*map(facts, errors)]}
    say(json.dumps(told, indent=2))


def _codes(
    found: "Sequence[Verified]", beside: "Sequence[Finding]", errors: Sequence[LevadaError], *, strict: bool
) -> Iterator[int]:
    yield from (error.exit_code for error in errors)
    for finding in (*beside, *(each for one in found for each in one.findings)):
        if finding.kind in _PASSING:
            yield TryLater.exit_code
        elif finding.kind not in _HARMLESS or strict:
            yield FixThis.exit_code
