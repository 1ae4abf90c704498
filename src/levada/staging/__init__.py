"""Checked rows into files: each format is one module with a `writer`, and one line in `FORMATS`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from levada.staging.format import Format, Output, RowWriter

__all__ = ["FORMATS", "Format", "Output", "RowWriter", "rows_of"]


def _avro() -> Format:
    from levada.staging import avro

    return avro


#: Name in a spec -> its module, loaded when it is asked for: fastavro takes its time.
FORMATS: Mapping[str, Callable[[], Format]] = {"avro": _avro}


def rows_of(format: str, file: BinaryIO) -> Iterator[Mapping[str, Any]]:  # noqa: A002 - the word of the spec
    """The rows of a staged file, one by one."""
    return FORMATS[format]().rows(file)
