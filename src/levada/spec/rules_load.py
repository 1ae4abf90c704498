"""What a load demands of the contract and of the partition. Pure."""

from collections.abc import Iterator, Mapping

from levada.contract.model import Contract, Field
from levada.spec.engine import BROKEN, Given, Reading, Rule
from levada.spec.meant import nearest
from levada.spec.model import Load
from levada.spec.rules_names import streams
from levada.spec.tree import Mistake

__all__ = ["LOAD_ROOT_RULES", "LOAD_RULES"]

_SPANS = ("hour", "day", "week", "month")
#: Types of which one value is higher than another in every database.
_ORDERED = ("int32", "int64", "float64", "decimal", "date", "timestamp", "time", "string")
_OWN = "_levada_partition"


def _contract_wanted(given: Given, _: Reading) -> Iterator[Mistake]:
    if "load" in given.values and "contract" not in given.values:
        yield given.mistake("load", "load needs a contract: it takes checked rows", "add contract: {fields: ...}")


def _fields(given: Given, reading: Reading) -> Iterator[Mistake]:
    load, contract = given.get("load"), given.get("contract")
    section = reading.sections.get((*given.path, "load"))
    if not isinstance(load, Load) or not isinstance(contract, Contract) or section is None:
        return
    known = {field.name: field for field in contract.fields}
    yield from _key(section, load, contract, known)
    for key, name, types in (("newest_by", load.newest_by, _ORDERED), ("rows_by", load.rows_by, ("timestamp", "date"))):
        if name is not None and name not in known:
            yield section.mistake(key, f'"{name}" in {key} is no field of the contract', _meant(name, known))
        elif name is not None and known[name].type not in types:
            yield section.mistake(
                key, f'"{name}" in {key} is a {known[name].type}', f"name a {' or '.join(types[-2:])}"
            )
    if load.rows_by in known and known[load.rows_by].optional:
        what = f'"{load.rows_by}" in rows_by may be null: such a row is of no partition'
        yield section.mistake("rows_by", what, "leave nullable out of the field, or rows_by out")


def _key(section: Given, load: Load, contract: Contract, known: Mapping[str, Field]) -> Iterator[Mistake]:
    if load.mode == "merge" and not (load.key or contract.key):
        todo = "add key: FIELD, or a key to the contract"
        yield section.mistake("mode", "merge needs a key, which tells rows apart", todo)
    for name in load.key:
        if name not in known:
            yield section.mistake("key", f'"{name}" in key is no field of the contract', _meant(name, known))
        elif known[name].optional or contract.on_bad == "nullify":
            what = f'"{name}" in key may be null, and null tells no rows apart'
            yield section.mistake("key", what, "leave nullable out of the field, or the field out of key")
        elif known[name].type in ("list", "struct", "json"):
            yield section.mistake("key", f'"{name}" in key is a {known[name].type}', "name fields of one value")


def _meant(name: str, known: Mapping[str, Field]) -> str:
    near = nearest(name, tuple(known))
    return f"did you mean {near}?" if near else f"fields: {', '.join(known)}"


def _spans(_: Given, reading: Reading) -> Iterator[Mistake]:
    """Rows are found by time only where a partition is a span of it."""
    partition = reading.sections.get(("partition",))
    by = partition.get("by", "day") if partition else "day"
    for path in streams(reading):
        section, stream = reading.sections.get((*path, "load")), reading.sections[path]
        if section is None or "rows_by" not in section.places:
            continue
        kind = "what came since the last run" if "incremental" in stream.places else f"one {by}"
        if by not in (*_SPANS, BROKEN) or "incremental" in stream.places:
            yield section.mistake("rows_by", f"rows_by has no meaning where a partition is {kind}", "leave rows_by out")
        elif by == "hour" and _is_date(section, stream):
            what = "a date in rows_by does not tell which hour a row is of"
            yield section.mistake("rows_by", what, "name a timestamp")


def _is_date(section: Given, stream: Given) -> bool:
    contract = stream.get("contract")
    fields = contract.fields if isinstance(contract, Contract) else ()
    return any(field.name == section.get("rows_by") and field.type == "date" for field in fields)


def _one_stream_a_table(_: Given, reading: Reading) -> Iterator[Mistake]:
    """Two streams in one table would each take the other's rows of a partition for their own."""
    taken: dict[tuple[object, ...], str] = {}
    for path in streams(reading):
        section = reading.sections.get((*path, "load"))
        load = reading.sections[path].get("load")
        if section is None or not isinstance(load, Load):
            continue
        names = load.url.names if load.url else load.file
        target = (names, load.schema, load.table or path[1])
        if other := taken.get(target):
            what = f"stream {path[1]} loads to the table of stream {other}"
            yield section.mistake("table", what, "name another table, and bring the two together in a view")
        taken[target] = path[1]


LOAD_RULES = (Rule((), _contract_wanted), Rule(("load", "contract"), _fields))
LOAD_ROOT_RULES = (Rule((), _spans), Rule((), _one_stream_a_table))
