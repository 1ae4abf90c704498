"""Waiting for a state, never for a time: a starved machine takes seconds for what takes milliseconds elsewhere."""

import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["HELD", "PATIENCE", "as_soon_as", "is_quick", "settles"]

#: Seconds after which something does not happen any more.
PATIENCE = 60.0
#: Seconds for which an answer is held that a test does not wait for: what ends within PATIENCE did not wait for it.
HELD = 10 * PATIENCE


def settles(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What `condition` gives as soon as that is true, or at last."""
    until = time.monotonic() + seconds
    while not (told := condition()) and time.monotonic() < until:
        time.sleep(0.002)
    return told


def as_soon_as(condition: Callable[[], Any], act: Callable[[], Any]) -> None:
    """Let a thread of its own `act` once `condition` holds, which what comes next brings about."""
    threading.Thread(target=lambda: settles(condition) and act(), daemon=True).start()


def is_quick(act: Callable[[], float], seconds: float) -> bool:
    """Whether `act`, which tells how long it took, ever takes less: its own waits are in every try, others' are not."""
    return bool(settles(lambda: act() < seconds))
