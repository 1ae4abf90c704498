"""What `levada check` tells of a contract."""

from levada.contract.model import Contract, Field, Length
from levada.spec.words_contract import checks


def told(*fields, **contract):
    return "\n".join(checks(Contract(fields, **contract)))


def test_every_part_of_a_field_is_told():
    item = Field("item", "decimal", precision=6, scale=2)
    text = told(
        Field("a", "list", item=item, length=Length(1, 3), description="Prices"),
        Field("b", "struct", parts=(Field("c", "date", parse=("year_first", "%d.%m.%Y")), Field("d", "json"))),
        Field("e", "timestamp", timezone="UTC", source="$.x.y", unique=True),
        Field("f", "string", length=Length(2, 2), null_exactly_when=(("a", ("x", None)),)),
        Field("g", "string", decode="json", length=Length(1)),
        key=("e", "g"),
        strict=True,
        decode=(("x", "python_literal"),),
    )
    assert text.splitlines() == [
        "Checks x is unpacked first (python_literal)",
        "       a: list of decimal(6,2), length 1 to 3, (Prices)",
        "       b: struct (c: date, texts in the form year_first or %d.%m.%Y; d: json)",
        "       e: timestamp, from $.x.y, without offset in UTC, never twice in a partition",
        "       f: string, null exactly when a is x or null, length 2",
        "       g: string, unpacked from text (json), length 1 or more",
        "       Numbers are taken only as they are written: 12 is no float64, 12.0 no integer.",
        "       No two rows of a partition agree in e and g; the later one is bad.",
        "       Records that break a rule go to quarantine, with reason and raw text.",
        "       Keys that the contract does not name are left out.",
        "       A partition fails only when every one of its records is bad.",
    ]
