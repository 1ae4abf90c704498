"""A line of a log: what was said, by whom, of what, without secrets; a text for people or a JSON object. Pure."""

import json
import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from levada.secret import redact

__all__ = ["MILESTONES", "About", "json_line", "text_line"]

#: The logger of the milestones. Their words do not name the partition: a line tells it before them.
MILESTONES = "levada.pipeline.milestones"
#: What every record has; all else was given by whoever said it.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
#: What a record of a milestone has that has a place of its own in a line.
_OWN = frozenset({"event", "partition", "pipeline", "stream", "words"})
#: Characters of one text: an answer, or the report of a bug, may be of any length.
_LONGEST = 64_000
#: How deep what was given is looked into, and how many of the values in it are shown.
_DEEPEST = 6
_MOST = 1_000
#: What would end a line, or steer a terminal. A line feed goes on in the next line, below its own.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_CONTROLS |= {0x2028: "\\u2028", 0x2029: "\\u2029"}
_IN_JSON = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


@dataclass(frozen=True, slots=True)
class About:
    """What is worked on while something is said; "" where that is not known."""

    pipeline: str
    stream: str = ""
    partition: str = ""
    #: The round.
    round: str = ""

    @property
    def where(self) -> str:
        """The partition, or what is known of it, as messages name it."""
        return f"{'/'.join(filter(None, (self.pipeline, self.stream)))} {self.partition}".rstrip()


def text_line(record: logging.LogRecord, about: About, at: datetime) -> str:
    """A line for people: `2024-10-08 07:01:02.345Z INFO grader/attempts 2024-10-07: download started`.

    What takes more lines goes on below it, set in, so that nothing that an API said passes for a line of its own.

    Args:
        record: What was said.
        about: What was worked on.
        at: When (aware); shown with its offset from UTC.
    """
    told = "\n".join(map(_shown, filter(None, (_words(record), _report(record)))))
    said = ": ".join(filter(None, (_shown(_of(record, about).where), told)))
    shown = said.translate(_CONTROLS).replace("\n", "\n    ")
    return f"{_stamp(at, ' ')} {record.levelname} {shown}"


def json_line(record: logging.LogRecord, about: About, at: datetime) -> str:
    """A JSON object: at, level, pipeline, stream, partition, round, event, from, words, error, and what else was given.

    What is not known is left out. A name that was given and is one of these has an underscore at its end.

    Args:
        record: What was said.
        about: What was worked on.
        at: When (aware).
    """
    of = _of(record, about)
    own = {
        "at": _stamp(at, "T"),
        "level": record.levelname,
        "pipeline": of.pipeline,
        "stream": of.stream,
        "partition": of.partition,
        "round": of.round,
        "event": getattr(record, "event", "") if record.name == MILESTONES else "",
        "from": "" if record.name == MILESTONES else record.name,
        "words": _words(record),
        "error": _report(record),
    }
    known = {name: _plain(value) for name, value in own.items() if value}
    left = [None] * _MOST
    given = {name: _plain(value, 0, left) for name, value in _first(_given(record).items(), left)}
    more = {f"{name}_" if name in own else name: value for name, value in given.items()}
    return json.dumps({**known, **more}, ensure_ascii=False).translate(_IN_JSON)


def _stamp(at: datetime, between: str) -> str:
    """RFC 3339 to the millisecond; people have a space between day and time, which it allows."""
    text = at.isoformat(between, "milliseconds")
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _of(record: logging.LogRecord, about: About) -> About:
    """What a record is about: what it says itself, else what is worked on."""
    if record.name != MILESTONES or not hasattr(record, "pipeline"):
        return about
    stream, partition = getattr(record, "stream", ""), getattr(record, "partition", "")
    return About(record.pipeline, stream, partition, about.round)


def _words(record: logging.LogRecord) -> str:
    if record.name == MILESTONES and hasattr(record, "words"):
        return str(record.words)
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit are no reason to lose what was said
        return f"{_text(record.msg)} {_text(record.args)}"


def _report(record: logging.LogRecord) -> str:
    """The traceback of an exception, and the stack, where they were asked for."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    parts = ["".join(traceback.format_exception(error)).rstrip()] if error else []
    return "\n".join([*parts, *([record.stack_info] if record.stack_info else [])])


def _given(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as `extra`."""
    taken = _STANDARD | _OWN if record.name == MILESTONES else _STANDARD
    return {_shown(name): value for name, value in vars(record).items() if name not in taken}


def _plain(value: Any, depth: int = 0, left: list[None] | None = None) -> Any:
    """A value as JSON has it, every text and number in it redacted; `left` has an item for each that may follow."""
    left = [] if left is None else left
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        shown = _text(value)
        is_number = shown.lstrip("-")[:1].isdigit()  # what is infinite has no JSON, nor what Python will not write out
        return value if is_number and redact(shown) == shown else _shown(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        named = {_shown(name): _plain(item, depth + 1, left) for name, item in _first(value.items(), left)}
        return {**named, **({"[...]": len(value) - len(named)} if len(named) < len(value) else {})}
    if depth < _DEEPEST and isinstance(value, list | tuple | AbstractSet):
        items = [_plain(item, depth + 1, left) for item in _first(value, left)]
        return [*items, *(["[...]"] if len(items) < len(value) else [])]
    return _shown(value)


def _first(items: Iterable[Any], left: list[None]) -> Iterator[Any]:
    """So many of them as may follow."""
    for item in items:
        if not left:
            return
        left.pop()
        yield item


def _shown(value: object) -> str:
    return _cut(redact(_text(value)))


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - whatever its own code raises
        return f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    """`text`; of a longer one the beginning and the end."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} [...] {text[-half:]}"
