"""The libraries of a function: which, in what versions, and their files; from this Python, or from pip for another."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path, PurePosixPath
from platform import machine

from levada.errors import FixThis

__all__ = ["Library", "Target", "libraries"]

#: The C library of Amazon Linux 2023 is 2.34; wheels for older ones run there, too.
_GLIBC = 34
_OLDEST = 17
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MANYLINUX = re.compile(r"manylinux(?:_2_(?P<minor>[0-9]+)|1|2010|2014)_(?P<machine>.+)")
#: What a function has no use for: sources of compiled modules, types for checkers, notes of installers.
_UNUSED = frozenset({".pyc", ".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".cpp", ".hash"})
_NOTES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL", "entry_points.txt"})
_FOLDERS = frozenset({"__pycache__", "tests", "test"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a function runs."""

    #: As in 3.13.
    python: str
    #: As Linux calls it: x86_64, aarch64.
    machine: str

    @property
    def here(self) -> bool:
        """Whether this Python is such a one."""
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        return sys.platform == "linux" and (self.python, self.machine) == (own, machine())


@dataclass(frozen=True, slots=True)
class Library:
    """One distribution: its files by their names below the folder for imports."""

    name: str
    version: str
    files: Mapping[str, Path]


def libraries(names: Sequence[str], target: Target, scratch: Path) -> list[Library]:
    """These distributions and all that they need, for `target`, in the versions that are installed here; by name.

    Args:
        names: Of distributions that are installed here.
        target: Where they are to run.
        scratch: An empty folder, for what pip fetches.

    Raises:
        FixThis: one is not installed here; pip cannot fetch them.
    """
    found = _installed(names)
    if not target.here or not all(_runs(each, target) for each in found):
        _fetch(found, names, target, scratch)
        found = list(distributions(path=[str(scratch)]))
    made = [Library(_normal(each.name), each.version, dict(_files(each))) for each in found]
    return sorted(made, key=lambda library: library.name)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(names: Iterable[str]) -> list[Distribution]:
    """The closure of what is installed; a requirement that is not there is one of another Python or platform."""
    found: dict[str, Distribution] = {}
    todo = [(name, True) for name in names]
    while todo:
        name, wanted = todo.pop()
        if _normal(name) in found:
            continue
        try:
            here = distribution(name)
        except PackageNotFoundError:
            if wanted:
                raise _not_here(name) from None
            continue
        found[_normal(name)] = here
        needs = [text for text in here.requires or () if "extra ==" not in text.partition(";")[2]]
        todo += [(match[0], False) for text in needs if (match := _NAME.match(text))]
    return list(found.values())


def _not_here(name: str) -> FixThis:
    return FixThis(f"{name} is not installed.", where="libraries", todo=f"pip install {name}")


def _runs(each: Distribution, target: Target) -> bool:
    """Whether what is installed here is a wheel for any such Linux, and not one that was built here."""
    tags = re.findall(r"^Tag: \S+-(\S+)$", each.read_text("WHEEL") or "", re.MULTILINE)
    return any(tag == "any" or _old_enough(tag, target) for several in tags for tag in several.split("."))


def _old_enough(tag: str, target: Target) -> bool:
    found = _MANYLINUX.fullmatch(tag)
    if found is None or found["machine"] != target.machine:
        return False
    return int(found["minor"] or _OLDEST) <= _GLIBC


def _fetch(found: Iterable[Distribution], names: Sequence[str], target: Target, scratch: Path) -> None:
    """Let pip put the wheels for `target` into `scratch`, in the versions that are here."""
    pins = [f"{each.name}=={each.version}" for each in found]
    constraints = scratch.with_suffix(".txt")
    constraints.write_text("\n".join(pins))
    platforms = [f"manylinux_2_{minor}_{target.machine}" for minor in range(_GLIBC, _OLDEST - 1, -1)]
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
        *("--target", str(scratch), "--constraint", str(constraints), "--only-binary=:all:"),
        *("--implementation", "cp", "--python-version", target.python),
        *(f"--platform={platform}" for platform in (*platforms, f"manylinux2014_{target.machine}")),
        *names,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this Python's own pip
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise FixThis(
            f"pip cannot fetch the libraries for Python {target.python} on {target.machine}: {'; '.join(said[-2:])}",
            where="pip",
            todo="see what it says; or build on a machine like the function's, with its Python",
        )


def _files(each: Distribution) -> Iterator[tuple[str, Path]]:
    for file in each.files or ():
        path = PurePosixPath(file)
        if path.suffix in _UNUSED or ".." in path.parts or path.is_absolute():
            continue
        if _FOLDERS.isdisjoint(path.parts) and not (path.name in _NOTES and path.parts[0].endswith(".dist-info")):
            yield str(path), Path(str(each.locate_file(file)))
