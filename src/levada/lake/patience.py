"""Requests to an object store that fail for a moment: how often, after which waits, they are made again."""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from levada.lake.apart import is_left
from levada.lake.fault import Fault

__all__ = ["Patience", "waits"]

_log = logging.getLogger(__name__)
#: Seconds before each further try. A store that says SlowDown needs seconds; one that restarts, half a minute.
_BUSY = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 16.0)
#: Nobody answers at all: a wrong address is told after 8 s, and a connection that was cut is made again at once.
_UNREACHABLE = (0.1, 0.5, 1.0, 2.0, 4.0)
#: A wait is between this share of it and the whole: many processes that were refused together come back apart.
_SPREAD = 0.5


def waits(fault: Fault) -> tuple[float, ...]:
    """Seconds before each further try after `fault`; none where another try gives the same answer."""
    if not fault.passes:
        return ()
    return _UNREACHABLE if fault.kind == "unreachable" else _BUSY


def _shown(text: str) -> None:
    _log.warning("%s", text)


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait, and whom to tell."""

    pause: Callable[[float], None] = time.sleep
    #: uniform(low, high)
    uniform: Callable[[float, float], float] = random.uniform
    told: Callable[[str], None] = _shown

    def tries(self, where: str) -> Iterator["_Try"]:
        """One try after the other, for as long as the one before failed and there is hope; the last raises its Fault.

        for each in patience.tries(url):
            with each:
                return ask()
        """
        number, met, in_doubt = 0, Counter[str](), False
        while True:
            each = _Try(number, in_doubt=in_doubt)
            yield each
            fault = each.fault
            if fault is None:
                return
            # Each kind of fault has its own waits: a store that restarts cuts connections first, and is busy then.
            left = waits(fault)[met[fault.kind] :]
            met[fault.kind] += 1
            if not left:
                raise fault
            seconds = self.uniform(left[0] * _SPREAD, left[0])
            self.told(f"{where}: {fault.text}; again in {seconds:.1f} s")
            self.pause(seconds)
            if is_left():
                raise fault
            number += 1
            in_doubt |= fault.in_doubt


class _Try:
    """One try: keeps the Fault that ended it."""

    def __init__(self, number: int, *, in_doubt: bool) -> None:
        #: 0 for the first; later ones may meet what an earlier one did without an answer.
        self.number = number
        #: Whether an earlier one may be done yet.
        self.in_doubt = in_doubt
        self.fault: Fault | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.fault = error if isinstance(error, Fault) else None
        return self.fault is not None
