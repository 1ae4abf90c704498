"""What answers say of tokens: how long they live, and whether they can be sent."""

from datetime import UTC, datetime, timedelta

import pytest

from levada.secret import Secret
from levada.source.auth.token import LONGEST, Token, life, shared, usable

NOW = datetime(2022, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        *((3600, 3600), (0, 0), (-5, 0), (1.5, 1.5), ("3600", 3600), (" 60.5 ", 60.5), ("-1", 0)),
        *((10**400, LONGEST), ("9" * 400, LONGEST), (float("inf"), LONGEST)),
        *((None, None), (True, None), ("soon", None), ("", None), ([60], None), (float("nan"), None), ("nan", None)),
    ],
)
def test_a_life_is_seconds_or_unknown(said, seconds):
    assert life(said) == seconds


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        *(("abc", "abc"), ("a b", "a b"), (4711, "4711")),
        *(("", None), (" ", None), ("a\nb", None), ("\ud800", None), ("a\x7f", None)),
        *((None, None), (True, None), (1.5, None), ({}, None)),
    ],
)
def test_a_token_is_text_that_a_header_can_carry(said, sent):
    assert usable(said) == sent


@pytest.mark.parametrize(
    ("lives", "stale_after"), [(3600, 3540), (600, 540), (100, 90), (10, 9), (0, 0), (LONGEST, LONGEST - 60)]
)
def test_a_token_is_stale_shortly_before_its_end(lives, stale_after):
    token = Token(Secret("T", "opaque-4711"), NOW, lives)
    assert token.is_stale(NOW + timedelta(seconds=stale_after))
    assert not token.is_stale(NOW + timedelta(seconds=stale_after - 0.01))


def test_a_token_of_unknown_life_is_never_stale():
    assert not Token(Secret("T", "opaque-4711"), NOW).is_stale(NOW + timedelta(days=9999))


def test_the_place_of_a_token_is_known_by_all_that_it_is_asked_with():
    assert shared("a", ["b"], None) is shared("a", ["b"], None)
    assert len({id(shared(*parts)) for parts in (("a", "b"), ("a", "c"), ("a",), ("ab",), ("a", None))}) == 5
