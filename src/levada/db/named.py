"""Names and statements: SQL lies in `.sql` files, and what goes into it by name is quoted here."""

from functools import cache
from importlib.resources import files

__all__ = ["quoted", "statement", "text_of"]


@cache
def statement(package: str, name: str) -> str | None:
    """The text of a file of SQL, None where there is none.

    Args:
        package: Where it lies, as `levada.loads.sql.postgres`.
        name: Of the file, without its ending.
    """
    file = files(package).joinpath(f"{name}.sql")
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None


def quoted(name: str) -> str:
    """A name as SQL writes names: any character but NUL, reserved words, capitals (SQL-92, delimited identifier)."""
    return '"' + name.replace('"', '""') + '"'


def text_of(value: str) -> str:
    """A text as SQL writes it, for statements that take no parameters (COMMENT ON); NUL is left out."""
    return "'" + value.replace("\0", "").replace("'", "''") + "'"
