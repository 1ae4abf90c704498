"""Forms that may stand together read no text as two values, whatever the day; those that clash do read one so."""

from datetime import date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.contract.clashes import clash
from levada.contract.forms import WORDS, form
from levada.contract.model import Field

FIELDS = {
    "date": Field("x", "date"),
    "time": Field("x", "time"),
    "timestamp": Field("x", "timestamp", timezone="Europe/Lisbon"),
    "decimal": Field("x", "decimal", precision=9, scale=2),
    "boolean": Field("x", "boolean"),
}
PARTS = {
    "date": [["%Y"], ["%m", "%b"], ["%d"], ["", "%a"]],
    "time": [["%H"], ["", "%M"], ["", "%S"]],
    "timestamp": [["%Y"], ["%m", "%B"], ["%d"], ["%H"], ["", "%M"], ["", "%S.%f"], ["", "%z"]],
}


@st.composite
def forms(draw, kind):
    words = [word for word, kinds in WORDS.items() if kind in kinds]
    if kind not in PARTS or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(words))
    parts = [part for part in map(draw, map(st.sampled_from, PARTS[kind])) if part]
    return draw(st.sampled_from(["", "-", "/", " ", ":"])).join(draw(st.permutations(parts)))


@st.composite
def pairs(draw):
    kind = draw(st.sampled_from(sorted(FIELDS)))
    return kind, draw(forms(kind)), draw(forms(kind))


def read(word, field, text):
    try:
        return form(word, field)(msgspec.json.encode(text))
    except ValueError:
        return None


def written(word, moment, padded):
    """A moment in a form of dates, as a person would write it."""
    text = word
    for part in ("Y", "m", "b", "B", "d", "a", "H", "M", "S", "f", "z"):
        said = f"{moment.year:04}" if part == "Y" else moment.strftime(f"%{part}") or "Z"
        loose = part in "mdH" and not padded
        text = text.replace(f"%{part}", str(int(said)) if loose else said)
    return text


#: Years of four digits, as strftime does not write others everywhere.
MOMENTS = st.builds(datetime.combine, st.dates(date(1000, 1, 1)), st.times())
texts = st.one_of(
    st.integers(0, 10**12).map(str),
    st.decimals(0, 9999, places=3).map(str),
    st.decimals(0, 9999999, places=2).map("{:,}".format),
    st.sampled_from(["0", "1", "true", "false", "$1,234", "1.234,5"]),
)


@given(pairs(), MOMENTS, st.booleans(), texts)
def test_forms_that_do_not_clash_agree_on_every_text(drawn, moment, padded, text):
    kind, one, other = drawn
    field = FIELDS[kind]
    if clash(one, other, field):
        return
    for each in (written(one, moment, padded), written(other, moment, padded), text):
        found = [read(word, field, each) for word in (one, other)]
        assert None in found or found[0] == found[1], (one, other, each)


@given(pairs())
def test_forms_that_clash_read_the_text_that_is_told_as_two_values(drawn):
    kind, one, other = drawn
    text = clash(one, other, FIELDS[kind])
    if text is None:
        return
    wide = FIELDS[kind] if kind != "decimal" else Field("x", "decimal", precision=30, scale=9)
    found = [read(word, wide, text) for word in (one, other)]
    assert None not in found
    assert found[0] != found[1]


@pytest.mark.parametrize("kind", ["int32", "int64", "float64", "decimal"])
def test_the_size_of_numbers_plays_no_part(kind):
    assert clash("number", "comma_number", Field("x", kind, precision=2, scale=1)) == "1,234"
