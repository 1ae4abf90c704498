import http.client
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from levada.edges import FixedClock
from levada.errors import FixThis
from levada.simulate.purchases import make_app
from levada.simulate.purchases_made import PRODUCTS, Product, products, purchases
from levada.simulate.server import running
from patience import PATIENCE

NOON = datetime(2026, 1, 2, 12, 0, 0, 250_000, tzinfo=UTC)
KEYS = ["client", "creditcard", "product", "ean", "price", "clientPosition", "store", "dateTime"]


class Client:
    def __init__(self, url):
        self._host = url.removeprefix("http://")

    def ask(self, target, method="GET", body=None):
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        try:
            connection.request(method, target, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def told(self, target):
        status, body = self.ask(target)
        return status, json.loads(body)


@pytest.fixture(scope="module")
def api():
    with running(make_app(seed=3, clock=FixedClock(NOON))) as server:
        yield Client(server.url)


def test_it_greets(api):
    assert api.ask("/") == (200, '"Coca-Cola me patrocina!"')


def test_it_has_the_pages_of_its_framework(api):
    assert "swagger" in api.ask("/docs")[1]
    assert "redoc" in api.ask("/redoc")[1]
    assert set(api.told("/openapi.json")[1]["paths"]) == {"/", "/gerar_compra", "/gerar_compras/{numero_registro}"}
    assert api.ask("/gerar_compra/")[0] == 307
    assert api.told("/github-markdown-css") == (404, {"detail": "Not Found"})


def test_as_many_as_asked_for_in_the_recorded_shape(api):
    status, found = api.told("/gerar_compras/50")
    assert (status, len(found)) == (200, 50)
    for one in found:
        assert list(one) == KEYS
        types = [type(value) for value in one.values()]
        assert types == [str, str, str, int, float, list, int, str]
        assert [type(part) for part in one["clientPosition"]] == [str] * 5
        assert one["store"] == 11
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", one["dateTime"])
        assert "1970" <= one["dateTime"] <= "2026-01-02T12:00:00"


def test_each_is_sold_at_one_fifth_more_than_the_list_says(api):
    listed = {(int(product.ean), product.name): product.price for product in products()}
    for one in api.told("/gerar_compras/200")[1]:
        assert one["price"] == round(listed[one["ean"], one["product"]] * 1.2, 2)


def test_one_purchase_is_a_list_of_one(api):
    status, found = api.told("/gerar_compra")
    assert (status, found) == (200, purchases(1, 3, NOON))
    assert found == api.told("/gerar_compras/1")[1]


@pytest.mark.parametrize("count", [0, -1, -50])
def test_too_few_is_told_with_200(api, count):
    assert api.ask(f"/gerar_compras/{count}") == (200, '{"error":"O número deve ser maior que 1"}')


@pytest.mark.parametrize("text", ["abc", "1.5", "", "10001"])
def test_what_is_no_number_and_too_many(api, text):
    status, found = api.told(f"/gerar_compras/{text}")
    if not text:
        assert (status, found) == (404, {"detail": "Not Found"})
        return
    assert status == 422
    assert found["detail"][0]["loc"] == ["path", "numero_registro"]
    assert found["detail"][0]["input"] == text


def test_the_same_second_has_the_same_purchases_and_the_next_one_others(api):
    assert api.told("/gerar_compras/20")[1] == api.told("/gerar_compras/20")[1] == purchases(20, 3, NOON)
    assert api.told("/gerar_compras/5")[1] == purchases(20, 3, NOON)[:5]
    assert purchases(20, 3, NOON) == purchases(20, 3, NOON.replace(microsecond=0))
    assert purchases(20, 3, NOON) != purchases(20, 3, NOON + timedelta(seconds=1))
    assert purchases(20, 3, NOON) != purchases(20, 4, NOON)


def test_purchases_that_failed():
    with running(make_app(errors=10, clock=FixedClock(NOON))) as server:
        found = Client(server.url).told("/gerar_compras/35")[1]
        failed = {place: one for place, one in enumerate(found, start=1) if one["product"] == "error"}
        assert list(failed) == [10, 20, 30]
        assert {(one["ean"], one["price"], one["store"]) for one in failed.values()} == {(0, 0.0, 11)}
        assert all(isinstance(one["price"], float) for one in failed.values())
        assert Client(server.url).told("/gerar_compra")[1][0]["product"] != "error"


def test_no_share_of_errors_below_one():
    with pytest.raises(FixThis) as caught:
        make_app(errors=0)
    assert str(caught.value) == ("errors is 0.\n  where: the simulated purchases API\n  to do: give a number from 1")


def test_the_list_of_products():
    listed = products()
    assert len(listed) == len({product.ean for product in listed}) == PRODUCTS == 200
    assert all(re.fullmatch(r"\d{13}", product.ean) for product in listed)
    assert sum(product.ean.startswith("0") for product in listed) > 20
    assert all(1.12 <= product.price <= 99.77 for product in listed)
    assert len(Counter(product.name for product in listed)) == 9
    assert any(not product.name.isascii() for product in listed)
    assert all(_checked(product) for product in listed)


def _checked(product: Product) -> bool:
    digits = [int(digit) for digit in product.ean]
    return (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def test_the_first_product_of_the_list_is_never_sold():
    sold = {one["ean"] for second in range(4) for one in purchases(1_000, 3, NOON + timedelta(seconds=second))}
    assert sold == {int(product.ean) for product in products()[1:]}


def test_zeros_at_the_front_of_an_ean_are_gone_in_answers():
    sold = {str(one["ean"]) for one in purchases(1_000, 3, NOON)}
    assert any(len(ean) < 13 for ean in sold)
    assert {ean.zfill(13) for ean in sold} <= {product.ean for product in products()}


def test_accents_are_written_as_they_are(api):
    assert re.search('"product":"(televisão|telemóvel|câmara)"', api.ask("/gerar_compras/50")[1])


def test_it_fails_on_demand_and_writes_down_what_it_was_asked():
    with running(make_app(clock=FixedClock(NOON))) as server:
        api = Client(server.url)
        rule = {"match": {"path": "/gerar_compras/50"}, "times": 1, "fault": {"status": 503}}
        assert api.ask("/_faults", "PUT", json.dumps(rule))[0] == 200
        assert [api.ask("/gerar_compras/50")[0], api.ask("/gerar_compras/50")[0]] == [503, 200]
        log = [(entry["path"], entry["status"]) for entry in api.told("/_log")[1]]
        assert log == [("/gerar_compras/50", 503), ("/gerar_compras/50", 200)]
