"""A contract in words, for `levada check`. Pure."""

from collections.abc import Iterator

from levada.contract.model import Contract, Field, Length, Literals, MaxBad
from levada.spec.words_units import listed

__all__ = ["checks"]

_ON_BAD = {
    "quarantine": "Records that break a rule go to quarantine, with reason and raw text.",
    "nullify": "Values that break a rule become null, and are counted.",
    "fail": "A record that breaks a rule fails the run; nothing is published.",
}
_UNKNOWN = {
    "drop": "Keys that the contract does not name are left out.",
    "keep": "Keys that the contract does not name are kept as JSON text in `_unknown`.",
    "refuse": "A record with keys that the contract does not name is bad.",
}


def checks(contract: Contract | None) -> Iterator[str]:
    """What a stream's records are held to, one line a field."""
    if contract is None:
        yield "Checks nothing: there is no contract"
        return
    lines = [f"{key} is unpacked first ({how})" for key, how in contract.decode]
    lines += [_field(field) for field in contract.fields]
    if contract.strict:
        lines.append("Numbers are taken only as they are written: 12 is no float64, 12.0 no integer.")
    if contract.key:
        lines.append(f"No two rows of a partition agree in {listed(contract.key)}; the later one is bad.")
    lines += [_ON_BAD[contract.on_bad], _UNKNOWN[contract.unknown], _limit(contract.max_bad)]
    yield f"Checks {lines[0]}"
    yield from (f"       {line}" for line in lines[1:])


def _field(field: Field) -> str:
    return f"{field.name}: {', '.join([_type(field), *filter(None, _rules(field))])}"


def _type(field: Field) -> str:
    if field.type == "decimal":
        return f"decimal({field.precision},{field.scale})"
    if field.item:
        return f"list of {', '.join([_type(field.item), *filter(None, _rules(field.item))])}"
    if field.parts:
        return f"struct ({'; '.join(map(_field, field.parts))})"
    return field.type


def _rules(field: Field) -> Iterator[str]:
    yield f"from {field.source}" if field.source else ""
    yield f"unpacked from text ({field.decode})" if field.decode else ""
    yield f"texts in the form {' or '.join(field.parse)}" if field.parse else ""
    yield f"without offset in {field.timezone}" if field.timezone else ""
    yield "may be null or missing" if field.nullable and not field.null_exactly_when else ""
    said = " and ".join(map(_condition, field.null_exactly_when))
    yield f"null exactly when {said}" if said else ""
    yield f"one of {', '.join(map(str, field.enum))}" if field.enum else ""
    yield f"at least {field.min}" if field.min is not None else ""
    yield f"at most {field.max}" if field.max is not None else ""
    yield f"matches {field.pattern}" if field.pattern else ""
    yield _long(field.length) if field.length else ""
    yield f"equals {field.equals}" if field.equals is not None else ""
    yield "never twice in a partition" if field.unique else ""
    yield f"({field.description})" if field.description else ""


def _condition(condition: tuple[str, tuple[Literals | None, ...]]) -> str:
    name, values = condition
    return f"{name} is {' or '.join('null' if value is None else str(value) for value in values)}"


def _long(length: Length) -> str:
    low, high = length
    return (
        f"length {low}" if low == high else f"length {low} to {high}" if high is not None else f"length {low} or more"
    )


def _limit(limit: MaxBad | None) -> str:
    if limit is None:
        return "A partition fails only when every one of its records is bad."
    if limit.share is not None:
        return f"A partition with more than {limit.share * 100:g} % bad records fails."
    return f"A partition with more than {limit.count} bad records fails."
