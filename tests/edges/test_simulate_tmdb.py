import http.client
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from urllib.parse import urlencode

import pytest

from levada.edges import FixedClock
from levada.errors import FixThis
from levada.simulate.server import running
from levada.simulate.tmdb import make_app
from patience import PATIENCE

KEY = "a-key-of-this-test"
ANIME = {"with_genres": "16", "with_origin_country": "JP", "vote_count.gte": "100", "sort_by": "vote_average.desc"}
LIST_KEYS = (
    "adult backdrop_path genre_ids id origin_country original_language original_name overview popularity poster_path "
    "first_air_date name vote_average vote_count"
)
DETAIL_KEYS = (
    "adult backdrop_path created_by episode_run_time first_air_date genres homepage id in_production languages "
    "last_air_date last_episode_to_air name next_episode_to_air networks number_of_episodes number_of_seasons "
    "origin_country original_language original_name overview popularity poster_path production_companies "
    "production_countries seasons spoken_languages status tagline type vote_average vote_count"
)
INVALID_KEY = {
    "status_code": 7,
    "status_message": "Invalid API key: You must be granted a valid key.",
    "success": False,
}
NOT_FOUND = {"status_code": 34, "status_message": "The resource you requested could not be found.", "success": False}
INVALID_PAGE = {
    "status_code": 22,
    "status_message": "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer.",
    "success": False,
}


class Client:
    def __init__(self, url):
        self._host = url.removeprefix("http://")

    def ask(self, target, **headers):
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def told(self, path, **query):
        status, _, body = self.ask(f"/3{path}?{urlencode({'api_key': KEY, **query})}")
        return status, json.loads(body)

    def discover(self, page=1, **query):
        status, body = self.told("/discover/tv", page=page, **query)
        assert status == 200
        return body

    def shows(self, **query):
        """All shows of a question, page by page."""
        pages = self.discover(**query)["total_pages"]
        return [show for page in range(1, pages + 1) for show in self.discover(page, **query)["results"]]


@pytest.fixture(scope="module")
def api():
    with running(make_app(key=KEY)) as server:
        yield Client(server.url)


def test_a_page_of_a_list(api):
    status, headers, body = api.ask(f"/3/discover/tv?api_key={KEY}")
    page = json.loads(body)
    assert (status, headers["Content-Type"]) == (200, "application/json;charset=utf-8")
    assert list(page) == ["page", "results", "total_pages", "total_results"]
    assert (page["page"], len(page["results"]), page["total_pages"], page["total_results"]) == (1, 20, 630, 12_600)
    assert all(" ".join(show) == LIST_KEYS for show in page["results"])


def test_the_question_of_the_best_anime_gives_some_hundred(api):
    first = api.discover(**ANIME)
    found = api.shows(**ANIME)
    assert 200 < len(found) == first["total_results"] < 1000
    assert len({show["id"] for show in found}) == len(found)
    assert len(found) - 20 * (first["total_pages"] - 1) in range(1, 21)
    assert all(16 in show["genre_ids"] for show in found)
    assert {show["origin_country"][0] for show in found} == {"JP"}
    assert min(show["vote_count"] for show in found) >= 100
    averages = [show["vote_average"] for show in found]
    assert averages != sorted(averages, reverse=True)  # as the API does: what is shown is not what it sorts by
    assert all(later - sooner < 0.1 for sooner, later in itertools.pairwise(averages))


def test_the_same_shows_each_time(api):
    with running(make_app(key=KEY)) as server:
        assert Client(server.url).discover(7, **ANIME) == api.discover(7, **ANIME)


def test_texts_in_portuguese_are_missing_at_times(api):
    found = api.shows(**ANIME, language="pt-BR")
    overviews = [show["overview"] for show in found]
    assert 0.2 < overviews.count("") / len(overviews) < 0.5
    assert any("ã" in text for text in overviews)
    assert any(show["name"] == show["original_name"] for show in found)
    english = api.discover(**ANIME)["results"]
    assert english[0]["name"].startswith("The ")
    assert re.search("[\u3040-\u9fff]", english[0]["original_name"])
    assert {show["overview"] for show in api.discover(**ANIME, language="xx-XX")["results"]} == {""}


def genres_of(shows):
    return [set(show["genre_ids"]) for show in shows]


def test_genres_by_comma_are_all_wanted_and_by_bar_one(api):
    both = api.discover(with_genres="16,35")
    some = api.discover(with_genres="16|35")
    one, other = (api.discover(with_genres=genre)["total_results"] for genre in ("16", "35"))
    assert all({16, 35} <= genres for genres in genres_of(both["results"]))
    assert all({16, 35} & genres for genres in genres_of(some["results"]))
    assert some["total_results"] == one + other - both["total_results"]


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({"with_origin_country": "BR|PT"}, lambda show: show["origin_country"][0] in {"BR", "PT"}),
        ({"with_original_language": "ko"}, lambda show: show["original_language"] == "ko"),
        ({"vote_count.lte": "3"}, lambda show: show["vote_count"] <= 3),
        ({"vote_average.gte": "9.5"}, lambda show: show["vote_average"] >= 9.5),
        ({"first_air_date.gte": "2024-05-01"}, lambda show: show["first_air_date"] >= "2024-05-01"),
        ({"first_air_date.lte": "1970-01-01"}, lambda show: show["first_air_date"] <= "1970-01-01"),
    ],
)
def test_filters(api, asked, holds):
    first = api.discover(**asked)
    assert 0 < first["total_results"] < 12_600
    assert all(map(holds, first["results"]))


@pytest.mark.parametrize("asked", [{"vote_count.gte": "many"}, {"with_genres": ""}, {"include_adult": "false"}])
def test_what_is_not_understood_changes_nothing(api, asked):
    assert api.discover(**asked) == api.discover()


@pytest.mark.parametrize("column", ["popularity", "vote_count", "first_air_date", "original_name"])
def test_orders(api, column):
    for way in ("asc", "desc"):
        values = [show[column] for show in api.discover(9, sort_by=f"{column}.{way}")["results"]]
        assert values == sorted(values, reverse=way == "desc")
    assert api.discover() == api.discover(sort_by="popularity.desc")


def test_five_hundred_pages_and_no_more(api):
    assert len(api.discover(500)["results"]) == 20
    assert api.told("/discover/tv", page=501) == (400, INVALID_PAGE)


@pytest.mark.parametrize("page", ["0", "-1", "1.5", "abc", "", " 1", "\u0661", "9" * 5000])
def test_a_page_that_is_none(api, page):
    assert api.told("/discover/tv", page=page) == (400, INVALID_PAGE)


def test_a_page_past_the_end_is_empty(api):
    pages = api.discover(**ANIME)["total_pages"]
    past = api.discover(pages + 1, **ANIME)
    assert (past["results"], past["page"], past["total_pages"]) == ([], pages + 1, pages)


def test_details(api):
    for show in api.discover(**ANIME, language="pt-BR")["results"]:
        status, detail = api.told(f"/tv/{show['id']}", language="pt-BR")
        assert (status, " ".join(detail)) == (200, DETAIL_KEYS)
        assert [genre["id"] for genre in detail["genres"]] == show["genre_ids"]
        same = [name for name in show if name != "genre_ids"]
        assert {name: detail[name] for name in same} == {name: show[name] for name in same}
        counted = [season for season in detail["seasons"] if season["season_number"]]
        assert detail["number_of_seasons"] == len(counted)
        assert detail["number_of_episodes"] == sum(season["episode_count"] for season in counted)
        assert detail["last_episode_to_air"]["air_date"] == detail["last_air_date"] >= detail["first_air_date"]


def test_details_differ_from_show_to_show(api):
    details = [api.told(f"/tv/{show['id']}")[1] for show in api.discover(sort_by="first_air_date.desc")["results"]]
    assert {detail["status"] for detail in details} == {"Ended", "Returning Series"}
    assert {detail["in_production"] for detail in details} == {True, False}
    upcoming = [detail for detail in details if detail["next_episode_to_air"]]
    assert upcoming
    assert all(d["next_episode_to_air"]["air_date"] > d["last_air_date"] for d in upcoming)
    assert {detail["seasons"][0]["season_number"] for detail in details} == {0, 1}
    specials = next(d["seasons"][0] for d in details if d["seasons"][0]["season_number"] == 0)
    assert (specials["name"], specials["air_date"]) == ("Specials", None)


def test_a_show_that_is_none(api):
    assert api.told("/tv/999999999") == (404, NOT_FOUND)
    invalid = "Invalid id: The pre-requisite id is invalid or not found."
    assert api.told("/tv/one") == (404, {"status_code": 6, "status_message": invalid, "success": False})


@pytest.mark.parametrize("path", ["/3/discover/tv", "/3/tv/1", "/3/nowhere", "/"])
def test_without_a_key_nothing_is_told(api, path):
    for query, headers in (("", {}), ("?api_key=wrong", {}), ("", {"Authorization": "Bearer wrong"})):
        status, _, body = api.ask(f"{path}{query}", **headers)
        assert (status, json.loads(body)) == (401, INVALID_KEY)


def test_the_key_as_a_bearer(api):
    bearer = {"Authorization": f"Bearer {KEY}"}
    assert json.loads(api.ask("/3/discover/tv?page=3", **bearer)[2]) == api.discover(3)


def test_other_paths(api):
    assert api.told("/nowhere") == (404, NOT_FOUND)


def test_refusals_byte_for_byte(api):
    assert api.ask("/3/tv/1")[2] == (
        b'{"status_code":7,"status_message":"Invalid API key: You must be granted a valid key.","success":false}'
    )


def test_the_forty_first_request_in_ten_seconds_is_refused_when_switched_on():
    clock = FixedClock()
    with running(make_app(key=KEY, count=40, limited=True, clock=clock)) as server:
        api = Client(server.url)
        target = f"/3/discover/tv?api_key={KEY}"
        assert api.ask("/3/discover/tv")[0] == 401  # costs nothing
        assert {api.ask(target)[0] for _ in range(39)} == {200}
        clock.pause(4.5)
        assert api.ask(target)[0] == 200
        status, headers, body = api.ask(target)
        assert (status, headers["Retry-After"]) == (429, "6")
        assert json.loads(body) == {
            "status_code": 25,
            "status_message": "Your request count (41) is over the allowed limit of (40).",
            "success": False,
        }
        clock.pause(5.5)
        assert [api.ask(target)[0] for _ in range(40)] == [200] * 39 + [429]


def test_without_the_switch_there_is_no_limit(api):
    assert [api.ask(f"/3/tv/1?api_key={KEY}")[0] for _ in range(45)] == [404] * 45


def test_the_key_is_never_in_the_log_and_faults_strike():
    with running(make_app(key=KEY, count=40)) as server:
        api = Client(server.url)
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)
        connection.request("PUT", "/_faults", body='{"match": {"page": 2}, "fault": {"status": 503}}')
        connection.getresponse().read()
        connection.close()
        assert [api.told("/discover/tv", page=page)[0] for page in (1, 2, 2)] == [200, 503, 200]
        log = api.ask("/_log")[2].decode()
        assert KEY not in log
        assert [entry["page"] for entry in json.loads(log)] == [1, 2, 2]


@pytest.mark.parametrize("count", [0, 100_001])
def test_too_few_and_too_many(count):
    with pytest.raises(FixThis, match=f"count is {count}") as caught:
        make_app(count=count)
    assert "a number from 1 to 100000" in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "counts", "shown"),
    [
        ({}, "levada-demo", "the default, levada-demo"),
        ({"IMDB_API_KEY": "older"}, "older", "IMDB_API_KEY"),
        ({"IMDB_API_KEY": "older", "TMDB_API_KEY": "newer"}, "newer", "TMDB_API_KEY"),
    ],
)
def test_the_command_tells_where_it_listens_and_whose_key_counts(environment, counts, shown):
    clean = {name: value for name, value in os.environ.items() if "_API_KEY" not in name}
    command = [sys.executable, "-m", "levada", "simulate", "tmdb", "--port", "0", "--limited"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**clean, **environment}) as process:
        line = process.stdout.readline()
        url = line.split()[3].removesuffix("/3;")
        assert line == f"Simulated TMDB on {url}/3; key: {shown}. Ctrl-C ends it.\n"
        api = Client(url)
        statuses = [api.ask(f"/3/tv/1?api_key={counts}")[0] for _ in range(41)]
        process.send_signal(signal.SIGINT)
        assert (statuses[0], statuses[-1], process.wait(PATIENCE)) == (404, 429, 130)
