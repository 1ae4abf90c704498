"""The lake of the anime example: CSV databases and TMDB into a bucket of a real S3 server."""

import json
import secrets
import shutil
from pathlib import Path
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from pyarrow import parquet

from lambdas import emulator, function, runtime, unpacked
from levada.simulate.server import running
from levada.simulate.tmdb import make_app
from patience import PATIENCE
from simulated import Levada

EXAMPLE = Path(__file__).parents[2] / "examples" / "anime_lake" / "pipeline.yaml"
KEY = "a-key-of-this-test"
DAY = "2025-07-05"


@pytest.fixture(scope="module")
def tmdb():
    with running(make_app(key=KEY)) as server:
        yield server.url


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    done = Levada({}, folder)("simulate", "files", "--rows", "3000", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def bucket():
    return f"anime-{secrets.token_hex(6)}"


@pytest.fixture
def environment(tmdb, data, bucket, s3):
    named = {"S3_BUCKET_NAME": bucket, "TMDB_API_URL": f"{tmdb}/3", "TMDB_API_KEY": KEY, "DATA_DIR": str(data)}
    return {**named, **s3.environment}


@pytest.fixture
def levada(environment, tmp_path):
    """The command line beside a copy of the example, the bucket made."""
    shutil.copy(EXAMPLE, tmp_path / "pipeline.yaml")
    command = Levada(environment, tmp_path)
    done = command("doctor", "pipeline.yaml", "--create-bucket")
    assert done.returncode == 0, done.stderr
    return command


@pytest.fixture
def objects(s3, bucket):
    """What lies in the bucket, Levada's own apart: key -> body; with media, its content type."""
    client = boto3.client(
        "s3", endpoint_url=s3.endpoint, aws_access_key_id=s3.key, aws_secret_access_key=s3.secret,
        region_name="us-east-1", config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip

    def look(*, media=False):
        listed = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [entry["Key"] for page in listed for entry in page.get("Contents", ())]
        found = {key: client.get_object(Bucket=bucket, Key=key) for key in keys if not key.startswith("_levada/")}
        return {key: one["ContentType"] if media else one["Body"].read() for key, one in found.items()}

    return look


def told(url, path):
    with urlopen(f"{url}/3{path}?api_key={KEY}&language=pt-BR", timeout=PATIENCE) as answer:
        return answer.read()


def rewrite(folder, *pairs):
    text = (folder / "pipeline.yaml").read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (folder / "pipeline.yaml").write_text(text)


def ten(objects, folder="2025/07/05"):
    listed = json.loads(objects[f"Raw/TMDB/JSON/{folder}/animes.json"])
    return [show["id"] for show in listed["results"][:10]]


def test_both_databases_and_the_anime_in_a_bucket(levada, objects, data, tmdb, s3):
    done = levada("run", "pipeline.yaml", "--date", DAY)
    assert done.returncode == 0, done.stderr
    found = objects()
    shows = ten(found)
    assert found.keys() == {
        "Raw/Local/CSV/Movies/2025/07/05/movies.csv",
        "Raw/Local/CSV/Series/2025/07/05/series.csv",
        *(f"Raw/TMDB/JSON/2025/07/05/{name}.json" for name in ["animes", *shows]),
        "Trusted/TMDB/Parquet/anime/2025/07/05/anime.parquet",
    }
    assert found["Raw/Local/CSV/Movies/2025/07/05/movies.csv"] == (data / "movies.csv").read_bytes()
    assert found["Raw/Local/CSV/Series/2025/07/05/series.csv"] == (data / "series.csv").read_bytes()
    for number in shows:
        assert found[f"Raw/TMDB/JSON/2025/07/05/{number}.json"] == told(tmdb, f"/tv/{number}")
    assert not {KEY, s3.secret} & set((done.stdout + done.stderr).split())
    media = objects(media=True)
    assert {media[key] for key in media if key.endswith(".json")} == {"application/json"}
    assert {media[key] for key in media if key.endswith(".csv")} == {"text/csv"}


def test_the_details_are_a_table(levada, objects, tmp_path):
    assert levada("run", "pipeline.yaml", "--date", DAY, "--stream", "best", "--stream", "anime").returncode == 0
    found = objects()
    file = tmp_path / "anime.parquet"
    file.write_bytes(found["Trusted/TMDB/Parquet/anime/2025/07/05/anime.parquet"])
    rows = parquet.read_table(file).to_pylist()
    details = [json.loads(found[f"Raw/TMDB/JSON/2025/07/05/{number}.json"]) for number in ten(found)]
    for name in ("id", "name", "number_of_seasons", "number_of_episodes", "vote_average"):
        assert [row[name] for row in rows] == [detail[name] for detail in details]
    assert [json.loads(row["genres"]) for row in rows] == [detail["genres"] for detail in details]


def test_running_again_changes_nothing(levada, objects):
    assert levada("run", "pipeline.yaml", "--date", DAY).returncode == 0
    before = objects()
    done = levada("run", "pipeline.yaml", "--date", DAY)
    assert (done.returncode, done.stdout.count("(nothing changed)")) == (0, 4)
    assert objects() == before


def test_series_under_the_name_of_movies_are_noticed_by_their_header(levada, objects, data, tmp_path):
    (tmp_path / "wrong").mkdir()
    for name in ("movies.csv", "series.csv"):
        shutil.copy(data / "series.csv", tmp_path / "wrong" / name)
    done = levada("run", "pipeline.yaml", "--date", DAY, "--stream", "movies", DATA_DIR=str(tmp_path / "wrong"))
    assert done.returncode == 3, done.stderr
    assert "`anoTermino` is too many. This looks like the header of stream series." in done.stderr
    assert objects() == {}


def test_keys_without_zeros(levada, objects, tmp_path):
    rewrite(tmp_path, ("%Y/%m/%d", "%Y/%-m/%-d"))
    assert levada("run", "pipeline.yaml", "--date", DAY).returncode == 0
    assert {key.split("/", 3)[3].rpartition("/")[0] for key in objects() if key.startswith("Raw/TMDB/")} == {"2025/7/5"}
    assert "Raw/Local/CSV/Movies/2025/7/5/movies.csv" in objects()


def test_files_of_limited_length_when_asked(levada, objects, tmp_path):
    rewrite(
        tmp_path,
        ("    # raw_split: ", "    raw_split: "),
        ("records: 100, size: 10MB}", "records: 4, size: 10MB}"),
    )
    assert levada("run", "pipeline.yaml", "--date", DAY, "--stream", "best", "--stream", "anime").returncode == 0
    found = objects()
    parts = [json.loads(found[f"Raw/TMDB/JSON/2025/07/05/parts/animes-{number}.json"]) for number in (1, 2, 3)]
    assert [len(part) for part in parts] == [4, 4, 2]
    assert [show["id"] for part in parts for show in part] == ten(found)


def test_the_older_name_of_the_key_counts_too(levada, objects):
    done = levada("run", "pipeline.yaml", "--date", DAY, "--stream", "best", TMDB_API_KEY="", IMDB_API_KEY=KEY)
    assert (done.returncode, len(objects())) == (0, 1)


def test_a_wrong_key_writes_nothing(levada, objects):
    done = levada("run", "pipeline.yaml", "--date", DAY, "--stream", "best", TMDB_API_KEY="quite-the-wrong-key")
    assert done.returncode == 2
    assert "Invalid API key" in done.stderr
    assert "quite-the-wrong-key" not in done.stderr + done.stdout
    assert objects() == {}


def test_a_bucket_that_is_not_there_is_told(environment, tmp_path):
    shutil.copy(EXAMPLE, tmp_path / "pipeline.yaml")
    done = Levada(environment, tmp_path)("run", "pipeline.yaml", "--date", DAY, "--stream", "best")
    assert done.returncode == 2
    assert "--create-bucket" in done.stderr


@pytest.mark.skipif(emulator() is None, reason="the emulator comes with aws-sam-cli: python3 tasks.py test")
def test_the_anime_by_a_function(levada, objects, environment, tmp_path, s3):
    """As the course has it: the CSV files from a machine, TMDB from a function, on a schedule."""
    done = levada("package", "pipeline.yaml", "--out", "land.zip", "--stream", "best", "--stream", "anime")
    assert done.returncode == 0, done.stderr
    task, client = unpacked(tmp_path / "land.zip", tmp_path / "task"), runtime(tmp_path / "runtime")
    event = {"detail-type": "Scheduled Event", "source": "aws.events", "time": f"{DAY}T06:00:00Z", "detail": {}}
    with function(task, client, environment) as land:
        answer = land(event)
        assert answer["statusCode"] == 200, land.said
        assert not [secret for secret in (KEY, s3.secret) if secret in land.said]
    assert objects().keys() == {f"Raw/TMDB/JSON/2025/07/05/{name}.json" for name in ["animes", *ten(objects())]}
    done = levada("stage", "pipeline.yaml", "--date", DAY, "--stream", "anime")
    assert done.returncode == 0, done.stderr
    assert "Trusted/TMDB/Parquet/anime/2025/07/05/anime.parquet" in objects()
