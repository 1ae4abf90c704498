"""The part of the language that says what a good record is: contract and fields, as a table."""

from levada.contract.model import Contract
from levada.spec.engine import Each, Given, Key, Named, Section
from levada.spec.fields import FIELD_RULES, field
from levada.spec.rules import CONTRACT_RULES
from levada.spec.values import anything, choice, field_name, flag, max_bad, text
from levada.spec.values_template import template_word

__all__ = ["CONTRACT"]

_EQUALS = template_word("pipeline", "stream", "partition", "date")


def _contract(given: Given) -> Contract:
    return Contract(**{**given.values, "fields": tuple(given.values["fields"].values())}, place=given.place)


_TYPES = dict.fromkeys(
    ("decimal", "timestamp", "time", "binary", "uuid", "json", "list", "struct"), "further types of fields"
)
_OTHERS = {
    **dict.fromkeys(("datetime", "date-time", "timestamptz"), "write string: there is no type for moments yet"),
    **dict.fromkeys(("int", "integer", "long", "bigint"), "did you mean int64?"),
    **dict.fromkeys(("float", "double", "number", "numeric"), "did you mean float64?"),
    **dict.fromkeys(("text", "str", "varchar"), "did you mean string?"),
    **dict.fromkeys(("object", "array", "dict"), "leave it out, or take its parts as records: see docs/records.md"),
}
FIELD = Section(
    "a field",
    "One column: `name: type`, or a mapping.",
    (
        Key(
            "type",
            choice("string", "int32", "int64", "float64", "boolean", "date", later=_TYPES, others=_OTHERS),
            "string, int32, int64, float64, boolean or date (text YYYY-MM-DD in JSON)",
            required=True,
            example="type: date",
        ),
        Key("nullable", flag(), "true: the value may be null or missing", "false", example="nullable: true"),
        Key("enum", Each(anything), "the values that are allowed", "any", example="enum: [a, b]"),
        Key(
            "min",
            anything,
            "smallest value allowed, itself included; numbers and dates",
            "none",
            example="type: int32, min: 0",
        ),
        Key(
            "max",
            anything,
            "largest value allowed, itself included; numbers and dates",
            "none",
            example="type: int32, max: 100",
        ),
        Key(
            "pattern",
            text(lines=True),
            "RE2 found anywhere in the text; anchor it with ^ and $; strings",
            "none",
            example='pattern: "^[a-z]+$"',
        ),
        Key(
            "equals",
            _EQUALS,
            "the only value allowed; may hold a template",
            "none",
            example='type: date, equals: "{date}"',
        ),
    ),
    field,
    rules=FIELD_RULES,
    short="type",
    around="type: string",
    later={
        "from": "other names in the JSON",
        "parse": "values in other forms",
        "decode": "values packed in text",
        "length": "lengths of texts",
        "null_exactly_when": "nulls that hang on other fields",
        "unique": "unique values",
        "key": "keys",
        "description": "descriptions",
        "timezone": "timestamps",
        "fields": "structs",
        "items": "lists",
    },
)

CONTRACT = Section(
    "contract",
    "What a good record is. Without a contract pages are landed, and nothing is staged.",
    (
        Key(
            "fields",
            Named(FIELD, field_name, "field"),
            "the columns, in order",
            required=True,
            example="fields: {id: int64}",
        ),
        Key(
            "on_bad",
            choice("quarantine", "nullify", "fail"),
            "a bad value: the record goes to `quarantine`; the value is `nullify`-ed; the run must `fail`",
            "quarantine",
            example="on_bad: fail",
        ),
        Key(
            "unknown",
            choice("drop", "keep", "refuse"),
            "keys that the contract does not name: left out; kept as JSON text in `_unknown`; the record is bad",
            "drop",
            example="unknown: keep",
        ),
        Key(
            "max_bad",
            max_bad,
            "bad rows a partition may have, a count or a share; above, the run fails",
            "none: fails when every row is bad",
            example="max_bad: 5%",
        ),
    ),
    _contract,
    rules=CONTRACT_RULES,
    around="fields: {id: int64}",
    later={
        "unique": "unique values",
        "key": "keys",
        "strict": "stricter numbers",
    },
)
