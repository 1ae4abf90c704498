"""Job servers: a folder of the lake is filled by an HTTP request; they need the extra `serve`.

`make_app` gives the Flask app of one kind of job, `serve` listens with it. Importing this package imports neither Flask
nor waitress.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from levada import extras
from levada.serve.jobs import LAND, STAGE, About, JobKind

if TYPE_CHECKING:
    from levada.serve.app import make_app
    from levada.serve.listening import serve

__all__ = ["LAND", "STAGE", "About", "JobKind", "make_app", "require", "serve"]

_HOMES = {"make_app": "levada.serve.app", "serve": "levada.serve.listening"}


def __getattr__(name: str) -> Any:
    """The public name, from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'levada.serve' has no attribute {name!r}")
    require()
    return getattr(import_module(_HOMES[name]), name)


def require() -> None:
    """Make sure that the libraries of the job servers are installed; raises FixThis where one is missing."""
    extras.require("serve", "The job servers", ("flask", "waitress"))
