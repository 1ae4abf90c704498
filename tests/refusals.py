"""What bad input gets, whatever it is: what, where, what to do; an exit code; no secret shown; nothing half-written."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from levada.edges import Edges
from levada.errors import LevadaError
from levada.lake.status import status
from levada.nouns import Run
from levada.pipeline import Options, load, open_lake
from simulated import SPEC, Api, Levada

DAY = "2022-08-09"
RETRY = "  retry: {attempts: 3, wait: 10ms, cap: 20ms, max_wait: 3s}\n\nstreams:"
#: A fault, and how to ask all the same: for three minutes page 4 does not come, unless faults are forgotten.
HELD_BACK = {"match": {"page": 4}, "times": None, "fault": {"status": 503, "retry_after": 1, "delay": 1}}
_PATIENT = "  retry: {attempts: 100, wait: 1s, cap: 1s}\n\nstreams:"
_TOLD = re.compile(r"levada: (?P<what>.+?)\n  where: (?P<where>.+)\n  to do: (?P<todo>.+)", re.DOTALL)


class Careful(Levada):
    """The command line, looked at after every command: no secret in what it says and keeps, and never a bug."""

    def __call__(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
        done = super().__call__(*arguments, **environment)
        secrets = [value for name, value in {**self.environment, **environment}.items() if "TOKEN" in name and value]
        for place, text in (("stdout", done.stdout.encode()), ("stderr", done.stderr.encode()), *_files(self.folder)):
            assert not [value for value in secrets if value.encode() in text], f"a secret in {place}"
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode != 70, done.stderr
        return done


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # another run may be at work, and its temporary files come and go
            if path.is_file():
                yield str(path), path.read_bytes()


def told(done: subprocess.CompletedProcess, code: int, *, what: str, where: str, todo: str) -> None:
    """The command was refused, and its only error says these three things."""
    assert done.returncode == code, done.stderr
    found = _TOLD.search(done.stderr)
    assert found, done.stderr
    # A disk that takes nothing takes no history of it, which is a note and no error.
    errors = [line for line in done.stderr.splitlines() if re.match("levada: (?!the history was not written: )", line)]
    assert len(errors) == 1, done.stderr
    for part, text in (("what", what), ("where", where), ("todo", todo)):
        assert text in found[part], f"{text!r} is not in {part}: {found[part]!r}"


def told_as_json(done: subprocess.CompletedProcess, code: int, kind: str) -> dict[str, object]:
    """The first error of a command with --json, after a look at its shape."""
    assert done.returncode == code, done.stderr
    error = json.loads(done.stdout)["errors"][0]
    assert {"kind", "exit", "what", "where", "todo"} <= set(error)
    assert (error["kind"], error["exit"]) == (kind, code)
    assert error["what"]
    assert error["todo"]
    return error


def quick(folder: Path, *changes: tuple[str, str]) -> Path:
    """The sales spec with short waits, in `folder`; each change replaces a text that is there once."""
    text = SPEC.read_text().replace("\nstreams:", RETRY, 1)
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "sales.yaml"
    path.write_text(text)
    return path


def patient(folder: Path) -> Path:
    """The sales spec that asks again and again, in `folder`."""
    path = folder / "patient.yaml"
    path.write_text(SPEC.read_text().replace("\nstreams:", _PATIENT, 1))
    return path


def place(spec: Path, text: str) -> str:
    """Where a text stands first in a spec, as messages name it: file:line:column."""
    before, found, _ = spec.read_text().partition(text)
    assert found, text
    return f"{spec}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def attempt(spec: Path, lake: Path, api: Api, date: str = DAY, verb: str = "run", **options: bool) -> Run | LevadaError:
    """What comes of one date, in this process: what it did, or why it was refused, which shows no secret either."""
    pipeline = load(spec, lake=str(lake), edges=Edges(environment=api.environment)).having(Options(**options))
    try:
        return pipeline.work(verb, pipeline.streams()[0], date)
    except LevadaError as error:
        shown = (str(error).encode(), *(data for _, data in _files(lake / "_levada")))
        assert not [text for text in shown if api.environment["AUTH_TOKEN"].encode() in text]
        return error


def public(lake: Path) -> dict[str, bytes]:
    """What users see of a lake: name -> bytes."""
    files = (path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.relative_to(lake).parts)
    return {str(path.relative_to(lake)): path.read_bytes() for path in files}


def durable(lake: Path, date: str = DAY) -> set[int]:
    """Pages that are durable in the runs of a date."""
    return {int(path.stem) for path in lake.glob(f"_levada/sales/sales/{date}/runs/*/pages/*.json")}


def state(lake: Path, date: str = DAY) -> str:
    """What the status of a lake says of a date."""
    return next(one.state for one in status(open_lake(str(lake))) if one.partition == date)
