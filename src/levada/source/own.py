"""The user's own code, by `module:name`: found beside the spec first, then wherever Python looks."""

import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from levada.errors import FixThis
from levada.nouns import Place
from levada.secret import redact

__all__ = ["named"]

#: Python's path for imports is the process's, not a thread's.
_lock = threading.RLock()


def named(name: str, folder: Path, place: Place) -> Any:
    """What `name`, such as "mymodule:Signer", names.

    Args:
        name: A module, dotted if it is in a package, and the name of something in it.
        folder: The spec's.
        place: Where the spec names it.

    Raises:
        FixThis: there is no such module, it cannot be imported, or it lacks the name.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise FixThis(f'"{name}" names no code.', where=str(place), todo='Write "module:name".')
    found = _module(module, folder, str(place))
    if not hasattr(found, attribute):
        what = f"{module} ({getattr(found, '__file__', None) or 'built in'}) has no {attribute}."
        raise FixThis(what, where=str(place), todo=f"Write {attribute} into it, or correct the name {name}.")
    return getattr(found, attribute)


def _module(name: str, folder: Path, where: str) -> ModuleType:
    try:
        with _lock, _beside(folder):
            file = folder / f"{name}.py"
            return _from_file(name, file) if file.is_file() else import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise _broken(name, error, where) from error
        what = f"There is no module {name}, neither beside the spec ({folder}) nor installed."
        raise FixThis(what, where=where, todo=f"Write {name}.py there, or correct the name.") from None
    except Exception as error:
        raise _broken(name, error, where) from error


def _broken(name: str, error: Exception, where: str) -> FixThis:
    what = redact(f"The module {name} cannot be imported: {type(error).__name__}: {error}.")
    return FixThis(what, where=where, todo=f"Mend {name}, or install what it needs.")


def _from_file(name: str, file: Path) -> ModuleType:
    """The module of a file, under a name of its own: specs in two folders may each have a `hooks.py`."""
    known_as = f"_levada_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}_{name}"
    if known_as in sys.modules:
        return sys.modules[known_as]
    spec = spec_from_file_location(known_as, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python")
    module = sys.modules[known_as] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[known_as]
        raise
    return module


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """The folder among those where Python looks, so that a module finds its neighbours."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
