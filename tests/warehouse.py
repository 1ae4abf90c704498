"""Databases that loads are tried on, and rows to load: the same tests for PostgreSQL and DuckDB."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from levada.contract.model import Column
from levada.loads.model import Loading, Target
from levada.nouns import Receipt
from levada.staging.arrow import schema

__all__ = ["COLUMNS", "Warehouse", "instant", "loading", "row"]

COLUMNS = (
    Column("id", "int64", nullable=False, description="It's the number of the order"),
    Column("name", "string", nullable=True),
    Column("at", "timestamp", nullable=True),
)


def instant(day: int) -> datetime:
    return datetime(2024, 1, day, tzinfo=UTC)


def row(number: int, name: str | None = "x", day: int = 1) -> dict[str, Any]:
    return {"id": number, "name": name, "at": instant(day)}


def loading(
    rows: Sequence[dict[str, Any]],
    partition: str = "2024-01-01",
    *,
    content: str | None = None,
    columns: Sequence[Column] = COLUMNS,
    size: int = 1000,
    **target: Any,
) -> Loading:
    """Rows on their way into the table `orders`, in batches of `size`; `content` is their fingerprint, else a hash."""
    said = schema(columns)
    batches = [
        pa.RecordBatch.from_pylist(list(rows[start : start + size]), said) for start in range(0, len(rows), size)
    ]
    return Loading(
        Target(**{"table": "orders", **target}),
        "shop",
        "orders",
        partition,
        "20240101T000000.000000Z-0001",
        content or repr(rows),
        tuple(columns),
        said,
        lambda: iter(batches),
    )


@dataclass(frozen=True)
class Warehouse:
    """A database that nothing lies in; `where` is its URL, or its file."""

    kind: str
    where: str

    def load(self, one: Loading, **changes: Any) -> Receipt:
        return self.module().load(self._where, replace(one, **changes), lambda _: time.sleep(0.05))

    def prepare(self, one: Loading) -> None:
        self.module().prepare(self._where, one)

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """The rows that a statement gives."""
        if self.kind == "duckdb":
            import duckdb

            with duckdb.connect(self.where, read_only=True) as connection:
                return connection.sql(sql).to_arrow_table().to_pylist()
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.where) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table().to_pylist()

    def do(self, *statements: str) -> None:
        """What somebody else does to it."""
        if self.kind == "duckdb":
            import duckdb

            with duckdb.connect(self.where) as connection:
                for sql in statements:
                    connection.execute(sql)
            return
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.where, autocommit=True) as connection, connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)

    def rows(self, table: str = "orders", order: str = "1, 2, 3, 4") -> list[tuple[Any, ...]]:
        return [tuple(found.values()) for found in self.ask(f"SELECT * FROM {table} ORDER BY {order}")]

    def module(self) -> Any:
        """What loads into it."""
        if self.kind == "duckdb":
            from levada.loads import duckdb

            return duckdb
        from levada.loads import postgres

        return postgres

    @property
    def _where(self) -> Any:
        return Path(self.where) if self.kind == "duckdb" else self.where
