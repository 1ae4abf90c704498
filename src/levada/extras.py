"""Optional parts: which libraries they need, and how to install them."""

from collections.abc import Sequence
from importlib.util import find_spec

from levada.errors import FixThis

__all__ = ["require"]


def require(extra: str, who: str, libraries: Sequence[str]) -> None:
    """Make sure that the libraries of an extra are installed, without importing them.

    Args:
        extra: As in `pip install 'levada[extra]'`.
        who: The part that needs them, as the subject of a sentence: "The job servers".
        libraries: Names to import them by.

    Raises:
        FixThis: one is missing; the text holds the line that installs them.
    """
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise FixThis(
            f"{who} need {', '.join(missing)}, which this Python does not have.",
            where=f"levada.{extra}",
            todo=f"pip install 'levada[{extra}]'",
        )
