"""The Link header as RFC 8288 has it, and as servers write it."""

import pytest

from levada.source.links import target_of

NEXT = "https://api.test/items?page=2"


@pytest.mark.parametrize(
    "header",
    [
        f'<{NEXT}>; rel="next"',
        f"<{NEXT}>; rel=next",
        f'<{NEXT}>;rel="next"',
        f'<{NEXT}> ; REL = "NEXT"',
        f'<{NEXT}>; rel="prev next"',
        f'<{NEXT}>; rel="next prev"; title="a, b; c"',
        f'<{NEXT}>; title="rel=\\"prev\\""; rel="next"',
        f"<{NEXT}>; title*=UTF-8''n%C3%A4chste; rel=next",
        f'<https://api.test/a?x=1,2>; rel="first", <{NEXT}>; rel="next", <https://api.test/z>; rel="last"',
        f', ,<{NEXT}>; rel="next",',
        f'<https://api.test/none>, <{NEXT}>; rel="next"',
        f'<{NEXT}>; crossorigin; rel="next"',
        f'< {NEXT} >; rel="next"',
    ],
)
def test_the_next_link_is_found_however_it_is_written(header):
    assert target_of(header, "next") == NEXT


@pytest.mark.parametrize(
    "header",
    [
        "",
        '<https://api.test/p>; rel="prev"',
        '<https://api.test/p>; rel="nextish"',
        '<https://api.test/p>; rel="prev"; rel="next"',
        "<https://api.test/p>",
        '<https://api.test/p>; title="rel=next"',
        "no link at all",
        '<https://api.test/p; rel="next"',
    ],
)
def test_no_next_link_is_made_up(header):
    assert target_of(header, "next") is None


def test_a_relative_target_and_another_relation_are_given_as_they_are_written():
    header = '</items?page=3>; rel="next", <?page=1>; rel="https://api.test/rel/start first"'

    assert target_of(header, "next") == "/items?page=3"
    assert target_of(header, "first") == "?page=1"
    assert target_of(header, "https://api.test/rel/start") == "?page=1"


def test_the_relation_of_a_spec_is_compared_without_case():
    assert target_of('<?page=2>; rel="next"', "Next") == "?page=2"
