"""Local APIs to try specs against, with faults on request; they need the extra `simulate`."""

from levada import extras

__all__ = ["require"]


def require() -> None:
    """Make sure that the libraries of the simulators are installed; raises FixThis where one is missing."""
    extras.require("simulate", "The simulated APIs", ("fastapi", "uvicorn", "faker"))
