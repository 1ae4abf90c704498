"""What came of sending a notice, and how long that may take at most."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from levada.errors import LevadaError, TryLater

__all__ = ["WHOLE", "Sent", "within"]

#: Seconds after which a notice is given up for this time, whatever it waits for: a name, a greeting, a slow answer.
WHOLE = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one try."""

    #: None: it is sent.
    error: LevadaError | None = None
    #: Whether the error is of this notice alone, so that others may be sent.
    alone: bool = False
    #: Recipients who have it, or will not ever get it: they are not tried again.
    settled: tuple[str, ...] = ()
    #: Why single recipients were refused.
    notes: tuple[str, ...] = ()


def within(seconds: float, send: Callable[[], Sent], whom: str) -> Sent:
    """What `send` gives; where that takes longer, that it did.

    A thread of its own: names are looked up without any time limit, and a server that gives a byte now and then never
    runs into one. What comes of it later is not known, so the notice may come twice.
    """
    found: list[Sent | Exception] = []

    def work() -> None:
        try:
            found.append(send())
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            found.append(error)

    thread = threading.Thread(target=work, name="levada-notice", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        return Sent(TryLater(f"{whom} came to no end within {seconds:g} s.", where="notify"))
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]
