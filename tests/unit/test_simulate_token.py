import sys

import pytest

from levada.errors import FixThis
from levada.simulate import require
from levada.simulate.sales import make_app, token


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("levada-demo", "the default, levada-demo")),
        ({"AUTH_TOKEN": "abc"}, ("abc", "AUTH_TOKEN")),
        ({"API_AUTH_TOKEN": "def"}, ("def", "API_AUTH_TOKEN")),
        ({"AUTH_TOKEN": "abc", "API_AUTH_TOKEN": "def"}, ("abc", "AUTH_TOKEN")),
        ({"AUTH_TOKEN": "", "API_AUTH_TOKEN": " def\n"}, ("def", "API_AUTH_TOKEN")),
        ({"AUTH_TOKEN": " "}, ("levada-demo", "the default, levada-demo")),
    ],
)
def test_where_the_token_comes_from(environment, expected):
    assert token(environment) == expected


@pytest.mark.parametrize("numbers", [{"rows": 0}, {"rows": 20_001}, {"page_size": 0}])
def test_numbers_out_of_range_are_told(numbers):
    ((name, value),) = numbers.items()
    with pytest.raises(FixThis) as caught:
        make_app(environment={}, **numbers)
    assert str(caught.value) == (
        f"{name} is {value}.\n  where: the simulated sales API\n  to do: give a number from 1 to 20000"
    )


def test_everything_is_installed_here():
    require()


def test_a_missing_library_is_told_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(FixThis) as caught:
        make_app(environment={})
    assert str(caught.value) == (
        "The simulated APIs need faker, which this Python does not have.\n"
        "  where: levada.simulate\n"
        "  to do: pip install 'levada[simulate]'"
    )
