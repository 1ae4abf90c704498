"""A round as the JSON of a webhook: its facts, bounded and without secrets. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from levada.notify.letter import cell
from levada.notify.sums import Sum, first_of, summed, sums
from levada.nouns import Run, plain
from levada.round import Reported, Round
from levada.secret import redacted

__all__ = ["VERSION", "facts_of"]

#: Of the form: a program that knows it reads later ones of the same number, which only add.
VERSION = 1
#: Most runs, most of what each of them lists, failures and the like, rows of a report.
_RUNS, _PARTS, _ITEMS, _ROWS = 400, 20, 100, 50


def facts_of(done: Round) -> dict[str, Any]:
    """What a program is told of a round; `left_out` says how much of it is not there."""
    runs = first_of(done.runs, _RUNS)
    parts = sums(done.runs)
    found = {
        "version": VERSION,
        "kind": "levada.round",
        "id": done.id,
        "pipeline": done.pipeline,
        "verb": done.verb,
        "door": done.door,
        "outcome": done.ending,
        "started": done.started.isoformat(),
        "ended": done.ended.isoformat(),
        "seconds": (done.ended - done.started) / timedelta(seconds=1),
        "partitions": list(done.partitions[:_RUNS]),
        "rows": _sum(summed(parts, "")),
        "streams": [{"stream": part.stream, **_sum(part)} for part in parts],
        "runs": [_run(run) for run in runs],
        "failures": plain(done.failures[:_ITEMS]),
        "not_tried": [{"stream": one[0], "partition": one[1]} for one in done.not_tried[:_ITEMS]],
        "reports": [_report(one) for one in done.reports[:_ITEMS]],
        "notes": list(done.notes[:_ITEMS]),
        "left_out": _left_out(done, runs),
    }
    return dict(redacted(found))


def _sum(part: Sum) -> dict[str, Any]:
    counts = plain(part.counts)
    loaded = {"inserted": part.inserted, "updated": part.updated, "unchanged": part.unchanged}
    return {**counts, **(loaded if part.loads else {}), "partitions": part.partitions, "seconds": part.seconds}


def _run(run: Run) -> dict[str, Any]:
    few = replace(run, files=run.files[:_PARTS], gaps=run.gaps[:_PARTS], notes=run.notes[:_PARTS])
    return dict(plain(few))


def _report(one: Reported) -> dict[str, Any]:
    """Numbers, texts and nulls stay what they are, all else is text: a database gives whatever it likes."""
    rows = [[_value(value) for value in row] for row in one.rows[:_ROWS]]
    few = replace(one, rows=(), files=one.files[:_PARTS])
    return {**plain(few), "rows": rows, "count": len(one.rows)}


def _value(value: Any) -> Any:
    finite = not isinstance(value, float) or value - value == 0
    return value if isinstance(value, bool | int | float | None) and finite else cell(value)


def _left_out(done: Round, runs: list[Run]) -> dict[str, int]:
    """How many of each are not told; nothing of what is told whole."""
    left = {
        "partitions": len(done.partitions) - _RUNS,
        "runs": len(done.runs) - len(runs),
        "files": _beyond(len(run.files) for run in runs),
        "gaps": _beyond(len(run.gaps) for run in runs),
        "failures": len(done.failures) - _ITEMS,
        "not_tried": len(done.not_tried) - _ITEMS,
        "reports": len(done.reports) - _ITEMS,
        "notes": len(done.notes) - _ITEMS,
    }
    return {name: number for name, number in left.items() if number > 0}


def _beyond(lengths: Iterable[int]) -> int:
    return sum(max(0, length - _PARTS) for length in lengths)
