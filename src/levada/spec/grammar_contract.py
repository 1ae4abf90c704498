"""The part of the language that says what a good record is: contract and fields, as a table."""

from levada.spec.engine import Again, Each, Key, Named, Section
from levada.spec.fields import FIELD_RULES, field
from levada.spec.rules_contract import CONTRACT_RULES, contract
from levada.spec.values import anything, choice, field_name, flag, max_bad, plain_text, text, zone
from levada.spec.values_contract import condition, field_type, length, source
from levada.spec.values_template import template_word

__all__ = ["CONTRACT"]

_EQUALS = template_word("pipeline", "stream", "partition", "date")
_PACKED = choice("python_literal", "json")


def _field() -> Section:
    return FIELD


def _key_name(name: str, _: object = None) -> str | None:
    return None if name else "a key needs a name"


FIELD = Section(
    "a field",
    "One column: `name: type`, or a mapping.",
    (
        Key(
            "type",
            field_type,
            "string, int32, int64, float64, decimal(10,2), boolean, date, timestamp, time, binary, uuid, json, list or "
            "struct",
            required=True,
            example="type: date",
        ),
        Key(
            "from",
            source,
            "where the value is: a key of the record, or a JSONPath to one value",
            "the key of the field's name",
            example="from: $.address.city",
        ),
        Key(
            "decode",
            _PACKED,
            "the value is packed in a text, as JSON or as a literal of Python",
            "it is not",
            example="type: json, decode: python_literal",
        ),
        Key(
            "parse",
            Each(anything, single=True),
            "the forms of its texts: number, comma_number, zero_one, true_false, epoch, epoch_ms, epoch_us, "
            "microseconds, year_first, iso, or a form such as %d/%m/%Y",
            "the type's own",
            example='type: date, parse: [year_first, "%d.%m.%Y"]',
        ),
        Key(
            "timezone",
            zone,
            "the zone of timestamps without offset; those are bad without it",
            "none",
            example="type: timestamp, timezone: Europe/Lisbon",
        ),
        Key("items", Again(_field), "what a list holds", "none", example="type: list, items: string"),
        Key(
            "fields",
            Named(Again(_field), field_name, "field"),
            "the parts of a struct, in order",
            "none",
            example="type: struct, fields: {city: string}",
        ),
        Key("nullable", flag(), "true: the value may be null or missing", "false", example="nullable: true"),
        Key("enum", Each(anything), "the values that are allowed", "any", example="enum: [a, b]"),
        Key(
            "min",
            anything,
            "smallest value allowed, itself included; numbers, dates and times",
            "none",
            example="type: int32, min: 0",
        ),
        Key(
            "max",
            anything,
            "largest value allowed, itself included; numbers, dates and times",
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
        Key(
            "length",
            length,
            "characters of a string, items of a list, bytes of a binary: a number, or both bounds",
            "any",
            example="length: 1..10",
        ),
        Key(
            "null_exactly_when",
            Named(Each(condition, single=True), field_name, "field"),
            "the value is null where other fields have these values, and only there",
            "none",
            example="null_exactly_when: {id: [0, 1]}",
        ),
        Key(
            "unique",
            flag(),
            "true: no value comes twice in a partition; a row that repeats one is bad",
            "false",
            example="unique: true",
        ),
        Key(
            "description",
            plain_text,
            "what the column holds; files carry it where they can",
            "none",
            example="description: In cents",
        ),
    ),
    field,
    rules=FIELD_RULES,
    short="type",
    around="type: string",
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
        Key(
            "key",
            Each(text(), single=True),
            "fields that tell the rows of a partition apart; a row that repeats them is bad",
            "none",
            example="key: id",
        ),
        Key("strict", flag(), "true: 12 is no float64, 12.0 is no int32 or int64", "false", example="strict: true"),
        Key(
            "decode",
            Named(_PACKED, _key_name, "key"),
            "keys of the record whose texts are unpacked before fields are taken from them",
            "none",
            example="decode: {address: python_literal}",
        ),
    ),
    contract,
    rules=CONTRACT_RULES,
    around="fields: {id: int64}",
)
