"""What came of sending a notice, and how long that may take at most."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from levada.errors import LevadaError, TryLater

__all__ = ["LONGEST", "PATIENCE", "WHOLE", "Sent", "nothing", "within"]

#: Seconds for each answer of a server.
PATIENCE = 20.0
#: Seconds after which a notice is given up for this time, whatever it waits for: a name, a greeting, a slow answer.
WHOLE = 60.0
#: Seconds that all notices of a round may take: it, and who waits for it, are not held up by a slow server.
LONGEST = 120.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one try."""

    #: None: it is sent.
    error: LevadaError | None = None
    #: Whether the error is of this notice alone, so that others may be sent.
    alone: bool = False
    #: Recipients who have it, or will not ever get it: they are not tried again. One of them has it.
    settled: tuple[str, ...] = ()
    #: Why single recipients were refused.
    notes: tuple[str, ...] = ()
    #: Whether all recipients were refused for good.
    hopeless: bool = False


def nothing() -> None:
    """Do nothing."""


def within(seconds: float, send: Callable[[], Sent], whom: str, late: Callable[[], None] = nothing) -> Sent:
    """What `send` gives; where that takes longer, that it did.

    A thread of its own: names are looked up without any time limit, and a server that gives a byte now and then never
    runs into one. What comes of it later is not known, so the notice may come twice.

    Args:
        seconds: How long.
        send: What is to be done.
        whom: Who is waited for, as a sentence begins.
        late: What to do where it takes longer.
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
        late()
        return Sent(TryLater(f"{whom} came to no end within {seconds:.3g} s.", where="notify"))
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]
