"""Job servers: a folder of the lake is filled by an HTTP request; they need the extra `serve`.

`make_app` gives the Flask app of one kind of job, `serve` listens with it. Importing this package imports neither Flask
nor waitress.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from levada.errors import FixThis
from levada.serve.jobs import LAND, STAGE, About, JobKind

if TYPE_CHECKING:
    from levada.serve.app import make_app
    from levada.serve.listening import serve

__all__ = ["LAND", "STAGE", "About", "JobKind", "make_app", "require", "serve"]

_LIBRARIES = ("flask", "waitress")
_HOMES = {"make_app": "levada.serve.app", "serve": "levada.serve.listening"}


def __getattr__(name: str) -> Any:
    """The public name, from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'levada.serve' has no attribute {name!r}")
    require()
    return getattr(import_module(_HOMES[name]), name)


def require() -> None:
    """Make sure that the libraries of the job servers are installed, without importing them.

    Raises:
        FixThis: one is missing; the text holds the line that installs them.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise FixThis(
            f"The job servers need {', '.join(missing)}, which this Python does not have.",
            where="levada.serve",
            todo="pip install 'levada[serve]'",
        )
