"""A call into a driver that may last, made so that signals are heard meanwhile.

While the main thread is inside a driver, Python hears no signal: DuckDB goes on to its end, and ADBC puts a handler of
its own in place, so that Ctrl-C becomes an error as if the server had cancelled the statement.
"""

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

__all__ = ["listening"]

_T = TypeVar("_T")
#: Seconds after which what does not end is told once more to end: it may have been between two statements.
_AGAIN = 0.1
#: Seconds after which a thread that has not begun never will: the signal came before it was made.
_BEGINS = 1.0


def listening(work: Callable[[], _T], stop: Callable[[], None]) -> _T:
    """Do `work`, in a thread of its own where signals come to this one.

    Args:
        work: What may last.
        stop: Breaks it off, from another thread; called more than once.

    Raises:
        KeyboardInterrupt, SystemExit: a signal came; `work` has ended then. Else what `work` raises.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    made, wrong = list[_T](), list[BaseException]()
    begun, done = threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        try:
            made.append(work())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asked
            wrong.append(error)
        finally:
            done.set()

    try:
        threading.Thread(target=copy_context().run, args=(run,), name="levada-listening", daemon=True).start()
        done.wait()
    except BaseException:
        while begun.wait(_BEGINS) and not done.is_set():
            stop()
            done.wait(_AGAIN)
        raise
    if wrong:
        raise wrong.pop()
    return made.pop()
