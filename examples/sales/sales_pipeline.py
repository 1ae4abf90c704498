"""What both jobs share: the spec, the root of the lake, and how a server starts."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Any, Literal

from levada import FixThis, Pipeline, load
from levada.pipeline import Options
from levada.serve import lines, serve
from levada.serve.servers import PATIENCE

__all__ = ["pipeline", "start"]

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
