"""The door for AWS Lambda: `levada.lambda_handler.handler` does one event, or a batch of messages, and answers.

event ──► asked ──► spec ──► partitions ──► runs ──► answer

What a person must change is told (log, status of the answer); what may work later is raised, so that the event is
tried again; messages that were not done are handed back. The work stops in good time before the function's own end.
"""

from typing import Any

from levada.errors import FixThis, LevadaError, TryLater
from levada.lambda_handler.events import asked, messages, of_queue
from levada.lambda_handler.queue import batch, undone
from levada.lambda_handler.told import Told, answer, log_error, raised
from levada.lambda_handler.until import Until
from levada.lambda_handler.working import work
from levada.source import fetch  # noqa: F401 - loads its libraries while the function starts, not in its first call

__all__ = ["handler"]


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Do what an event asks for.

    Args:
        event: `{"pipeline": ..., "date": ...}`, both of which may be left out; EventBridge's scheduled event, whose
            `time` names the partition by the spec's `default`; or a batch of SQS messages with one of these each.
        context: Lambda's; its get_remaining_time_in_millis says how long there is. None: for ever.

    Returns:
        `{"statusCode": 200, "body": JSON}`: 207 for gaps, 400 and 502 for what trying again would not change. For a
        batch `{"batchItemFailures": [...]}`.

    Raises:
        TryLater: nothing is wrong here, or the time was up; what had arrived is kept.
        RuntimeError: a bug of Levada.
    """
    until = Until.of(context)
    try:
        return _handled(event, until)
    except Exception as error:  # noqa: BLE001 - the last door: whatever leaves it goes into a log
        raise raised(error) from None


def _handled(event: Any, until: Until) -> dict[str, Any]:
    try:
        found = messages(event)
    except FixThis as error:
        if number := of_queue(event):  # whatever is answered, what it names no failure is deleted
            raise undone(number, error) from None
        return _mistaken(error)
    return _one(event, until) if found is None else batch(found, until)


def _mistaken(error: FixThis) -> dict[str, Any]:
    log_error(error)
    return answer(Told(errors=[error]), mistaken=True)


def _one(event: Any, until: Until) -> dict[str, Any]:
    told = Told()
    try:
        wanted = asked(event)
    except FixThis as error:
        return _mistaken(error)
    try:
        work(wanted, told, until)
    except TryLater:
        raise
    except LevadaError as error:
        told.failed(error)
    return answer(told)
