"""What an event of AWS asks for. Pure."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from levada.errors import FixThis
from levada.spec.instant import Unreadable, instant

__all__ = ["Asked", "Message", "asked", "messages", "of_queue"]

#: What an event of a person's own may say.
_KEYS = ("pipeline", "date", "time", "streams", "missing")
_EXAMPLE = '{"pipeline": "sales", "date": "2022-08-09"}'
_QUEUE = "aws:sqs"


@dataclass(frozen=True, slots=True)
class Asked:
    """A partition to work on."""

    #: None: the only one that there is.
    pipeline: str | None = None
    #: The partition as a person names it; None: what the spec's `default` means at `time`.
    date: str | None = None
    #: When the event was due (aware); None: now.
    time: datetime | None = None
    #: None: those that the spec was packed for, else all.
    streams: tuple[str, ...] | None = None
    #: Skip partitions that are complete; None: ticks only.
    missing: bool | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a queue."""

    name: str
    text: str
    #: Within which the queue keeps its order; None where it keeps none.
    group: str | None = None
    #: When it was sent (aware); None where the queue does not say. However often it comes, it means the same.
    sent: datetime | None = None

    @property
    def event(self) -> Any:
        """What it says.

        Raises:
            FixThis: it is no JSON.
        """
        try:
            return json.loads(self.text)
        except ValueError:
            raise _wrong(f"Message {self.name} is no JSON.") from None


def messages(event: Any) -> list[Message] | None:
    """The messages of a batch; None for an event that is none.

    Raises:
        FixThis: it is a batch of another service, or what no service sends.
    """
    records = event.get("Records") if isinstance(event, Mapping) else None
    return [_message(one) for one in records] if isinstance(records, list) else None


def of_queue(event: Any) -> int:
    """How many records a queue would delete if its batch, of which one cannot be read, were answered; 0: it is none."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or not any(isinstance(one, Mapping) and _source(one) == _QUEUE for one in records):
        return 0
    return len(records)


def _source(record: Mapping[str, Any]) -> Any:
    return record.get("eventSource") or record.get("EventSource")


def _message(record: Any) -> Message:
    if not isinstance(record, Mapping):
        raise _wrong("A record of the batch is no object.")
    source = _source(record)
    if source != _QUEUE:
        raise _wrong(f"A record of {source} names no partition." if source else "A record lacks eventSource.")
    try:
        attributes = record.get("attributes") or {}
        fifo = str(record.get("eventSourceARN", "")).endswith(".fifo")
        sent = attributes.get("SentTimestamp")
        return Message(
            str(record["messageId"]),
            str(record["body"]),
            str(attributes.get("MessageGroupId", "")) if fifo else None,
            None if sent is None else datetime.fromtimestamp(int(sent) / 1000, UTC),
        )
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise _wrong("A record of the batch is not as SQS sends them.") from None


def asked(event: Any, due: datetime | None = None) -> Asked:
    """What an event asks for; of one that EventBridge wraps, its `detail`, and its `time` as the moment.

    Args:
        event: As Lambda gives it, or as it stands in a message.
        due: The moment of an event that names none.

    Raises:
        FixThis: it says something else; tells what.
    """
    if not isinstance(event, Mapping):
        raise _wrong("The event is no object.")
    said = _wrapped(event) if "detail-type" in event else event
    for key in said:
        if key not in _KEYS:
            meant = difflib.get_close_matches(str(key), _KEYS, 1)
            hint = f": {meant[0]}?" if meant else "."
            raise _wrong(f'"{key}" is nothing that an event says{hint}')
    return Asked(
        pipeline=_text(said, "pipeline"),
        date=_text(said, "date"),
        time=_moment(said) or due,
        streams=_streams(said),
        missing=_flag(said),
    )


def _wrapped(event: Mapping[str, Any]) -> Mapping[str, Any]:
    detail = event.get("detail") or {}
    if not isinstance(detail, Mapping):
        raise _wrong("The detail of the event is no object.")
    return {"time": event.get("time"), **detail}


def _text(said: Mapping[str, Any], key: str) -> str | None:
    value = said.get(key)
    if value is None or (isinstance(value, str) and value):
        return value
    raise _wrong(f"{key} is no text.")


def _moment(said: Mapping[str, Any]) -> datetime | None:
    if said.get("time") is None:
        return None
    try:
        return instant(said["time"]).moment
    except Unreadable as error:
        raise _wrong(f"time: {error}.") from None


def _streams(said: Mapping[str, Any]) -> tuple[str, ...] | None:
    value = said.get("streams")
    if value is None:
        return None
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise _wrong("streams is no list of names.")


def _flag(said: Mapping[str, Any]) -> bool | None:
    value = said.get("missing")
    if value is None or isinstance(value, bool):
        return value
    raise _wrong("missing is neither true nor false.")


def _wrong(what: str) -> FixThis:
    return FixThis(what, where="event", todo=f"send one such as {_EXAMPLE}, or leave both to the spec")
