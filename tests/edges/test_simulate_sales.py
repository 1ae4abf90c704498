import http.client
import json
import re
from collections import Counter
from urllib.parse import urlencode

import pytest

from levada.simulate.sales import make_app
from levada.simulate.server import running
from patience import PATIENCE

TOKEN = "a-token-of-this-test"
DATES = ("2022-08-09", "2022-08-10", "2022-08-11")


class Client:
    def __init__(self, url):
        self._host = url.removeprefix("http://")

    def ask(self, target, *, token=TOKEN, method="GET"):
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        try:
            connection.request(method, target, headers={} if token is None else {"Authorization": token})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def sales(self, token=TOKEN, **query):
        status, _, body = self.ask(f"/sales?{urlencode(query)}", token=token)
        return status, json.loads(body)

    def records(self, day, pages=range(1, 5)):
        return [record for page in pages for record in self.sales(date=day, page=page)[1]]


@pytest.fixture(scope="module")
def api():
    with running(make_app(token=TOKEN)) as server:
        yield Client(server.url)


@pytest.mark.parametrize("day", DATES)
def test_a_date_has_four_pages(api, day):
    assert [len(api.sales(date=day, page=page)[1]) for page in range(1, 5)] == [100, 100, 100, 38]


def test_a_page_is_a_bare_list_in_the_recorded_style(api):
    status, headers, body = api.ask("/sales?date=2022-08-09&page=4")
    assert (status, headers["Content-Type"], int(headers["Content-Length"])) == (200, "application/json", len(body))
    record = r'\{"client": "[A-Za-z ]+", "purchase_date": "2022-08-09", "product": "[A-Za-z ]+", "price": \d+\}'
    assert re.fullmatch(rf"\[{record}(, {record}){{37}}\]", body.decode("ascii"))


def test_a_date_has_the_recorded_counts(api):
    records = api.records("2022-08-09")
    assert len(records) == len({json.dumps(record) for record in records}) == 338
    assert Counter(record["product"] for record in records) == {
        "Phone": 70,
        "Laptop": 62,
        "Microwave oven": 61,
        "Vacuum cleaner": 54,
        "TV": 50,
        "coffee machine": 41,
    }
    assert sum(count == 2 for count in Counter(record["client"] for record in records).values()) == 4
    prices = [record["price"] for record in records]
    assert (min(prices), max(prices)) == (88, 4835)


def test_the_dates_differ_in_purchase_date_alone(api):
    first, second, third = ([(r["client"], r["product"], r["price"]) for r in api.records(day)] for day in DATES)
    assert first == second == third


def test_two_dates_say_what_was_asked_for(api):
    assert {record["purchase_date"] for record in api.records("2022-08-09")} == {"2022-08-09"}
    assert {record["purchase_date"] for record in api.records("2022-08-10")} == {"2022-08-10"}


def test_page_1_of_the_third_date_tells_of_the_first(api):
    dates = [record["purchase_date"] for record in api.sales(date="2022-08-11", page=1)[1]]
    assert dates == ["2022-08-11"] + ["2022-08-09"] * 99
    assert {record["purchase_date"] for record in api.records("2022-08-11", range(2, 5))} == {"2022-08-11"}


@pytest.mark.parametrize("page", [5, 6, 10**17])
def test_past_the_end(api, page):
    assert api.sales(date="2022-08-09", page=page) == (
        404,
        {"message": f"You requested page that doesn't exist: page={page}"},
    )


@pytest.mark.parametrize("page", [1, 2, 9])
def test_a_date_without_data(api, page):
    assert api.sales(date="2022-08-08", page=page) == (404, {"message": "No data found for date 2022-08-08"})


def test_the_404_bodies_byte_for_byte(api):
    past_end = b'{"message": "You requested page that doesn\'t exist: page=5"}'
    assert api.ask("/sales?date=2022-08-09&page=5")[2] == past_end
    assert api.ask("/sales?date=2022-08-08&page=1")[2] == b'{"message": "No data found for date 2022-08-08"}'


@pytest.mark.parametrize("token", [None, "", "wrong", f"Bearer {TOKEN}", TOKEN.upper(), "levada-demo"])
def test_any_other_token_is_forbidden(api, token):
    assert api.sales(token=token, date="2022-08-09", page=1) == (403, {"message": "Forbidden"})


def test_the_token_is_looked_at_first(api):
    assert api.sales(token=None)[0] == 403


@pytest.mark.parametrize("page", ["0", "-1", "1.5", "abc", "", " 1", "1e2", "\u0661"])
def test_a_page_that_is_none(api, page):
    assert api.sales(date="2022-08-09", page=page) == (
        400,
        {"message": f"page must be a whole number from 1, not {page!r}"},
    )


@pytest.mark.parametrize("day", ["2022-8-9", "20220809", "2022-02-30", "2022-W32-2", "today", "", "2022-08-09T00:00"])
def test_a_date_that_is_none(api, day):
    assert api.sales(date=day, page=1) == (400, {"message": f"date must be given as YYYY-MM-DD, not {day!r}"})


def test_no_date(api):
    assert api.sales(page=1) == (400, {"message": "date must be given as YYYY-MM-DD"})


def test_no_page_is_page_1(api):
    assert api.sales(date="2022-08-09") == api.sales(date="2022-08-09", page=1)


def test_of_a_repeated_date_the_first_counts(api):
    both = api.ask("/sales?date=2022-08-10&date=2022-08-09&page=2")[2]
    assert both == api.ask("/sales?date=2022-08-10&page=2")[2]
    assert api.ask("/sales?date=2022-08-08&date=2022-08-09&page=2")[0] == 404


def test_a_double_slash_is_tolerated(api):
    assert api.ask("//sales?date=2022-08-09&page=1")[2] == api.ask("/sales?date=2022-08-09&page=1")[2]


def test_other_paths_and_methods(api):
    assert api.ask("/")[::2] == (404, b'{"message": "Not Found"}')
    assert api.ask("/docs")[0] == 404
    assert api.ask("/sales", method="POST")[::2] == (405, b'{"message": "Method Not Allowed"}')


def test_the_token_of_its_own_environment(monkeypatch):
    monkeypatch.delenv("AUTH_TOKEN", raising=False)
    monkeypatch.setenv("API_AUTH_TOKEN", "from-outside")
    with running(make_app()) as server:
        api = Client(server.url)
        assert api.sales(token="from-outside", date="2022-08-09")[0] == 200
        assert api.sales(token="levada-demo", date="2022-08-09")[0] == 403


def test_the_token_of_the_demo():
    with running(make_app(environment={})) as server:
        assert Client(server.url).sales(token="levada-demo", date="2022-08-09")[0] == 200


def test_an_api_of_forty_pages_that_has_every_date():
    with running(make_app(token=TOKEN, rows=3950, page_size=100, every_date=True)) as server:
        api = Client(server.url)
        assert [len(api.sales(date="2020-02-29", page=page)[1]) for page in (1, 39, 40)] == [100, 100, 50]
        assert api.sales(date="2020-02-29", page=41) == (
            404,
            {"message": "You requested page that doesn't exist: page=41"},
        )
        assert {record["purchase_date"] for record in api.records("2020-02-29")} == {"2020-02-29"}


def test_the_mistake_is_one_of_the_whole_page_whatever_its_size():
    with running(make_app(token=TOKEN, rows=5, page_size=3)) as server:
        dates = [record["purchase_date"] for record in Client(server.url).records("2022-08-11", (1, 2))]
        assert dates == ["2022-08-11", "2022-08-09", "2022-08-09", "2022-08-11", "2022-08-11"]
