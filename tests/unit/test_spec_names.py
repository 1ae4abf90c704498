"""Names in the lake: what two templates can share, and what one template blurs."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levada.spec.names import meet, misplaced, tells_partitions, vague
from levada.spec.template import encode_name, fill, parse

KNOWN = ({"pipeline": "p", "stream": "one"}, {"pipeline": "p", "stream": "two"})


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
    assert tells_partitions(parse(text)) is tells


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
    ],
)
def test_numbers_of_changing_width_stand_apart_or_not(text, blurred):
    assert vague(parse(text)) is blurred


FORMS = ["%Y", "%m", "%d", "%j", "%-m", "%-d", "%-j", "-", "/", "0"]


@given(st.lists(st.sampled_from(FORMS), min_size=1, max_size=6), st.integers(0, 3650), st.integers(0, 3650))
def test_a_name_that_passes_gives_two_days_two_names(form, one, other):
    template = parse(f"{{date:{''.join(form)}}}_{{page}}")
    if not tells_partitions(template) or vague(template) or one == other:
        return
    days = [date(2020, 1, 1) + timedelta(days=days) for days in (one, other)]
    assert fill(template, {"date": days[0], "page": 1}) != fill(template, {"date": days[1], "page": 1})


PARTS = ["{date}", "{date:%Y%m%d}", "{date:%-d}", "{page}", "a", "1", "-", "/", "{stream}"]


@given(st.lists(st.sampled_from(PARTS), max_size=5), st.lists(st.sampled_from(PARTS), max_size=5), st.data())
def test_templates_that_do_not_meet_never_give_one_name(one, other, data):
    pair = parse("".join(one)), parse("".join(other))
    days = st.dates(date(2020, 1, 1), date(2024, 1, 1))
    filled = [
        fill(template, {"date": data.draw(days), "page": data.draw(st.integers(1, 30)), **known}, encode_name)
        for template, known in zip(pair, KNOWN, strict=True)
    ]
    if filled[0] == filled[1] or filled[0].startswith(f"{filled[1]}/") or filled[1].startswith(f"{filled[0]}/"):
        assert meet(*pair, KNOWN)


@pytest.mark.parametrize("text", ["raw/{date}/{page}", "{date}", ".hidden/{date}", "a/b..c/{date}", "_levada_x/{date}"])
def test_good_names_are_in_the_lake(text):
    assert misplaced(parse(text), KNOWN[0]) is None


def test_a_stream_cannot_be_the_folder_that_levada_keeps():
    assert misplaced(parse("{stream}/{date}"), {"pipeline": "p", "stream": "_levada"}) is not None
