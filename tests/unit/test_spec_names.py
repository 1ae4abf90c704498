"""Names in the lake: what two templates can share, and what one template blurs."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.spec.names import Naming, meet, misplaced, tells_partitions, vague
from levada.spec.template import encode_name, fill, parse, variables

KNOWN = (Naming("p", "one"), Naming("p", "two"))
DAY = KNOWN[0]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("raw/{date}/{page}.json", "raw/{date}/{page}.json", True),
        ("raw/{date}/{page}.json", "raw/{partition}/{page}.json", True),
        ("raw/{date}/{page}.json", "raw/{date}/{page}.avro", False),
        ("raw/{date}/{page}.json", "stg/{date}/{page}.json", False),
        ("raw/{stream}/{date}", "raw/{stream}/{date}", False),
        ("raw/{stream}/{date}", "raw/two/{date}", False),
        ("raw/{date}", "raw/{stream}/{date}", False),
        ("raw/two/{date}", "raw/{pipeline}/{date}", False),
        ("raw/{pipeline}/{date}", "raw/p/{date}", True),
        ("raw/{stream}/{date}", "raw/{date:%Y/%m/%d}", False),
        ("{date}/sales_{date}_{page}", "{date}/sales_{date}", False),
        ("{date}/s{page}", "{date}/s1", True),
        ("{date}/s{page}", "{date}/s", False),
        ("{date:%Y%m%d}", "{date:%Y%j}{page}", True),
        ("{date:%Y-%-m-%-d}", "{date}", True),
        ("{date:%Y-%-j}", "{date:%Y-%-m}", True),
        ("{date}", "{date}/x", True),
        ("{date}/x", "{date}", True),
        ("{date}", "{date}x", False),
        ("{date}%", "{date:%Y-%m-%d%%}", True),
        ("{date}/{row}-{page}", "{date}/{page}-{row}", True),
        ("{date}/{row.id}-{page}", "{date}/x_{page}", False),
        ("{date}/{row.id}_{page}", "{date}/x_{page}", True),
        ("{date}/{row.id}", "{date}/a/{page}", True),
        ("{date}/{row.id}/1", "{date}/{page}", True),
    ],
)
def test_two_templates_meet_when_some_name_fits_both(one, other, shared):
    assert meet(parse(one), parse(other), KNOWN) is shared
    assert meet(parse(other), parse(one), KNOWN[::-1]) is shared


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        ("{date}", True),
        ("{partition}", True),
        ("{date:%Y%m%d}", True),
        ("{date:%Y}/{date:%-m}/{date:%-d}", True),
        ("{date:%Y-%j}", True),
        ("{date:%Y-%m}", False),
        ("{date:%m-%d}", False),
        ("{date:%Y%%m%%d}", False),
        ("{page}", False),
        ("x", False),
    ],
)
def test_a_name_tells_days_apart_or_not(text, tells):
    assert tells_partitions(parse(text), DAY) is tells


@pytest.mark.parametrize(
    ("by", "text", "tells"),
    [
        ("hour", "{date}", False),
        ("hour", "{partition}", True),
        ("hour", "{start:%Y/%m/%d/%H}", True),
        ("hour", "{date:%Y%m%d}/{start:%H}", True),
        ("hour", "{start:%Y/%m/%d}", False),
        ("hour", "{start:%s}", True),
        ("hour", "{start}", True),
        ("hour", "{end}", False),
        ("week", "{date:%G-W%V}", True),
        ("week", "{date:%Y-W%V}", False),
        ("week", "{date}", True),
        ("week", "{date:%Y-%m}", False),
        ("month", "{date:%Y-%-m}", True),
        ("month", "{date:%Y}", False),
        ("month", "{date}", True),
        ("tick", "{date}", False),
        ("tick", "{tick}", True),
        ("tick", "{tick:%Y%m%dT%H%M%S}", True),
        ("tick", "{tick:%Y%m%dT%H%M}", False),
        ("list", "{partition}", True),
        ("list", "{date}", False),
        ("interval", "{partition}", True),
        ("interval", "{start}", False),
    ],
)
def test_a_name_tells_partitions_of_each_kind_apart_or_not(by, text, tells):
    assert tells_partitions(parse(text), Naming("p", "s", by)) is tells


def test_an_hour_that_the_clock_shows_twice_is_not_told_by_its_number():
    doubled = Naming("p", "s", "hour", steady=False)
    assert not tells_partitions(parse("{start:%Y%m%d%H}"), doubled)
    assert tells_partitions(parse("{start:%Y%m%d%H%z}"), doubled)
    assert tells_partitions(parse("{partition}"), doubled)


@pytest.mark.parametrize(
    ("text", "blurred"),
    [
        ("{date:%-m-%-d}{page}", True),
        ("{date:%Y%-m%-d}", True),
        ("{page}1{page}", True),
        ("{page}{date:%Y%-m}", True),
        ("{date:%Y-%-m-%-d}_{page}", False),
        ("{date}{page}", False),
        ("{page}{date}", False),
        ("{date:%Y%-j}", False),
        ("{row}{page}", True),
        ("{row}-{page}", False),
        ("{row.id}{page}", True),
        ("{row.id}1{page}", True),
        ("{page}{row.id}", True),
        ("{row.id}-{page}", False),
        ("{page}-{row.id}", False),
        ("{row.a}-{row.b}", True),
        ("{row.a}/{row.b}", False),
        ("{row.a}-{page}-{row.b}", True),
        ("{row.id}{date}", False),
        ("{start:%s}{page}", True),
    ],
)
def test_numbers_of_changing_width_stand_apart_or_not(text, blurred):
    assert vague(parse(text), DAY) is blurred


FORMS = ["%Y", "%m", "%d", "%j", "%-m", "%-d", "%-j", "-", "/", "0"]


@given(st.lists(st.sampled_from(FORMS), min_size=1, max_size=6), st.integers(0, 3650), st.integers(0, 3650))
def test_a_name_that_passes_gives_two_days_two_names(form, one, other):
    template = parse(f"{{date:{''.join(form)}}}_{{page}}")
    if not tells_partitions(template, DAY) or vague(template, DAY) or one == other:
        return
    days = [date(2020, 1, 1) + timedelta(days=days) for days in (one, other)]
    assert fill(template, {"date": days[0], "page": 1}) != fill(template, {"date": days[1], "page": 1})


ROW_PARTS = ["{row.a}", "{row.b}", "{row}", "{page}", "{date}", "a", "1", "-", "/"]
FIELDS = st.text(alphabet="a1-/", min_size=1, max_size=3)


@given(st.lists(st.sampled_from(ROW_PARTS), max_size=6), st.data())
def test_a_name_that_is_not_vague_gives_two_rows_and_pages_two_names(parts, data):
    template = parse("".join(parts))
    kinds = {"row.a": FIELDS, "row.b": FIELDS, "row": st.integers(1, 30), "page": st.integers(1, 30)}
    one, other = ({name: data.draw(kind) for name, kind in kinds.items()} for _ in range(2))
    told = [(one[name], other[name]) for name in variables(template) - {"date"}]
    names = [fill(template, {**values, "date": date(2022, 8, 9)}, encode_name) for values in (one, other)]
    assert vague(template, DAY) or (names[0] == names[1]) == all(here == there for here, there in told)


PARTS = ["{date}", "{date:%Y%m%d}", "{date:%-d}", "{page}", "a", "1", "-", "/", "{stream}", "{row}", "{row.id}"]


@given(st.lists(st.sampled_from(PARTS), max_size=5), st.lists(st.sampled_from(PARTS), max_size=5), st.data())
def test_templates_that_do_not_meet_never_give_one_name(one, other, data):
    pair = parse("".join(one)), parse("".join(other))
    days = st.dates(date(2020, 1, 1), date(2024, 1, 1))
    filled = [
        fill(
            template,
            {
                "date": data.draw(days),
                "page": data.draw(st.integers(1, 30)),
                "row": data.draw(st.integers(1, 30)),
                "row.id": data.draw(FIELDS),
                "stream": known.stream,
            },
            encode_name,
        )
        for template, known in zip(pair, KNOWN, strict=True)
    ]
    if filled[0] == filled[1] or filled[0].startswith(f"{filled[1]}/") or filled[1].startswith(f"{filled[0]}/"):
        assert meet(*pair, KNOWN)


@pytest.mark.parametrize("text", ["raw/{date}/{page}", "{date}", ".hidden/{date}", "a/b..c/{date}", "_levada_x/{date}"])
def test_good_names_are_in_the_lake(text):
    assert misplaced(parse(text), DAY) is None


def test_a_stream_cannot_be_the_folder_that_levada_keeps():
    assert misplaced(parse("{stream}/{date}"), Naming("p", "_levada")) is not None
