"""Records that hold lists of records: the items come out, with fields of the record that held them."""

import msgspec

from levada.jsonpath import ALL, simple
from levada.nouns import Records
from levada.records.add import with_fields
from levada.records.raw import kind
from levada.records.select import matches, nodes

__all__ = ["explode"]


def explode(records: list[msgspec.Raw], how: Records) -> list[msgspec.Raw]:
    """The items of the lists at `how.explode` in each record, each with the fields of `how.keep`.

    A record without such a list, or with an empty one, gives none. One that is neither object nor list is handed on
    as it is: a bad row.

    Raises:
        ContractBroken: an item has a field of a kept name already.
    """
    if how.explode is None:
        return records
    found = []
    for record in records:
        if kind(record) not in ("object", "list"):
            found.append(record)
            continue
        inner = matches(record, how.explode)
        if inner:
            kept = {name: _kept(record, path) for name, path in how.keep}
            found += [with_fields(item, kept) for item in inner]
    return found


def _kept(record: msgspec.Raw, path: str) -> msgspec.Raw | list[msgspec.Raw] | None:
    """The one value at a path of names and indexes, or null; of any other path the list of all it matches."""
    found = nodes(record, path)
    steps = simple(path)
    if steps is None or ALL in steps:
        return found
    return found[0] if found else None
