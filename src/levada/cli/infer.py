"""`levada infer`: a contract to begin with, from sample pages of a spec's stream or from files."""

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from levada.cli.asking import opened
from levada.cli.door import say, warn
from levada.cli.progress import counted

if TYPE_CHECKING:
    from levada.contract.infer import Inferred
    from levada.nouns import Format
    from levada.spec.model import Stream

__all__ = ["infer", "inserted"]

_SPECS = (".yaml", ".yml")
#: Endings of files, and what is in them.
_KINDS = {".jsonl": "json_lines", ".ndjson": "json_lines", ".csv": "csv", ".xml": "xml"}


@click.command(short_help="A contract to begin with, from sample pages.")
@click.argument("files", metavar="SPEC | FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--stream", metavar="NAME", help="The stream of SPEC; needed where it has several.")
@click.option(
    "--date", metavar="PARTITION", help="The partition to ask for; else the spec's default, or the last that is over."
)
@click.option(
    "--pages", type=click.IntRange(min=1), metavar="N", default=3, show_default=True, help="Pages to ask for at most."
)
@click.option("--records", "path", metavar="JSONPATH", help="FILE only: where the records of a page are.")
@click.option("--write", is_flag=True, help="SPEC only: put the contract into the file, where the stream has none.")
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout.")
def infer(files: tuple[str, ...], **how: Any) -> None:
    """Look at sample records and print a contract that takes them, with what was seen behind each line.

    \b
      levada infer sales.yaml --stream sales --date 2022-08-09
      levada infer sales.yaml --stream sales --pages 10 --write
      levada infer lake/raw/sales/2022-08-09/*.json

    With SPEC (a name that ends in .yaml or .yml) it asks the API for the first pages of a stream; with FILE it reads
    pages that are there. The lake is not written to. A contract from a sample is a guess: what no row broke may be
    broken by the next one, and each line says how sure it is.
    """
    if files[0].lower().endswith(_SPECS):
        _from_spec(files, how)
    else:
        _from_files(files, how)


def _from_spec(files: tuple[str, ...], how: dict[str, Any]) -> None:
    from levada.cli.sampling import sample
    from levada.contract.infer import infer as inferred
    from levada.errors import FixThis

    if len(files) > 1:
        raise FixThis("infer takes one spec at a time.", where=files[1], todo="leave the other names out")
    pipeline = opened(files[0], None, asking=True)
    stream = _chosen(pipeline.spec.file, pipeline.spec.streams, how["stream"])
    if how["write"] and stream.contract:
        raise FixThis(
            f"Stream {stream.name} has a contract already.",
            where=str(stream.contract.place or stream.place),
            todo="leave --write out and take over by hand what is missing",
        )
    taken = sample(pipeline, stream, how["date"], how["pages"])
    records = taken.all_records
    if not records and taken.error:
        raise taken.error
    found = inferred(records)
    _tell(found, how, stream.name)
    if taken.error and not how["as_json"]:
        warn(f"levada: fewer pages than wanted: {taken.error.what}")
    if how["write"]:
        _write(pipeline.spec.file, stream, found)


def _chosen(file: str, streams: "tuple[Stream, ...]", name: str | None) -> "Stream":
    from levada.errors import FixThis

    found = [stream for stream in streams if name in {None, stream.name}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(stream.name for stream in streams)
    what = f"There is no stream {name} in this spec." if name else f"This spec has {len(streams)} streams."
    raise FixThis(what, where=file, todo=f"choose one with --stream: {names}")


def _from_files(files: tuple[str, ...], how: dict[str, Any]) -> None:
    from levada.contract.infer import infer as inferred
    from levada.errors import FixThis

    for option in ("stream", "date", "write"):
        if how[option]:
            what = f"--{option} goes with a spec, and {files[0]} is none: its name ends neither in .yaml nor .yml."
            raise FixThis(what, where=f"--{option}", todo="name the spec, or leave the option out")
    _tell(inferred([record for name in files for record in _records_of(name, how["path"])]), how)


def _records_of(name: str, path: str | None) -> list[Any]:
    """The records of a file (`msgspec.Raw`); of an object without --records, those that look like it."""
    from levada.errors import LevadaError
    from levada.nouns import Records
    from levada.records.split import split
    from levada.source.detect import detect

    body, form = _body(name), _format(name)
    if path is None and form.kind == "json":
        seen = detect(200, {}, body, "")
        if seen.records:
            path = str(seen.records.said[0][1])
            warn(f"levada: {name}: records taken from {path} ({seen.records.why}); --records says otherwise")
    try:
        return list(split(body, Records(path, format=form)))
    except LevadaError as error:
        raise error.at_place(name) from None


def _format(name: str) -> "Format":
    from levada.nouns import Format

    return Format(kind=cast("Any", _KINDS.get(Path(name).suffix.lower(), "json")))


def _body(name: str) -> bytes:
    from levada.errors import FixThis

    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name is possible"
        raise FixThis(
            f"{name} cannot be read: {reason}.", where=name, todo="name a file of records, or a spec"
        ) from None


def _tell(found: "Inferred", how: dict[str, Any], stream: str | None = None) -> None:
    from levada.contract.infer import block
    from levada.nouns import plain

    lines = block(found)
    if how["as_json"]:
        told = {"stream": stream, "rows": found.rows, "odd": found.odd, "fields": plain(found.fields)}
        say(json.dumps({**told, "contract": "\n".join(lines)}, indent=2))
        return
    for line in lines:
        say(line)


def _write(file: str, stream: "Stream", found: "Inferred") -> None:
    """Put the contract into the spec, in one step, and only if the spec says the same but for it."""
    path = Path(file)
    _replace(path, inserted(path.read_bytes().decode(), file, stream, found))
    warn(f"levada: {file}: contract of {stream.name} written, {counted(len(found.fields), 'field')} looked at")


def inserted(text: str, file: str, stream: "Stream", found: "Inferred") -> str:
    """The spec `text` with a contract for the stream at the end of its block.

    Raises:
        FixThis: there is nothing to write, or the stream is not written as a block of its own.
    """
    from levada.contract.infer import block
    from levada.errors import FixThis, LevadaError
    from levada.spec.read import read_text

    lines = text.splitlines(keepends=True)
    end, indent = _end_of(lines, stream.place.line - 1, stream.name)
    line_end = "\r\n" if text.count("\r\n") else "\n"
    if not lines[end - 1].endswith(("\n", "\r")):
        lines[end - 1] += line_end
    new = "".join([*lines[:end], *(f"{line}{line_end}" for line in block(found, indent)), *lines[end:]])
    try:
        written = {each.name: each.contract for each in read_text(new, file, {}).streams}
    except LevadaError:
        written = {}
    if written.get(stream.name) is None:
        raise FixThis(
            f"The contract cannot be put into {file} as it stands.",
            where=str(stream.place),
            todo="write the stream as a block (a key a line), or take what is printed over by hand",
        )
    return new


def _end_of(lines: list[str], first: int, name: str) -> tuple[int, int]:
    """The line behind the block that holds line `first` (from 0) of a stream, and the indentation of its keys."""
    head = first
    while head > 0 and not lines[head].lstrip().startswith((f"{name}:", f'"{name}":', f"'{name}':")):
        head -= 1
    outer = _indent(lines[head])
    end, indent = head + 1, outer + 2
    for number, line in enumerate(lines[head + 1 :], start=head + 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _indent(line) <= outer:
            break
        indent = _indent(line) if end == head + 1 else indent
        end = number + 1
    return end, indent


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _replace(path: Path, text: str) -> None:
    """Write `text` in place of the file's, all or nothing, with its mode."""
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        Path(temporary).chmod(target.stat().st_mode & 0o777)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
