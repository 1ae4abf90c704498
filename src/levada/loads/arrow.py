"""Arrow batches on their way into a database: what a driver cannot carry goes as JSON text."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from levada.contract.model import Column
from levada.loads.model import Loading

__all__ = ["Carried", "carried"]

#: Decimals as JSON numbers, every digit kept.
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Carried:
    """Batches for a driver, which wraps what they raise into an error of its own: `failed` keeps that."""

    def __init__(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch], texts: Sequence[int]) -> None:
        self.failed: BaseException | None = None
        self._batches, self._texts = batches, frozenset(texts)
        for number in texts:
            schema = schema.set(number, pa.field(schema.field(number).name, pa.string()))
        self.reader = pa.RecordBatchReader.from_batches(schema, self._changed(schema))

    def _changed(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                arrays = [_as_text(array) if number in self._texts else array for number, array in enumerate(batch)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except BaseException as error:
            self.failed = error
            raise


def carried(loading: Loading, is_json: Callable[[Column], bool]) -> Carried:
    """The batches of a loading; columns that are JSON to the database, and no texts yet, are made texts."""
    texts = [number for number, column in enumerate(loading.columns) if is_json(column)]
    return Carried(loading.schema, loading.batches(), texts)


def _as_text(array: pa.Array) -> pa.Array:
    """Each value as JSON, null as null."""
    values: list[Any] = array.to_pylist()
    # Encoded in one go, which takes a third of the time; JSON breaks no line within a value.
    texts = _ENCODER.encode_lines([value for value in values if value is not None]).decode().split("\n")
    if array.null_count:
        coming = iter(texts)
        return pa.array([None if value is None else next(coming) for value in values], pa.string())
    return pa.array(texts[: len(values)], pa.string())
