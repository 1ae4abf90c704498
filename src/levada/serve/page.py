"""The page of a job server, GET /: what it does, how to call it, its last jobs. No script, nothing from elsewhere."""

import base64
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from levada.secret import redact
from levada.serve.answers import MEANINGS, PROMISE, example
from levada.serve.jobs import About, JobKind, Told

__all__ = ["headers", "html"]

_FIGURES = ("Read", "Kept", "Quarantined", "Files", "Seconds")
#: Characters of a parameter, a message or a note that are shown; a request may hold 64 KB of them.
_LONGEST = 500
#: Controls, what turns the direction of text or is not seen at all, and halves of surrogate pairs, which have no UTF-8.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Row:
    """A job as the table tells it."""

    machine: str
    began: str
    kind: str
    parameters: tuple[tuple[str, str], ...]
    outcome: str
    #: Class that colours the outcome.
    mood: str
    said: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]


def html(kind: JobKind, about: About | None, latest: Sequence[Told], url: str) -> str:
    """The page.

    Args:
        kind: Of the jobs that the server takes.
        about: What it says of itself; None for an app that was made without a spec.
        latest: Jobs, the latest first.
        url: Where the reader found the server.
    """
    return _template().render(
        title=f"{kind.name.capitalize()} jobs{f' of {about.pipeline}' if about else ''}",
        kind=kind,
        about=about,
        promise=PROMISE,
        url=shlex.quote(url),
        body=shlex.quote(json.dumps(example(kind, about), ensure_ascii=False)),
        meanings=[(int(status), meaning) for status, meaning in sorted(MEANINGS.items())],
        figures=_FIGURES,
        rows=[_row(told) for told in latest],
    )


@cache
def headers() -> Mapping[str, str]:
    """Headers for the page: the browser takes its own style from it and nothing else, and keeps no copy."""
    style = _STYLE.search(_text())
    digest = base64.b64encode(sha256((style[1] if style else "").encode()).digest()).decode()
    parts = ("default-src 'none'", f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'")
    return {
        "Content-Security-Policy": "; ".join((*parts, "frame-ancestors 'none'")),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


@cache
def _template() -> Template:
    # All that is put into the page passes `_shown`, and is escaped after that.
    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    return made.from_string(_text())


def _text() -> str:
    return files("levada.serve").joinpath("page.html").read_text(encoding="utf-8")


def _shown(value: Any) -> Any:
    """A text without secrets, its unfit characters written out; anything else as it is."""
    return _UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", redact(value)) if isinstance(value, str) else value


def _row(told: Told) -> _Row:
    at = told.at.astimezone(UTC)
    outcome, mood = _outcome(told)
    return _Row(
        machine=at.isoformat(timespec="milliseconds"),
        began=f"{at:%Y-%m-%d %H:%M:%S}",
        kind=told.kind,
        parameters=tuple((name, _cut(value)) for name, value in told.parameters.items()),
        outcome=outcome,
        mood=mood,
        said=tuple(map(_cut, _said(told))) if outcome != told.message else (),
        figures=tuple(zip(_FIGURES, _figures(told), strict=True)),
    )


def _outcome(told: Told) -> tuple[str, str]:
    """How a job ended, in a few words, and the mood of it."""
    if told.seconds is None:
        return "at work", "care"
    done = told.run.outcome if told.run else "done" if told.status == HTTPStatus.CREATED else "failed"
    mood = {"done": "good", "failed": "bad"}.get(done, "care")
    return f"{told.status} {done}" if told.status else done, mood


def _said(told: Told) -> tuple[str, ...]:
    if not told.run:
        return (told.message,)
    dropped = told.run.counts.dropped
    notes = [note for note in told.run.notes if note not in told.message]  # "no data" has them in its message
    return (told.message, *notes, *([f"{dropped} dropped, as the contract says"] if dropped else []))


def _figures(told: Told) -> tuple[str, ...]:
    seconds = "" if told.seconds is None else f"{told.seconds:.1f}"
    if not told.run:
        return ("", "", "", "", seconds)
    counts = told.run.counts
    return (*map(str, (counts.read, counts.kept, counts.quarantined, len(told.run.files))), seconds)


def _cut(text: str) -> str:
    clean = redact(text)  # first: half a secret would not be found
    return clean if len(clean) <= _LONGEST else f"{clean[:_LONGEST]}…"
