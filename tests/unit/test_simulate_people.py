from collections import Counter

import pytest

from levada.simulate.people import BLOCK, sales


def test_a_date_has_the_recorded_counts():
    made = sales(338)
    assert BLOCK == len(made) == 338
    assert Counter(sale.product for sale in made) == {
        "Phone": 70,
        "Laptop": 62,
        "Microwave oven": 61,
        "Vacuum cleaner": 54,
        "TV": 50,
        "coffee machine": 41,
    }


def test_four_clients_buy_twice_and_no_sale_is_there_twice():
    made = sales(338)
    assert Counter(Counter(sale.client for sale in made).values()) == {1: 330, 2: 4}
    assert len(set(made)) == 338


def test_prices_are_whole_and_reach_from_88_to_4835():
    prices = [sale.price for sale in sales(338)]
    assert {type(price) for price in prices} == {int}
    assert (min(prices), max(prices)) == (88, 4835)


def test_all_is_ascii():
    assert all(f"{sale.client}{sale.product}".isascii() for sale in sales(338))


def test_the_same_again():
    first = sales(338)
    sales.cache_clear()
    assert sales(338) == first


def test_more_rows_begin_with_the_same_ones():
    assert sales(4000)[:338] == sales(338)
    assert sales(10) == sales(338)[:10]


@pytest.mark.parametrize("rows", [1, 339, 4000])
def test_any_number_of_different_sales(rows):
    assert len(set(sales(rows))) == rows
