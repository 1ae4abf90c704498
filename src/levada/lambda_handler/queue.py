"""A batch of messages: each is done by itself, and those that are not done are handed back to the queue."""

from collections.abc import Sequence
from typing import Any

from levada.errors import ApiRefused, LeaseHeld, LevadaError, TryLater
from levada.lambda_handler.events import Message, asked
from levada.lambda_handler.told import Told, log_error, raised
from levada.lambda_handler.until import Until
from levada.lambda_handler.working import work

__all__ = ["batch", "undone"]


def batch(messages: Sequence[Message], until: Until) -> dict[str, Any]:
    """Do what each message asks for, in order.

    A message that fails is handed back whatever the reason: the queue's own rules bring it again, and in the end to
    its dead-letter queue, where nothing is lost. After an API that is away, or refuses, the other messages for the
    same pipeline are handed back untried; of a queue that keeps its order what follows a failure in its group.

    Returns:
        What Lambda takes for a partial failure.

    Raises:
        TryLater: not one of the messages was done; without `ReportBatchItemFailures` a queue heeds nothing else.
    """
    failures: dict[str, Exception | None] = {}
    hopeless: set[str | None] = set()
    stopped: set[str] = set()
    for message in messages:
        untried = until.left <= 0 or message.group in stopped
        error = None if untried else _failure(message, hopeless, until)
        if untried or error:
            failures[message.name] = error
            stopped |= set() if message.group is None else {message.group}
    first = next((error for error in failures.values() if error), None)
    if messages and len(failures) == len(messages):
        raise undone(len(messages), first)
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failures]}


def _failure(message: Message, hopeless: set[str | None], until: Until) -> Exception | None:
    """Why a message was not done; None if it was."""
    told = Told()
    try:
        _do(message, told, hopeless, until)
    except LevadaError as error:
        log_error(error)
        return error
    except Exception as error:  # noqa: BLE001 - a bug that one message meets is not the others'
        return raised(error)
    return told.errors[0] if told.errors else None


def _do(message: Message, told: Told, hopeless: set[str | None], until: Until) -> None:
    wanted = asked(message.event, message.sent)
    if wanted.pipeline in hopeless:
        raise TryLater(f"Message {message.name} was not tried: its pipeline failed just now.")
    try:
        work(wanted, told, until)
    except LeaseHeld:
        raise  # of this partition only
    except (TryLater, ApiRefused):
        hopeless.add(wanted.pipeline)
        raise


def undone(number: int, first: Exception | None) -> TryLater:
    """What is raised of so many messages, none of which was done: a queue keeps them all. `first` says why."""
    if isinstance(first, LevadaError):
        return TryLater(f"None of {number} messages was done: {first.what}", where=first.where, todo=first.todo)
    why = str(first or "there was no time left")
    todo = "see the log; give the function more time, or the batch fewer messages"
    return TryLater(f"None of {number} messages was done: {why}", where="batch", todo=todo)
