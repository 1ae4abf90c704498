"""What SQL calls things in a database: types, names, and the rows of a commit. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from levada.contract.model import Column, FieldType
from levada.db.named import quoted, statement, text_of
from levada.loads.fit import Wanted
from levada.loads.model import LEDGER, STAGE, Between, Loading

__all__ = ["Dialect", "found", "table_of", "wanted", "words"]

#: The package of the statements that are the same in every database.
_SHARED = "levada.loads.sql"
_MARK = "The partition that brought the row"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database's SQL."""

    name: Literal["postgres", "duckdb"]
    #: The package with its statements.
    package: str
    #: Contract type -> type, as the database itself writes it.
    types: Mapping[FieldType, str]
    #: Its word for decimals of a precision and a scale.
    decimal: str
    #: Type -> other types that hold all of its values.
    wider: Mapping[str, Sequence[str]]
    #: Whether a column comes as JSON text, because the driver carries it in no other way.
    is_json: Callable[[Column], bool]
    #: What it calls a row that comes, where it takes the place of one that is there.
    coming: Literal["excluded", "s"]
    #: Whether tables get a unique key for merging and an index for finding the rows of a partition.
    indexed: bool
    #: Bytes of a name, if there is a limit.
    longest_name: int | None = None

    def type_of(self, column: Column) -> str:
        """The type of a column."""
        if self.is_json(column):
            return self.types["json"]
        if column.type == "decimal":
            return f"{self.decimal}({column.precision},{column.scale})"
        if column.type == "list" and column.item:
            return f"{self.type_of(column.item)}[]"
        if column.type == "struct":
            return f"STRUCT({', '.join(f'{quoted(part.name)} {self.type_of(part)}' for part in column.parts)})"
        return self.types[column.type]

    def sql(self, name: str, loading: Loading, **more: str) -> str:
        """A statement, its names filled in."""
        return self.text(name).format(**words(self, loading), **more)

    def text(self, name: str) -> str:
        """A statement that names nothing."""
        found = statement(self.package, name) or statement(_SHARED, name)
        assert found, f"no statement {name} for {self.name}"  # noqa: S101 - a bug, not a mistake of the user's
        return found


def words(dialect: Dialect, loading: Loading) -> dict[str, str]:
    """What may be named in a statement."""
    names = [*(column.name for column in loading.columns), *loading.marks]
    values = [f"{quoted(column.name)}::{dialect.type_of(column)}" for column in loading.columns]
    values += [text_of(loading.partition) for _ in loading.marks]
    return {
        "ledger": f"{quoted(loading.target.schema or '')}.{quoted(LEDGER)}",
        "table": table_of(loading),
        "stage": STAGE,
        "found": found(loading),
        "names": ", ".join(map(quoted, names)),
        # The rows that come, as the table has them.
        "rows": ", ".join(f"{value} AS {quoted(name)}" for name, value in zip(names, values, strict=True)),
        **_merging(dialect, loading),
    }


def _merging(dialect: Dialect, loading: Loading) -> dict[str, str]:
    """What merging by key needs; `t` is a row that is there, `s` one that comes."""
    target, coming = loading.target, dialect.coming
    others = [quoted(column.name) for column in loading.columns if column.name not in target.key]
    # Who brought a row is no difference: a row that is there as it is stays with who brought it first.
    differs = " OR ".join(f"t.{name} IS DISTINCT FROM {coming}.{name}" for name in others) or "false"
    newest = quoted(target.newest_by) if target.newest_by else ""
    if newest:
        differs = f"({differs}) AND (t.{newest} IS NULL OR {coming}.{newest} >= t.{newest})"
    keys = [quoted(name) for name in target.key]
    return {
        "key": ", ".join(keys),
        "same": " AND ".join(f"s.{name} = t.{name}" for name in keys),
        "differs": differs,
        "changes": ", ".join(f"{name} = {coming}.{name}" for name in [*(others or keys), *map(quoted, loading.marks)]),
        "newest": f"{newest} DESC NULLS LAST, " if newest else "",
    }


def table_of(loading: Loading) -> str:
    """The table, its schema before it."""
    return f"{quoted(loading.target.schema or '')}.{quoted(loading.target.table)}"


def found(loading: Loading) -> str:
    """Which rows are the partition's."""
    marked = loading.target.marked
    if isinstance(marked, Between):
        name = quoted(marked.column)
        return f"{name} >= {text_of(marked.start)} AND {name} < {text_of(marked.end)}"
    return f"{quoted(marked)} = {text_of(loading.partition)}"


def wanted(dialect: Dialect, loading: Loading) -> tuple[Wanted, ...]:
    """The columns of the table, in order, the one that Levada adds at the end: somebody's own rows have none."""
    own = (Wanted(column.name, dialect.type_of(column), column.nullable, column.description)
           for column in loading.columns)  # fmt: skip
    text = dialect.types["string"]
    return (*own, *(Wanted(name, text, nullable=True, description=_MARK) for name in loading.marks))
