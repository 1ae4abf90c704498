"""A reader of a folder that jobs fill, in a process of its own: it must never see a mixture.

    python following.py folder|record ROOT FOLDER GOOD     with the folder of filling.py on PYTHONPATH

Prints "ready", looks again and again until its input is closed, once more after that, and then prints how often it saw
something. GOOD is a JSON file with the trees that it may see (file -> SHA-256).
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from filling import commit, held

#: Seconds between two looks: the readers do not take the machine from those whom they follow.
PAUSE = 0.005


def opened(root: Path, folder: str) -> dict[str, str] | None:
    """What the folder holds, by a descriptor; for as long as that is open it stays the same."""
    try:
        descriptor = os.open(root / folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        seen = held(descriptor)
        time.sleep(PAUSE)
        assert held(descriptor) == seen, "what was opened has changed"
    finally:
        os.close(descriptor)
    return seen


def recorded(root: Path, folder: str) -> dict[str, str] | None:
    """The files that the commit record names, under their own keys; each must be what the record says."""
    record = commit(root, folder)
    if record is None:
        return None
    seen = {}
    for file in record.files:
        assert file.public is not None
        data = (root / file.key).read_bytes()
        seen[file.public.rpartition("/")[2]] = hashlib.sha256(data).hexdigest()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256), f"{file.key}: changed"
    return seen


def main() -> None:
    mode, root, folder, good = sys.argv[1:]
    look = {"folder": opened, "record": recorded}[mode]
    states = json.loads(Path(good).read_text())
    os.set_blocking(sys.stdin.fileno(), False)
    print("ready", flush=True)
    looks, last = 0, False
    while not last:
        last = closed()
        seen = look(Path(root), folder)
        assert seen is None or seen in states, f"a mixture: {seen}"
        looks += seen is not None
        time.sleep(PAUSE)
    print(looks)


def closed() -> bool:
    try:
        return os.read(sys.stdin.fileno(), 1) == b""
    except BlockingIOError:
        return False


if __name__ == "__main__":
    main()
