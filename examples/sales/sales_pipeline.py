"""What both jobs share: the spec, the root of the lake, how a server starts, and files that are written whole."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, Literal

from levada import FixThis, Pipeline, load
from levada.pipeline import Options
from levada.serve import lines, serve
from levada.serve.servers import PATIENCE

__all__ = ["SPEC", "pipeline", "start", "whole"]

SPEC = Path(__file__).with_name("pipeline.yaml")


def pipeline() -> Pipeline:
    """The pipeline of the spec; its lake is the folder that the variable BASE_DIR names.

    Raises:
        FixThis: BASE_DIR is not set.
    """
    root = os.environ.get("BASE_DIR")
    if not root:
        raise FixThis(
            "BASE_DIR environment variable must be set",
            where="environment",
            todo="export BASE_DIR=/path/to/my_dir; the jobs work below it, and nowhere else",
        )
    return load(SPEC, lake=root).having(Options(wait=PATIENCE))


def start(app: Any, verb: Literal["land", "stage"], port: str) -> None:
    """Serve `app` on localhost until Ctrl-C; leave at once, with the reason, where its jobs could not be done."""
    lines.start()
    if not port.isdecimal():
        sys.exit(f"{port!r} is no port: set JOB1_PORT and JOB2_PORT to numbers, or leave them out")
    try:
        pipeline().job_stream(verb)
        with contextlib.suppress(KeyboardInterrupt):
            serve([(app, int(port))], lambda ports: print(f"http://localhost:{ports[0]}/", flush=True))
    except FixThis as error:
        sys.exit(str(error))


@contextlib.contextmanager
def whole(records: object, path: str) -> Iterator[BinaryIO]:
    """A file to write `records` to, under the name `path` once all of it is on the disk; its folder is made."""
    if not isinstance(records, list):
        what = f"a list of records is needed, not {type(records).__name__}"
        raise FixThis(what, where=path, todo="save what get_sales returns")
    aim = Path(path)
    aim.parent.mkdir(parents=True, exist_ok=True)
    new = aim.with_name(f".{aim.name}.{token_hex(8)}")
    try:
        with new.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(aim)
    finally:
        new.unlink(missing_ok=True)
