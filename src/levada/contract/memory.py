"""What a partition remembers from page to page: values that may come only once, and the keys that its records have.

Values are kept as 128 bits of a hash beside the place where they came first, in arrays: 36 to 72 bytes a value, where
Python's dict takes about 250. Two different values share such a hash once in 10^24 partitions of ten million rows.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from levada.contract.model import Contract, Field
from levada.contract.rules import misfit
from levada.contract.values import shown
from levada.nouns import Violation

__all__ = ["Memory", "Once", "onces"]

#: More keys than these are no fields: an API that names objects by their ids.
KEYS = 2_000
#: Share of the slots that may be taken; beyond it looking one up takes long.
_FULL = 2 / 3


@dataclass(frozen=True, slots=True)
class Once:
    """A demand that rows of a partition differ: in one field, or in the key."""

    rule: str
    fields: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where its violations are."""
        return self.fields[0] if len(self.fields) == 1 else "$"


def onces(contract: Contract) -> tuple[Once, ...]:
    """What may come only once in a partition: the key first.

    Raises:
        FixThis: the key names a field that there is not, or that may be null; a field has no values that can be told
            apart.
    """
    known = {field.name: field for field in contract.fields}
    for name in contract.key:
        if name not in known or known[name].optional:
            field = known.get(name, Field(name, "string", place=contract.place))
            what = f"`key` names `{name}`, which is {'no field' if name not in known else 'a field that may be null'}."
            raise misfit(field, what, "Name fields that are never null.")
    made = [Once("key", contract.key)] if contract.key else []
    made += [Once("unique", (field.name,)) for field in contract.fields if field.unique]
    for name in {name for once in made for name in once.fields}:
        if known[name].type in ("list", "struct", "json"):
            what = f"`{name}` is {known[name].type}, whose values are not told apart."
            raise misfit(known[name], what, "Use a field of one value.")
    return tuple(made)


class Memory:
    """Of one partition; its pages are checked in order, so the first of two equal rows is the good one."""

    def __init__(self) -> None:
        self._places: dict[Once, _Places] = {}
        #: The keys that its records have, whether the contract names them or not.
        self.keys: set[str] = set()

    def saw(self, keys: Iterable[str]) -> None:
        """Remember keys of a record."""
        if len(self.keys) < KEYS:
            self.keys.update(keys)

    def repeats(self, once: Once, row: Mapping[str, Any]) -> Violation | None:
        """What is wrong where an earlier row has the same values; None where none has, or a value is null."""
        values = [row[name] for name in once.fields]
        first = self._table(once).get(_hashed(values)) if None not in values else None
        if first is None:
            return None
        told = shown(b", ".join(msgspec.json.encode(value) for value in values))
        what = f"a {once.rule}" if once.rule == "key" else "a value"
        said = f"expected {what} that no other row of the partition has, found {told}"
        page, index = divmod(first, 1 << 32)
        return Violation(once.path, once.rule, f"{said}, which record {index} of page {page} has")

    def takes(self, onces: Sequence[Once], row: Mapping[str, Any], page: int, index: int) -> bool:
        """Remember a good row, the record `index` (from 0) of a page; False, and nothing done, where it repeats one."""
        new: list[tuple[_Places, bytes]] = []
        for once in onces:
            values = [row[name] for name in once.fields]
            if None in values:
                continue
            table, hashed = self._table(once), _hashed(values)
            if table.get(hashed) is not None:
                return False
            new.append((table, hashed))
        for table, hashed in new:
            table.add(hashed, (page << 32) + index)
        return True

    def _table(self, once: Once) -> "_Places":
        table = self._places.get(once)
        if table is None:
            table = self._places[once] = _Places()
        return table


def _hashed(values: list[Any]) -> bytes:
    """Equal for equal values: -0.0 is 0.0, and a decimal has its places already."""
    plain = [value + 0 if isinstance(value, float) else value for value in values]
    return blake2b(repr(plain).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class _Places:
    """Hash of 128 bits -> number. An open table: three numbers a slot, the next free slot where one is taken."""

    def __init__(self) -> None:
        self._count = 0
        self._make(1 << 10)

    def _make(self, slots: int) -> None:
        self._mask = slots - 1
        self._high, self._low, self._number = (array("Q", bytes(8 * slots)) for _ in range(3))

    def get(self, hashed: bytes) -> int | None:
        high, low = _halves(hashed)
        slot = self._slot(high, low)
        return self._number[slot] if self._high[slot] else None

    def add(self, hashed: bytes, number: int) -> None:
        if self._count >= _FULL * (self._mask + 1):
            self._grow()
        self._put(*_halves(hashed), number)
        self._count += 1

    def _grow(self) -> None:
        taken = zip(self._high, self._low, self._number, strict=True)
        self._make(2 * (self._mask + 1))
        for high, low, number in taken:
            if high:
                self._put(high, low, number)

    def _put(self, high: int, low: int, number: int) -> None:
        slot = self._slot(high, low)
        self._high[slot], self._low[slot], self._number[slot] = high, low, number

    def _slot(self, high: int, low: int) -> int:
        """The slot of a hash, or the free one where it belongs."""
        slot = low & self._mask
        while self._high[slot] and (self._high[slot] != high or self._low[slot] != low):
            slot = (slot + 1) & self._mask
        return slot


def _halves(hashed: bytes) -> tuple[int, int]:
    """Two numbers, the first never 0, which marks a free slot."""
    return int.from_bytes(hashed[:8]) | 1, int.from_bytes(hashed[8:])
