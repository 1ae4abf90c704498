"""The commit record: the one statement of what a partition holds. Pure: content fingerprints, staleness, JSON."""

import hashlib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

import msgspec

from levada.errors import FixThis
from levada.nouns import Counts, Cursor, Gap, Holder, LakeFile, Level, Table

__all__ = [
    "FORMAT",
    "Record",
    "as_json",
    "from_json",
    "landed_fingerprint",
    "public_names",
    "sealed",
    "staged_fingerprint",
    "stale_after",
    "stale_tables_after",
]

#: Number of Levada's output format; raised whenever the same pages, contract and stage may give other bytes, so that
#: what older rules made is made anew. Records of all numbers up to this are read.
#: 2: texts are read by the forms of `parse` alone, currencies by ISO 4217, literals of Python by their own reader.
FORMAT = 2
_SEAL = b'\n  "seal": "'


@dataclass(frozen=True, slots=True)
class Record:
    """`commit.json`. Lists every file with key, public name, size, SHA-256; nothing else says what a partition is."""

    pipeline: str
    stream: str
    partition: str
    #: The run that made this commit.
    run: str
    level: Level
    #: Content fingerprints: no run, no time inside.
    landed: str
    staged: str | None
    files: tuple[LakeFile, ...]
    counts: Counts
    pages: int
    committed: datetime
    by: Holder
    #: Version of Levada.
    levada: str
    #: The API's own answer that there is no data, if that is what the partition is.
    no_data: bool = False
    #: Whether the raw files were written by another tool and taken over by `stage`.
    adopted: bool = False
    #: Whether the public names are made. Until then `stale` are the public names that must go.
    shown: bool = False
    stale: tuple[str, ...] = ()
    #: The latest run, this one or one before it, that asked the API; "" if all came from files. None: not told.
    fetched: str | None = None
    #: The folder that holds the commit's public files and nothing else; None where they lie among others.
    folder: str | None = None
    #: What was left out by rule; a commit with gaps is partial.
    gaps: tuple[Gap, ...] = ()
    #: Rows of other streams that could not be asked for by: they lack a field.
    left_out: int = 0
    #: How far an incremental stream had come with this commit; None where it did not move: gaps, a chosen interval.
    cursor: Cursor | None = None
    #: How far it had come before: staging again drops the same records.
    since: Cursor | None = None
    #: The Delta table that shows its rows, which are those of its file of format "delta", if it has any.
    table: Table | None = None
    #: Tables that hold rows of commits before it and are not its own: the rows go once it is staged and shown.
    stale_tables: tuple[Table, ...] = ()
    #: Whether a database has yet to take its rows.
    unloaded: bool = False
    #: Keys that the records have, sorted; empty where no contract looked at them, or there are too many to be fields.
    keys: tuple[str, ...] = ()
    #: Runs up to this one cannot replace this record, although they did not come to their end; see lake/fence.py.
    fenced: str = ""
    format: int = FORMAT

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table that may hold rows of the partition."""
        return (*([self.table] if self.table else []), *self.stale_tables)

    @property
    def last_fetch(self) -> str:
        """The run whose fetching makes unfinished work before it void; staging asks the API nothing, and voids none."""
        return self.run if self.fetched is None else self.fetched


@dataclass(frozen=True, slots=True)
class _Numbered:
    format: int


def as_json(noun: object) -> bytes:
    """A noun as JSON that people read too: indented, keys in the order of its fields, a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(noun), indent=2) + b"\n"


def sealed(record: Record) -> bytes:
    """The record as JSON, its last field the SHA-256 of all bytes before: nothing else says whether it was changed."""
    body = as_json(record).removesuffix(b"\n}\n") + b","
    return b'%b%b%b"\n}\n' % (body, _SEAL, hashlib.sha256(body).hexdigest().encode())


def _refuse_changed(data: bytes) -> None:
    """Refuse bytes with another seal than theirs; a record without one is what somebody wrote by hand."""
    body, mark, seal = data.rpartition(_SEAL)
    if mark and seal != b'%b"\n}\n' % hashlib.sha256(body).hexdigest().encode():
        raise msgspec.DecodeError("its bytes are not those that were written, by its seal")


def from_json(data: bytes, name: str) -> Record:
    """The record in `data`; `name` is the file it came from.

    Raises:
        FixThis: it is damaged, or a newer Levada wrote it.
    """
    try:
        _refuse_changed(data)
        number = msgspec.json.decode(data, type=_Numbered).format
        if number <= FORMAT:
            return msgspec.json.decode(data, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FixThis(
            f"the commit record is damaged: {error}",
            where=name,
            todo="put it back from a copy, or move it away and run with --adopt, which fetches the partition again",
        ) from error
    raise FixThis(
        f"the commit record has format {number}; this Levada knows formats up to {FORMAT}",
        where=name,
        todo="use the newer Levada that wrote it",
    )


def landed_fingerprint(
    raw_templates: Iterable[str], page_hashes: Iterable[str], more: Mapping[str, object] | None = None
) -> str:
    """What was landed, under which names: the texts of the raw templates and the SHA-256 of each page in order.

    Args:
        raw_templates: The texts.
        page_hashes: The hashes.
        more: What else makes it other content: gaps, the rows that pages are of.
    """
    return _fingerprint(["landed", [*raw_templates], [*page_hashes], *([more] if more else [])])


def staged_fingerprint(landed: str, contract: str, stage: str) -> str:
    """What was staged: the landed content, the contract it was held to, how it is staged, and the output format."""
    return _fingerprint(["staged", landed, contract, stage, FORMAT])


def public_names(files: Iterable[LakeFile]) -> frozenset[str]:
    """The names that users read."""
    return frozenset(file.public for file in files if file.public is not None)


def stale_after(old: Record | None, new_public: AbstractSet[str]) -> tuple[str, ...]:
    """The public names that go when `old` is replaced: its own, and those that it had still to take away."""
    if old is None:
        return ()
    waiting = () if old.shown else old.stale
    return tuple(sorted((public_names(old.files) | {*waiting}) - new_public))


def stale_tables_after(old: Record | None, table: Table | None) -> tuple[Table, ...]:
    """The tables that may hold rows of commits before the one that `table` takes now."""
    if old is None:
        return ()
    held = {each.name: each for each in old.tables}
    return tuple(held[name] for name in sorted(held) if table is None or name != table.name)


def _fingerprint(parts: list[object]) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
