"""A function that only lands, as one zip: Levada, the libraries that landing needs, and specs already read."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import levada
from levada.cli.wheels import Library, Target, libraries
from levada.errors import FixThis
from levada.spec.auth import AuthClass, Jwt
from levada.spec.model import Spec
from levada.spec.packed import SUFFIX, Packed, pack
from levada.spec.read import tree_of
from levada.spec.tree import Items, Keys, Node, Word
from levada.spec.variables import Variable, pieces

__all__ = ["HANDLER", "Bundle", "Chosen", "Written", "bundle"]

HANDLER = "levada.lambda_handler.handler"
#: Where lambda_handler/specs.py looks for them.
_FOLDER = "levada_specs"
_LANDING = ("aiohttp", "google-re2", "jsonpath-rfc9535", "msgspec", "obstore", "tzdata")
#: Rooms of Levada that landing never enters.
_CLOSED = frozenset({"cli", "serve", "simulate", "scheduler", "scheduler.py", "__main__.py"})
#: The earliest moment that a zip can name: files of equal content give equal bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Chosen:
    """A spec, and those of its streams that the function is for; all if empty."""

    spec: Spec
    streams: tuple[str, ...]
    #: What its file says, variables not filled in.
    root: Node

    @classmethod
    def of(cls, spec: Spec, streams: tuple[str, ...] = ()) -> "Chosen":
        """The choice of `streams`; the file of the spec is read for it."""
        root, _ = tree_of(Path(spec.file).read_text("utf-8-sig"), spec.file)
        return cls(spec, streams, root)

    @property
    def variables(self) -> list[str]:
        """Those that the function must be given: `A`, `A or B`; in the order of the spec."""
        texts = [pieces(word.text) for word in _words(self.root)]
        found = [_wanted(piece) for text in texts for piece in text if isinstance(piece, Variable)]
        return list(dict.fromkeys(name for name in found if name))


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes into a zip: names in it, and where their bytes come from."""

    files: Mapping[str, Path | bytes]
    libraries: tuple[Library, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A zip that was written."""

    size: int
    unpacked: int
    sha256: str


def bundle(chosen: Sequence[Chosen], target: Target, out: Path) -> tuple[Bundle, Written]:
    """Write the zip for these specs.

    Args:
        chosen: The specs; of pipelines with different names.
        target: Where the function runs.
        out: The file to write; it is whole, or as it was.

    Raises:
        FixThis: a library is missing or cannot be fetched; code of a spec does not lie beside it; `out` cannot be
            written.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wheels = Path(scratch, "wheels")
        wheels.mkdir()
        found = libraries(_needs(chosen), target, wheels)
        files: dict[str, Path | bytes] = dict(_own())
        for library in found:
            files |= library.files
        for one in chosen:
            files |= _spec_files(one)
        made = Bundle(files | _compiled(files, Path(scratch, "code")) if target.here else files, tuple(found))
        return made, _write(made.files, out)


def _needs(chosen: Sequence[Chosen]) -> list[str]:
    signing = any(isinstance(one.spec.source.auth, Jwt) for one in chosen)
    return [*_LANDING, *(("pyjwt", "cryptography") if signing else ())]


def _own() -> Iterator[tuple[str, Path]]:
    root = Path(levada.__file__).parent
    for path in root.rglob("*.py"):
        inside = path.relative_to(root)
        if inside.parts[0] not in _CLOSED:
            yield f"levada/{inside.as_posix()}", path


def _spec_files(one: Chosen) -> Iterator[tuple[str, Path | bytes]]:
    file = Path(one.spec.file)
    yield f"{_FOLDER}/{one.spec.pipeline}{SUFFIX}", pack(Packed(file.name, one.root, "land", one.streams))
    for name in sorted(_code(one.spec)):
        yield from _module(name, file.absolute().parent, one.spec)


def _code(spec: Spec) -> set[str]:
    """The modules of the user's own that a spec names."""
    named = [stream.paging.name for stream in spec.streams]
    named += [spec.source.auth.name] if isinstance(spec.source.auth, AuthClass) else []
    return {name.partition(":")[0].partition(".")[0] for name in named if name}


def _module(name: str, folder: Path, spec: Spec) -> Iterator[tuple[str, Path]]:
    """The files of a module or package that lies beside a spec."""
    alone, package = folder / f"{name}.py", folder / name
    files = [alone] if alone.is_file() else sorted(package.rglob("*.py")) if package.is_dir() else []
    if not files:
        raise FixThis(
            f"The module {name}, which the spec names, does not lie beside it.",
            where=spec.file,
            todo=f"put {name}.py into {folder}; what it imports beyond Python must be there, too",
        )
    for path in files:
        yield f"{_FOLDER}/{path.relative_to(folder).as_posix()}", path


def _compiled(files: Mapping[str, Path | bytes], folder: Path) -> dict[str, Path | bytes]:
    """Byte code for the modules: a function starts in half the time, and could not keep any that it makes itself.

    In a process of its own: what else this one has imported would show in the bytes.
    """
    for name, content in files.items():
        if name.endswith(".py") and isinstance(content, Path):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(content, folder / name)
    command = (sys.executable, "-S", "-s", "-m", "compileall", "-q", "-s", str(folder), "-p", "/var/task")
    how = ("--invalidation-mode", "unchecked-hash", "-j", "1", str(folder))
    environment = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", "")}
    subprocess.run([*command, *how], env=environment, capture_output=True, check=False)  # noqa: S603 - this very Python
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.pyc")}


def _write(files: Mapping[str, Path | bytes], out: Path) -> Written:
    """The zip with these files, whole under its name; equal files give equal bytes."""
    unfinished = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(unfinished, "w") as archive:
            unpacked = sum(_add(archive, name, files[name]) for name in sorted(files))
        written = Written(unfinished.stat().st_size, unpacked, hashlib.sha256(unfinished.read_bytes()).hexdigest())
        os.replace(unfinished, out)  # noqa: PTH105 - said as it is documented: in one step
    except OSError as error:
        raise FixThis(f"{out} cannot be written: {error.strerror}.", where="--out", todo="name another file") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return written


def _add(archive: zipfile.ZipFile, name: str, content: Path | bytes) -> int:
    """Bytes of the file before they are packed."""
    data = content if isinstance(content, bytes) else content.read_bytes()
    info = zipfile.ZipInfo(name, _EPOCH)
    info.external_attr, info.create_system = _MODE, 3
    archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return len(data)


def _words(node: Node) -> Iterator[Word]:
    if isinstance(node, Word):
        yield node
    elif isinstance(node, Items):
        for item in node.items:
            yield from _words(item)
    elif isinstance(node, Keys):
        for _, below in node.entries.values():
            yield from _words(below)


def _wanted(variable: Variable) -> str:
    """The names of a variable that has no text to stand in for it, else ""."""
    last: str | Variable | None = variable
    while isinstance(last, Variable):
        last = last.default
    return " or ".join(variable.names) if last is None and variable.name else ""
