"""The nouns of reports: the rows that a question gave, where they go, and what came of it. Frozen."""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Published", "SheetTarget", "Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; every row has a value for each column, None where there is none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class SheetTarget:
    """A worksheet of a spreadsheet, and how rows go into it."""

    #: The long name within the address of the spreadsheet.
    spreadsheet: str
    #: Its title; one that is not there is made.
    worksheet: str
    #: append: rows whose key is there stay as they are; upsert: they are changed; replace: there are no others.
    mode: Literal["append", "upsert", "replace"] = "upsert"
    #: Columns that tell rows apart; none with replace.
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """What a table did to a worksheet."""

    #: The spreadsheet's title.
    title: str
    #: The worksheet's address, for people.
    url: str
    #: Rows that are new, that changed, that were as they are already, and that are gone.
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    #: HTTP requests that were made, those for a token and those made again included.
    requests: int = 0
