"""The steps of a Dockerfile done by hand, below a folder that stands for the root of the image: there is no engine."""

import json
import re
import shutil
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path

__all__ = ["Image", "built"]


@dataclass
class Image:
    """What came of the steps; paths in `environment` and `command` are the image's own."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    entry: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def path(self, name: str) -> Path:
        """Where a path of the image is on this machine."""
        return self.root / str(Path(self.folder, name)).lstrip("/")


def built(
    file: Path, context: Path, root: Path, run: Callable[[Image, str], object] = lambda *_: None, **arguments: str
) -> Image:
    """Do the steps of a Dockerfile, those after RUN by `run`; `arguments` are --build-arg."""
    image, known = Image(root), dict[str, str]()
    for word, rest in _steps(file.read_text()):
        said = string.Template(rest).substitute(known) if word not in {"RUN", "CMD", "ENTRYPOINT"} else rest
        match word:
            case "ARG":
                name, _, usual = said.partition("=")
                known[name] = arguments.get(name, usual)
            case "WORKDIR":
                image.folder = str(Path(image.folder, said))
                image.path("").mkdir(parents=True, exist_ok=True)
            case "COPY":
                *names, aim = said.split()
                for name in names:
                    _copy(context, name, image, aim)
            case "ENV":
                image.environment |= dict(pair.split("=", 1) for pair in said.split())
            case "RUN":
                run(image, said)
            case "ENTRYPOINT":
                image.entry = json.loads(said)
            case "CMD":
                image.command = json.loads(said)
            case other:
                assert other in {"FROM", "USER", "VOLUME"}, other
    return image


def _steps(text: str) -> Iterator[tuple[str, str]]:
    lines = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    yield from (tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#"))


def _copy(context: Path, name: str, image: Image, aim: str) -> None:
    source, target = context / name, image.path(aim)
    files = [path for path in source.rglob("*") if path.is_file()] if source.is_dir() else [source]
    assert source.exists(), f"COPY {name}: there is no such file"
    for path in files:
        if not _ignored(context, path.relative_to(context)):
            inside = path.relative_to(source) if source.is_dir() else path.name
            to = target / inside if source.is_dir() or aim.endswith(("/", ".")) else target
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


def _ignored(context: Path, path: Path) -> bool:
    """As .dockerignore says: the last line that fits the path or a folder that it lies in."""
    found = False
    for line in (context / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.lstrip("!")
            if any(_fits(pattern, str(each)) for each in (path, *path.parents)):
                found = not line.startswith("!")
    return found


def _fits(pattern: str, path: str) -> bool:
    inside, anywhere = pattern.removeprefix("**/"), pattern.startswith("**/")
    return bool(re.match(("(?:.*/)?" if anywhere else "") + translate(inside).replace(".*", "[^/]*"), path))
