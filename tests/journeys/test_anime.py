"""The anime example against the simulated TMDB: a list, and a detail call for each of its first ten rows."""

import json
import shutil
from pathlib import Path
from urllib.parse import parse_qs
from urllib.request import urlopen

import fastavro
import pytest

from levada.simulate.server import running
from levada.simulate.tmdb import make_app
from patience import PATIENCE
from simulated import Levada

EXAMPLE = Path(__file__).parents[2] / "examples" / "anime" / "pipeline.yaml"
KEY = "a-key-of-this-test"
DAY, FOLDER = "2025-07-05", "2025/07/05"


@pytest.fixture(scope="module")
def tmdb():
    with running(make_app(key=KEY)) as server:
        yield server.url


def told(url, path):
    with urlopen(f"{url}/3{path}&api_key={KEY}&language=pt-BR", timeout=PATIENCE) as answer:
        return answer.read()


def log(url):
    with urlopen(f"{url}/_log", timeout=PATIENCE) as answer:
        return json.loads(answer.read())


@pytest.fixture
def levada(tmdb, tmp_path):
    spec = tmp_path / "pipeline.yaml"
    shutil.copy(EXAMPLE, spec)
    return Levada({"TMDB_API_URL": f"{tmdb}/3", "TMDB_API_KEY": KEY}, tmp_path)


def public(lake):
    return {
        str(path.relative_to(lake)): path.read_bytes()
        for path in lake.rglob("*")
        if path.is_file() and "_levada" not in path.parts
    }


def test_the_best_anime_and_the_details_of_ten(tmdb, levada, tmp_path):
    before = len(log(tmdb))
    done = levada("run", "pipeline.yaml", "--date", DAY)
    assert done.returncode == 0, done.stderr
    asked = log(tmdb)[before:]
    listed = json.loads((tmp_path / "lake" / "Raw/TMDB/JSON" / FOLDER / "animes.json").read_bytes())
    ten = [show["id"] for show in listed["results"][:10]]

    assert asked[0]["path"] == "/3/discover/tv"
    assert parse_qs(asked[0]["query"]) == {
        "language": ["pt-BR"],
        "sort_by": ["vote_average.desc"],
        "with_genres": ["16"],
        "with_origin_country": ["JP"],
        "vote_count.gte": ["100"],
        "api_key": ["[secret]"],
    }
    assert sorted(one["path"] for one in asked[1:]) == sorted(f"/3/tv/{number}" for number in ten)
    assert {one["status"] for one in asked} == {200}

    files = public(tmp_path / "lake")
    raw = {f"Raw/TMDB/JSON/{FOLDER}/{name}.json" for name in ["animes", *ten]}
    avro = f"Trusted/TMDB/Avro/anime/{FOLDER}/anime.avro"
    assert files.keys() == raw | {avro}
    for number in ten:
        assert files[f"Raw/TMDB/JSON/{FOLDER}/{number}.json"] == told(tmdb, f"/tv/{number}?")
    with (tmp_path / "lake" / avro).open("rb") as file:
        rows = list(fastavro.reader(file))
    assert [row["id"] for row in rows] == ten
    details = [json.loads(files[f"Raw/TMDB/JSON/{FOLDER}/{number}.json"]) for number in ten]
    assert [row["name"] for row in rows] == [detail["name"] for detail in details]
    assert [row["number_of_episodes"] for row in rows] == [detail["number_of_episodes"] for detail in details]
    assert "" in [show["overview"] for show in listed["results"]]


def test_running_again_changes_nothing(levada, tmp_path):
    assert levada("run", "pipeline.yaml", "--date", DAY).returncode == 0
    before = public(tmp_path / "lake")
    assert levada("run", "pipeline.yaml", "--date", DAY).returncode == 0
    assert public(tmp_path / "lake") == before


def test_a_wrong_key_is_told_in_the_words_of_the_api_and_writes_nothing(levada, tmp_path):
    done = levada("run", "pipeline.yaml", "--date", DAY, TMDB_API_KEY="quite-the-wrong-key")
    assert done.returncode == 2
    assert "Invalid API key: You must be granted a valid key." in done.stderr
    assert "quite-the-wrong-key" not in done.stderr + done.stdout
    assert public(tmp_path / "lake") == {}


def test_the_older_name_of_the_key_counts_too(levada, tmp_path):
    done = levada("run", "pipeline.yaml", "--date", DAY, TMDB_API_KEY="", IMDB_API_KEY=KEY)
    assert (done.returncode, len(public(tmp_path / "lake"))) == (0, 12)


def test_all_pages_of_the_best_anime(tmdb, levada, tmp_path):
    spec = tmp_path / "pipeline.yaml"
    paging = "    paging: {by: page, total_pages: $.total_pages, total_rows: $.total_results}\n"
    text = spec.read_text().replace("animes.json", "animes_{page}.json")
    spec.write_text(text.replace("    records: $.results[*]\n", f"    records: $.results[*]\n{paging}"))
    before = len(log(tmdb))
    done = levada("run", "pipeline.yaml", "--date", DAY)
    assert done.returncode == 0, done.stderr
    asked = log(tmdb)[before:]
    pages = [json.loads(body) for name, body in sorted(public(tmp_path / "lake").items()) if "animes_" in name]
    total = pages[0]["total_results"]
    assert len(pages) == pages[0]["total_pages"] == -(-total // 20)
    assert len({show["id"] for page in pages for show in page["results"]}) == total
    assert len(asked) == len(pages) + 10
