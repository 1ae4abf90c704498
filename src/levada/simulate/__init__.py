"""Local APIs to try specs against, with faults on request; they need the extra `simulate`."""

from importlib.util import find_spec

from levada.errors import FixThis

__all__ = ["require"]

_LIBRARIES = ("fastapi", "uvicorn", "faker")


def require() -> None:
    """Make sure that the libraries of the simulators are installed, without importing them.

    Raises:
        FixThis: One is missing; the text holds the line that installs them.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise FixThis(
            f"The simulated APIs need {', '.join(missing)}, which this Python does not have.",
            where="levada.simulate",
            todo="pip install 'levada[simulate]'",
        )
