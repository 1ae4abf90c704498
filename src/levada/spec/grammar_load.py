"""Where the checked rows of a stream are loaded to: a table of PostgreSQL or of DuckDB."""

import re
from collections.abc import Iterator
from typing import get_args

from levada.nouns import LoadMode
from levada.spec.engine import Each, Given, Key, Reading, Rule, Section, Value, Wrong
from levada.spec.model import Load
from levada.spec.tree import Mistake, Word
from levada.spec.values import CONTROL, LINES, choice, text
from levada.spec.values_web import secret

__all__ = ["LOAD"]

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_DATABASES = ("postgres", "duckdb")


def _table(word: Word) -> tuple[str | None, str]:
    """Schema and name: `name`, `schema.name`, each in double quotes where it holds a dot."""
    parts = [quoted.replace('""', '"') or bare for quoted, bare in _PART.findall(word.text)]
    written = ".".join(found.group() for found in _PART.finditer(word.text))
    if written != word.text or len(parts) not in (1, 2) or CONTROL.search(word.text) or LINES.search(word.text):
        raise Wrong(f"{word.shown} names no table", 'write name or schema.name, a part with a dot as in "a.b".name')
    return (parts[0] if len(parts) > 1 else None, parts[-1])


table = Value(_table, "a table such as sales or staging.sales")


def _column(word: Word) -> str:
    return word.text


def _load(given: Given) -> Load:
    found = dict(given.values)
    schema, name = found.pop("table", (None, ""))
    url, file = found.pop("postgres", None), found.pop("duckdb", "")
    found.pop("to", None)
    return Load(place=given.place, url=url, file=file, schema=schema, table=name, **found)


def _one_database(given: Given, _: Reading) -> Iterator[Mistake]:
    named = [key for key in ("to", *_DATABASES) if key in given.places]
    if not named:
        todo = 'write load: duckdb, load: {duckdb: FILE}, or load: {postgres: "${DATABASE_URL}"}'
        yield Mistake(given.place, "load names no database", todo)
    for key in named[1:]:
        yield given.mistake(key, f"{key} stands beside {named[0]}: a stream is loaded to one", f"leave {key} out")


def _by_mode(given: Given, _: Reading) -> Iterator[Mistake]:
    mode = given.get("mode", "replace_partition")
    for key in ("key", "newest_by"):
        if key in given.places and mode != "merge":
            yield given.mistake(key, f"{key} has no meaning with mode {mode}", f"leave {key} out, or write mode: merge")
    if "rows_by" in given.places and mode in ("merge", "replace"):
        yield given.mistake("rows_by", f"rows_by has no meaning with mode {mode}", "leave rows_by out")
    if given.get("key") == ():
        yield given.mistake("key", "the key has no fields", "name one, or leave the key out")


LOAD = Section(
    "load",
    "The table that takes the checked rows; needs a contract. `load: duckdb` alone is a file in the lake.",
    (
        Key("to", choice("duckdb"), "`duckdb`: the file `warehouse.duckdb` in the lake", "none", example="to: duckdb"),
        Key(
            "postgres",
            secret,
            "the variable with the URL of a PostgreSQL database: postgresql://user:password@host/name",
            "none",
            example='postgres: "${DATABASE_URL}"',
        ),
        Key("duckdb", text(), "a DuckDB file, relative to the spec's folder", "none", example="duckdb: sales.duckdb"),
        Key(
            "table",
            table,
            "the table, a schema before it where it has one",
            "the stream's name",
            example="table: staging.sales",
        ),
        Key(
            "mode",
            choice(
                *get_args(LoadMode),
                others={"overwrite": "write replace_partition, or replace", "upsert": "write merge"},
            ),
            "what becomes of rows that are there: `replace_partition`; `append`, once a partition; `merge` by key;"
            " `replace` all",
            "replace_partition",
            example="mode: append",
        ),
        Key(
            "key",
            Each(Value(_column, "the name of a field"), single=True),
            "merge: fields that tell rows apart",
            "the contract's key",
            example="mode: merge, key: id",
        ),
        Key(
            "newest_by",
            Value(_column, "the name of a field"),
            "merge: of two rows with one key, the one with the higher value stands",
            "the one that comes later",
            example="mode: merge, key: id, newest_by: updated_at",
        ),
        Key(
            "rows_by",
            Value(_column, "the name of a field"),
            "the field of time by which a partition's rows are found, instead of a column `_levada_partition`",
            "none",
            example="rows_by: created_at",
        ),
    ),
    _load,
    rules=(Rule((), _one_database), Rule(("mode", "key"), _by_mode)),
    short="to",
    around='postgres: "${DATABASE_URL}"',
)
