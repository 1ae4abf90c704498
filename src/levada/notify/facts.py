"""A round as the JSON of a webhook: its facts, bounded and without secrets. Pure."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from levada.notify.letter import cell
from levada.notify.sums import Sum, first_of, summed, sums
from levada.nouns import Run, plain
from levada.round import Reported, Round
from levada.secret import redacted

__all__ = ["ITEMS", "VERSION", "WHOLE", "body_of", "facts_of"]

#: Of the form: a program that knows it reads later ones of the same number, which only add.
VERSION = 1
#: Most runs, failures, reports and the like; if the whole is too large, fewer.
ITEMS = (100, 20, 5)
#: Characters of the whole, above which many servers refuse it, and of one text.
WHOLE, _TEXT = 500_000, 1000
#: Most of what a run lists, names of partitions, rows of a report.
_PARTS, _NAMES, _ROWS = 20, 400, 50


def body_of(done: Round) -> str:
    """The JSON of a round, of bounded length."""
    bodies = (json.dumps(facts_of(done, most)) for most in ITEMS)
    return next((body for body in bodies if len(body) <= WHOLE), json.dumps(facts_of(done, 0)))


def facts_of(done: Round, most: int = ITEMS[0]) -> dict[str, Any]:
    """What a program is told of a round, lists cut to `most`; `left_out` says how much of it is not there."""
    runs, parts = first_of(done.runs, most), sums(done.runs)
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
        "partitions": list(done.partitions[:_NAMES]),
        "rows": _sum(summed(parts, "")),
        "streams": [{"stream": part.stream, **_sum(part)} for part in parts[:_NAMES]],
        "runs": [_run(run) for run in runs],
        "failures": plain(done.failures[:most]),
        "not_tried": [{"stream": one[0], "partition": one[1]} for one in done.not_tried[:most]],
        "reports": [_report(one) for one in done.reports[:most]],
        "notes": list(done.notes[:most]),
        "left_out": _left_out(done, runs, most),
    }
    return dict(_short(redacted(found)))


def _short(tree: Any) -> Any:
    """The same with texts of bounded length; secrets are out already, so that none shows in part."""
    if isinstance(tree, str):
        return tree if len(tree) <= _TEXT else f"{tree[: _TEXT - 1]}…"
    if isinstance(tree, dict):
        return {name: _short(value) for name, value in tree.items()}
    return [_short(value) for value in tree] if isinstance(tree, list) else tree


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


def _left_out(done: Round, runs: list[Run], most: int) -> dict[str, int]:
    """How many of each are not told; nothing of what is told whole."""
    left = {
        "partitions": len(done.partitions) - _NAMES,
        "runs": len(done.runs) - len(runs),
        "files": _beyond(len(run.files) for run in runs),
        "gaps": _beyond(len(run.gaps) for run in runs),
        "failures": len(done.failures) - most,
        "not_tried": len(done.not_tried) - most,
        "reports": len(done.reports) - most,
        "notes": len(done.notes) - most,
    }
    return {name: number for name, number in left.items() if number > 0}


def _beyond(lengths: Iterable[int]) -> int:
    return sum(max(0, length - _PARTS) for length in lengths)
