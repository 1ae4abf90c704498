"""The same done to many keys: one after the other, or several at once where a call is mostly waiting."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from levada.lake.apart import side_by_side
from levada.lake.store import Store

__all__ = ["each"]

#: A part is 5 MB.
READERS = 6
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def each(
    store: Store, act: Callable[[_Item], _Result], items: Iterable[_Item], *, reading: bool = False
) -> list[_Result]:
    """What `act` gives for each of the items, in their order; raises the error of the first item that has one.

    After an error those that were not begun are left; see `side_by_side`.

    Args:
        store: Says how many calls are made at once.
        act: What is done.
        items: To what.
        reading: Whether `act` reads files: then fewer are worked on at once, for a part of each is in memory.
    """
    todo = list(items)
    most = min(store.abreast, len(todo), READERS if reading else len(todo))
    if most <= 1:
        return [act(item) for item in todo]
    return side_by_side(act, todo, most)
