"""Avro files, whole or not at all."""

from typing import Any

import fastavro

from levada import load
from levada.staging.avro import schema
from sales_pipeline import SPEC, whole

__all__ = ["save_to_disk"]


def save_to_disk(json_content: list[dict[str, Any]], path: str) -> None:
    """Write a list of sales as Avro; whoever reads `path` meets the old content or all of the new one.

    Args:
        json_content: The sales, as the API sends them.
        path: Of the file; its folder is made where it is missing.

    Raises:
        FixThis: it is no list, as the body of an error is not. Nothing was written.
        TypeError, ValueError: a sale is not as the spec's contract has it. Nothing was written.
    """
    spec = load(SPEC).spec
    stream = spec.streams[0]
    assert stream.contract  # noqa: S101 - the spec beside this has one
    avro = fastavro.parse_schema(schema(stream.contract, stream.name, spec.pipeline))
    with whole(json_content, path) as file:
        fastavro.writer(file, avro, json_content, codec="deflate", strict=True)
