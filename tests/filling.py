"""What lies in the folders that jobs fill, and in their control files: as names and hashes, to compare and to send."""

import contextlib
import hashlib
import os
from pathlib import Path

from levada.lake.area import Area, area_of_folder
from levada.lake.lease import read_record
from levada.lake.record import Record
from levada.pipeline import open_lake

__all__ = ["area", "asked_once", "commit", "durable", "held", "lake_tree", "public", "tree"]


def area(root: Path, folder: str) -> Area:
    """Where the control files of a folder of the sales pipeline lie."""
    return area_of_folder(open_lake(str(root)), "sales", "sales", folder)


def commit(root: Path, folder: str) -> Record | None:
    """The commit record of a folder, None where there is none."""
    return read_record(area(root, folder))[0]


def durable(root: Path, folder: str, after: str = "") -> set[int]:
    """Answers that are durable in runs after the run `after`."""
    facts = (root / area(root, folder).runs).glob("*/pages/*.json")
    return {int(path.stem) for path in facts if path.parts[-3] > after}


def public(record: Record) -> set[str]:
    """The names of the files that a folder holds after its commit."""
    return {file.public.rpartition("/")[2] for file in record.files if file.public}


def tree(folder: Path) -> dict[str, str]:
    """File -> SHA-256 of what one folder holds; {} where there is none."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return held(descriptor)
        finally:
            os.close(descriptor)
    return {}


def held(descriptor: int) -> dict[str, str]:
    """File -> SHA-256 of what an open folder holds, as a reader sees it who opened it once."""
    found = {}
    for name in sorted(os.listdir(descriptor)):
        with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=descriptor), "rb") as stream:
            found[name] = hashlib.sha256(stream.read()).hexdigest()
    return found


def lake_tree(root: Path) -> dict[str, str]:
    """Path -> SHA-256 of each file, "" of each folder, outside the control files."""
    paths = (path for path in root.rglob("*") if path.relative_to(root).parts[0] != "_levada")
    return {
        str(path.relative_to(root)): "" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def asked_once(log: list[dict], date: str) -> list[int]:
    """The pages of a date that the API was asked for; none may be there twice."""
    pages = [int(entry["page"]) for entry in log if entry["date"] == date]
    assert len(pages) == len(set(pages)), f"asked twice: {pages}"
    return pages
