"""Calls on threads of their own, so that whoever waits for them hears a signal, and may leave.

Python runs the handler of a signal on the main thread, between two of its own steps. A request to an object store is
one such step, in native code, and takes a minute where the store stalls.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

__all__ = ["apart", "is_left", "side_by_side"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_mine = threading.local()


def apart(act: Callable[[], _Result]) -> _Result:
    """What `act` gives or raises; whoever leaves by the exception of a signal leaves `act` to come to its own end."""
    if threading.current_thread() is not threading.main_thread():
        return act()  # no signal comes here
    coming: Future[_Result] = Future()
    over = threading.Event()
    try:
        _start(lambda: _alone(act, coming, over))
        return coming.result()
    finally:
        over.set()


def side_by_side(act: Callable[[_Item], _Result], items: Sequence[_Item], most: int) -> list[_Result]:
    """What `act` gives for each item, in their order, `most` at a time; raises the error of the first that has one.

    After an error what was not begun is left, and what was begun is waited for; not after the exception of a signal.
    """
    coming: list[Future[_Result]] = [Future() for _ in items]
    todo, over = deque(zip(coming, items, strict=True)), threading.Event()
    threads: list[threading.Thread] = []
    try:
        for _ in range(most):
            threads.append(_start(lambda: _work(act, todo, over)))  # noqa: PERF401 - an error is to meet those begun
        return [one.result() for one in coming]
    except Exception:
        over.set()
        for thread in threads:
            thread.join()
        raise
    finally:
        over.set()


def is_left() -> bool:
    """Whether nobody waits any more for what this thread does: nothing of it is to be begun, or tried again."""
    over: threading.Event | None = getattr(_mine, "over", None)
    return over is not None and over.is_set()


def _start(work: Callable[[], None]) -> threading.Thread:
    # A daemon: who left does not want to wait at the end of the process either.
    # What is said there is said for whoever waits.
    thread = threading.Thread(target=copy_context().run, args=(work,), name="levada-apart", daemon=True)
    thread.start()
    return thread


def _alone(act: Callable[[], _Result], coming: "Future[_Result]", over: threading.Event) -> None:
    _mine.over = over
    _settle(act, coming)


def _work(act: Callable[[_Item], _Result], todo: "deque[tuple[Future[_Result], _Item]]", over: threading.Event) -> None:
    _mine.over = over
    while not over.is_set():
        try:
            coming, item = todo.popleft()
        except IndexError:
            return
        _settle(lambda: act(item), coming)  # noqa: B023 - called at once
        if coming.exception():
            todo.clear()


def _settle(act: Callable[[], _Result], coming: "Future[_Result]") -> None:
    try:
        coming.set_result(act())
    except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
        coming.set_exception(error)
